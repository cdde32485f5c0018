//! The store that is measured.

use std::path::{Path, PathBuf};

use autocrm_storage::sqlite::{SqliteConfig, SqliteStore, Synchronous};
use tempfile::TempDir;

use crate::failure::{Failure, Result};

/// Which store is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum StoreKind {
    /// The store in memory.
    Memory,
    /// SQLite with durable commits, in a fresh file.
    Sqlite,
}

/// A fresh folder for one measurement; removed at its end.
#[derive(Debug)]
pub(crate) struct Workplace {
    folder: TempDir,
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
        Ok(Self { folder })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Opens a SQLite store, and makes or migrates its file.
pub(crate) fn open_sqlite(file: &Path, synchronous: Synchronous) -> Result<SqliteStore> {
    let config = SqliteConfig { synchronous, ..SqliteConfig::new(file) };
    SqliteStore::migrate(&config)?;
    Ok(SqliteStore::open(config)?)
}
