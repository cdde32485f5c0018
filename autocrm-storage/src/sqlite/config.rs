//! How a database file is opened.

use std::{path::PathBuf, time::Duration};

use autocrm_core::error::Error;
use autocrm_core::error::{ErrorKind, Result};
use diesel::{Connection, SqliteConnection, connection::SimpleConnection};

use crate::sqlite::failure::{During, open_failure};

const OPEN: &str = "open a database file";

/// When a commit counts as durable (the pragma `synchronous` of SQLite, in WAL mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// Every commit is on the disk before it is answered: nothing is lost when the power fails.
    #[default]
    Full,
    /// Commits of the last moments may be lost when the power fails, not when only the process dies.
    Normal,
    /// The file may be damaged when the power fails: for tests only.
    Off,
}

impl Synchronous {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
            Self::Off => "OFF",
        }
    }
}

/// How a store is opened. [`SqliteConfig::new`] fills in what suits one process on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteConfig {
    /// The database file. `-wal` and `-shm` files lie beside it.
    pub path: PathBuf,
    /// When a commit counts as durable.
    pub synchronous: Synchronous,
    /// Threads that read, each with a connection, 1..=64.
    pub readers: usize,
    /// The largest number of calls that wait for the writer, and of those that wait for a reader, 1..=1,000,000; a
    /// further one is answered `Overloaded`.
    pub queue: usize,
    /// The largest number of change sets in one durable transaction, 1..=10,000.
    pub batch: usize,
    /// For how long a lock of another process is waited for.
    pub busy_timeout: Duration,
    /// The page cache of each connection, in KiB, 64..=1,048,576.
    pub cache_kib: u32,
}

impl SqliteConfig {
    /// Returns the usual configuration for a file: durable commits, 2 readers, 4,096 waiting calls, batches of 256,
    /// 5 seconds for a lock, 8 MiB of cache per connection.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            synchronous: Synchronous::Full,
            readers: 2,
            queue: 4_096,
            batch: 256,
            busy_timeout: Duration::from_secs(5),
            cache_kib: 8_192,
        }
    }

    /// Refuses numbers outside of their stated ranges.
    pub(crate) fn check(&self) -> Result<()> {
        let ranges = [
            ("readers", self.readers, 1, 64),
            ("queue", self.queue, 1, 1_000_000),
            ("batch", self.batch, 1, 10_000),
            ("cache_kib", usize::try_from(self.cache_kib).unwrap_or(usize::MAX), 64, 1_048_576),
        ];
        for (what, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                let context = format!("{what} is {value}, not within {least}..={most}");
                return Err(Error::new(ErrorKind::Invalid, OPEN).context(context));
            }
        }
        Ok(())
    }

    /// Opens a connection that works in WAL mode. SQLite makes a missing file; callers who must not do so look first.
    pub(crate) fn connect(&self) -> Result<SqliteConnection> {
        let mut connection = self.look()?;
        // The log is moved into the file by a thread (see `checkpoint`), by a commit only where that has failed to;
        // temporary b-trees and savepoint journals stay in memory.
        let pragmas = format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {}; PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 32000; PRAGMA journal_size_limit = 134217728;",
            self.synchronous.as_str()
        );
        connection.batch_execute(&pragmas).during(OPEN)?;
        Ok(connection)
    }

    /// Opens a connection and leaves the file as it is.
    fn look(&self) -> Result<SqliteConnection> {
        let path = self.path.to_str().ok_or_else(|| {
            Error::new(ErrorKind::Invalid, OPEN).context("the path of the database file is not UTF-8")
        })?;
        let mut connection = SqliteConnection::establish(path).map_err(open_failure(OPEN))?;
        let millis = i32::try_from(self.busy_timeout.as_millis()).unwrap_or(i32::MAX);
        let pragmas = format!("PRAGMA busy_timeout = {millis}; PRAGMA cache_size = -{};", self.cache_kib);
        connection.batch_execute(&pragmas).during(OPEN)?;
        Ok(connection)
    }

    /// Opens a connection to a file that exists.
    pub(crate) fn connect_existing(&self) -> Result<SqliteConnection> {
        self.require_file()?;
        self.connect()
    }

    /// Opens a connection to a file that exists, and leaves it as it is.
    pub(crate) fn look_at_existing(&self) -> Result<SqliteConnection> {
        self.require_file()?;
        self.look()
    }

    fn require_file(&self) -> Result<()> {
        match self.path.try_exists() {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::new(ErrorKind::SchemaOutdated, OPEN)
                .context("there is no database file yet: migrate first")),
            Err(error) => Err(Error::new(ErrorKind::Unavailable, OPEN).context(error.kind()).source(error)),
        }
    }
}
