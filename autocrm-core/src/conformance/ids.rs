//! Ids for scenarios that need no world.

use crate::{
    clock::{Stamp, Timestamp},
    id::Id,
    testing::SequentialIds,
};

/// A source of ids, each greater than the one before.
pub(crate) struct Ids(SequentialIds);

impl Ids {
    pub(crate) fn new() -> Self {
        Self(SequentialIds::default())
    }

    pub(crate) fn next<T: Id>(&self) -> T {
        Stamp::new(Timestamp::from_micros(1_772_352_000_000_000), &self.0).id()
    }
}
