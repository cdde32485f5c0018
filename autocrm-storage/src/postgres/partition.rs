//! The months of the message table.

use autocrm_core::error::Result;
use sqlx::PgConnection;

use crate::postgres::failure::During;

const PARTITION: &str = "make partitions";
/// How many months are made ahead of the present one; the statement says the same.
pub(crate) const AHEAD: i64 = 6;
/// The advisory lock under which partitions are made.
const LOCK: i64 = 0x6175_746f_6372_6d02;

/// Makes the partitions of last month, this one and those ahead, and moves what waits in the default partition to them.
/// The user owns the tables. It can be run at any time, by many at once.
pub(crate) async fn ensure(connection: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *connection)
        .await
        .during(PARTITION)?;
    sqlx::raw_sql(include_str!("sql/partitions.sql")).execute(&mut *connection).await.during(PARTITION)?;
    Ok(())
}

/// Returns for how many months after the present one there are partitions.
pub(crate) async fn months_ahead(connection: &mut PgConnection) -> Result<i64> {
    sqlx::query_scalar(include_str!("sql/months_ahead.sql")).fetch_one(connection).await.during(PARTITION)
}

/// Returns how many messages lie in the default partition. The user owns the tables.
pub(crate) async fn stray(connection: &mut PgConnection) -> Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM autocrm.autocrm_message_default")
        .fetch_one(connection)
        .await
        .during(PARTITION)
}
