//! The in-memory adapter of every port that keeps something: the executable meaning of each contract.
//!
//! One lock guards one `World`; every operation takes it once, works without waiting and lets it go,
//! so that a dropped future has either done its work or not begun. A refused change set is taken back write by write
//! before the lock is released. Nothing survives the process, and nothing is ever forgotten while it runs.

mod blob;
mod commit;
mod conversation;
mod correspondent;
mod erase;
mod index;
mod journal;
mod knowledge;
mod lease;
mod mail;
mod mailer;
mod metrics;
mod notify;
mod queue;
mod search;
mod team;
mod tenant;
mod ticket;
mod user;
mod vector;
mod world;
mod write;

#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::{
    access::Scope,
    error::{Error, ErrorKind, Result},
    page::{Cursor, Page, PageRequest},
};

pub use blob::MemoryBlobs;
pub use index::MemoryIndex;
pub use mailer::MemoryMailer;
pub use vector::MemoryVectorIndex;

use world::{Desk, World};

/// A store that lives in this process: every part of [`Store`](crate::port::Store). Clones are handles on one world.
#[derive(Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    world: Mutex<World>,
    wake: Notify,
}

impl MemoryStore {
    /// Returns an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.shared.world)
    }

    /// Reads from the desk of the scope's tenant; the default when there is none.
    fn read<T: Default>(&self, scope: &Scope, look: impl FnOnce(&Desk) -> T) -> T {
        self.world().desks.get(&scope.tenant()).map(look).unwrap_or_default()
    }

    /// Wakes everybody who waits in `changed`, and the next one who begins to.
    fn wake(&self) {
        self.shared.wake.notify_waiters();
        self.shared.wake.notify_one();
    }

    /// Makes the payload of a job unreadable, as one written by a newer version would be; `false` without such a job.
    #[cfg(feature = "testing")]
    pub fn spoil_job(&self, id: crate::id::JobId) -> bool {
        self.world().queue.spoil(id)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("tenants", &self.world().desks.len()).finish()
    }
}

/// Takes a lock. No code panics while it holds one, so that a poisoned lock guards a sound state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Cuts a page from rows in order, of which `shown` says which ones count.
fn page_of<'a, T: Clone + 'a>(
    rows: impl Iterator<Item = &'a T>,
    shown: impl Fn(&T) -> bool,
    page: &PageRequest,
    cursor: impl Fn(&T) -> Cursor,
) -> Page<T> {
    let found: Vec<T> = rows.filter(|row| shown(row)).take(page.limit() + 1).cloned().collect();
    Page::from_overfetch(found, page.limit(), cursor)
}

/// Refuses a number outside of its stated range.
fn in_range(operation: &'static str, number: usize, least: usize, most: usize) -> Result<usize> {
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    Err(Error::new(ErrorKind::Invalid, operation).context(format!("{number} is not within {least}..={most}")))
}
