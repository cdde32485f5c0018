//! The only load → decide → commit loop.

use std::future::Future;

use crate::{
    app::{AutoCrm, Error, Result},
    change::{ChangeSet, IdempotencyKey, Receipt},
};

/// How often a command is decided anew from a fresh load before it answers `Contended`.
const MAX_ATTEMPTS: u32 = 8;

/// A decided command that is not committed: hand [`changes`](Self::changes) to a store's `commit_in` inside the host's
/// own transaction, or drop it and nothing has happened.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a plan takes effect only when its change set is committed"]
pub struct Planned<T> {
    output: T,
    changes: ChangeSet,
}

impl<T> Planned<T> {
    pub(crate) fn new(output: T, changes: ChangeSet) -> Self {
        Self { output, changes }
    }

    /// Returns what the command will have answered; numbers of new tickets are in the receipt.
    pub fn output(&self) -> &T {
        &self.output
    }

    /// Returns what is to be committed.
    pub fn changes(&self) -> &ChangeSet {
        &self.changes
    }

    /// Returns both parts.
    pub fn into_parts(self) -> (T, ChangeSet) {
        (self.output, self.changes)
    }

    pub(crate) fn changes_mut(&mut self) -> &mut ChangeSet {
        &mut self.changes
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) enum Settled<T> {
    /// It was committed now.
    Done(T, Receipt),
    /// It was committed before, under the same key.
    Replayed(Receipt),
}

impl<T> Settled<T> {
    /// Returns what a command without a key answered.
    pub(crate) fn into_done(self) -> Result<(T, Receipt)> {
        match self {
            Self::Done(output, receipt) => Ok((output, receipt)),
            Self::Replayed(_) => Err(Error::Contended),
        }
    }
}

/// Decides and commits; on a conflict it starts over from a fresh load. `plan` is told which attempt it is, from 0.
pub(crate) async fn transact<T, F, Fut>(
    crm: &AutoCrm,
    key: Option<IdempotencyKey>,
    mut plan: F,
) -> Result<Settled<T>>
where
    F: FnMut(u32) -> Fut,
    Fut: Future<Output = Result<Planned<T>>>,
{
    for attempt in 0..MAX_ATTEMPTS {
        let planned = plan(attempt).await;
        let mut planned = match (planned, &key) {
            (Ok(planned), _) => planned,
            // The first run of a repeated request may have changed what its repetition is refused for.
            (Err(refusal), Some(key)) => {
                return crm.store().receipt(key).await?.map(Settled::Replayed).ok_or(refusal);
            }
            (Err(refusal), None) => return Err(refusal),
        };
        if planned.changes.is_empty() && key.is_none() {
            return Ok(Settled::Done(planned.output, Receipt::default()));
        }
        planned.changes.keyed(key.clone());
        match crm.store().commit(&planned.changes).await {
            Ok(receipt) if receipt.replayed => return Ok(Settled::Replayed(receipt)),
            Ok(receipt) => return Ok(Settled::Done(planned.output, receipt)),
            Err(error) if error.is_conflict() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::Contended)
}
