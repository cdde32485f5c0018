//! A database file in a directory of its own, and a tenant in it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use autocrm_core::{access::Scope, port::Committer, testing::Scene, user::User};
use autocrm_storage::sqlite::{SqliteConfig, SqliteStore, Synchronous};
use tempfile::TempDir;

/// Where a database file lies.
#[derive(Debug)]
pub(crate) struct Place {
    directory: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("desk.db")
    }

    pub(crate) fn config(&self) -> SqliteConfig {
        SqliteConfig { synchronous: Synchronous::Off, ..SqliteConfig::new(self.path()) }
    }
}

/// A store with a tenant and a customer.
#[derive(Debug)]
pub(crate) struct Fixture {
    pub(crate) store: SqliteStore,
    pub(crate) scene: Scene,
    pub(crate) customer: User,
}

impl Fixture {
    pub(crate) async fn open(place: &Place) -> Self {
        SqliteStore::migrate(&place.config()).unwrap();
        let store = SqliteStore::open(place.config()).unwrap();
        let scene = Scene::new(1);
        let (founding, _) = scene.found("Acme", None);
        store.commit(&founding).await.unwrap();
        let (made, customer) = scene.customer("Ann");
        store.commit(&made).await.unwrap();
        Self { store, scene, customer }
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope::tenant_wide(self.scene.tenant_id())
    }
}
