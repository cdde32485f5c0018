//! The job queue.

use async_trait::async_trait;
use autocrm_core::{
    access::{Scope, View},
    change::{JobFinish, JobOutcome, JobRecord, LeaseToken, LeasedJob},
    clock::Timestamp,
    error::{Error, ErrorKind, Result},
    id::JobId,
    page::{Cursor, Page, PageRequest},
    port::{ClaimRequest, JobQueue, QueueDepth},
};
use diesel::{
    SqliteConnection,
    dsl::{AsSelect, SqlTypeOf},
    prelude::*,
    sql_types::{BigInt, Nullable},
    sqlite::Sqlite,
};
use uuid::Uuid;

use crate::{
    column::{Uid, number, time},
    range::in_range,
    record::{JobRow, NewJobRecord},
    schema::autocrm_job,
    sqlite::{
        SqliteStore,
        failure::During,
        reader::snapshot,
        save::{COMMIT, conflict},
        statement::Sql,
        writer::Ledger,
    },
};

const CLAIM: &str = "claim";
const EXHAUSTED: &str = "attempts_exhausted";

/// The columns of a [`JobRow`], in its order.
const COLUMNS: &str = "j.id, j.tenant, j.kind, j.payload, j.state, j.attempts, j.max_attempts, j.token, \
    j.run_at, j.last_error, j.created_at";

/// Holds for a ready job that is not at the front of its key: another one is held or was due earlier.
const BLOCKED: &str = "EXISTS (SELECT 1 FROM autocrm_job o WHERE o.tenant = j.tenant AND o.key = j.key AND o.state < 2 \
    AND (o.state = 1 OR o.first_due < j.first_due OR (o.first_due = j.first_due AND o.id < j.id)))";

type Columns = SqlTypeOf<AsSelect<JobRow, Sqlite>>;

/// Adds the jobs of a change set.
pub(crate) fn enqueue(
    connection: &mut SqliteConnection,
    ledger: &mut Ledger,
    jobs: &[NewJobRecord],
) -> Result<()> {
    for job in jobs {
        diesel::insert_into(autocrm_job::table).values(job).execute(connection).during(COMMIT)?;
        ledger.note_jobs();
    }
    Ok(())
}

/// Ends an attempt at a job.
pub(crate) fn finish(connection: &mut SqliteConnection, tenant: Uid, finish: &JobFinish) -> Result<()> {
    let held = "WHERE id = ? AND tenant = ? AND state = 1 AND token = ?";
    let statement = match &finish.outcome {
        JobOutcome::Done => Sql::<()>::new(format!("DELETE FROM autocrm_job {held}")),
        JobOutcome::Retry { at, error } => Sql::new(format!(
            "UPDATE autocrm_job SET state = CASE WHEN attempts < max_attempts THEN 0 ELSE 2 END, run_at = ?, \
             last_error = ?, lease_until = NULL {held}"
        ))
        .number(at.as_micros())
        .text(error),
        JobOutcome::Snooze { at } => Sql::new(format!(
            "UPDATE autocrm_job SET state = 0, attempts = max(attempts - 1, 0), run_at = ?, lease_until = NULL {held}"
        ))
        .number(at.as_micros()),
        JobOutcome::Dead { error } => Sql::new(format!(
            "UPDATE autocrm_job SET state = 2, last_error = ?, lease_until = NULL {held}"
        ))
        .text(error),
    };
    let held_one = statement.uid(Uid::of(finish.job)).uid(tenant).number(number(finish.token.get()));
    match held_one.execute(connection).during(COMMIT)? {
        1 => Ok(()),
        _ => Err(conflict(finish.job)),
    }
}

fn claim(connection: &mut SqliteConnection, request: &ClaimRequest) -> Result<Vec<LeasedJob>> {
    let now = request.now.as_micros();
    let most = usize::from(request.limit);
    Sql::<()>::new(
        "UPDATE autocrm_job SET state = 2, last_error = ?, lease_until = NULL \
         WHERE state = 1 AND lease_until <= ? AND attempts >= max_attempts",
    )
    .text(EXHAUSTED)
    .number(now)
    .execute(connection)
    .during(CLAIM)?;
    let due = format!(
        "SELECT {COLUMNS} FROM autocrm_job j WHERE j.state = 0 AND j.run_at <= ? AND NOT {BLOCKED} \
         ORDER BY j.run_at, j.id LIMIT {most}"
    );
    let due = Sql::<Columns>::new(due).number(now);
    let mut jobs: Vec<JobRow> = due.load(connection).during(CLAIM)?;
    let expired = format!(
        "SELECT {COLUMNS} FROM autocrm_job j WHERE j.state = 1 AND j.lease_until <= ? ORDER BY j.run_at, j.id LIMIT {most}"
    );
    let expired = Sql::<Columns>::new(expired).number(now);
    jobs.extend(expired.load::<JobRow>(connection).during(CLAIM)?);
    jobs.sort_unstable_by_key(|job| (job.run_at, job.id));
    jobs.truncate(most);
    let until = request.now.plus(request.lease).as_micros();
    let mut leased = Vec::with_capacity(jobs.len());
    for job in jobs {
        let (token, attempt) = (job.token + 1, job.attempts + 1);
        Sql::<()>::new(
            "UPDATE autocrm_job SET state = 1, token = ?, attempts = ?, lease_until = ? WHERE id = ?",
        )
        .number(token)
        .number(attempt)
        .number(until)
        .uid(job.id)
        .execute(connection)
        .during(CLAIM)?;
        leased.push(job.lease(token, attempt, until)?);
    }
    Ok(leased)
}

fn next_due(connection: &mut SqliteConnection) -> Result<Option<Timestamp>> {
    let ready = format!(
        "SELECT j.run_at FROM autocrm_job j WHERE j.state = 0 AND NOT {BLOCKED} ORDER BY j.run_at, j.id LIMIT 1"
    );
    let ready: Option<i64> =
        Sql::<BigInt>::new(ready).get_result(connection).optional().during("next_due")?;
    let lease: Option<i64> =
        Sql::<Nullable<BigInt>>::new("SELECT min(lease_until) FROM autocrm_job WHERE state = 1")
            .get_result(connection)
            .during("next_due")?;
    Ok(ready.into_iter().chain(lease).min().map(time))
}

fn depth(connection: &mut SqliteConnection, tenant: Uid, now: Timestamp) -> Result<QueueDepth> {
    let counts: Vec<(i64, i64, i64)> = Sql::<(BigInt, BigInt, BigInt)>::new(
        "SELECT state, run_at <= ? AS due, count(*) FROM autocrm_job WHERE tenant = ? GROUP BY state, due",
    )
    .number(now.as_micros())
    .uid(tenant)
    .load(connection)
    .during("depth")?;
    let mut depth = QueueDepth::default();
    for (state, due, jobs) in counts {
        let count = u64::try_from(jobs).unwrap_or(0);
        match (state, due) {
            (0, 1) => depth.ready += count,
            (0, _) => depth.scheduled += count,
            (1, _) => depth.leased += count,
            _ => depth.dead += count,
        }
    }
    Ok(depth)
}

impl SqliteStore {
    /// Changes a job that is held with the token.
    async fn change_held(
        &self,
        operation: &'static str,
        change: Sql<()>,
        job: JobId,
        token: LeaseToken,
    ) -> Result<()> {
        let held = change.uid(Uid::of(job)).number(number(token.get()));
        self.write(operation, Uid(Uuid::nil()), move |connection, ledger| {
            match held.clone().execute(connection).during(operation)? {
                1 => {
                    ledger.note_jobs();
                    Ok(())
                }
                _ => Err(Error::new(ErrorKind::Conflict, operation).context(job)),
            }
        })
        .await
    }
}

#[async_trait]
impl JobQueue for SqliteStore {
    async fn claim(&self, request: &ClaimRequest) -> Result<Vec<LeasedJob>> {
        in_range(CLAIM, usize::from(request.limit), 1, 1_000)?;
        let request = *request;
        self.write(CLAIM, Uid(Uuid::nil()), move |connection, _| claim(connection, &request)).await
    }

    async fn extend(&self, job: JobId, token: LeaseToken, until: Timestamp) -> Result<()> {
        let change =
            Sql::new("UPDATE autocrm_job SET lease_until = ? WHERE id = ? AND state = 1 AND token = ?")
                .number(until.as_micros());
        self.change_held("extend", change, job, token).await
    }

    async fn release(&self, job: JobId, token: LeaseToken) -> Result<()> {
        let change = Sql::new(
            "UPDATE autocrm_job SET state = 0, attempts = max(attempts - 1, 0), lease_until = NULL \
             WHERE id = ? AND state = 1 AND token = ?",
        );
        self.change_held("release", change, job, token).await
    }

    async fn changed(&self) {
        self.wait_for_jobs().await;
    }

    async fn next_due(&self) -> Result<Option<Timestamp>> {
        self.read("next_due", |connection| snapshot(connection, next_due)).await
    }

    async fn depth(&self, scope: &Scope, now: Timestamp) -> Result<QueueDepth> {
        if !matches!(scope.view(), View::Tenant) {
            return Ok(QueueDepth::default());
        }
        let tenant = Uid::of(scope.tenant());
        self.read("depth", move |connection| depth(connection, tenant, now)).await
    }

    async fn dead(&self, scope: &Scope, page: &PageRequest) -> Result<Page<JobRecord>> {
        if !matches!(scope.view(), View::Tenant) {
            return Ok(Page::default());
        }
        let (tenant, page) = (Uid::of(scope.tenant()), *page);
        self.read("dead", move |connection| {
            let before = page.cursor().map_or(Uuid::max(), |cursor| cursor.id);
            let text = format!(
                "SELECT {COLUMNS} FROM autocrm_job j WHERE j.tenant = ? AND j.state = 2 AND j.id < ? \
                 ORDER BY j.id DESC LIMIT ?"
            );
            let dead =
                Sql::<Columns>::new(text).uid(tenant).uid(Uid(before)).number(number(page.limit() + 1));
            let rows: Vec<JobRow> = dead.load(connection).during("dead")?;
            let found = rows.into_iter().map(JobRow::decode).collect::<Result<_>>()?;
            Ok(Page::from_overfetch(found, page.limit(), |job: &JobRecord| Cursor {
                key: 0,
                id: job.id.as_uuid(),
            }))
        })
        .await
    }

    async fn inspect(&self, scope: &Scope, id: JobId) -> Result<Option<JobRecord>> {
        if !matches!(scope.view(), View::Tenant) {
            return Ok(None);
        }
        let tenant = Uid::of(scope.tenant());
        self.read("inspect", move |connection| {
            let found = autocrm_job::table
                .filter(autocrm_job::id.eq(Uid::of(id)))
                .filter(autocrm_job::tenant.eq(tenant))
                .select(JobRow::as_select())
                .get_result(connection)
                .optional()
                .during("inspect")?;
            found.map(JobRow::decode).transpose()
        })
        .await
    }

    async fn requeue(&self, scope: &Scope, id: JobId, now: Timestamp) -> Result<()> {
        let unknown = move || Error::new(ErrorKind::NotFound, "requeue").context(id);
        if !matches!(scope.view(), View::Tenant) {
            return Err(unknown());
        }
        let tenant = Uid::of(scope.tenant());
        self.write("requeue", tenant, move |connection, ledger| {
            let requeued = Sql::<()>::new(
                "UPDATE autocrm_job SET state = 0, attempts = 0, run_at = ? WHERE id = ? AND tenant = ? AND state = 2",
            )
            .number(now.as_micros())
            .uid(Uid::of(id))
            .uid(tenant)
            .execute(connection)
            .during("requeue")?;
            if requeued == 0 {
                return Err(unknown());
            }
            ledger.note_jobs();
            Ok(())
        })
        .await
    }
}
