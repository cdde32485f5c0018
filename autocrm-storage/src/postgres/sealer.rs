//! What follows a commit and need not be waited for: its events get their positions, and other nodes hear of its jobs.

use std::{sync::Arc, time::Duration};

use autocrm_core::error::Result;

use crate::postgres::{
    failure::During,
    gate::Seat,
    journal,
    session::{Access, RUNTIME, Session},
    store::Shared,
};

const TELL: &str = "tell of jobs";
/// The channel on which nodes are told of new jobs.
pub(crate) const CHANNEL: &str = "autocrm_jobs";
/// For how long commits are gathered before they are followed up. Who reads the feed meanwhile seals by itself, and
/// workers poll.
const PAUSE: Duration = Duration::from_millis(25);
/// How many commits are followed up at once. Beyond these, the ones that wait already lead to the same.
const MOST: usize = 64;

/// What a commit has left to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trace {
    jobs: bool,
    events: bool,
}

/// Has a commit followed up, soon and by a task of its own: the commits after it do not wait.
pub(crate) fn follow(shared: &Arc<Shared>, jobs: bool, events: bool) {
    let jobs = jobs && shared.config.listen;
    if !(jobs || events) {
        return;
    }
    // A full queue holds enough that seals and tells; a seal takes everything that is committed, whoever asked.
    if let Ok(Some(seat)) = shared.traces.queue(Trace { jobs, events }, MOST, 1) {
        #[expect(clippy::disallowed_methods, reason = "sealing goes on when the caller is dropped")]
        tokio::spawn(drive(Arc::clone(shared), seat));
    }
}

async fn drive(shared: Arc<Shared>, mut seat: Seat<Trace>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        let traces = seat.take(MOST);
        if traces.is_empty() {
            return;
        }
        if traces.iter().any(|trace| trace.events)
            && let Err(error) = journal::seal(&shared).await
        {
            tracing::warn!(code = error.code(), "events wait to be sealed by the next commit or reader");
        }
        if traces.iter().any(|trace| trace.jobs)
            && let Err(error) = tell(&shared).await
        {
            tracing::debug!(code = error.code(), "other nodes find the new jobs when they poll");
        }
    }
}

/// Tells every node that listens that there are new jobs. It is a hint that may be lost with the server, so that nothing is
/// synced for it; and it has a transaction of its own, because such transactions commit one after the other.
async fn tell(shared: &Shared) -> Result<()> {
    let mut tx = shared.begin(TELL, &Session::worker(), Access::Write, RUNTIME).await?;
    sqlx::query("SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, '')")
        .bind(CHANNEL)
        .execute(&mut *tx)
        .await
        .during(TELL)?;
    tx.commit().await.during(TELL)
}
