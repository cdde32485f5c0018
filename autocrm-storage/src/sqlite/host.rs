//! The commit inside of a host's own transaction.

use std::time::Duration;

use autocrm_core::{
    change::{ChangeSet, Receipt},
    error::{Error, ErrorKind, Result},
};
use diesel::{Connection, SqliteConnection, connection::SimpleConnection, prelude::*, sql_types::Text};

use crate::plan::Plan;
use crate::sqlite::{
    commit,
    failure::During,
    migrate,
    statement::Sql,
    writer::{Ledger, in_savepoint},
};

const COMMIT_IN: &str = "commit_in";

/// Applies a change set inside of the host's transaction: the host's rows and ours are committed or vanish together.
///
/// The host's database file has to hold the schema ([`SqliteStore::migrate`](crate::sqlite::SqliteStore::migrate)). The
/// transaction has to be begun with `BEGIN IMMEDIATE` (`SqliteConnection::immediate_transaction`), so that what the
/// change set requires is checked against the state that it is written to. The change set is applied in a savepoint: on
/// an error nothing of it remains, and the host's transaction stays usable. The receipt counts once the host has
/// committed. A worker in another connection finds the new jobs when it polls next.
///
/// # Errors
/// Those of [`Committer::commit`](autocrm_core::port::Committer::commit), and `NotInWriteTransaction`: there is no
/// transaction, or none that writes.
pub fn commit_in(connection: &mut SqliteConnection, changes: &ChangeSet) -> Result<Receipt> {
    let mut plan = Plan::of(changes)?;
    require_write_transaction(connection)?;
    migrate::require_current(connection)?;
    let (tenant, mut ledger) = (plan.tenant, Ledger::default());
    in_savepoint(connection, &mut ledger, tenant, |connection, ledger| {
        let receipt = commit::apply(connection, ledger, &mut plan)?;
        ledger.settle(connection)?;
        Ok(receipt)
    })?
}

fn refused(context: &'static str) -> Error {
    Error::new(ErrorKind::NotInWriteTransaction, COMMIT_IN).context(context)
}

/// Refuses a connection that does not hold the write lock.
///
/// SQLite tells this only to C (`sqlite3_txn_state`). In SQL, `BEGIN` succeeds exactly where there is no transaction.
/// Whether one holds the write lock is tried from outside: when a second connection to the same file can take the lock,
/// the host does not hold it. A file that only this connection can open, such as one in memory, has no other writer.
fn require_write_transaction(connection: &mut SqliteConnection) -> Result<()> {
    if connection.batch_execute("BEGIN").is_ok() {
        connection.batch_execute("ROLLBACK").during(COMMIT_IN)?;
        return Err(refused("there is no transaction: begin one with BEGIN IMMEDIATE"));
    }
    let main = "SELECT file FROM pragma_database_list WHERE name = 'main'";
    let path: String = Sql::<Text>::new(main).get_result(connection).during(COMMIT_IN)?;
    if path.is_empty() {
        return Ok(());
    }
    let Ok(mut other) = SqliteConnection::establish(&path) else { return Ok(()) };
    let at_once = format!("PRAGMA busy_timeout = {}", Duration::ZERO.as_millis());
    let taken = other.batch_execute(&at_once).and_then(|()| other.batch_execute("BEGIN IMMEDIATE"));
    if taken.is_err() {
        return Ok(());
    }
    drop(other.batch_execute("ROLLBACK"));
    Err(refused("the transaction only reads: begin it with BEGIN IMMEDIATE"))
}
