//! The suite of vector indexes on pgvector: two handles with pools of their own on one database.

use std::sync::Arc;

use async_trait::async_trait;
use autocrm_core::{
    conformance::{Backend, Harness},
    port::VectorIndex,
};
use autocrm_storage::postgres::{PostgresConfig, PostgresStore, PostgresVectorIndex};
use sqlx::PgPool;

use crate::support::Database;

struct Pgvector;

/// How many connections a handle has.
const CONNECTIONS: u32 = 4;

async fn open(pool: PgPool) -> Arc<dyn VectorIndex> {
    let store = PostgresStore::open(pool, PostgresConfig::default()).await.unwrap();
    Arc::new(PostgresVectorIndex::open(&store).await.unwrap())
}

#[async_trait]
impl Harness<dyn VectorIndex> for Pgvector {
    async fn fresh(&self) -> Backend<dyn VectorIndex> {
        let database = Arc::new(Database::migrated().await);
        PostgresVectorIndex::migrate(&database.pool(1).await).await.unwrap();
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
    use super::Pgvector;

    autocrm_core::vector_index_conformance!(Pgvector);
}
