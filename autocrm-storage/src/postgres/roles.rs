//! The roles, their rights, and whether row-level security can be relied on.

use autocrm_core::error::{Error, ErrorKind, Result};
use sqlx::{PgConnection, PgPool};

use crate::postgres::failure::During;

const ROLES: &str = "check the roles";

/// Makes the two roles unless they exist, and lets the present user change to them.
pub(crate) async fn ensure(connection: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql(include_str!("sql/roles.sql")).execute(connection).await.during(ROLES)?;
    Ok(())
}

/// Enables and forces row-level security on every table of the schema, partitions included, and gives the two roles
/// what they need and no more. It can be run again whenever there are new tables.
pub(crate) async fn protect(connection: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql(include_str!("sql/protect.sql")).execute(connection).await.during(ROLES)?;
    Ok(())
}

/// Returns what makes row-level security unreliable; nothing: it can be relied on.
pub(crate) async fn gaps(connection: &mut PgConnection) -> Result<Vec<String>> {
    sqlx::query_scalar(include_str!("sql/gaps.sql")).fetch_all(connection).await.during(ROLES)
}

/// Refuses a database in which row-level security cannot be relied on.
pub(crate) async fn require_safe(pool: &PgPool) -> Result<()> {
    let mut connection = pool.acquire().await.during(ROLES)?;
    let found = gaps(&mut connection).await?;
    match found.first() {
        None => Ok(()),
        Some(gap) => Err(Error::new(ErrorKind::Unsupported, ROLES).context(gap)),
    }
}
