//! The suites on the PostgreSQL store: two handles with pools of their own on one database.

use std::sync::Arc;

use crate::support::{Database, tolerant};
use async_trait::async_trait;
use autocrm_core::{
    conformance::{Backend, Harness},
    port::Store,
};
use autocrm_storage::postgres::PostgresStore;
use sqlx::PgPool;

struct Postgres;

/// How many connections a handle has.
const CONNECTIONS: u32 = 6;

async fn open(pool: PgPool) -> Arc<dyn Store> {
    Arc::new(PostgresStore::open(pool, tolerant()).await.unwrap())
}

#[async_trait]
impl Harness<dyn Store> for Postgres {
    async fn fresh(&self) -> Backend {
        let database = Arc::new(Database::migrated().await);
        let spoiling = database.pool(1).await;
        let reopened = Arc::clone(&database);
        Backend::new(open(database.pool(CONNECTIONS).await).await)
            .with_second(open(database.pool(CONNECTIONS).await).await)
            .with_reopen(Box::new(move || Box::pin(async move { open(reopened.pool(CONNECTIONS).await).await })))
            .with_job_spoiler(Box::new(move |job| {
                let pool = spoiling.clone();
                Box::pin(async move {
                    let text = "UPDATE autocrm.autocrm_job SET payload = '{\"kind\":\"unknown\"}' WHERE id = $1::uuid";
                    let spoiled = sqlx::query(text).bind(job.as_uuid().to_string()).execute(&pool).await.unwrap();
                    assert_eq!(spoiled.rows_affected(), 1, "the job is stored");
                })
            }))
            .keeping(database)
    }
}

mod store {
    use super::Postgres;

    // Each case has a database of its own: fewer than on the embedded stores.
    autocrm_core::store_conformance!(Postgres, cases = 24);
}
