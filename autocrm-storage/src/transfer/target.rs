//! The PostgreSQL database that a desk is copied into.

use std::collections::BTreeSet;

use autocrm_core::error::{Error, ErrorKind, Result};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use crate::{
    column::Uid,
    postgres::{
        PostgresConfig, PostgresStore,
        failure::During as _,
        migrate, roles,
        session::{Access, Session},
        store::Tx,
    },
    transfer::{
        BATCH, COPY, Value,
        table::{Carried, Layout},
    },
};

/// The advisory lock under which one process copies into a database.
const LOCK: i64 = 0x6175_746f_6372_6d04;
/// The tenants that a database has.
const TENANTS: &str = "SELECT tenant FROM autocrm.autocrm_directory ORDER BY tenant";

/// A database that is being written.
pub(crate) struct Target {
    store: PostgresStore,
    /// Holds the advisory lock; its end releases it.
    _holder: PgConnection,
    /// Whether a copy of the same desk was interrupted here.
    pub(crate) is_continued: bool,
}

impl Target {
    /// Takes a migrated database for the copy of a desk: one that is empty, or that an interrupted copy of the same desk
    /// has begun to fill.
    pub(crate) async fn take(pool: &PgPool, desk: &str) -> Result<Self> {
        migrate::require_current(pool).await?;
        roles::require_safe(pool).await?;
        let holder = hold(pool).await?;
        let store = PostgresStore::over(pool.clone(), PostgresConfig::default());
        let begun: bool = sqlx::query_scalar("SELECT to_regnamespace('autocrm_transfer') IS NOT NULL")
            .fetch_one(pool)
            .await
            .during(COPY)?;
        if begun {
            let earlier: Option<String> = sqlx::query_scalar("SELECT desk FROM autocrm_transfer.source")
                .fetch_optional(pool)
                .await
                .during(COPY)?;
            if earlier.as_deref() != Some(desk) {
                return Err(occupied("the copy of another desk was begun in this database"));
            }
        } else {
            if !tenants(&store).await?.is_empty() {
                return Err(occupied("the database holds a desk already"));
            }
            mark(pool, desk).await?;
        }
        Ok(Self { store, _holder: holder, is_continued: begun })
    }

    /// Returns the tenants of the database, in order.
    pub(crate) async fn tenants(&self) -> Result<Vec<Uid>> {
        tenants(&self.store).await
    }

    /// Makes the partition of the month of a message's id. Returns the first id of the next month; nothing when the month
    /// is so far ahead that the message stays where such messages wait.
    pub(crate) async fn make_month(&self, message: Uid) -> Result<Option<Uid>> {
        let bytes = message.0.as_bytes();
        let millis = bytes.iter().take(6).fold(0_u64, |millis, byte| (millis << 8) | u64::from(*byte));
        let (month, next, is_near): (String, Uid, bool) = sqlx::query_as(include_str!("sql/month_of.sql"))
            .bind(i64::try_from(millis).unwrap_or(i64::MAX))
            .fetch_one(self.store.pool())
            .await
            .during(COPY)?;
        if !is_near {
            return Ok(None);
        }
        sqlx::query("SELECT autocrm.make_month($1::text::timestamp)")
            .bind(month)
            .execute(self.store.pool())
            .await
            .during(COPY)?;
        Ok(Some(next))
    }

    /// Returns what the last row of a tenant's is named by; nothing: there is none yet.
    pub(crate) async fn last<R: Carried>(&self, tenant: Uid) -> Result<Option<Vec<Value<'static>>>> {
        let layout = R::layout();
        let mut tx = self.reading(tenant).await?;
        let text = selection(&layout, tenant, " DESC");
        let found: Option<R> = sqlx::query_as(AssertSqlSafe(format!("{text} LIMIT 1")))
            .fetch_optional(&mut *tx)
            .await
            .during(COPY)?;
        Ok(found.map(|row| named(&layout, &row)))
    }

    /// Returns how many rows of a tenant's there are.
    pub(crate) async fn count<R: Carried>(&self, tenant: Uid) -> Result<u64> {
        let mut tx = self.reading(tenant).await?;
        let text = format!("SELECT count(*) FROM {} WHERE tenant = '{}'", R::TARGET, tenant.0);
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(text)).fetch_one(&mut *tx).await.during(COPY)?;
        Ok(u64::try_from(rows).unwrap_or(0))
    }

    /// Writes rows of a tenant's in one transaction. A crash may undo the last ones; the end of the copy is durable.
    pub(crate) async fn write<R: Carried>(&self, tenant: Uid, rows: Vec<R>) -> Result<()> {
        let mut tx = self.store.begin(COPY, &Session::system(tenant), Access::Write).await?;
        sqlx::query("SET LOCAL synchronous_commit = off").execute(&mut *tx).await.during(COPY)?;
        R::write(&mut tx, tenant, rows).await?;
        tx.commit().await.during(COPY)
    }

    /// Begins to read the rows of a tenant's in the order in which they were copied.
    pub(crate) async fn rows<R: Carried>(&self, tenant: Uid) -> Result<Rows> {
        let mut tx = self.reading(tenant).await?;
        let text = format!("DECLARE copied NO SCROLL CURSOR FOR {}", selection(&R::layout(), tenant, ""));
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *tx).await.during(COPY)?;
        Ok(Rows { tx })
    }

    /// Says that the copy has ended: the database is opened by everybody from now on.
    pub(crate) async fn finish(self) -> Result<()> {
        sqlx::raw_sql("DROP SCHEMA autocrm_transfer CASCADE")
            .execute(self.store.pool())
            .await
            .during(COPY)?;
        Ok(())
    }

    async fn reading(&self, tenant: Uid) -> Result<Tx> {
        self.store.begin(COPY, &Session::system(tenant), Access::Snapshot).await
    }
}

/// Rows that are being read.
pub(crate) struct Rows {
    tx: Tx,
}

impl Rows {
    /// Returns the next rows; none: that was all.
    pub(crate) async fn next<R: Carried>(&mut self) -> Result<Vec<R>> {
        // The columns are those of the cursor: what was prepared for another table does not fit.
        sqlx::query_as(AssertSqlSafe(format!("FETCH {BATCH} FROM copied")))
            .persistent(false)
            .fetch_all(&mut *self.tx)
            .await
            .during(COPY)
    }
}

/// Returns the cells by which a row is named within its tenant.
pub(crate) fn named<R: Carried>(layout: &Layout, row: &R) -> Vec<Value<'static>> {
    let mut cells: Vec<Option<Value<'_>>> = row.cells().into_iter().map(Some).collect();
    let place = |name: &str| layout.columns.iter().position(|(column, _)| *column == name);
    let places: Vec<usize> = layout.order.iter().filter_map(|(name, _)| place(name)).collect();
    let named = places.into_iter().filter_map(|at| cells.get_mut(at).and_then(Option::take));
    named.map(Value::into_owned).collect()
}

/// Returns the statement that reads the rows of a tenant's; texts are ordered by their bytes, as SQLite does.
fn selection(layout: &Layout, tenant: Uid, direction: &str) -> String {
    let by = |(name, kind): &(&str, &str)| {
        let bytewise = if *kind == "text" { " COLLATE \"C\"" } else { "" };
        format!("\"{name}\"{bytewise}{direction}")
    };
    let order: Vec<String> = layout.order.iter().map(by).collect();
    let sorted = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
    format!("SELECT {} FROM {} WHERE tenant = '{}'{sorted}", layout.columns(), layout.target, tenant.0)
}

fn occupied(context: &'static str) -> Error {
    Error::new(ErrorKind::Conflict, COPY).context(context)
}

async fn tenants(store: &PostgresStore) -> Result<Vec<Uid>> {
    let mut tx = store.begin(COPY, &Session::worker(), Access::Read).await?;
    let all: BTreeSet<Uid> =
        sqlx::query_scalar(TENANTS).fetch_all(&mut *tx).await.during(COPY)?.into_iter().collect();
    Ok(all.into_iter().collect())
}

/// Takes the advisory lock for as long as the connection lives: in a transaction, so that poolers leave it alone. A copy
/// that was killed a moment ago may still hold it, until the server sees that its client is gone.
async fn hold(pool: &PgPool) -> Result<PgConnection> {
    let mut holder = pool.acquire().await.during(COPY)?.detach();
    let begin = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '5s'";
    sqlx::raw_sql(begin).execute(&mut holder).await.during(COPY)?;
    let locked = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut holder).await;
    match locked.during(COPY) {
        Ok(_) => Ok(holder),
        Err(error) if error.kind() == ErrorKind::Unavailable => Err(Error::new(ErrorKind::Unavailable, COPY)
            .context("another process copies into the database")
            .source(error)),
        Err(error) => Err(error),
    }
}

/// Marks the database as one that is being filled, which nobody opens. It is one statement: all of it happens or nothing.
async fn mark(pool: &PgPool, desk: &str) -> Result<()> {
    // The name of the desk is a hash in hexadecimal digits.
    let text = format!(
        "DO $$ BEGIN CREATE SCHEMA autocrm_transfer; CREATE TABLE autocrm_transfer.source (desk text NOT NULL); \
         INSERT INTO autocrm_transfer.source VALUES ('{desk}'); END $$"
    );
    sqlx::raw_sql(AssertSqlSafe(text)).execute(pool).await.during(COPY)?;
    Ok(())
}
