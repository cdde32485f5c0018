//! Where the rows of a desk lie: in a SQLite file of its data directory, or on a PostgreSQL server.

use std::{fmt, path::PathBuf, str::FromStr as _, time::Duration};

use autocrm_core::{
    app::{AutoCrm, AutoCrmBuilder},
    clock::{Clock as _, SystemClock},
    error::ErrorKind,
};
use autocrm_storage::{
    Finding, MigrationReport,
    postgres::{PostgresConfig, PostgresStore},
    sqlite::{SqliteConfig, SqliteStore},
};
use sqlx::{
    PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::desk::{Failure, Result};

/// How long a request waits for a connection before it is answered 503.
const ACQUIRE: Duration = Duration::from_secs(5);
/// The advisory lock under which one node makes the desk of an empty database.
const FOUNDING: i64 = 0x6175_746f_6372_6d10;

/// A database.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    File(PathBuf),
    Server(Server),
}

/// A PostgreSQL database, reached through a pool that connects when it is first used.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) pool: PgPool,
    /// Host, port and name, without user and password.
    name: String,
}

/// Holds the right to make the desk of an empty database; its end gives it back.
#[derive(Debug)]
pub(crate) struct Founding {
    _connection: Option<PgConnection>,
}

impl Server {
    /// Returns the database of a URL, with a pool of up to `connections`.
    pub(crate) fn new(url: &str, connections: u32) -> Result<Self> {
        let refused =
            || Failure::Usage("the database URL is not postgres://USER:PASSWORD@HOST:PORT/NAME".to_owned());
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(refused());
        }
        // The reason may quote the password.
        let options = PgConnectOptions::from_str(url).map_err(|_| refused())?;
        let name = format!(
            "{}:{}/{}",
            options.get_host(),
            options.get_port(),
            options.get_database().unwrap_or_else(|| options.get_username())
        );
        let options = options.application_name("autocrm-server");
        let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE);
        Ok(Self { pool: pool.connect_lazy_with(options), name })
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(server) => f.write_str(&server.name),
        }
    }
}

impl Database {
    /// Returns whether there is no database file, or no schema on the server.
    pub(crate) async fn is_missing(&self) -> Result<bool> {
        match self {
            Self::File(path) => Ok(!path.exists()),
            Self::Server(server) => Ok(PostgresStore::schema_status(&server.pool).await?.schema == 0),
        }
    }

    /// Waits until no other node makes the desk of the same database. A file is held by its data directory.
    pub(crate) async fn found(&self) -> Result<Founding> {
        let Self::Server(server) = self else { return Ok(Founding { _connection: None }) };
        let mut connection = server.pool.acquire().await.map_err(unreachable)?.detach();
        // In a transaction, which is open until the connection ends: poolers leave it alone.
        sqlx::raw_sql("BEGIN").execute(&mut connection).await.map_err(unreachable)?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(FOUNDING)
            .execute(&mut connection)
            .await
            .map_err(unreachable)?;
        Ok(Founding { _connection: Some(connection) })
    }

    /// Brings the schema up to date; makes it where there is none.
    pub(crate) async fn migrate(&self) -> Result<MigrationReport> {
        Ok(match self {
            Self::File(path) => SqliteStore::migrate(&SqliteConfig::new(path))?,
            Self::Server(server) => PostgresStore::migrate(&server.pool).await?,
        })
    }

    /// Opens the store, as it is, for a desk.
    pub(crate) async fn open(&self, builder: AutoCrmBuilder) -> Result<AutoCrmBuilder> {
        let opened = match self {
            Self::File(path) => SqliteStore::open(SqliteConfig::new(path)).map(|store| builder.store(store)),
            Self::Server(server) => PostgresStore::open(server.pool.clone(), PostgresConfig::default())
                .await
                .map(|store| builder.store(store)),
        };
        opened.map_err(|error| match error.kind() {
            ErrorKind::SchemaOutdated => Failure::Outdated(self.to_string()),
            _ => error.into(),
        })
    }

    /// Opens the desk as far as rows are concerned.
    pub(crate) async fn rows(&self) -> Result<AutoCrm> {
        Ok(self.open(AutoCrm::builder()).await?.build()?)
    }

    /// Returns what is wrong with the database.
    pub(crate) async fn doctor(&self) -> Vec<Finding> {
        match self {
            Self::File(path) => SqliteStore::doctor(&SqliteConfig::new(path)),
            Self::Server(server) => PostgresStore::doctor(&server.pool, SystemClock.now()).await,
        }
    }
}

fn unreachable(error: sqlx::Error) -> Failure {
    Failure::Unreachable(error)
}
