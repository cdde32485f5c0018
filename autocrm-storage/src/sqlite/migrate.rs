//! Numbered migrations, run when the operator says so.

use autocrm_core::error::{Error, ErrorKind, Result};
use diesel::{
    SqliteConnection,
    connection::SimpleConnection,
    prelude::*,
    sql_types::{BigInt, Nullable},
};

use crate::sqlite::{failure::During, statement::Sql};

const MIGRATE: &str = "migrate";

struct Migration {
    name: &'static str,
    sql: &'static str,
}

/// Every migration; the first one makes schema 1. What stands here is never changed, only added to.
const MIGRATIONS: &[Migration] =
    &[Migration { name: "0001_initial", sql: include_str!("../../migrations/0001_initial/sqlite.sql") }];

/// What a migration did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationReport {
    /// The schema that the file has now.
    pub schema: u32,
    /// The names of the migrations that were run, in order; empty: there was nothing to do.
    pub applied: Vec<&'static str>,
}

/// How a file's schema stands towards this library's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaStatus {
    /// The schema of the file; 0: none.
    pub schema: u32,
    /// The schema that this library works with.
    pub expected: u32,
    /// The names of the migrations that are missing, in order.
    pub pending: Vec<&'static str>,
}

fn expected() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// Returns the status of a file with the schema.
pub(crate) fn status_of(schema: u32) -> SchemaStatus {
    let done = usize::try_from(schema).unwrap_or(usize::MAX);
    SchemaStatus {
        schema,
        expected: expected(),
        pending: MIGRATIONS.iter().skip(done).map(|migration| migration.name).collect(),
    }
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

fn too_new(found: u32) -> Error {
    let context = format!("the file has schema {found}, this library works with {}", expected());
    Error::new(ErrorKind::SchemaTooNew, MIGRATE).context(context)
}

/// Refuses a schema that is not this library's, and an SQLite without FTS5.
pub(crate) fn require_current(connection: &mut SqliteConnection) -> Result<()> {
    let found = schema(connection)?;
    if found > expected() {
        return Err(too_new(found));
    }
    if found < expected() {
        let context =
            format!("the file has schema {found}, this library works with {}: migrate first", expected());
        return Err(Error::new(ErrorKind::SchemaOutdated, MIGRATE).context(context));
    }
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
    if found > expected() {
        return Err(too_new(found));
    }
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
