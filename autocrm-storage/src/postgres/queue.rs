//! The job queue.

use std::collections::BTreeSet;

use async_trait::async_trait;
use autocrm_core::{
    access::{Scope, View},
    change::{JobRecord, LeaseToken, LeasedJob},
    clock::Timestamp,
    error::{Error, ErrorKind, Result},
    id::JobId,
    page::{Cursor, Page, PageRequest},
    port::{ClaimRequest, JobQueue, QueueDepth},
};
use sqlx::{PgConnection, postgres::PgListener};
use uuid::Uuid;

use crate::{
    column::{Uid, number, time},
    postgres::{
        PostgresStore,
        failure::During,
        sealer::CHANNEL,
        session::{Access, Session},
    },
    range::in_range,
    record::JobRow,
};

const CLAIM: &str = "claim";
const EXHAUSTED: &str = "attempts_exhausted";

/// A job that may be claimed, and its key.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
struct Candidate {
    id: Uid,
    tenant: Uid,
    key: Option<Uid>,
}

async fn claim(connection: &mut PgConnection, request: &ClaimRequest) -> Result<Vec<LeasedJob>> {
    let now = request.now.as_micros();
    sqlx::query(include_str!("sql/exhaust.sql"))
        .bind(now)
        .bind(EXHAUSTED)
        .execute(&mut *connection)
        .await
        .during(CLAIM)?;
    let candidates: Vec<Candidate> = sqlx::query_as(include_str!("sql/candidates.sql"))
        .bind(now)
        .bind(i64::from(request.limit))
        .fetch_all(&mut *connection)
        .await
        .during(CLAIM)?;
    let chosen = hold_keys(connection, candidates).await?;
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    // A statement of its own: it sees what those who held the keys before have committed.
    let until = request.now.plus(request.lease).as_micros();
    let mut rows: Vec<JobRow> = sqlx::query_as(include_str!("sql/lease.sql"))
        .bind(&chosen)
        .bind(now)
        .bind(until)
        .fetch_all(connection)
        .await
        .during(CLAIM)?;
    rows.sort_unstable_by_key(|job| (job.run_at, job.id));
    rows.iter().map(|job| job.lease(job.token, job.attempts, until)).collect()
}

/// Leaves out jobs whose key another claim holds at this moment, and holds the keys of the others until the end of the
/// transaction. A job's row is locked before its key's lock, and neither is waited for.
async fn hold_keys(connection: &mut PgConnection, candidates: Vec<Candidate>) -> Result<Vec<Uid>> {
    let keyed: BTreeSet<(Uid, Uid)> =
        candidates.iter().filter_map(|one| one.key.map(|key| (one.tenant, key))).collect();
    if keyed.is_empty() {
        return Ok(candidates.into_iter().map(|one| one.id).collect());
    }
    let (tenants, keys): (Vec<Uid>, Vec<Uid>) = keyed.into_iter().unzip();
    let held: Vec<(Uid, Uid)> = sqlx::query_as(include_str!("sql/hold_keys.sql"))
        .bind(tenants)
        .bind(keys)
        .fetch_all(connection)
        .await
        .during(CLAIM)?;
    let held: BTreeSet<(Uid, Uid)> = held.into_iter().collect();
    let may_run = |one: &Candidate| one.key.is_none_or(|key| held.contains(&(one.tenant, key)));
    Ok(candidates.into_iter().filter(may_run).map(|one| one.id).collect())
}

impl PostgresStore {
    /// Waits until another process tells of jobs. Where listening fails, polling has to do.
    async fn hear(&self) {
        let mut slot = self.shared.listener.lock().await;
        // The listener stays in its place while it is waited for, so that nothing is lost when the waiting is given up.
        if slot.is_none() {
            match self.listen().await {
                Ok(listener) => *slot = Some(listener),
                Err(error) => {
                    tracing::warn!(%error, "cannot listen for jobs of other processes");
                    return std::future::pending().await;
                }
            }
        }
        let Some(listener) = slot.as_mut() else { return };
        if let Err(error) = listener.recv().await {
            tracing::warn!(%error, "no longer listening for jobs of other processes");
            *slot = None;
        }
    }

    async fn listen(&self) -> std::result::Result<PgListener, sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.shared.pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(listener)
    }

    /// Changes a job that is held with the token.
    async fn change_held(
        &self,
        operation: &'static str,
        statement: &'static str,
        job: JobId,
        token: LeaseToken,
        until: Option<Timestamp>,
    ) -> Result<()> {
        let mut tx = self.begin(operation, &Session::worker(), Access::Write).await?;
        let changed = sqlx::query(statement)
            .bind(Uid::of(job))
            .bind(number(token.get()))
            .bind(until.map(Timestamp::as_micros))
            .execute(&mut *tx)
            .await
            .during(operation)?;
        if changed.rows_affected() != 1 {
            return Err(Error::new(ErrorKind::Conflict, operation).context(job));
        }
        tx.commit().await.during(operation)?;
        self.shared.jobs.notify_waiters();
        self.shared.jobs.notify_one();
        Ok(())
    }
}

#[async_trait]
impl JobQueue for PostgresStore {
    async fn claim(&self, request: &ClaimRequest) -> Result<Vec<LeasedJob>> {
        in_range(CLAIM, usize::from(request.limit), 1, 1_000)?;
        let mut tx = self.begin(CLAIM, &Session::worker(), Access::Write).await?;
        let leased = claim(&mut tx, request).await?;
        tx.commit().await.during(CLAIM)?;
        Ok(leased)
    }

    async fn extend(&self, job: JobId, token: LeaseToken, until: Timestamp) -> Result<()> {
        self.change_held("extend", include_str!("sql/extend.sql"), job, token, Some(until)).await
    }

    async fn release(&self, job: JobId, token: LeaseToken) -> Result<()> {
        self.change_held("release", include_str!("sql/release.sql"), job, token, None).await
    }

    async fn changed(&self) {
        let told = self.shared.jobs.notified();
        if !self.shared.config.listen {
            return told.await;
        }
        tokio::select! {
            () = told => {}
            () = self.hear() => {}
        }
    }

    async fn next_due(&self) -> Result<Option<Timestamp>> {
        let mut tx = self.begin("next_due", &Session::worker(), Access::Read).await?;
        let next: Option<i64> = sqlx::query_scalar(include_str!("sql/next_due.sql"))
            .fetch_one(&mut *tx)
            .await
            .during("next_due")?;
        Ok(next.map(time))
    }

    async fn depth(&self, scope: &Scope, now: Timestamp) -> Result<QueueDepth> {
        if !matches!(scope.view(), View::Tenant) {
            return Ok(QueueDepth::default());
        }
        let mut tx = self.read("depth", scope).await?;
        let counts: Vec<(i64, bool, i64)> = sqlx::query_as(include_str!("sql/depth.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(now.as_micros())
            .fetch_all(&mut *tx)
            .await
            .during("depth")?;
        let mut depth = QueueDepth::default();
        for (state, is_due, jobs) in counts {
            let count = u64::try_from(jobs).unwrap_or(0);
            match (state, is_due) {
                (0, true) => depth.ready += count,
                (0, false) => depth.scheduled += count,
                (1, _) => depth.leased += count,
                _ => depth.dead += count,
            }
        }
        Ok(depth)
    }

    async fn dead(&self, scope: &Scope, page: &PageRequest) -> Result<Page<JobRecord>> {
        if !matches!(scope.view(), View::Tenant) {
            return Ok(Page::default());
        }
        let mut tx = self.read("dead", scope).await?;
        let before = page.cursor().map_or(Uuid::max(), |cursor| cursor.id);
        let rows: Vec<JobRow> = sqlx::query_as(include_str!("sql/dead.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(Uid(before))
            .bind(number(page.limit() + 1))
            .fetch_all(&mut *tx)
            .await
            .during("dead")?;
        let found = rows.into_iter().map(JobRow::decode).collect::<Result<_>>()?;
        Ok(Page::from_overfetch(found, page.limit(), |job: &JobRecord| Cursor {
            key: 0,
            id: job.id.as_uuid(),
        }))
    }

    async fn inspect(&self, scope: &Scope, id: JobId) -> Result<Option<JobRecord>> {
        if !matches!(scope.view(), View::Tenant) {
            return Ok(None);
        }
        let mut tx = self.read("inspect", scope).await?;
        let found: Option<JobRow> =
            sqlx::query_as("SELECT * FROM autocrm.autocrm_job WHERE id = $1 AND tenant = $2")
                .bind(Uid::of(id))
                .bind(Uid::of(scope.tenant()))
                .fetch_optional(&mut *tx)
                .await
                .during("inspect")?;
        found.map(JobRow::decode).transpose()
    }

    async fn requeue(&self, scope: &Scope, id: JobId, now: Timestamp) -> Result<()> {
        let unknown = || Error::new(ErrorKind::NotFound, "requeue").context(id);
        if !matches!(scope.view(), View::Tenant) {
            return Err(unknown());
        }
        let mut tx = self.begin("requeue", &Session::of(scope), Access::Write).await?;
        let requeued = sqlx::query(include_str!("sql/requeue.sql"))
            .bind(Uid::of(id))
            .bind(Uid::of(scope.tenant()))
            .bind(now.as_micros())
            .execute(&mut *tx)
            .await
            .during("requeue")?;
        if requeued.rows_affected() == 0 {
            return Err(unknown());
        }
        tx.commit().await.during("requeue")?;
        self.shared.jobs.notify_waiters();
        self.shared.jobs.notify_one();
        Ok(())
    }
}
