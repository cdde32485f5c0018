//! Numbered migrations, run when the operator says so.

use autocrm_core::error::{Error, ErrorKind, Result};
use sqlx::{PgConnection, PgPool};

use crate::{
    migration::{Migration, MigrationReport, SchemaStatus},
    postgres::{
        failure::During,
        partition, roles,
        session::{RUNTIME, SEARCHER},
    },
};

const MIGRATE: &str = "migrate";
/// The advisory lock under which one process migrates: the letters of `autocrm` and a number of its own.
const LOCK: i64 = 0x6175_746f_6372_6d01;
/// The oldest server: views that check the reader's rights and partitions that are detached while others work.
const OLDEST: i32 = 150_000;

/// Every migration; the first one makes schema 1. What stands here is never changed, only added to.
const MIGRATIONS: &[Migration] =
    &[Migration { name: "0001_initial", sql: include_str!("../../migrations/0001_initial/postgres.sql") }];

async fn schema(connection: &mut PgConnection) -> Result<u32> {
    let known: bool = sqlx::query_scalar("SELECT to_regclass('autocrm.autocrm_migration') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await
        .during(MIGRATE)?;
    if !known {
        return Ok(0);
    }
    let latest: i64 = sqlx::query_scalar("SELECT coalesce(max(schema), 0) FROM autocrm.autocrm_migration")
        .fetch_one(connection)
        .await
        .during(MIGRATE)?;
    u32::try_from(latest)
        .map_err(|error| Error::new(ErrorKind::Corrupt, MIGRATE).context("autocrm_migration").source(error))
}

/// Returns how the schema stands.
pub(crate) async fn status(pool: &PgPool) -> Result<SchemaStatus> {
    let mut connection = pool.acquire().await.during(MIGRATE)?;
    Ok(Migration::status(MIGRATIONS, schema(&mut connection).await?))
}

/// Refuses a server that is too old, or whose texts are not UTF-8.
async fn require_server(connection: &mut PgConnection) -> Result<()> {
    let (version, encoding): (i32, String) = sqlx::query_as(
        "SELECT current_setting('server_version_num')::int4, current_setting('server_encoding')",
    )
    .fetch_one(connection)
    .await
    .during(MIGRATE)?;
    if version < OLDEST {
        let context = format!("the server is version {version}; PostgreSQL 15 or newer is needed");
        return Err(Error::new(ErrorKind::Unsupported, MIGRATE).context(context));
    }
    if encoding != "UTF8" {
        let context = format!("the database has the encoding {encoding}; UTF8 is needed");
        return Err(Error::new(ErrorKind::Unsupported, MIGRATE).context(context));
    }
    Ok(())
}

/// Refuses a schema that is not this library's.
pub(crate) async fn require_current(pool: &PgPool) -> Result<()> {
    let mut connection = pool.acquire().await.during(MIGRATE)?;
    require_server(&mut connection).await?;
    Migration::require_current(MIGRATIONS, schema(&mut connection).await?)
}

/// Refuses a database into which a desk is being copied.
pub(crate) async fn require_whole(pool: &PgPool) -> Result<()> {
    let copying: bool = sqlx::query_scalar("SELECT to_regnamespace('autocrm_transfer') IS NOT NULL")
        .fetch_one(pool)
        .await
        .during(MIGRATE)?;
    if !copying {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unavailable, MIGRATE)
        .context("a desk is being copied into this database, or its copy was interrupted: copy to the end"))
}

/// Runs the missing migrations, each in a transaction of its own.
pub(crate) async fn run(pool: &PgPool) -> Result<MigrationReport> {
    let mut connection = pool.acquire().await.during(MIGRATE)?;
    require_server(&mut connection).await?;
    let mut applied = Vec::new();
    for (index, migration) in MIGRATIONS.iter().enumerate() {
        let number = i64::try_from(index + 1).unwrap_or(i64::MAX);
        sqlx::raw_sql("BEGIN").execute(&mut *connection).await.during(MIGRATE)?;
        let outcome = match step(&mut connection, number, migration).await {
            Ok(ran) => sqlx::raw_sql("COMMIT").execute(&mut *connection).await.during(MIGRATE).map(|_| ran),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(true) => applied.push(migration.name),
            Ok(false) => {}
            Err(error) => {
                // What is open on it ends with the connection.
                drop(connection.close().await);
                return Err(error);
            }
        }
    }
    Ok(MigrationReport { schema: schema(&mut connection).await?, applied })
}

/// Runs a migration unless the database has it, which another process may have seen to a moment ago.
async fn step(connection: &mut PgConnection, number: i64, migration: &Migration) -> Result<bool> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *connection)
        .await
        .during(MIGRATE)?;
    let found = schema(connection).await?;
    Migration::refuse_newer(MIGRATIONS, found)?;
    if i64::from(found) >= number {
        return Ok(false);
    }
    roles::ensure(connection).await?;
    sqlx::raw_sql(include_str!("sql/schema.sql")).execute(&mut *connection).await.during(MIGRATE)?;
    sqlx::raw_sql(migration.sql).execute(&mut *connection).await.during(MIGRATE)?;
    partition::ensure(connection).await?;
    roles::protect(connection).await?;
    sqlx::query("INSERT INTO autocrm.autocrm_migration (schema, name) VALUES ($1, $2)")
        .bind(number)
        .bind(migration.name)
        .execute(connection)
        .await
        .during(MIGRATE)?;
    tracing::info!(migration = migration.name, runtime = RUNTIME, searcher = SEARCHER, "migrated");
    Ok(true)
}
