//! Migrations, partitions, and the likeness of both schemas.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use autocrm_core::{
    access::Scope,
    clock::{Clock as _, SystemClock},
    error::ErrorKind,
    page::PageRequest,
    port::{Committer as _, ConversationReader as _, TicketReader as _},
    testing::Scene,
    ticket::TicketFilter,
};
use autocrm_storage::postgres::{PostgresConfig, PostgresStore};
use diesel::{RunQueryDsl as _, SqliteConnection, connection::SimpleConnection as _};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgPool};

use crate::support::{Database, tolerant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_migrate_at_once_one_does() {
    let database = Database::empty().await;
    let pool = PgPool::connect(&database.url()).await.unwrap();
    let error = PostgresStore::open(pool.clone(), tolerant()).await.expect_err("nothing is there yet");
    assert_eq!(error.kind(), ErrorKind::SchemaOutdated);
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let pool = pool.clone();
        running.spawn(async move { PostgresStore::migrate(&pool).await.unwrap() });
    }
    let reports = running.join_all().await;
    let applied: usize = reports.iter().map(|report| report.applied.len()).sum();
    let status = PostgresStore::schema_status(&pool).await.unwrap();
    assert_eq!(applied, usize::try_from(status.expected).unwrap(), "each migration ran once");
    assert!(reports.iter().all(|report| report.schema == status.expected));
    PostgresStore::open(pool, tolerant()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_schema_is_refused() {
    let database = Database::migrated().await;
    let pool = database.pool(2).await;
    pool.execute("INSERT INTO autocrm.autocrm_migration (schema, name) VALUES (999, 'future')")
        .await
        .unwrap();
    let opened = PostgresStore::open(pool.clone(), tolerant()).await.expect_err("a newer schema");
    let migrated = PostgresStore::migrate(&pool).await.expect_err("a newer schema");
    assert_eq!((opened.kind(), migrated.kind()), (ErrorKind::SchemaTooNew, ErrorKind::SchemaTooNew));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_that_are_not_utf8_are_refused() {
    let database = Database::with_encoding("LATIN1").await;
    let error = PostgresStore::migrate(&database.pool(1).await).await.expect_err("a database in Latin-1");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("LATIN1"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_outside_of_their_ranges_are_refused() {
    let database = Database::migrated().await;
    let pool = database.pool(1).await;
    for config in [
        PostgresConfig { queue: 0, ..tolerant() },
        PostgresConfig { batch: 10_001, ..tolerant() },
        PostgresConfig { committers: 65, ..tolerant() },
        PostgresConfig { idle_timeout: Duration::from_millis(999), ..tolerant() },
        PostgresConfig { lock_timeout: Duration::ZERO, ..tolerant() },
        PostgresConfig { clock_tolerance: Duration::from_hours(24 * 3_651), ..tolerant() },
    ] {
        let error = PostgresStore::open(pool.clone(), config).await.expect_err("out of range");
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_wrong_is_refused() {
    let database = Database::migrated().await;
    let store = PostgresStore::open(database.pool(3).await, PostgresConfig::default()).await.unwrap();
    // The scene's clock is far from the server's.
    let error =
        store.commit(&Scene::new(1).found("Acme", None).0).await.expect_err("a clock of another year");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
}

/// Returns the partition in which the one tenant's message lies: the owner looks with the eyes of the tenant, as everybody does.
async fn partition_of(pool: &PgPool, scene: &Scene, id: &str) -> String {
    let mut connection = pool.acquire().await.unwrap();
    let mut tx = connection.begin_with("BEGIN READ ONLY").await.unwrap();
    let eyes = "SELECT set_config('autocrm.kind', 'system', true), set_config('autocrm.tenant', $1, true)";
    sqlx::query(eyes).bind(scene.tenant_id().to_string()).execute(&mut *tx).await.unwrap();
    let text = "SELECT c.relname::text FROM autocrm.autocrm_message m JOIN pg_class c ON c.oid = m.tableoid WHERE m.id = $1::uuid";
    sqlx::query_scalar(text).bind(id).fetch_one(&mut *tx).await.unwrap()
}

/// A desk with a ticket whose message was written at the instant of the scene.
async fn filed(pool: &PgPool) -> (PostgresStore, Scene, String) {
    let store = PostgresStore::open(pool.clone(), tolerant()).await.unwrap();
    let scene = Scene::new(1);
    store.commit(&scene.found("Acme", None).0).await.unwrap();
    let (made, customer) = scene.customer("Ann");
    store.commit(&made).await.unwrap();
    let (opened, ticket) = scene.ticket(customer.id, "The printer burns", None);
    store.commit(&opened).await.unwrap();
    let (written, _, message) = scene.message(&scene.actor(&customer, &[]), &ticket, "Still burning", false);
    store.commit(&written).await.unwrap();
    (store, scene, message.id.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_without_a_month_wait_in_the_default_partition_and_are_moved() {
    let database = Database::migrated().await;
    let pool = database.pool(4).await;
    let (store, scene, id) = filed(&pool).await;
    assert_eq!(partition_of(&pool, &scene, &id).await, "autocrm_message_default");
    let now = SystemClock.now();
    let codes = |findings: Vec<autocrm_storage::Finding>| -> BTreeSet<&'static str> {
        findings.into_iter().map(|finding| finding.code).collect()
    };
    assert!(codes(PostgresStore::doctor(&pool, now).await).contains("default_partition_used"));
    // As if the month of the message had come.
    let month: String = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT to_char(to_timestamp(('x' || substr(replace('{id}', '-', ''), 1, 12))::bit(48)::bigint / 1000.0)
                        AT TIME ZONE 'UTC', 'YYYY-MM-01')"
    )))
    .fetch_one(&pool)
    .await
    .unwrap();
    pool.execute(AssertSqlSafe(format!("SELECT autocrm.make_month('{month}'::timestamp)"))).await.unwrap();
    assert!(partition_of(&pool, &scene, &id).await.ends_with(&month[..7].replace('-', "")));
    assert!(!codes(PostgresStore::doctor(&pool, now).await).contains("default_partition_used"));
    let scope = Scope::tenant_wide(scene.tenant_id());
    let tickets = store.tickets(&scope, &TicketFilter::default(), &PageRequest::default()).await.unwrap();
    let messages = store.messages(&scope, tickets.items[0].id, &PageRequest::default()).await.unwrap();
    assert!(
        messages.items.iter().any(|message| message.id.to_string() == id),
        "the message is read as before"
    );
    PostgresStore::maintain(&pool).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_month_is_detached_while_its_tickets_stay() {
    let database = Database::migrated().await;
    let pool = database.pool(4).await;
    let (store, scene, id) = filed(&pool).await;
    pool.execute("ALTER TABLE autocrm.autocrm_message DETACH PARTITION autocrm.autocrm_message_default")
        .await
        .unwrap();
    let scope = Scope::tenant_wide(scene.tenant_id());
    let tickets = store.tickets(&scope, &TicketFilter::default(), &PageRequest::default()).await.unwrap();
    let messages = store.messages(&scope, tickets.items[0].id, &PageRequest::default()).await.unwrap();
    assert!(messages.items.iter().all(|message| message.id.to_string() != id), "its messages are gone");
    let codes: Vec<&str> = PostgresStore::doctor(&pool, SystemClock.now())
        .await
        .into_iter()
        .map(|finding| finding.code)
        .collect();
    assert!(codes.contains(&"search_incomplete"), "the doctor tells of what is left: {codes:?}");
}

/// The columns of each table: name, and whether it may be null.
type Schema = BTreeMap<String, BTreeMap<String, bool>>;

fn sqlite_schema() -> Schema {
    #[derive(diesel::QueryableByName)]
    struct Column {
        #[diesel(sql_type = diesel::sql_types::Text)]
        owner: String,
        #[diesel(sql_type = diesel::sql_types::Text)]
        name: String,
        #[diesel(sql_type = diesel::sql_types::Bool)]
        nullable: bool,
    }
    let mut connection = <SqliteConnection as diesel::Connection>::establish(":memory:").unwrap();
    connection.batch_execute(include_str!("../../migrations/0001_initial/sqlite.sql")).unwrap();
    let columns: Vec<Column> = diesel::sql_query(
        "SELECT m.name AS owner, c.name AS name, c.\"notnull\" = 0 AS nullable
         FROM sqlite_master m JOIN pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name LIKE 'autocrm%' AND m.name NOT LIKE 'autocrm_search%'",
    )
    .load(&mut connection)
    .unwrap();
    let mut schema = Schema::new();
    for column in columns {
        schema.entry(column.owner).or_default().insert(column.name, column.nullable);
    }
    schema
}

async fn postgres_schema(pool: &PgPool) -> Schema {
    let columns: Vec<(String, String, bool)> = sqlx::query_as(
        "SELECT c.relname::text, a.attname::text, NOT a.attnotnull FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relnamespace = 'autocrm'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
         AND a.attnum > 0 AND NOT a.attisdropped AND c.relname NOT IN ('autocrm_search', 'autocrm_migration')",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut schema = Schema::new();
    for (table, column, nullable) in columns {
        schema.entry(table).or_default().insert(column, nullable);
    }
    schema
}

/// What one schema has and the other has not, each with its reason.
const DIFFERENCES: &[&str] = &[
    // SQLite appends fastest to tables with row numbers, which PostgreSQL has no use for.
    "sqlite autocrm_event.row",
    "sqlite autocrm_idempotency.row",
    "sqlite autocrm_job.row",
    "sqlite autocrm_message.row",
    "sqlite autocrm_ticket.row",
    // Positions are given by a sealer of their own in PostgreSQL, and by the one writer in SQLite.
    "postgres autocrm_event_order.arrival",
    "postgres autocrm_event_order.event",
    "postgres autocrm_event_order.place",
    "postgres autocrm_event_order.position",
    "postgres autocrm_event_order.tenant",
    "sqlite autocrm_counter.position",
    "sqlite autocrm_event.position",
    // What is looked up before a tenant is known is apart from what row-level security guards.
    "postgres autocrm_directory.support_address",
    "postgres autocrm_directory.tenant",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_schemas_are_alike() {
    let database = Database::migrated().await;
    let (sqlite, postgres) = (sqlite_schema(), postgres_schema(&database.pool(1).await).await);
    let flat = |schema: &Schema| -> BTreeMap<String, bool> {
        let columns = schema.iter().flat_map(|(table, columns)| {
            columns.iter().map(move |(column, nullable)| (format!("{table}.{column}"), *nullable))
        });
        columns.collect()
    };
    let (left, right) = (flat(&sqlite), flat(&postgres));
    let mut found = BTreeSet::new();
    found.extend(left.keys().filter(|name| !right.contains_key(*name)).map(|name| format!("sqlite {name}")));
    found
        .extend(right.keys().filter(|name| !left.contains_key(*name)).map(|name| format!("postgres {name}")));
    let known: BTreeSet<String> = DIFFERENCES.iter().map(|line| (*line).to_owned()).collect();
    assert_eq!(found, known);
    for (name, nullable) in &left {
        if let Some(other) = right.get(name) {
            assert_eq!(nullable, other, "{name} may be null in one schema only");
        }
    }
}
