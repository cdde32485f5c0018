//! A desk that moves from a SQLite file to a PostgreSQL database.

use std::{fmt::Debug, path::PathBuf, sync::Arc, time::Duration};

use autocrm_core::{
    access::Scope,
    app::{AutoCrm, RequestKey, TicketData},
    change::Position,
    clock::{Clock as _, SystemClock},
    conformance::{Backend, store_scenarios},
    error::ErrorKind,
    id::TenantId,
    knowledge::ArticleFilter,
    mail::BlobHash,
    page::PageRequest,
    port::{ClaimRequest, Committer as _, EventReader as _, JobQueue as _, Store, TenantReader as _},
    testing::{RandomWorld, Scene},
    ticket::{Channel, NewTicket, Ticket, TicketFilter, TicketQuery},
    user::UserFilter,
};
use autocrm_storage::{
    Severity,
    postgres::PostgresStore,
    sqlite::{SqliteConfig, SqliteStore, Synchronous},
    transfer::{self, Progress, Step, TransferReport},
};
use sqlx::{AssertSqlSafe, Executor as _, PgPool};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::support::{Database, tolerant};

/// The scenario that commits a write of every kind.
const EVERY_KIND: &str = "commit::c1_every_kind_of_write_reads_back_equal";

/// A SQLite file with rows in it.
struct Desk {
    directory: TempDir,
    store: SqliteStore,
    world: RandomWorld,
}

impl Desk {
    /// Makes a desk with a row of every kind, of several tenants, and more than one batch of messages.
    async fn full() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = config(&directory);
        SqliteStore::migrate(&config).unwrap();
        let store = SqliteStore::open(config).unwrap();
        let world = RandomWorld::of_scenes(10..13, 7, 120);
        for set in &world.sets {
            store.commit(set).await.unwrap();
        }
        let scenario = store_scenarios().into_iter().find(|scenario| scenario.name == EVERY_KIND).unwrap();
        let port: Arc<dyn Store> = Arc::new(store.clone());
        (scenario.run)(Backend::new(Arc::clone(&port)).with_second(port).never_suspends()).await;
        let desk = Self { directory, store, world };
        desk.add_what_scenarios_leave_out().await;
        desk
    }

    /// Adds jobs that wait, a receipt, and the traces of an erased ticket.
    async fn add_what_scenarios_leave_out(&self) {
        let scene = Scene::new(90);
        self.store.commit(&scene.found("Elsewhere", Some("desk@example.net")).0).await.unwrap();
        let (made, user) = scene.customer("Zoe");
        self.store.commit(&made).await.unwrap();
        open_ticket(self.store.clone(), &scene, "before").await;
        let (gone, doomed) = scene.ticket(user.id, "Forget me", None);
        self.store.commit(&gone).await.unwrap();
        self.store.commit(&scene.delete(&doomed).0).await.unwrap();
        self.store.commit(&scene.erase(doomed.id)).await.unwrap();
    }

    fn config(&self) -> SqliteConfig {
        config(&self.directory)
    }

    async fn tenants(&self) -> Vec<TenantId> {
        self.store.tenants(None, 100).await.unwrap()
    }
}

/// Opens a ticket of a scene's first customer under a key, as a host does; a repetition is answered with the first.
async fn open_ticket(store: impl Store + 'static, scene: &Scene, key: &str) -> Ticket {
    let scope = Scope::tenant_wide(scene.tenant_id());
    let users = store.users(&scope, &UserFilter::default(), &PageRequest::first(1)).await.unwrap();
    let crm = AutoCrm::builder().store(store).build().unwrap();
    let data = TicketData {
        requester: Some(users.items[0].id),
        channel: Channel::Api,
        ticket: NewTicket::about("A key".parse().unwrap()),
        body: "Once only.".parse().unwrap(),
    };
    let key = RequestKey { key: key.parse().unwrap(), request: BlobHash::of(b"the request") };
    crm.processor().keyed(key).create(&scene.system(), &data).await.unwrap()
}

fn config(directory: &TempDir) -> SqliteConfig {
    let path: PathBuf = directory.path().join("desk.db");
    SqliteConfig { synchronous: Synchronous::Off, ..SqliteConfig::new(path) }
}

/// Returns what can be seen of a tenant.
async fn seen(store: &dyn Store, tenant: TenantId) -> Vec<String> {
    let scope = Scope::tenant_wide(tenant);
    let page = PageRequest::first(200);
    let mut lines = Vec::new();
    let mut see = |line: &dyn Debug| lines.push(format!("{line:?}"));
    see(&store.tenant(&scope).await);
    see(&store.scheme(&scope).await);
    see(&store.users(&scope, &UserFilter::default(), &page).await);
    see(&store.teams(&scope).await);
    see(&store.templates(&scope, &page).await);
    see(&store.articles(&scope, &ArticleFilter::default(), &page).await);
    see(&store.head(&scope).await);
    let mut after = Position::START;
    loop {
        let events = store.events(&scope, after, 1_000).await.unwrap();
        let Some(last) = events.last() else { break };
        after = last.position;
        see(&events);
    }
    let tickets = store.tickets(&scope, &TicketFilter::default(), &page).await.unwrap();
    for ticket in &tickets.items {
        see(ticket);
        see(&store.messages(&scope, ticket.id, &page).await);
        see(&store.routing(&scope, ticket.id).await);
        see(&store.ticket_mail_refs(&scope, ticket.id, 100).await);
    }
    for word in ["printer", "invoice burns", "drop table"] {
        let query = TicketQuery { text: word.to_owned(), notes: true };
        see(&store.search_tickets(&scope, &query, &page).await);
    }
    lines
}

async fn rows_of(pool: &PgPool, table: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM autocrm.{table}")))
        .fetch_one(pool)
        .await
        .unwrap()
}

async fn copy(desk: &Desk, pool: &PgPool) -> autocrm_core::error::Result<TransferReport> {
    transfer::copy(&desk.config(), pool, |_| {}).await
}

/// Copies until a table is being written, and gives up in the middle.
async fn copy_half(desk: &Desk, pool: &PgPool, table: &'static str) {
    let (tell, told) = oneshot::channel();
    let mut tell = Some(tell);
    let watch = move |progress: Progress| {
        let is_amid =
            progress.step == Step::Copy && progress.table == table && progress.rows < progress.total;
        if let Some(tell) = tell.take_if(|_| is_amid) {
            // Whoever listens has given up already, or hears it.
            tell.send(()).unwrap_or_default();
        }
    };
    let config = desk.config();
    tokio::select! {
        biased;
        heard = told => heard.unwrap(),
        ended = transfer::copy(&config, pool, watch) => panic!("ended before the middle of {table}: {ended:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desk_with_every_kind_of_row_is_copied_and_both_read_equal() {
    let desk = Desk::full().await;
    let database = Database::migrated().await;
    let pool = database.pool(4).await;
    let mut steps = Vec::new();
    let report = transfer::copy(&desk.config(), &pool, |progress| steps.push(progress)).await.unwrap();
    assert!(!report.resumed);
    for table in &report.tables {
        assert!(table.rows > 0 && table.hash.len() == 64, "{table:?}: every kind of row is copied");
        assert_eq!(rows_of(&pool, table.table).await, i64::try_from(table.rows).unwrap(), "{}", table.table);
    }
    assert_eq!(report.tables.len(), 22);
    for step in [Step::Copy, Step::Compare] {
        let told =
            steps.iter().rfind(|progress| progress.step == step && progress.table == "autocrm_message");
        assert!(told.is_some_and(|progress| progress.rows == progress.total), "{told:?}");
    }

    let copied = PostgresStore::open(pool.clone(), tolerant()).await.unwrap();
    for tenant in desk.tenants().await {
        let (ours, theirs) = (seen(&desk.store, tenant).await, seen(&copied, tenant).await);
        assert_eq!(ours, theirs);
    }
    let findings = PostgresStore::doctor(&pool, SystemClock.now()).await;
    assert!(findings.iter().all(|found| found.severity != Severity::Error), "{findings:?}");
    assert_eq!(rows_of(&pool, "autocrm_message_default").await, 0, "every month has its partition");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_desks_go_on_alike() {
    let desk = Desk::full().await;
    let database = Database::migrated().await;
    let pool = database.pool(4).await;
    copy(&desk, &pool).await.unwrap();
    let theirs = PostgresStore::open(pool, tolerant()).await.unwrap();
    let scene = Scene::new(90);
    let scope = Scope::tenant_wide(scene.tenant_id());
    let ours = &desk.store;
    let (first, again) = (
        open_ticket(ours.clone(), &scene, "before").await,
        open_ticket(theirs.clone(), &scene, "before").await,
    );
    assert_eq!(first, again, "the receipt came along");
    let request = ClaimRequest { now: SystemClock.now(), lease: Duration::from_mins(1), limit: 100 };
    let (one, other) = (ours.claim(&request).await.unwrap(), theirs.claim(&request).await.unwrap());
    assert!(!one.is_empty());
    assert_eq!(one, other, "jobs go on");
    let (one, other) = (
        open_ticket(ours.clone(), &scene, "after").await,
        open_ticket(theirs.clone(), &scene, "after").await,
    );
    assert_eq!((one.number, one.number > first.number), (other.number, true), "numbers go on");
    assert_eq!(ours.head(&scope).await.unwrap(), theirs.head(&scope).await.unwrap(), "positions go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_copy_is_closed_to_others_and_goes_on() {
    let desk = Desk::full().await;
    let database = Database::migrated().await;
    let pool = database.pool(4).await;
    copy_half(&desk, &pool, "autocrm_message").await;
    let there = rows_of(&pool, "autocrm_message").await;
    assert!(there > 0, "the copy had begun");
    let refused = PostgresStore::open(pool.clone(), tolerant()).await.expect_err("half a desk");
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    copy_half(&desk, &pool, "autocrm_event").await;
    let report = copy(&desk, &pool).await.unwrap();
    assert!(report.resumed);
    let copied = PostgresStore::open(pool.clone(), tolerant()).await.unwrap();
    let tenant = desk.world.tenants[0].id;
    assert_eq!(seen(&desk.store, tenant).await, seen(&copied, tenant).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_was_changed_or_lost_is_found() {
    let desk = Desk::full().await;
    for spoil in [
        "UPDATE autocrm.autocrm_user SET document = document || ' '",
        "UPDATE autocrm.autocrm_ticket SET version = version + 1 WHERE number = 1",
        "DELETE FROM autocrm.autocrm_message WHERE sequence = 1",
        "UPDATE autocrm.autocrm_message SET language = '' WHERE language IS NULL",
    ] {
        let database = Database::migrated().await;
        let pool = database.pool(4).await;
        copy_half(&desk, &pool, "autocrm_event").await;
        assert!(pool.execute(spoil).await.unwrap().rows_affected() > 0, "{spoil}");
        let error = copy(&desk, &pool).await.expect_err(spoil);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{spoil}: {error}");
        let refused = PostgresStore::open(pool.clone(), tolerant()).await.expect_err("not a whole desk");
        assert_eq!(refused.kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_with_another_desk_is_refused() {
    let desk = Desk::full().await;
    let database = Database::migrated().await;
    let pool = database.pool(4).await;
    let other = PostgresStore::open(pool.clone(), tolerant()).await.unwrap();
    other.commit(&Scene::new(50).found("Other", None).0).await.unwrap();
    let error = copy(&desk, &pool).await.expect_err("another desk");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(PostgresStore::open(pool, tolerant()).await.is_ok(), "it is as it was");

    let database = Database::migrated().await;
    let pool = database.pool(4).await;
    copy_half(&desk, &pool, "autocrm_message").await;
    let stranger = Desk { world: RandomWorld::new(1, 0, 0), ..small().await };
    let error = copy(&stranger, &pool).await.expect_err("the copy of another desk was begun");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let database = Database::empty().await;
    let error = copy(&desk, &database.pool(2).await).await.expect_err("there is no schema");
    assert_eq!(error.kind(), ErrorKind::SchemaOutdated);
}

async fn small() -> Desk {
    let directory = tempfile::tempdir().unwrap();
    SqliteStore::migrate(&config(&directory)).unwrap();
    let store = SqliteStore::open(config(&directory)).unwrap();
    store.commit(&Scene::new(60).found("Small", None).0).await.unwrap();
    Desk { directory, store, world: RandomWorld::new(1, 0, 0) }
}
