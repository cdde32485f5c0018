//! The suite of text indexes on PostgreSQL: two handles with pools of their own on one database.

use std::sync::Arc;

use async_trait::async_trait;
use autocrm_core::{
    conformance::{Backend, Harness},
    port::TextIndex,
};
use autocrm_storage::postgres::{PostgresConfig, PostgresStore, PostgresTextIndex};
use sqlx::PgPool;

use crate::support::Database;

struct Postgres;

/// How many connections a handle has.
const CONNECTIONS: u32 = 4;

async fn open(pool: PgPool) -> Arc<dyn TextIndex> {
    let store = PostgresStore::open(pool, PostgresConfig::default()).await.unwrap();
    Arc::new(PostgresTextIndex::open(&store).await.unwrap())
}

#[async_trait]
impl Harness<dyn TextIndex> for Postgres {
    async fn fresh(&self) -> Backend<dyn TextIndex> {
        let database = Arc::new(Database::migrated().await);
        PostgresTextIndex::migrate(&database.pool(1).await).await.unwrap();
        let reopened = Arc::clone(&database);
        Backend::new(open(database.pool(CONNECTIONS).await).await)
            .with_second(open(database.pool(CONNECTIONS).await).await)
            .with_reopen(Box::new(move || {
                Box::pin(async move { open(reopened.pool(CONNECTIONS).await).await })
            }))
            .keeping(database)
    }
}

mod suite {
    use super::Postgres;

    autocrm_core::text_index_conformance!(Postgres);
}
