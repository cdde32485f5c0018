//! A database of its own on the PostgreSQL server that is measured.

use std::{str::FromStr as _, thread, time::Duration};

use autocrm_core::{
    clock::{Clock as _, SystemClock},
    id::{IdSource as _, RandomIds},
};
use autocrm_storage::postgres::{PostgresConfig, PostgresStore};
use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::failure::{Failure, Result};

/// The most connections that a measurement opens, whatever the number of its callers: a server on few cores is not
/// faster with more of them.
const MOST_CONNECTIONS: u32 = 40;

/// A database that is dropped with its last handle.
#[derive(Debug)]
pub(crate) struct Database {
    name: String,
    server: PgConnectOptions,
}

impl Database {
    /// Makes an empty database on the server of a URL. A server that answers before a commit is durable is refused: its
    /// figures would not be comparable.
    pub(crate) async fn create(url: &str) -> Result<Self> {
        let given = PgConnectOptions::from_str(url)
            .map_err(|error| Failure::new(format!("--url is not the URL of a PostgreSQL server: {error}")))?;
        let server = given.options([("synchronous_commit", "on")]);
        Self::on(server).await
    }

    /// Makes another empty database on the same server.
    pub(crate) async fn sibling(&self) -> Result<Self> {
        Self::on(self.server.clone()).await
    }

    async fn on(server: PgConnectOptions) -> Result<Self> {
        let name = format!("autocrm_bench_{}", RandomIds.uuid(SystemClock.now()).simple());
        let mut connection = PgConnection::connect_with(&server).await?;
        require_durable(&mut connection).await?;
        let text = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await?;
        connection.close().await?;
        Ok(Self { name, server })
    }

    /// Returns how the database is reached.
    pub(crate) fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }

    /// Opens one connection, as whoever owns the tables.
    pub(crate) async fn connect(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect_with(&self.options()).await?)
    }

    /// Migrates the database, and opens a store on it with a pool for so many callers.
    pub(crate) async fn store(&self, callers: usize) -> Result<PostgresStore> {
        open(self.options(), callers).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let text = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let server = self.server.clone();
        // A runtime of its own: the measurement's may be ending.
        let dropped = thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async move {
                let mut connection = PgConnection::connect_with(&server).await?;
                sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await?;
                Ok(())
            })
        });
        if let Ok(Err(error)) = dropped.join() {
            eprintln!("the database {} could not be dropped: {error}", self.name);
        }
    }
}

/// Migrates a database, and opens a store with a pool for so many callers.
pub(crate) async fn open(options: PgConnectOptions, callers: usize) -> Result<PostgresStore> {
    let config = PostgresConfig::default();
    let wanted = u32::try_from(callers).unwrap_or(u32::MAX).clamp(2, MOST_CONNECTIONS);
    let pool = PgPoolOptions::new()
        .max_connections(wanted + u32::try_from(config.committers).unwrap_or(1) + 1)
        .acquire_timeout(Duration::from_secs(30))
        // A broken connection is noticed by the statement that meets it: asking before each one doubles the round trips.
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    PostgresStore::migrate(&pool).await?;
    Ok(PostgresStore::open(pool, config).await?)
}

async fn require_durable(connection: &mut PgConnection) -> Result<()> {
    for name in ["fsync", "synchronous_commit", "full_page_writes"] {
        let value: String =
            sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(&mut *connection).await?;
        if value == "off" {
            return Err(Failure::new(format!(
                "the server has {name} = off: what it acknowledges is not durable, so its figures mean nothing"
            )));
        }
    }
    Ok(())
}
