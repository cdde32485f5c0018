//! What SQLite says, as failures of a port.

use autocrm_core::error::{Error, ErrorKind, Result};
use diesel::result::{ConnectionError, DatabaseErrorKind, Error as DieselError};

/// Messages of SQLite, lower-cased, and what they mean. The driver hands on no result codes, and these texts of
/// `sqlite3ErrStr` have not changed in a decade; a test provokes those that it can.
const MEANINGS: &[(&str, ErrorKind)] = &[
    ("is locked", ErrorKind::Unavailable),
    ("is full", ErrorKind::Unavailable),
    ("disk i/o error", ErrorKind::Unavailable),
    ("readonly database", ErrorKind::Unavailable),
    ("unable to open database", ErrorKind::Unavailable),
    ("locking protocol", ErrorKind::Unavailable),
    ("out of memory", ErrorKind::Unavailable),
    ("disk image is malformed", ErrorKind::Corrupt),
    ("file is not a database", ErrorKind::Corrupt),
    ("malformed database schema", ErrorKind::Corrupt),
    ("fts5: corrupt", ErrorKind::Corrupt),
    ("vtable constructor failed", ErrorKind::Corrupt),
    ("no such table", ErrorKind::SchemaOutdated),
    ("no such column", ErrorKind::SchemaOutdated),
    ("no such module", ErrorKind::Unsupported),
    ("too big", ErrorKind::LimitExceeded),
];

fn meaning(message: &str) -> ErrorKind {
    let lower = message.to_lowercase();
    MEANINGS.iter().find(|(text, _)| lower.contains(text)).map_or(ErrorKind::Internal, |(_, kind)| *kind)
}

/// Turns a driver's failure into one of the port.
pub(crate) fn failure(operation: &'static str) -> impl Fn(DieselError) -> Error {
    move |error| {
        let kind = match &error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => ErrorKind::Conflict,
            DieselError::DatabaseError(_, information) => meaning(information.message()),
            DieselError::DeserializationError(_) => ErrorKind::Corrupt,
            _ => ErrorKind::Internal,
        };
        let context = match &error {
            DieselError::DatabaseError(_, information) => information.message().to_owned(),
            _ => String::new(),
        };
        Error::new(kind, operation).context(context).source(error)
    }
}

/// Turns a failure to open a file into one of the port.
pub(crate) fn open_failure(operation: &'static str) -> impl Fn(ConnectionError) -> Error {
    move |error| {
        let message = error.to_string();
        let kind = match meaning(&message) {
            ErrorKind::Internal => ErrorKind::Unavailable,
            kind => kind,
        };
        Error::new(kind, operation).context(message).source(error)
    }
}

/// Adds the operation to a driver's result.
pub(crate) trait During<T> {
    /// Names the operation that failed.
    fn during(self, operation: &'static str) -> Result<T>;
}

impl<T> During<T> for diesel::QueryResult<T> {
    fn during(self, operation: &'static str) -> Result<T> {
        self.map_err(failure(operation))
    }
}

/// Repeats a failure of a whole batch to one of its callers.
pub(crate) fn repeat(cause: &Error, operation: &'static str) -> Error {
    let kind = match cause.kind() {
        ErrorKind::Corrupt => ErrorKind::Corrupt,
        ErrorKind::SchemaOutdated => ErrorKind::SchemaOutdated,
        ErrorKind::SchemaTooNew => ErrorKind::SchemaTooNew,
        ErrorKind::Unsupported => ErrorKind::Unsupported,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, operation).context(cause)
}
