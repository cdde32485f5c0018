//! Keeping the full-text index over messages (FTS5) in step with them.
//!
//! A segment of few entries costs several times as much per entry as one of many: its words are sorted and written alone,
//! and merged again and again. New messages therefore wait, in the order of their rows, until there are enough of them or
//! the writer has nothing else to do. They are no less found: a search looks through those that wait as well (see
//! [`waiting`]). The last row of the index says where they begin, so that nothing is to be remembered over a crash.

use autocrm_core::error::Result;
use diesel::{
    RunQueryDsl, SqliteConnection,
    sql_types::{BigInt, Nullable},
};

use crate::{
    column::Uid,
    sqlite::{failure::During, save::COMMIT, statement::Sql},
};

/// How many messages may wait. A search looks through so many in some milliseconds.
const ENOUGH: i64 = 1_024;
/// How many bytes of messages may wait.
const ENOUGH_BYTES: usize = 4 * 1_024 * 1_024;

/// What a message is found by, in the columns of the index.
const ENTRIES: &str = "SELECT m.row, lower(hex(m.tenant)), \
    CASE m.audience WHEN 0 THEN coalesce(t.subject, '') || char(10) || m.body ELSE '' END, \
    CASE m.audience WHEN 0 THEN '' ELSE coalesce(t.subject, '') || char(10) || m.body END \
    FROM autocrm_message m LEFT JOIN autocrm_ticket t ON t.tenant = m.tenant AND t.id = m.ticket";

/// The index of what waits, on the connection of a reader, made as the index itself is. What a search puts there is gone
/// with its snapshot.
pub(crate) const WAITING: &str = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.autocrm_waiting USING fts5 (
    tenant, open, inner,
    content = '', detail = full,
    tokenize = 'unicode61 remove_diacritics 2'
);";

/// What became of the entry of a message that is not new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SearchChange {
    /// The message reads otherwise.
    Rewritten {
        /// Its row.
        row: i64,
    },
    /// The message is gone.
    Removed {
        /// Its row.
        row: i64,
    },
}

/// Returns the last row of the index, 0 when it is empty. Later messages wait.
pub(crate) fn last_row(connection: &mut SqliteConnection) -> Result<i64> {
    let last = Sql::<Nullable<BigInt>>::new("SELECT max(id) FROM autocrm_search_docsize");
    Ok(last.get_result::<Option<i64>>(connection).during(COMMIT)?.unwrap_or(0))
}

/// Brings entries up to what has changed. A message that waits has none yet.
pub(crate) fn write(
    connection: &mut SqliteConnection,
    changes: impl ExactSizeIterator<Item = SearchChange>,
) -> Result<()> {
    if changes.len() == 0 {
        return Ok(());
    }
    let last = last_row(connection)?;
    for change in changes {
        let (SearchChange::Rewritten { row } | SearchChange::Removed { row }) = change;
        if row > last {
            continue;
        }
        let removal = Sql::<()>::new("DELETE FROM autocrm_search WHERE rowid = ?").number(row);
        removal.execute(connection).during(COMMIT)?;
        if matches!(change, SearchChange::Rewritten { .. }) {
            let text =
                format!("INSERT INTO autocrm_search (rowid, tenant, open, inner) {ENTRIES} WHERE m.row = ?");
            Sql::<()>::new(text).number(row).execute(connection).during(COMMIT)?;
        }
    }
    Ok(())
}

/// Takes up what waits when it is enough, `newest` being the row of the newest message and `bytes` the length of those
/// that are known to wait. Returns whether nothing waits any more.
pub(crate) fn take_up_enough(connection: &mut SqliteConnection, newest: i64, bytes: usize) -> Result<bool> {
    let last = last_row(connection)?;
    if newest - last < ENOUGH && bytes < ENOUGH_BYTES {
        return Ok(newest == last);
    }
    take_up_after(connection, last)?;
    Ok(true)
}

/// Takes up all that waits.
pub(crate) fn take_up(connection: &mut SqliteConnection) -> Result<()> {
    let last = last_row(connection)?;
    take_up_after(connection, last)
}

fn take_up_after(connection: &mut SqliteConnection, last: i64) -> Result<()> {
    let text = format!(
        "INSERT INTO autocrm_search (rowid, tenant, open, inner) {ENTRIES} WHERE m.row > ? ORDER BY m.row"
    );
    Sql::<()>::new(text).number(last).execute(connection).during(COMMIT)?;
    Ok(())
}

/// Puts what waits of a tenant into the reader's index of what waits, in a transaction that is rolled back. Returns how
/// many messages it holds. The plus keeps SQLite from walking all messages of the tenant for the few late ones.
pub(crate) fn waiting(connection: &mut SqliteConnection, tenant: Uid, last: i64) -> Result<usize> {
    let text = format!(
        "INSERT INTO temp.autocrm_waiting (rowid, tenant, open, inner) {ENTRIES} WHERE m.row > ? AND +m.tenant = ?"
    );
    Sql::<()>::new(text).number(last).uid(tenant).execute(connection).during(COMMIT)
}
