//! Parts of the schema that not every host has: each has migrations and a version of its own, so that a server that lacks
//! what one of them needs still has everything else.

use autocrm_core::error::{Error, ErrorKind, Result};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use crate::{
    migration::{Migration, MigrationReport},
    postgres::{failure::During, migrate, roles},
};

const MIGRATE: &str = "migrate";
/// The advisory lock under which one process installs a component.
const LOCK: i64 = 0x6175_746f_6372_6d04;

/// A part of the schema.
pub(crate) struct Component {
    pub(crate) name: &'static str,
    /// What stands here is never changed, only added to.
    pub(crate) migrations: &'static [Migration],
    /// The extension that it needs, and the oldest version of it.
    pub(crate) extension: Option<(&'static str, (u32, u32))>,
}

/// Where an installed extension is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extension {
    /// The schema, quoted.
    pub(crate) schema: String,
    version: (u32, u32),
}

impl Extension {
    /// Returns where an extension is; `None`: it is not installed in this database.
    pub(crate) async fn find(connection: &mut PgConnection, name: &'static str) -> Result<Option<Self>> {
        let found: Option<(String, String)> = sqlx::query_as(include_str!("sql/extension.sql"))
            .bind(name)
            .fetch_optional(connection)
            .await
            .during(MIGRATE)?;
        Ok(found.map(|(schema, version)| {
            let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
            Self { schema, version: (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) }
        }))
    }

    /// Makes an extension unless it is there.
    ///
    /// # Errors
    /// `Unsupported` when the server does not have it or the user may not make it. The transaction goes on.
    pub(crate) async fn ensure(connection: &mut PgConnection, name: &'static str) -> Result<()> {
        if Self::find(connection, name).await?.is_some() {
            return Ok(());
        }
        sqlx::raw_sql("SAVEPOINT extension").execute(&mut *connection).await.during(MIGRATE)?;
        let making = AssertSqlSafe(format!("CREATE EXTENSION IF NOT EXISTS {name}"));
        let Err(refused) = sqlx::raw_sql(making).execute(&mut *connection).await else { return Ok(()) };
        sqlx::raw_sql("ROLLBACK TO SAVEPOINT extension").execute(connection).await.during(MIGRATE)?;
        Err(missing(name).source(refused))
    }
}

fn missing(name: &'static str) -> Error {
    let context = format!("the extension {name} is missing: an administrator runs CREATE EXTENSION {name}");
    Error::new(ErrorKind::Unsupported, MIGRATE).context(context)
}

impl Component {
    /// Brings the component up to this library's version, in one transaction.
    ///
    /// # Errors
    /// `SchemaOutdated` when the store itself is not migrated, `SchemaTooNew` when the component is newer than this
    /// library, `Unsupported` when its extension is missing or too old.
    pub(crate) async fn install(&self, pool: &PgPool) -> Result<MigrationReport> {
        migrate::require_current(pool).await?;
        let mut connection = pool.acquire().await.during(MIGRATE)?;
        sqlx::raw_sql("BEGIN").execute(&mut *connection).await.during(MIGRATE)?;
        let outcome = match self.step(&mut connection).await {
            Ok(report) => {
                sqlx::raw_sql("COMMIT").execute(&mut *connection).await.during(MIGRATE).map(|_| report)
            }
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            // What is open on it ends with the connection.
            drop(connection.close().await);
        }
        outcome
    }

    async fn step(&self, connection: &mut PgConnection) -> Result<MigrationReport> {
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(LOCK)
            .execute(&mut *connection)
            .await
            .during(MIGRATE)?;
        if let Some((name, _)) = self.extension {
            Extension::ensure(connection, name).await?;
        }
        self.extension(connection).await?;
        let found = self.version(connection).await?;
        Migration::refuse_newer(self.migrations, found)?;
        let status = Migration::status(self.migrations, found);
        if status.pending.is_empty() {
            return Ok(MigrationReport { schema: found, applied: Vec::new() });
        }
        sqlx::raw_sql(include_str!("sql/components.sql")).execute(&mut *connection).await.during(MIGRATE)?;
        for migration in self.migrations.iter().filter(|migration| status.pending.contains(&migration.name)) {
            sqlx::raw_sql(migration.sql).execute(&mut *connection).await.during(MIGRATE)?;
        }
        roles::protect(connection).await?;
        let text = "INSERT INTO autocrm.autocrm_component (name, version) VALUES ($1, $2)
                    ON CONFLICT (name) DO UPDATE SET version = excluded.version, applied_at = now()";
        sqlx::query(text)
            .bind(self.name)
            .bind(i64::from(status.expected))
            .execute(connection)
            .await
            .during(MIGRATE)?;
        tracing::info!(component = self.name, version = status.expected, "migrated");
        Ok(MigrationReport { schema: status.expected, applied: status.pending })
    }

    /// Returns the version that the database has; 0: none.
    pub(crate) async fn version(&self, connection: &mut PgConnection) -> Result<u32> {
        let known: bool = sqlx::query_scalar("SELECT to_regclass('autocrm.autocrm_component') IS NOT NULL")
            .fetch_one(&mut *connection)
            .await
            .during(MIGRATE)?;
        if !known {
            return Ok(0);
        }
        let version: Option<i64> =
            sqlx::query_scalar("SELECT version FROM autocrm.autocrm_component WHERE name = $1")
                .bind(self.name)
                .fetch_optional(connection)
                .await
                .during(MIGRATE)?;
        u32::try_from(version.unwrap_or(0)).map_err(|error| {
            Error::new(ErrorKind::Corrupt, MIGRATE).context("autocrm_component").source(error)
        })
    }

    /// Returns where the component's extension is; `None` for a component without one.
    async fn extension(&self, connection: &mut PgConnection) -> Result<Option<Extension>> {
        let Some((name, oldest)) = self.extension else { return Ok(None) };
        let Some(found) = Extension::find(connection, name).await? else { return Err(missing(name)) };
        if found.version < oldest {
            let context = format!("the extension {name} is older than {}.{}", oldest.0, oldest.1);
            return Err(Error::new(ErrorKind::Unsupported, MIGRATE).context(context));
        }
        Ok(Some(found))
    }

    /// Refuses a database in which the component is not this library's, and returns where its extension is.
    ///
    /// # Errors
    /// `Unsupported` without its extension or when row-level security cannot be relied on, `SchemaOutdated` when it was
    /// not installed or is older, `SchemaTooNew` when it is newer.
    pub(crate) async fn require(&self, pool: &PgPool) -> Result<Option<Extension>> {
        let mut connection = pool.acquire().await.during(MIGRATE)?;
        let found = self.extension(&mut connection).await?;
        Migration::require_current(self.migrations, self.version(&mut connection).await?)?;
        drop(connection);
        roles::require_safe(pool).await?;
        Ok(found)
    }
}
