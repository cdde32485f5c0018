//! The suites on the SQLite store: two handles with threads of their own on one file.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use autocrm_core::{
    conformance::{Backend, Harness},
    id::JobId,
    port::Store,
};
use autocrm_storage::sqlite::{SqliteConfig, SqliteStore, Synchronous};
use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_types::Binary};

struct Sqlite;

fn config(path: &Path) -> SqliteConfig {
    // What survives a power failure is not tested here, and hundreds of syncs are slow.
    SqliteConfig { synchronous: Synchronous::Off, ..SqliteConfig::new(path) }
}

fn open(path: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(config(path)).unwrap())
}

fn spoil(path: &Path, job: JobId) {
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let spoiled = diesel::sql_query("UPDATE autocrm_job SET payload = '{\"kind\":\"unknown\"}' WHERE id = ?")
        .bind::<Binary, _>(job.as_uuid().as_bytes().to_vec())
        .execute(&mut connection);
    assert_eq!(spoiled, Ok(1), "the job is stored");
}

#[async_trait]
impl Harness<dyn Store> for Sqlite {
    async fn fresh(&self) -> Backend {
        let directory = tempfile::tempdir().unwrap();
        let path: PathBuf = directory.path().join("desk.db");
        SqliteStore::migrate(&config(&path)).unwrap();
        let (reopened, spoiled) = (path.clone(), path.clone());
        Backend::new(open(&path))
            .with_second(open(&path))
            .with_reopen(Box::new(move || Box::pin(async move { open(&reopened) })))
            .with_job_spoiler(Box::new(move |job| {
                spoil(&spoiled, job);
                Box::pin(async {})
            }))
            .keeping(directory)
    }
}

mod store {
    use super::Sqlite;

    autocrm_core::store_conformance!(Sqlite);
}
