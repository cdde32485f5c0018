//! A database of its own for each test, on the server that `AUTOCRM_TEST_POSTGRES_URL` names.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    str::FromStr as _,
    thread,
    time::Duration,
};

use autocrm_core::clock::{Clock as _, SystemClock};
use autocrm_core::id::{IdSource as _, RandomIds};
use autocrm_storage::postgres::{PostgresConfig, PostgresStore};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// What the schema is made of.
const SCHEMA: [&str; 4] = [
    include_str!("../../migrations/0001_initial/postgres.sql"),
    include_str!("../../src/postgres/sql/roles.sql"),
    include_str!("../../src/postgres/sql/protect.sql"),
    include_str!("../../src/postgres/sql/partitions.sql"),
];
/// The advisory lock under which the template is made.
const LOCK: i64 = 7_001;

/// Returns how the server is reached.
///
/// # Panics
/// Without a server: a test that did not run has not passed.
pub(crate) fn server() -> PgConnectOptions {
    #[expect(clippy::disallowed_methods, reason = "tests are told where their server is")]
    let url = std::env::var("AUTOCRM_TEST_POSTGRES_URL").expect(
        "AUTOCRM_TEST_POSTGRES_URL is not set: `scripts/services up postgres`, then `eval \"$(scripts/services env postgres)\"`",
    );
    // What survives a power failure is not tested here, and thousands of syncs are slow.
    PgConnectOptions::from_str(&url).unwrap().options([("synchronous_commit", "off")])
}

/// Returns a configuration for scenarios that have clocks of their own.
pub(crate) fn tolerant() -> PostgresConfig {
    PostgresConfig { clock_tolerance: Duration::from_hours(24 * 3_650), ..PostgresConfig::default() }
}

/// A database that is removed with its last handle.
#[derive(Debug)]
pub(crate) struct Database {
    name: String,
}

impl Database {
    /// Makes an empty database with the schema.
    pub(crate) async fn migrated() -> Self {
        Self::copied(Some(&template()), "UTF8").await
    }

    /// Makes an empty database.
    pub(crate) async fn empty() -> Self {
        Self::copied(None, "UTF8").await
    }

    /// Makes an empty database whose texts are in an encoding.
    pub(crate) async fn with_encoding(encoding: &str) -> Self {
        Self::copied(None, encoding).await
    }

    async fn copied(template: Option<&str>, encoding: &str) -> Self {
        let name = format!("test_{}", RandomIds.uuid(SystemClock.now()).simple());
        let mut server = PgConnection::connect_with(&server()).await.unwrap();
        // Nobody may be connected to the template while it is made or copied.
        sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK).execute(&mut server).await.unwrap();
        if template.is_some() {
            ensure_template(&mut server, template.unwrap_or_default()).await;
        }
        let from = template.unwrap_or("template0");
        let text = format!("CREATE DATABASE {name} TEMPLATE {from} ENCODING '{encoding}' LOCALE 'C'");
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut server).await.unwrap();
        server.close().await.unwrap();
        Self { name }
    }

    /// Returns how the database is reached.
    pub(crate) fn options(&self) -> PgConnectOptions {
        server().database(&self.name)
    }

    /// Returns how other programs reach the database.
    pub(crate) fn url(&self) -> String {
        self.options().to_url_lossy().into()
    }

    /// Opens a pool of up to `connections`.
    pub(crate) async fn pool(&self, connections: u32) -> PgPool {
        PgPoolOptions::new().max_connections(connections).connect_with(self.options()).await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let text = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // The test's own runtime may be ending.
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let mut server = PgConnection::connect_with(&server()).await.unwrap();
                sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut server).await.unwrap();
            });
        });
        drop(dropped.join());
    }
}

/// Returns the name of the migrated database that every test's own is copied from: another one for another schema.
fn template() -> String {
    let mut hasher = DefaultHasher::new();
    SCHEMA.hash(&mut hasher);
    format!("autocrm_template_{:016x}", hasher.finish())
}

async fn ensure_template(server: &mut PgConnection, template: &str) {
    let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
        .bind(template)
        .fetch_one(&mut *server)
        .await
        .unwrap();
    if known {
        return;
    }
    let making = format!("{template}_making");
    for text in [
        format!("DROP DATABASE IF EXISTS {making} WITH (FORCE)"),
        format!("CREATE DATABASE {making} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"),
    ] {
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *server).await.unwrap();
    }
    let pool =
        PgPoolOptions::new().max_connections(1).connect_with(self::server().database(&making)).await.unwrap();
    PostgresStore::migrate(&pool).await.unwrap();
    pool.close().await;
    let text = format!("ALTER DATABASE {making} RENAME TO {template}");
    sqlx::raw_sql(AssertSqlSafe(text)).execute(server).await.unwrap();
}
