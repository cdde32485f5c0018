//! Ids that repeat from run to run.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use crate::{
    clock::Timestamp,
    id::{IdSource, uuid_v7},
};

/// Ids whose free bits count up: the same calls give the same ids, and those of one instant sort in the order of the
/// calls.
#[derive(Debug, Default)]
pub struct SequentialIds {
    next: AtomicU64,
}

impl SequentialIds {
    /// Returns a source whose count begins at `first`, so that two sources stay apart.
    pub fn starting_at(first: u64) -> Self {
        Self { next: AtomicU64::new(first) }
    }
}

impl IdSource for SequentialIds {
    fn uuid(&self, at: Timestamp) -> Uuid {
        // The two lowest bits are not kept.
        uuid_v7(at, self.next.fetch_add(1, Ordering::SeqCst) << 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_calls_give_equal_ids_in_order() {
        let (one, other) = (SequentialIds::default(), SequentialIds::default());
        let at = Timestamp::EPOCH;
        let ids: Vec<Uuid> = (0..100).map(|_| one.uuid(at)).collect();
        assert!(ids.is_sorted_by(|earlier, later| earlier < later));
        assert_eq!(ids, (0..100).map(|_| other.uuid(at)).collect::<Vec<_>>());
        assert_ne!(SequentialIds::starting_at(100).uuid(at), ids[0]);
    }
}
