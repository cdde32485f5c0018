//! Row-level security as the second wall: every table is protected, and the policies alone show what the policy shows.

use std::collections::BTreeSet;

use crate::support::{Database, tolerant};
use autocrm_core::{
    access::{Action, Actor, ActorKind, MessageAudience, Resource, Scope, decide},
    error::ErrorKind,
    port::Committer as _,
    testing::{RandomTenant, RandomWorld},
    ticket::Ticket,
};
use autocrm_storage::postgres::PostgresStore;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

async fn run(connection: &mut PgConnection, text: &str) {
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(connection).await.unwrap();
}

async fn texts(connection: &mut PgConnection, text: &str) -> BTreeSet<String> {
    let all: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(text.to_owned())).fetch_all(connection).await.unwrap();
    all.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_and_partition_is_protected() {
    let database = Database::migrated().await;
    let mut connection = database.pool(1).await.acquire().await.unwrap().detach();
    let unprotected = texts(
        &mut connection,
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'autocrm'::regnamespace AND relkind IN ('r', 'p')
         AND NOT (relrowsecurity AND relforcerowsecurity)",
    )
    .await;
    assert_eq!(unprotected, BTreeSet::from(["autocrm_migration".to_owned()]));
    let without_policy = texts(
        &mut connection,
        "SELECT relname::text FROM pg_class c WHERE relnamespace = 'autocrm'::regnamespace AND relkind IN ('r', 'p')
         AND NOT relispartition AND NOT EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid)",
    )
    .await;
    assert_eq!(without_policy, BTreeSet::from(["autocrm_migration".to_owned()]));
    // The worker looks across tenants at these, and at nothing else.
    let across = texts(
        &mut connection,
        "SELECT relname::text FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
         WHERE pg_get_expr(p.polqual, p.polrelid) NOT LIKE '%tenant = %'",
    )
    .await;
    let known = ["autocrm_directory", "autocrm_event_order", "autocrm_job", "autocrm_message_default"];
    assert_eq!(across, known.map(str::to_owned).into());
    let direct = texts(
        &mut connection,
        "SELECT relname::text FROM pg_class c, unnest(ARRAY['autocrm_runtime', 'autocrm_search']) AS r
         WHERE relnamespace = 'autocrm'::regnamespace AND relispartition AND relkind = 'r'
         AND has_table_privilege(r, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')",
    )
    .await;
    assert!(direct.is_empty(), "{direct:?}");
    let partitions = texts(
        &mut connection,
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'autocrm.autocrm_message'::regclass",
    )
    .await;
    assert_eq!(partitions.len(), 9, "last month, this one, six to come, and the default: {partitions:?}");
}

async fn refusal(database: &Database, spoil: &str) -> (ErrorKind, String) {
    let pool = database.pool(2).await;
    run(&mut pool.acquire().await.unwrap(), spoil).await;
    let error = PostgresStore::open(pool, tolerant()).await.expect_err("the store is not opened");
    (error.kind(), error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unprotected_table_is_refused() {
    for (spoil, word) in [
        ("ALTER TABLE autocrm.autocrm_ticket NO FORCE ROW LEVEL SECURITY", "not protected"),
        ("ALTER TABLE autocrm.autocrm_message_default DISABLE ROW LEVEL SECURITY", "not protected"),
        ("GRANT SELECT ON autocrm.autocrm_message_default TO autocrm_runtime", "directly"),
        ("GRANT TRUNCATE ON autocrm.autocrm_ticket TO autocrm_runtime", "truncate"),
        ("CREATE VIEW autocrm.every_ticket AS SELECT * FROM autocrm.autocrm_ticket", "view"),
        ("ALTER TABLE autocrm.autocrm_team OWNER TO autocrm_runtime", "owns"),
    ] {
        let database = Database::migrated().await;
        let (kind, said) = refusal(&database, spoil).await;
        assert_eq!(kind, ErrorKind::Unsupported, "{spoil}");
        assert!(said.contains(word), "{spoil}: {said}");
    }
}

/// Says for whom a transaction reads, as the store does.
async fn look_as(connection: &mut PgConnection, actor: &Actor) {
    let (kind, user, teams) = match &actor.kind {
        ActorKind::Customer(user) => ("customer", user.to_string(), Vec::new()),
        ActorKind::Agent { user, teams } => ("agent", user.to_string(), teams.clone()),
        ActorKind::Admin(_) | ActorKind::System => ("system", String::new(), Vec::new()),
    };
    let teams: Vec<String> = teams.iter().map(ToString::to_string).collect();
    let text = format!(
        "BEGIN READ ONLY; SET LOCAL ROLE autocrm_runtime; SET LOCAL autocrm.tenant = '{}'; SET LOCAL autocrm.kind = '{kind}';
         SET LOCAL autocrm.actor = '{user}'; SET LOCAL autocrm.teams = '{{{}}}'",
        actor.tenant,
        teams.join(",")
    );
    run(connection, &text).await;
}

fn may_read(actor: &Actor, resource: &Resource<'_>) -> bool {
    decide(actor, Action::Read, resource).is_allowed()
}

fn ids<'a, T: 'a>(
    rows: impl Iterator<Item = &'a T>,
    shown: impl Fn(&T) -> bool,
    id: impl Fn(&T) -> String,
) -> BTreeSet<String> {
    rows.filter(|row| shown(row)).map(id).collect()
}

/// Compares each table as the policies alone show it, without any condition of ours, with what the policy function says.
async fn compare(pool: &PgPool, world: &RandomWorld, own: &RandomTenant, actor: &Actor) {
    let mut connection = pool.acquire().await.unwrap();
    look_as(&mut connection, actor).await;
    let scope = Scope::of(actor);
    let all = || world.tenants.iter();
    let tickets: Vec<&Ticket> = all().flat_map(|tenant| &tenant.tickets).collect();
    let sees_ticket = |ticket: &Ticket| may_read(actor, &ticket.resource());
    let ticket_of = |id| tickets.iter().find(|ticket| ticket.id == id).unwrap();
    let expected = [
        ("autocrm_ticket", ids(all().flat_map(|t| &t.tickets), sees_ticket, |row| row.id.to_string())),
        (
            "autocrm_message",
            ids(
                all().flat_map(|t| &t.messages),
                |row| {
                    let ticket = ticket_of(row.ticket);
                    sees_ticket(ticket) && may_read(actor, &ticket.message_resource(row.audience()))
                },
                |row| row.id.to_string(),
            ),
        ),
        (
            "autocrm_article",
            ids(
                all().flat_map(|t| &t.articles),
                |row| may_read(actor, &row.resource()),
                |row| row.id.to_string(),
            ),
        ),
        (
            "autocrm_user",
            ids(
                all().flat_map(|t| &t.users),
                |row| may_read(actor, &row.resource()),
                |row| row.id.to_string(),
            ),
        ),
        (
            "autocrm_team",
            ids(
                all().flat_map(|t| &t.teams),
                |row| row.tenant == actor.tenant && scope.is_staff(),
                |row| row.id.to_string(),
            ),
        ),
        (
            "autocrm_template",
            ids(
                all().flat_map(|t| &t.templates),
                |row| row.tenant == actor.tenant && scope.sees_template(row.team),
                |row| row.id.to_string(),
            ),
        ),
        (
            "autocrm_notification",
            ids(
                all().flat_map(|t| &t.notifications),
                |row| row.tenant == actor.tenant && scope.sees_notification(row.recipient),
                |row| row.id.to_string(),
            ),
        ),
    ];
    for (table, wanted) in expected {
        let mut found = texts(&mut connection, &format!("SELECT id::text FROM autocrm.{table}")).await;
        if table == "autocrm_message" {
            // A ticket's first message belongs to it and is not listed by the world.
            let known: BTreeSet<String> =
                all().flat_map(|t| &t.messages).map(|row| row.id.to_string()).collect();
            found = found.intersection(&known).cloned().collect();
        }
        assert_eq!(found, wanted, "{table} as {actor:?} of {}", own.id);
    }
    let counted = |text: &'static str| sqlx::query_scalar::<_, i64>(text);
    let foreign = counted(
        "SELECT count(*) FROM autocrm.autocrm_event WHERE tenant::text <> current_setting('autocrm.tenant')",
    );
    assert_eq!(foreign.fetch_one(&mut *connection).await.unwrap(), 0);
    let events =
        counted("SELECT count(*) FROM autocrm.autocrm_event").fetch_one(&mut *connection).await.unwrap();
    let rows = counted("SELECT count(*) FROM autocrm.autocrm_job").fetch_one(&mut *connection).await.unwrap();
    let is_wide = matches!(actor.kind, ActorKind::Admin(_) | ActorKind::System);
    assert_eq!(rows > 0, is_wide, "jobs as {actor:?}");
    assert!(events > 0 || !is_wide, "events as {actor:?}");
    if !scope.is_staff() {
        let internal =
            sqlx::query_scalar::<_, i64>("SELECT count(*) FROM autocrm.autocrm_message WHERE audience = $1");
        let code = i64::from(MessageAudience::Internal != MessageAudience::Public);
        assert_eq!(internal.bind(code).fetch_one(&mut *connection).await.unwrap(), 0, "notes as {actor:?}");
    }
    run(&mut connection, "ROLLBACK").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_alone_show_what_the_policy_function_shows() {
    for seed in [1, 7_919] {
        let database = Database::migrated().await;
        let pool = database.pool(4).await;
        let store = PostgresStore::open(pool.clone(), tolerant()).await.unwrap();
        let world = RandomWorld::new(seed, 2, 14);
        for set in &world.sets {
            store.commit(set).await.unwrap();
        }
        for tenant in &world.tenants {
            for actor in &tenant.actors {
                compare(&pool, &world, tenant, actor).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_settings_nothing_is_shown() {
    let database = Database::migrated().await;
    let pool = database.pool(4).await;
    let store = PostgresStore::open(pool.clone(), tolerant()).await.unwrap();
    for set in &RandomWorld::new(1, 1, 3).sets {
        store.commit(set).await.unwrap();
    }
    let mut connection = pool.acquire().await.unwrap();
    run(&mut connection, "BEGIN; SET LOCAL ROLE autocrm_runtime").await;
    for table in texts(
        &mut connection,
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'autocrm'::regnamespace AND relkind IN ('r', 'p')
         AND NOT relispartition AND relname <> 'autocrm_migration'",
    )
    .await
    {
        let text = format!("SELECT count(*)::text FROM autocrm.{table}");
        assert_eq!(texts(&mut connection, &text).await, BTreeSet::from(["0".to_owned()]), "{table}");
    }
}
