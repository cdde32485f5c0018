//! The host's own transaction: its rows and ours together, its role and settings as they were.

use autocrm_core::{
    access::Scope,
    error::ErrorKind,
    port::{Committer as _, EventReader as _, TicketReader as _, UserReader as _},
    testing::Scene,
    ticket::TicketFilter,
    user::User,
};
use autocrm_storage::postgres::{PostgresStore, commit_in};
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool};

use crate::support::{Database, tolerant};

struct Fixture {
    store: PostgresStore,
    pool: PgPool,
    scene: Scene,
    customer: User,
    _database: Database,
}

impl Fixture {
    async fn open() -> Self {
        let database = Database::migrated().await;
        let pool = database.pool(4).await;
        pool.execute("CREATE TABLE public.host_row (id bigint PRIMARY KEY)").await.unwrap();
        let store = PostgresStore::open(pool.clone(), tolerant()).await.unwrap();
        let scene = Scene::new(1);
        store.commit(&scene.found("Acme", None).0).await.unwrap();
        let (made, customer) = scene.customer("Ann");
        store.commit(&made).await.unwrap();
        Self { store, pool, scene, customer, _database: database }
    }

    async fn connection(&self) -> PgConnection {
        self.pool.acquire().await.unwrap().detach()
    }

    fn scope(&self) -> Scope {
        Scope::tenant_wide(self.scene.tenant_id())
    }

    async fn tickets(&self) -> usize {
        let page = autocrm_core::page::PageRequest::default();
        self.store.tickets(&self.scope(), &TicketFilter::default(), &page).await.unwrap().items.len()
    }

    async fn host_rows(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM public.host_row").fetch_one(&self.pool).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_host_and_desk_are_committed_or_vanish_together() {
    let desk = Fixture::open().await;
    for (round, commits) in [(1_i64, false), (2, true)] {
        let (opened, _) = desk.scene.ticket(desk.customer.id, "The printer burns", None);
        let mut connection = desk.connection().await;
        let mut tx = connection.begin().await.unwrap();
        tx.execute(sqlx::query("INSERT INTO public.host_row VALUES ($1)").bind(round)).await.unwrap();
        let receipt = commit_in(&mut tx, &opened).await.unwrap();
        assert_eq!(receipt.numbers.len(), 1);
        if commits {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
        assert_eq!((desk.tickets().await, desk.host_rows().await), if commits { (1, 1) } else { (0, 0) });
    }
    assert!(desk.store.head(&desk.scope()).await.unwrap().get() > 0, "the events are in the feed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_set_leaves_the_hosts_transaction_usable() {
    let desk = Fixture::open().await;
    let (renamed, _) = desk.scene.customer("Bob");
    desk.store.commit(&renamed).await.unwrap();
    let mut connection = desk.connection().await;
    let mut tx = connection.begin().await.unwrap();
    let again = commit_in(&mut tx, &renamed).await.expect_err("the user is there already");
    assert!(again.is_conflict(), "{again}");
    tx.execute("INSERT INTO public.host_row VALUES (7)").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(desk.host_rows().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn role_and_settings_are_the_hosts_again() {
    let desk = Fixture::open().await;
    let mut connection = desk.connection().await;
    let mut tx = connection.begin().await.unwrap();
    tx.execute("SET LOCAL autocrm.tenant = 'the host''s own'").await.unwrap();
    let look = "SELECT current_user::text || ' ' || current_setting('role') || ' ' || current_setting('autocrm.tenant')";
    let before: String = sqlx::query_scalar(look).fetch_one(&mut *tx).await.unwrap();
    let (made, user) = desk.scene.customer("Cleo");
    commit_in(&mut tx, &made).await.unwrap();
    let after: String = sqlx::query_scalar(look).fetch_one(&mut *tx).await.unwrap();
    assert_eq!(after, before);
    let refused = commit_in(&mut tx, &made).await;
    assert!(refused.is_err());
    let last: String = sqlx::query_scalar(look).fetch_one(&mut *tx).await.unwrap();
    assert_eq!(last, before);
    tx.commit().await.unwrap();
    assert!(desk.store.user(&desk.scope(), user.id).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_transaction_that_writes_it_is_refused() {
    let desk = Fixture::open().await;
    let (made, _) = desk.scene.customer("Dora");
    let mut connection = desk.connection().await;
    let error = commit_in(&mut connection, &made).await.expect_err("no transaction");
    assert_eq!(error.kind(), ErrorKind::NotInWriteTransaction);
    for begin in ["BEGIN READ ONLY", "BEGIN ISOLATION LEVEL SERIALIZABLE"] {
        let mut tx = connection.begin_with(begin).await.unwrap();
        let error = commit_in(&mut tx, &made).await.expect_err("not a transaction to write in");
        assert_eq!(error.kind(), ErrorKind::NotInWriteTransaction, "{begin}");
        tx.rollback().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_transaction_of_a_host_stalls_no_reader_of_the_feed() {
    let desk = Fixture::open().await;
    let before = desk.store.head(&desk.scope()).await.unwrap();
    let mut connection = desk.connection().await;
    let mut late = connection.begin().await.unwrap();
    let (first, early) = desk.scene.customer("Early");
    commit_in(&mut late, &first).await.unwrap();
    // Others go on, and their events are in the feed although an earlier one has not committed yet.
    let (second, _) = desk.scene.customer("Late");
    desk.store.commit(&second).await.unwrap();
    let seen = desk.store.events(&desk.scope(), before, 100).await.unwrap();
    assert_eq!(seen.len(), 1);
    late.commit().await.unwrap();
    let rest = desk.store.events(&desk.scope(), seen[0].position, 100).await.unwrap();
    assert_eq!(rest.len(), 1, "a reader that goes on misses nothing");
    assert_eq!(rest[0].position.get(), seen[0].position.get() + 1, "positions have no gaps");
    assert!(desk.store.user(&desk.scope(), early.id).await.unwrap().is_some());
}
