//! The store that is measured.

use std::path::{Path, PathBuf};

use autocrm_storage::sqlite::{SqliteConfig, SqliteStore, Synchronous};
use tempfile::TempDir;

use crate::{
    failure::{Failure, Result},
    postgres::Database,
};

/// Which store is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum StoreKind {
    /// The store in memory.
    Memory,
    /// SQLite with durable commits, in a fresh file.
    Sqlite,
    /// PostgreSQL with durable commits, in a fresh database on the server of --url.
    Postgres,
}

/// The store that a measurement chooses.
#[derive(Debug, clap::Args)]
pub(crate) struct Choice {
    /// The store.
    #[arg(long = "store", value_enum)]
    pub(crate) kind: StoreKind,
    /// The PostgreSQL server, as a user who may make databases and roles on it.
    #[arg(long, value_name = "postgres://…")]
    url: Option<String>,
    /// Folder in which files are made: choose the disk with it.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Choice {
    /// Makes a fresh place for the store of a measurement with so many callers.
    pub(crate) async fn place(&self, callers: usize) -> Result<Workplace> {
        let mut place = Workplace::new(self.folder.as_deref())?;
        place.callers = callers;
        match (self.kind, &self.url) {
            (StoreKind::Postgres, Some(url)) => place.database = Some(Database::create(url).await?),
            (StoreKind::Postgres, None) => return Err(Failure::new("--store postgres needs --url")),
            (_, Some(_)) => return Err(Failure::new("--url needs --store postgres")),
            (_, None) => {}
        }
        Ok(place)
    }
}

/// A fresh folder for one measurement, and a fresh database if its store needs one; removed at its end.
#[derive(Debug)]
pub(crate) struct Workplace {
    folder: TempDir,
    database: Option<Database>,
    /// How many callers the store has at once.
    pub(crate) callers: usize,
}

impl Workplace {
    /// Makes a folder below `parent`, or below the system's folder for temporary files. It should lie on the disk that
    /// is to be measured.
    pub(crate) fn new(parent: Option<&Path>) -> Result<Self> {
        let builder = {
            let mut builder = tempfile::Builder::new();
            builder.prefix("autocrm-bench-");
            builder
        };
        let folder = match parent {
            Some(path) => builder.tempdir_in(path).map_err(|error| Failure::in_file(path, None, error))?,
            None => builder.tempdir()?,
        };
        Ok(Self { folder, database: None, callers: 1 })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Lets the database do what it does by itself within a minute after many writes: count, and sweep (autovacuum).
    pub(crate) async fn settle(&self) -> Result<()> {
        if let Some(database) = &self.database {
            sqlx::raw_sql("VACUUM (ANALYZE)").execute(&mut database.connect().await?).await?;
        }
        Ok(())
    }

    /// Returns the PostgreSQL database of the measurement.
    pub(crate) fn database(&self) -> Result<&Database> {
        self.database.as_ref().ok_or_else(|| Failure::new("the measurement has no PostgreSQL database"))
    }
}

/// Opens a SQLite store, and makes or migrates its file.
pub(crate) fn open_sqlite(file: &Path, synchronous: Synchronous) -> Result<SqliteStore> {
    let config = SqliteConfig { synchronous, ..SqliteConfig::new(file) };
    SqliteStore::migrate(&config)?;
    Ok(SqliteStore::open(config)?)
}
