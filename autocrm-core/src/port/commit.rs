//! The port through which everything is written.

use async_trait::async_trait;

use crate::{
    change::{ChangeSet, IdempotencyKey, Receipt},
    error::Result,
};

/// Applies change sets.
///
/// # Contract
/// * **C1** A committed set reads back equal, with its assigned numbers: times to the microsecond, text byte for byte.
/// * **C2** If a requirement or a write's `from` version does not hold, or a uniqueness is violated, nothing is
///   visible: `Conflict`, to be decided again from a fresh load.
/// * **C3** Of any number of commits from one version, exactly one succeeds.
/// * **C4** A failure after the first row was written leaves nothing.
/// * **C5** A row named by `Unchanged` is checked although it is not written; `LoadBelow` counts the rows themselves.
/// * **C6** After `Ok`, every later read on any handle sees the set.
/// * **C7** Dropping the future leaves the set applied or not, never partly; the connection stays usable.
/// * **C8** The same idempotency key and request hash changes nothing and returns the first receipt, marked `replayed`;
///   another hash is `KeyReused`. Keys are scoped (tenant, principal, key) and kept 72 h after the set's `at`; a set
///   whose `at` is later than that starts anew.
/// * **C9** Ticket numbers are assigned inside the commit, unique per tenant, increasing in commit order; a refused set
///   uses none. A stored ticket keeps its number, whatever a later row says.
/// * **C10** Every event of a committed set gets the next position of its tenant, in the order of the set, without
///   gaps; a refused set uses none.
/// * **C11** `FinishJob` is accepted only with the current token of a leased job; otherwise the whole set is a
///   `Conflict`. `Retry` beyond the attempt limit makes the job dead.
/// * **C12** `ActiveUser` holds if and only if the user's row, as it stands before the set's writes, belongs to the
///   tenant and is active; it is checked although the set does not write it. Its version does not matter.
#[async_trait]
pub trait Committer: Send + Sync {
    /// Applies `changes`, all or nothing.
    async fn commit(&self, changes: &ChangeSet) -> Result<Receipt>;

    /// Returns the receipt kept under the key, marked `replayed`; `None` when there is none. `KeyReused` when it was
    /// kept for another request.
    async fn receipt(&self, key: &IdempotencyKey) -> Result<Option<Receipt>>;
}
