//! Numbered migrations, run when the operator says so.

use autocrm_core::error::{Error, ErrorKind, Result};
use diesel::{
    SqliteConnection,
    connection::SimpleConnection,
    prelude::*,
    sql_types::{BigInt, Nullable},
};

use crate::{
    migration::{Migration, MigrationReport, SchemaStatus},
    sqlite::{failure::During, statement::Sql},
};

const MIGRATE: &str = "migrate";

/// Every migration; the first one makes schema 1. What stands here is never changed, only added to.
const MIGRATIONS: &[Migration] =
    &[Migration { name: "0001_initial", sql: include_str!("../../migrations/0001_initial/sqlite.sql") }];

/// Returns the status of a file with the schema.
pub(crate) fn status_of(schema: u32) -> SchemaStatus {
    Migration::status(MIGRATIONS, schema)
}

fn schema(connection: &mut SqliteConnection) -> Result<u32> {
    let table = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'autocrm_migration'";
    let known: i64 = Sql::<BigInt>::new(table).once().get_result(connection).during(MIGRATE)?;
    if known == 0 {
        return Ok(0);
    }
    let latest: Option<i64> = Sql::<Nullable<BigInt>>::new("SELECT max(schema) FROM autocrm_migration")
        .get_result(connection)
        .during(MIGRATE)?;
    u32::try_from(latest.unwrap_or(0))
        .map_err(|error| Error::new(ErrorKind::Corrupt, MIGRATE).context("autocrm_migration").source(error))
}

/// Returns how the schema stands.
pub(crate) fn status(connection: &mut SqliteConnection) -> Result<SchemaStatus> {
    Ok(status_of(schema(connection)?))
}

/// Refuses a schema that is not this library's, and an SQLite without FTS5.
pub(crate) fn require_current(connection: &mut SqliteConnection) -> Result<()> {
    Migration::require_current(MIGRATIONS, schema(connection)?)?;
    require_search(connection)
}

fn require_search(connection: &mut SqliteConnection) -> Result<()> {
    let module = "SELECT count(*) FROM pragma_module_list WHERE name = 'fts5'";
    let modules: i64 = Sql::<BigInt>::new(module).once().get_result(connection).during(MIGRATE)?;
    if modules > 0 {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unsupported, MIGRATE)
        .context("this SQLite was built without FTS5; the feature sqlite-bundled brings one that has it"))
}

/// Runs the missing migrations, each in a transaction of its own.
pub(crate) fn run(connection: &mut SqliteConnection) -> Result<MigrationReport> {
    require_search(connection)?;
    let mut applied = Vec::new();
    for (index, migration) in MIGRATIONS.iter().enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        connection.batch_execute("BEGIN IMMEDIATE").during(MIGRATE)?;
        let outcome = step(connection, number, migration).and_then(|ran| {
            connection.batch_execute("COMMIT").during(MIGRATE)?;
            Ok(ran)
        });
        match outcome {
            Ok(true) => applied.push(migration.name),
            Ok(false) => {}
            Err(error) => {
                // The connection goes with the caller; what is open on it is rolled back then at the latest.
                drop(connection.batch_execute("ROLLBACK"));
                return Err(error);
            }
        }
    }
    Ok(MigrationReport { schema: schema(connection)?, applied })
}

/// Runs a migration unless the file has it, which another process may have seen to a moment ago.
fn step(connection: &mut SqliteConnection, number: u32, migration: &Migration) -> Result<bool> {
    let found = schema(connection)?;
    Migration::refuse_newer(MIGRATIONS, found)?;
    if found >= number {
        return Ok(false);
    }
    connection
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS autocrm_migration (
                 schema INTEGER NOT NULL PRIMARY KEY,
                 name TEXT NOT NULL,
                 applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
             )",
        )
        .during(MIGRATE)?;
    connection.batch_execute(migration.sql).during(MIGRATE)?;
    Sql::<()>::new("INSERT INTO autocrm_migration (schema, name) VALUES (?, ?)")
        .number(i64::from(number))
        .text(migration.name)
        .execute(connection)
        .during(MIGRATE)?;
    Ok(true)
}
