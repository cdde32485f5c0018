//! Futures that are dropped half-way: no connection stays inside of a transaction, and no acknowledged write is lost.

use std::{future::Future, pin::pin, task::Context, time::Duration};

use autocrm_core::{
    access::Scope,
    port::{Committer as _, EventReader as _, TenantReader as _, TicketReader as _},
    testing::Scene,
    ticket::TicketFilter,
};
use autocrm_storage::postgres::PostgresStore;
use futures_util::task::noop_waker;
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::support::{Database, tolerant};

/// After how many polls at the most a future is dropped.
const POLLS: usize = 12;
/// How often each number of polls is tried.
const ROUNDS: usize = 4;

/// A pool of one connection that is handed out again as it came back.
async fn narrow(database: &Database) -> PgPool {
    let options = PgPoolOptions::new().max_connections(1).min_connections(1).test_before_acquire(false);
    options.connect_with(database.options()).await.unwrap()
}

/// Polls a future a number of times, then drops it; returns whether it was not yet done.
async fn drop_after(polls: usize, future: impl Future) -> bool {
    let mut future = pin!(future);
    for _ in 0..polls {
        if future.as_mut().poll(&mut Context::from_waker(&noop_waker())).is_ready() {
            return false;
        }
        tokio::time::sleep(Duration::from_micros(150)).await;
    }
    true
}

/// Writes a row of the host's own after each dropped future, and returns how many futures were dropped and how many
/// acknowledged rows are missing.
async fn lost<T>(
    database: &Database,
    prepare: impl AsyncFn(PgPool) -> T,
    begin: impl AsyncFn(&T),
) -> (usize, i64) {
    let monitor = database.pool(1).await;
    sqlx::raw_sql("DROP TABLE IF EXISTS public.host_row; CREATE TABLE public.host_row (id bigint)")
        .execute(&monitor)
        .await
        .unwrap();
    let (mut dropped, mut acknowledged) = (0, 0_i64);
    for _ in 0..ROUNDS {
        for polls in 1..=POLLS {
            let pool = narrow(database).await;
            let prepared = prepare(pool.clone()).await;
            dropped += usize::from(drop_after(polls, begin(&prepared)).await);
            tokio::time::sleep(Duration::from_millis(5)).await;
            sqlx::query("INSERT INTO public.host_row VALUES (1)").execute(&pool).await.unwrap();
            acknowledged += 1;
            pool.close().await;
        }
    }
    let stored: i64 =
        sqlx::query_scalar("SELECT count(*) FROM public.host_row").fetch_one(&monitor).await.unwrap();
    (dropped, acknowledged - stored)
}

/// The driver's own beginning loses writes when it is dropped: what the shield is for. Should this test fail one day, the
/// driver was mended, and the shield may go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_shield_acknowledged_writes_are_lost() {
    let database = Database::migrated().await;
    #[expect(clippy::disallowed_methods, reason = "the hazard itself")]
    let (dropped, missing) = lost(&database, async |pool| pool, async |pool| drop(pool.begin().await)).await;
    assert!(dropped > 0, "futures were dropped half-way");
    assert!(missing > 0, "the driver no longer loses writes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_shield_nothing_is_lost() {
    let database = Database::migrated().await;
    let open = async |pool| PostgresStore::open(pool, tolerant()).await.unwrap();
    let (dropped, missing) = lost(&database, open, async |store| drop(store.tenants(None, 1).await)).await;
    assert!(dropped > 0, "futures were dropped half-way");
    assert_eq!(missing, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_transaction_stays_open() {
    let database = Database::migrated().await;
    let pool = database.pool(4).await;
    let store = PostgresStore::open(pool.clone(), tolerant()).await.unwrap();
    let scene = Scene::new(1);
    store.commit(&scene.found("Acme", None).0).await.unwrap();
    let scope = Scope::tenant_wide(scene.tenant_id());
    let mut dropped = 0;
    for polls in 1..=POLLS {
        let (set, _) = scene.customer(&format!("Customer {polls}"));
        dropped += usize::from(drop_after(polls, store.commit(&set)).await);
        let (filter, page) = (TicketFilter::default(), autocrm_core::page::PageRequest::default());
        dropped += usize::from(drop_after(polls, store.tickets(&scope, &filter, &page)).await);
        dropped += usize::from(drop_after(polls, store.head(&scope)).await);
    }
    assert!(dropped > 3, "futures were dropped half-way: {dropped}");
    let monitor = database.pool(1).await;
    let text = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    let mut open = i64::MAX;
    for _ in 0..100 {
        open = sqlx::query_scalar(text).fetch_one(&monitor).await.unwrap();
        if open == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(open, 0, "transactions that nobody ends");
    // Nothing of ours stays on a connection that goes back to the host.
    for _ in 0..4 {
        let (tenant, role): (String, String) = sqlx::query_as(
            "SELECT coalesce(current_setting('autocrm.tenant', true), ''), current_setting('role')",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        assert_eq!((tenant.as_str(), role.as_str()), ("", "none"));
    }
}
