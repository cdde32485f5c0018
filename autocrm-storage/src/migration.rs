//! Numbered migrations, whatever database runs them.

use autocrm_core::error::{Error, ErrorKind, Result};

const MIGRATE: &str = "migrate";

/// A step from one schema to the next.
pub(crate) struct Migration {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

/// What a migration did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationReport {
    /// The schema that the database has now.
    pub schema: u32,
    /// The names of the migrations that were run, in order; empty: there was nothing to do.
    pub applied: Vec<&'static str>,
}

/// How a database's schema stands towards this library's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaStatus {
    /// The schema of the database; 0: none.
    pub schema: u32,
    /// The schema that this library works with.
    pub expected: u32,
    /// The names of the migrations that are missing, in order.
    pub pending: Vec<&'static str>,
}

impl Migration {
    /// Returns the status of a database with the schema.
    pub(crate) fn status(all: &[Self], schema: u32) -> SchemaStatus {
        let done = usize::try_from(schema).unwrap_or(usize::MAX);
        SchemaStatus {
            schema,
            expected: u32::try_from(all.len()).unwrap_or(u32::MAX),
            pending: all.iter().skip(done).map(|migration| migration.name).collect(),
        }
    }

    /// Refuses a schema that is newer than this library's.
    pub(crate) fn refuse_newer(all: &[Self], found: u32) -> Result<()> {
        let expected = Self::status(all, found).expected;
        if found <= expected {
            return Ok(());
        }
        let context = format!("the database has schema {found}, this library works with {expected}");
        Err(Error::new(ErrorKind::SchemaTooNew, MIGRATE).context(context))
    }

    /// Refuses a schema that is not this library's.
    pub(crate) fn require_current(all: &[Self], found: u32) -> Result<()> {
        Self::refuse_newer(all, found)?;
        let status = Self::status(all, found);
        if status.pending.is_empty() {
            return Ok(());
        }
        let context = format!(
            "the database has schema {found}, this library works with {}: migrate first",
            status.expected
        );
        Err(Error::new(ErrorKind::SchemaOutdated, MIGRATE).context(context))
    }
}
