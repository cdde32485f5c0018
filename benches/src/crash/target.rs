//! Where a run writes: a SQLite file, or a PostgreSQL server of its own.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr};

use autocrm_core::{
    app::AutoCrm,
    clock::{Clock as _, SystemClock},
    port::Store,
};
use autocrm_storage::{
    Finding, Severity,
    postgres::PostgresStore,
    sqlite::{SqliteConfig, SqliteStore},
};
use diesel::SqliteConnection;
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};

use super::{Setting, WRITERS, synchronous};
use crate::{
    ceiling::{self, Row},
    failure::Result,
    postgres,
    store::open_sqlite,
};

/// The database of a run, as the command line of the killed process has it.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    File(PathBuf),
    Server(String),
}

impl FromStr for Target {
    type Err = Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Infallible> {
        let is_url = text.starts_with("postgres://");
        Ok(if is_url { Self::Server(text.to_owned()) } else { Self::File(PathBuf::from(text)) })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server(url) => f.write_str(url),
        }
    }
}

/// Builds the bare handle of the run: a store, and nothing that would hide what it does.
fn handle(store: impl Store + 'static) -> Result<AutoCrm> {
    Ok(AutoCrm::builder().store(store).build()?)
}

impl Target {
    /// Opens the store, and makes or migrates its tables.
    pub(crate) async fn open(&self, setting: Setting) -> Result<AutoCrm> {
        match self {
            Self::File(path) => handle(open_sqlite(path, synchronous(setting))?),
            Self::Server(url) => handle(postgres::open(PgConnectOptions::from_str(url)?, WRITERS).await?),
        }
    }

    /// Opens what is left as it is, and returns with it the errors that the store's own examination finds.
    pub(crate) async fn reopen(&self) -> Result<(AutoCrm, Vec<Finding>)> {
        let (crm, mut findings) = match self {
            Self::File(path) => {
                let config = SqliteConfig::new(path);
                let crm = handle(SqliteStore::open(config.clone())?)?;
                (crm, SqliteStore::doctor(&config))
            }
            Self::Server(url) => {
                let store = postgres::open(PgConnectOptions::from_str(url)?, WRITERS).await?;
                let findings = PostgresStore::doctor(store.pool(), SystemClock.now()).await;
                (handle(store)?, findings)
            }
        };
        findings.retain(|one| one.severity == Severity::Error);
        Ok((crm, findings))
    }

    /// Opens a connection for bare queries on the tables.
    pub(crate) async fn tables(&self) -> Result<Tables> {
        match self {
            Self::File(path) => Ok(Tables::Sqlite(ceiling::connect(path, 8_192)?)),
            Self::Server(url) => {
                let options = PgConnectOptions::from_str(url)?.options([("search_path", "autocrm")]);
                Ok(Tables::Postgres(PgConnection::connect_with(&options).await?))
            }
        }
    }
}

/// A connection for bare queries.
pub(crate) enum Tables {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Tables {
    /// Returns the rows of a query.
    pub(crate) async fn rows(&mut self, sql: &str) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(connection) => ceiling::rows(connection, sql, &[]),
            Self::Postgres(connection) => ceiling::fetch(connection, sql).await,
        }
    }

    /// Returns the number that a query finds under the name `found`.
    pub(crate) async fn count(&mut self, sql: &str) -> Result<usize> {
        let found = self.rows(sql).await?;
        Ok(usize::try_from(found.first().map_or(0, |row| row.get("found").integer())).unwrap_or(0))
    }
}
