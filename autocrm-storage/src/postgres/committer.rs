//! Concurrent commits share a transaction: what waits is taken together, and each change set keeps its own outcome.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError},
};

use autocrm_core::{
    change::Receipt,
    error::{Error, ErrorKind, Result},
};
use tokio::sync::oneshot;

use crate::{
    plan::Plan,
    postgres::{
        commit::{self, Committed},
        journal,
        store::{PostgresStore, Shared},
    },
};

const COMMIT: &str = "commit";

/// A change set that waits to be committed.
struct Waiting {
    plan: Plan,
    reply: oneshot::Sender<Result<Receipt>>,
}

/// The change sets that wait, and how many transactions are taking them.
#[derive(Default)]
pub(crate) struct Inbox {
    waiting: VecDeque<Waiting>,
    drivers: usize,
}

impl PostgresStore {
    /// Queues a change set and waits for its outcome. It is committed even if nobody waits any more.
    pub(crate) async fn queue_commit(&self, plan: Plan) -> Result<Receipt> {
        let (reply, outcome) = oneshot::channel();
        let starts_driver = {
            let mut inbox = self.shared.inbox();
            if inbox.waiting.len() >= self.shared.config.queue {
                return Err(Error::new(ErrorKind::Overloaded, COMMIT));
            }
            inbox.waiting.push_back(Waiting { plan, reply });
            let starts = inbox.drivers < self.shared.config.committers;
            inbox.drivers += usize::from(starts);
            starts
        };
        if starts_driver {
            let driver = Driver { shared: Arc::clone(&self.shared), has_left: false };
            #[expect(
                clippy::disallowed_methods,
                reason = "a commit runs to its end even when its caller is dropped"
            )]
            tokio::spawn(driver.run());
        }
        let lost = || Error::new(ErrorKind::Unavailable, COMMIT).context("the runtime is shutting down");
        outcome.await.unwrap_or_else(|_| Err(lost()))
    }
}

/// How many batches may follow each other before their events are sealed, when there is no pause to do it in.
const UNSEALED: u32 = 8;

/// Takes what waits until nothing does.
struct Driver {
    shared: Arc<Shared>,
    /// Whether it has said under the lock of the queue that it takes no more.
    has_left: bool,
}

impl Drop for Driver {
    fn drop(&mut self) {
        // A driver that was dropped at work: the runtime ends. The next commit begins another one.
        if !self.has_left {
            self.shared.inbox().drivers -= 1;
        }
    }
}

impl Driver {
    async fn run(mut self) {
        let mut unsealed = 0;
        loop {
            let waiting = self.take();
            if waiting.is_empty() {
                return;
            }
            let (mut plans, mut replies) =
                (Vec::with_capacity(waiting.len()), Vec::with_capacity(waiting.len()));
            for one in waiting {
                plans.push(one.plan);
                replies.push(one.reply);
            }
            let Committed { outcomes, jobs, events } = commit::batch(&self.shared, &mut plans).await;
            for (reply, outcome) in replies.into_iter().zip(outcomes) {
                // The caller may have gone; the work is done all the same.
                drop(reply.send(outcome));
            }
            if jobs {
                self.shared.jobs.notify_waiters();
                self.shared.jobs.notify_one();
            }
            unsealed += u32::from(events);
            if unsealed > 0 && (unsealed >= UNSEALED || self.shared.inbox().waiting.is_empty()) {
                unsealed = 0;
                if let Err(error) = journal::seal(&self.shared).await {
                    tracing::warn!(
                        code = error.code(),
                        "events wait to be sealed by the next commit or reader"
                    );
                }
            }
        }
    }

    fn take(&mut self) -> VecDeque<Waiting> {
        let mut inbox = self.shared.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        if inbox.waiting.is_empty() {
            // Under the same lock, so that whoever queues next sees that another driver is needed.
            inbox.drivers -= 1;
            self.has_left = true;
        }
        let most = self.shared.config.batch.min(inbox.waiting.len());
        inbox.waiting.drain(..most).collect()
    }
}
