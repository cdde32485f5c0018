//! Concurrent commits share a transaction: what waits is taken together, and each change set keeps its own outcome.

use std::sync::Arc;

use autocrm_core::{
    change::Receipt,
    error::{Error, ErrorKind, Result},
};
use tokio::sync::oneshot;

use crate::{
    plan::Plan,
    postgres::{
        commit::{self, Committed},
        gate::Seat,
        sealer,
        store::{PostgresStore, Shared},
    },
};

const COMMIT: &str = "commit";

/// A change set that waits to be committed.
pub(crate) struct Waiting {
    plan: Plan,
    reply: oneshot::Sender<Result<Receipt>>,
}

impl PostgresStore {
    /// Queues a change set and waits for its outcome. It is committed even if nobody waits any more.
    pub(crate) async fn queue_commit(&self, plan: Plan) -> Result<Receipt> {
        let (reply, outcome) = oneshot::channel();
        let config = &self.shared.config;
        let queued = self.shared.commits.queue(Waiting { plan, reply }, config.queue, config.committers);
        let seat = queued.map_err(|_| Error::new(ErrorKind::Overloaded, COMMIT))?;
        if let Some(seat) = seat {
            #[expect(
                clippy::disallowed_methods,
                reason = "a commit runs to its end even when its caller is dropped"
            )]
            tokio::spawn(drive(Arc::clone(&self.shared), seat));
        }
        let lost = || Error::new(ErrorKind::Unavailable, COMMIT).context("the runtime is shutting down");
        outcome.await.unwrap_or_else(|_| Err(lost()))
    }
}

/// Commits what waits until nothing does.
async fn drive(shared: Arc<Shared>, mut seat: Seat<Waiting>) {
    loop {
        let waiting = seat.take(shared.config.batch);
        if waiting.is_empty() {
            return;
        }
        let (mut plans, mut replies) = (Vec::with_capacity(waiting.len()), Vec::with_capacity(waiting.len()));
        for one in waiting {
            plans.push(one.plan);
            replies.push(one.reply);
        }
        let Committed { outcomes, jobs, events } = commit::batch(&shared, &mut plans).await;
        for (reply, outcome) in replies.into_iter().zip(outcomes) {
            // The caller may have gone; the work is done all the same.
            drop(reply.send(outcome));
        }
        if jobs {
            shared.jobs.notify_waiters();
            shared.jobs.notify_one();
        }
        sealer::follow(&shared, jobs, events);
    }
}
