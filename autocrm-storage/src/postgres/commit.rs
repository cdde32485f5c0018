//! One durable transaction for many change sets. Together first; as soon as the server refuses something, anew with a
//! savepoint for each, so that a poisoned change set fails alone.

use autocrm_core::{
    change::Receipt,
    error::{Error, ErrorKind, Result},
};
use sqlx::PgConnection;

use crate::{
    column::Uid,
    plan::Plan,
    postgres::{
        failure::During,
        round,
        session::{Access, RUNTIME, Session, nobody},
        store::Shared,
    },
};

const COMMIT: &str = "commit";

/// What became of a batch.
pub(crate) struct Committed {
    /// One for each change set, in order.
    pub(crate) outcomes: Vec<Result<Receipt>>,
    /// Whether workers may find a new job.
    pub(crate) jobs: bool,
    /// Whether there are events without a position.
    pub(crate) events: bool,
}

/// Whether each change set of a batch has a savepoint of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Together,
    Guarded,
}

/// Commits change sets of any tenants, in one transaction.
pub(crate) async fn batch(shared: &Shared, plans: &mut [Plan]) -> Committed {
    let mut outcome = attempt(shared, plans, Pace::Together).await;
    if let Err(error) = &outcome
        && !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout)
    {
        outcome = attempt(shared, plans, Pace::Guarded).await;
    }
    match outcome {
        Ok(outcomes) => {
            let applied =
                |at: usize| outcomes.get(at).is_some_and(|one| one.as_ref().is_ok_and(|r| !r.replayed));
            let any = |holds: fn(&Plan) -> bool| {
                plans.iter().enumerate().any(|(at, plan)| applied(at) && holds(plan))
            };
            let (jobs, events) = (any(|plan| !plan.jobs.is_empty()), any(|plan| !plan.events.is_empty()));
            Committed { outcomes, jobs, events }
        }
        Err(error) => {
            let (kind, context) = (shared_kind(error.kind()), error.to_string());
            let outcomes = plans.iter().map(|_| Err(Error::new(kind, COMMIT).context(&context))).collect();
            Committed { outcomes, jobs: false, events: false }
        }
    }
}

/// Returns what a failure of the whole batch is to each of its callers.
fn shared_kind(kind: ErrorKind) -> ErrorKind {
    match kind {
        ErrorKind::Corrupt
        | ErrorKind::SchemaOutdated
        | ErrorKind::SchemaTooNew
        | ErrorKind::Unsupported
        | ErrorKind::Timeout => kind,
        _ => ErrorKind::Unavailable,
    }
}

async fn attempt(shared: &Shared, plans: &mut [Plan], pace: Pace) -> Result<Vec<Result<Receipt>>> {
    let first = plans.first().map_or_else(nobody, |plan| plan.tenant);
    let mut tx = shared.begin(COMMIT, &Session::system(first), Access::Write, RUNTIME).await?;
    let mut outcomes: Vec<Option<Result<Receipt>>> = plans.iter().map(|_| None).collect();
    // Tenants in the order of their ids, so that no two batches wait for each other.
    let mut tenants: Vec<Uid> = plans.iter().map(|plan| plan.tenant).collect();
    tenants.sort_unstable();
    tenants.dedup();
    for tenant in tenants {
        let now = enter(&mut tx, tenant).await?;
        let mut group: Vec<(usize, &mut Plan)> = Vec::new();
        for (at, plan) in plans.iter_mut().enumerate().filter(|(_, plan)| plan.tenant == tenant) {
            if shared.too_far(plan.at, now) {
                if let Some(outcome) = outcomes.get_mut(at) {
                    *outcome = Some(Err(
                        Error::new(ErrorKind::Invalid, COMMIT).context("decided_at too far from now")
                    ));
                }
            } else {
                group.push((at, plan));
            }
        }
        let answered = match pace {
            Pace::Together => round::apply(&mut tx, tenant, group).await?,
            Pace::Guarded => guarded(&mut tx, tenant, group).await?,
        };
        for (at, answer) in answered {
            if let Some(outcome) = outcomes.get_mut(at) {
                *outcome = Some(answer);
            }
        }
    }
    tx.commit().await.during(COMMIT)?;
    let missing = || Err(Error::new(ErrorKind::Internal, COMMIT).context("a change set without an outcome"));
    Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect())
}

/// Names the tenant of what follows, and returns the clock of the database in microseconds.
async fn enter(connection: &mut PgConnection, tenant: Uid) -> Result<i64> {
    let (_, now): (String, i64) = sqlx::query_as(
        "SELECT set_config('autocrm.tenant', $1, true), (extract(epoch FROM clock_timestamp()) * 1000000)::int8",
    )
    .bind(tenant.0.to_string())
    .fetch_one(connection)
    .await
    .during(COMMIT)?;
    Ok(now)
}

/// Applies each change set in a savepoint of its own.
async fn guarded(
    connection: &mut PgConnection,
    tenant: Uid,
    group: Vec<(usize, &mut Plan)>,
) -> Result<Vec<(usize, Result<Receipt>)>> {
    let mut answered = Vec::with_capacity(group.len());
    for (at, plan) in group {
        let mut outcome = in_savepoint(connection, tenant, plan).await?;
        if plan.key.is_some() && outcome.as_ref().is_err_and(Error::is_conflict) {
            // The same request may have been committed elsewhere while this one was: then it is answered with that.
            outcome = in_savepoint(connection, tenant, plan).await?;
        }
        answered.push((at, outcome));
    }
    Ok(answered)
}

/// Applies a change set in a savepoint. A refusal of it alone is the inner error: nothing of it remains. The outer one
/// says that the transaction is lost.
async fn in_savepoint(
    connection: &mut PgConnection,
    tenant: Uid,
    plan: &mut Plan,
) -> Result<Result<Receipt>> {
    sqlx::raw_sql("SAVEPOINT autocrm_set").execute(&mut *connection).await.during(COMMIT)?;
    let error = match round::apply_one(connection, tenant, plan).await {
        Ok(outcome) => {
            sqlx::raw_sql("RELEASE SAVEPOINT autocrm_set").execute(connection).await.during(COMMIT)?;
            return Ok(outcome);
        }
        Err(error) => error,
    };
    let undone = sqlx::raw_sql("ROLLBACK TO SAVEPOINT autocrm_set; RELEASE SAVEPOINT autocrm_set");
    match (undone.execute(connection).await.during(COMMIT), error.kind()) {
        (Err(_), _) | (_, ErrorKind::Unavailable) => Err(error),
        (Ok(_), _) => Ok(Err(error)),
    }
}
