//! The ends of attempts at jobs.

use autocrm_core::{
    change::{JobFinish, JobOutcome},
    error::Result,
};
use sqlx::PgConnection;

use crate::{
    column::Uid,
    postgres::{failure::During, round::conflict, rows::Rows},
};

const COMMIT: &str = "commit";

/// The columns of a job that goes on, as arrays.
#[derive(Debug, Default)]
struct Kept<'a> {
    ids: Vec<Uid>,
    states: Vec<i64>,
    attempts: Vec<i64>,
    run_ats: Vec<i64>,
    errors: Vec<Option<&'a str>>,
}

/// Ends attempts: of jobs that the round has locked and found to be held.
pub(crate) async fn write(
    connection: &mut PgConnection,
    tenant: Uid,
    rows: &Rows,
    finished: &[&JobFinish],
) -> Result<()> {
    let mut done: Vec<Uid> = Vec::new();
    let mut kept = Kept::default();
    for finish in finished {
        let id = Uid::of(finish.job);
        let job = rows.job(id).ok_or_else(|| conflict(finish.job))?;
        let may_retry = if job.attempts < job.max_attempts { 0 } else { 2 };
        let (state, attempts, run_at, error) = match &finish.outcome {
            JobOutcome::Done => {
                done.push(id);
                continue;
            }
            JobOutcome::Retry { at, error } => {
                (may_retry, job.attempts, at.as_micros(), Some(error.as_str()))
            }
            JobOutcome::Snooze { at } => (0, (job.attempts - 1).max(0), at.as_micros(), None),
            JobOutcome::Dead { error } => (2, job.attempts, job.run_at, Some(error.as_str())),
        };
        kept.ids.push(id);
        kept.states.push(state);
        kept.attempts.push(attempts);
        kept.run_ats.push(run_at);
        kept.errors.push(error);
    }
    if !done.is_empty() {
        sqlx::query("DELETE FROM autocrm.autocrm_job WHERE tenant = $1 AND id = ANY ($2::uuid[])")
            .bind(tenant)
            .bind(&done)
            .execute(&mut *connection)
            .await
            .during(COMMIT)?;
    }
    if !kept.ids.is_empty() {
        sqlx::query(include_str!("sql/keep_jobs.sql"))
            .bind(tenant)
            .bind(&kept.ids)
            .bind(&kept.states)
            .bind(&kept.attempts)
            .bind(&kept.run_ats)
            .bind(&kept.errors)
            .execute(connection)
            .await
            .during(COMMIT)?;
    }
    Ok(())
}
