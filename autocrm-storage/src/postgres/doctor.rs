//! What is wrong with a database.

use autocrm_core::{
    clock::Timestamp,
    error::{Error, ErrorKind, Result},
    port::TenantReader as _,
};
use sqlx::{PgConnection, PgPool};

use crate::{
    column::Uid,
    finding::Finding,
    postgres::{
        PostgresConfig, PostgresStore,
        failure::During,
        migrate, partition, roles,
        session::{Access, Session},
    },
};

const DOCTOR: &str = "doctor";
/// How long a due job may wait before it is worth a word: no worker runs, or too few.
const LAG_SECONDS: i64 = 60;
/// How many tenants are read at a time.
const TENANTS: u16 = 1_000;

/// Counts, within a tenant, of what must not be there.
const COUNTS: &[(&str, &str, &str)] = &[
    (
        "counter_behind",
        include_str!("sql/doctor_counter.sql"),
        "tenants whose next ticket number is taken already",
    ),
    (
        "positions_with_gaps",
        include_str!("sql/doctor_positions.sql"),
        "tenants whose event positions have gaps",
    ),
    ("message_without_ticket", include_str!("sql/doctor_messages.sql"), "messages whose ticket is missing"),
    (
        "search_incomplete",
        include_str!("sql/doctor_search.sql"),
        "messages that the search index lacks, or entries without a message",
    ),
];

/// Examines a database and returns what is wrong with it. It works where opening is refused.
pub(crate) async fn examine(pool: &PgPool, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    match server(pool).await {
        Ok(found) => findings.extend(found),
        Err(error) => {
            findings.push(error.into());
            return findings;
        }
    }
    if let Err(error) = migrate::require_current(pool).await {
        findings.push(error.into());
        return findings;
    }
    match PostgresStore::open(pool.clone(), PostgresConfig::default()).await {
        Ok(store) => match tenants(&store, now).await {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(error.into()),
        },
        Err(error) => findings.push(error.into()),
    }
    findings
}

/// Looks at what the server holds, tenants apart.
async fn server(pool: &PgPool) -> Result<Vec<Finding>> {
    let mut connection = pool.acquire().await.during(DOCTOR)?;
    let mut findings = Vec::new();
    for gap in roles::gaps(&mut connection).await? {
        findings.push(Finding::error("isolation", gap));
    }
    for extension in ["vector", "pg_trgm"] {
        let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = $1)")
            .bind(extension)
            .fetch_one(&mut *connection)
            .await
            .during(DOCTOR)?;
        if !known {
            let message =
                format!("the extension {extension} is not installed: searches that need it are refused");
            findings.push(Finding::warning("extension_missing", message));
        }
    }
    let broken: Vec<String> = sqlx::query_scalar(include_str!("sql/doctor_indexes.sql"))
        .fetch_all(&mut *connection)
        .await
        .during(DOCTOR)?;
    findings.extend(broken.into_iter().map(|name| {
        Finding::error(
            "index_invalid",
            format!("the index {name} is not usable: REINDEX INDEX autocrm.{name}"),
        )
    }));
    findings.extend(partitions(&mut connection).await?);
    Ok(findings)
}

async fn partitions(connection: &mut PgConnection) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let ahead = partition::months_ahead(connection).await?;
    if ahead < partition::AHEAD / 2 {
        let message = format!("there are partitions for {ahead} months to come: maintenance has not run");
        findings.push(Finding::warning("partitions_missing", message));
    }
    match partition::stray(connection).await {
        Ok(0) => {}
        Ok(stray) => {
            let message = format!("messages without a partition of their month: {stray}");
            findings.push(Finding::warning("default_partition_used", message));
        }
        // Only the owner of the tables can tell.
        Err(error) if error.kind() == ErrorKind::Internal => {}
        Err(error) => findings.push(error.into()),
    }
    Ok(findings)
}

async fn tenants(store: &PostgresStore, now: Timestamp) -> Result<Vec<Finding>> {
    let mut counts = [0_i64; COUNTS.len()];
    let mut after = None;
    loop {
        let ids = store.tenants(after, TENANTS).await?;
        for id in &ids {
            let mut tx = store.begin(DOCTOR, &Session::system(Uid::of(*id)), Access::Snapshot).await?;
            for ((_, statement, _), count) in COUNTS.iter().zip(&mut counts) {
                let found: i64 = sqlx::query_scalar(*statement)
                    .bind(Uid::of(*id))
                    .fetch_one(&mut *tx)
                    .await
                    .during(DOCTOR)?;
                *count += found;
            }
        }
        after = ids.last().copied();
        if ids.len() < usize::from(TENANTS) {
            break;
        }
    }
    let mut findings: Vec<Finding> = COUNTS
        .iter()
        .zip(counts)
        .filter(|(_, count)| *count > 0)
        .map(|((code, _, message), count)| Finding::error(code, format!("{message}: {count}")))
        .collect();
    findings.extend(lag(store, now).await?);
    Ok(findings)
}

/// Looks at how long the oldest due job has been waiting.
async fn lag(store: &PostgresStore, now: Timestamp) -> Result<Option<Finding>> {
    let mut tx = store.begin(DOCTOR, &Session::worker(), Access::Read).await?;
    let oldest: Option<i64> =
        sqlx::query_scalar("SELECT min(run_at) FROM autocrm.autocrm_job WHERE state = 0")
            .fetch_one(&mut *tx)
            .await
            .during(DOCTOR)?;
    let seconds = oldest.map_or(0, |due| now.as_micros().saturating_sub(due) / 1_000_000);
    if seconds <= LAG_SECONDS {
        return Ok(None);
    }
    let message = format!("the oldest due job has been waiting for {seconds} s: no worker runs, or too few");
    Ok(Some(Finding::warning("queue_lag", message)))
}

impl PostgresStore {
    /// Examines a database and returns what is wrong with it; nothing: all is well. It changes nothing, and works where
    /// [`open`](Self::open) refuses. `now` tells how long jobs have been waiting.
    pub async fn doctor(pool: &PgPool, now: Timestamp) -> Vec<Finding> {
        examine(pool, now).await
    }

    /// Does what has to be done every day or month: makes the partitions of the months to come, and moves messages out of
    /// the default partition. The pool's user owns the tables. Any number of nodes may do it at once.
    ///
    /// # Errors
    /// `Unavailable` when the server cannot be reached; `Unsupported` when the pool's user does not own the tables.
    pub async fn maintain(pool: &PgPool) -> Result<()> {
        let mut connection = pool.acquire().await.during("maintain")?;
        let owns: bool = sqlx::query_scalar(include_str!("sql/owns_tables.sql"))
            .fetch_one(&mut *connection)
            .await
            .during("maintain")?;
        if !owns {
            return Err(Error::new(ErrorKind::Unsupported, "maintain")
                .context("the pool's user does not own the tables"));
        }
        sqlx::raw_sql("BEGIN").execute(&mut *connection).await.during("maintain")?;
        let made = partition::ensure(&mut connection).await;
        let ended = sqlx::raw_sql(if made.is_ok() { "COMMIT" } else { "ROLLBACK" });
        let outcome = ended.execute(&mut *connection).await.during("maintain");
        if outcome.is_err() {
            drop(connection.close().await);
        }
        made.and(outcome.map(drop))
    }
}
