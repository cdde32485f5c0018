//! The readers: threads with a connection each, which answer what is queued.

use autocrm_core::error::Result;
use diesel::{SqliteConnection, connection::SimpleConnection};

use crate::sqlite::{
    failure::During,
    inbox::{CloseAtEnd, Inbox},
};

const READ: &str = "read";

/// A queued read.
pub(crate) type Look = Box<dyn FnOnce(&mut SqliteConnection) + Send>;

/// Works until the queue is closed and empty.
pub(crate) fn run(mut connection: SqliteConnection, inbox: &Inbox<Look>) {
    let _closed = CloseAtEnd(inbox);
    loop {
        let looks = inbox.take(1);
        if looks.is_empty() {
            return;
        }
        for look in looks {
            look(&mut connection);
        }
    }
}

/// Does several reads on one state of the database.
pub(crate) fn snapshot<T>(
    connection: &mut SqliteConnection,
    look: impl FnOnce(&mut SqliteConnection) -> Result<T>,
) -> Result<T> {
    connection.batch_execute("BEGIN").during(READ)?;
    let outcome = look(connection);
    // Nothing was written, so that both ways of ending it are the same; a broken transaction can only be rolled back.
    let ended = connection.batch_execute("ROLLBACK").during(READ);
    let value = outcome?;
    ended.map(|()| value)
}
