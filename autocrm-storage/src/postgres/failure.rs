//! What the server and the driver say, as failures of a port.

use autocrm_core::error::{Error, ErrorKind, Result};

/// SQLSTATE codes, or their first two characters for a class, and what they mean. The first match counts.
/// Source: appendix A of the PostgreSQL manual.
const MEANINGS: &[(&str, ErrorKind)] = &[
    ("23505", ErrorKind::Conflict),
    ("40", ErrorKind::Conflict),
    ("55P03", ErrorKind::Unavailable),
    ("57014", ErrorKind::Timeout),
    ("57", ErrorKind::Unavailable),
    ("53", ErrorKind::Unavailable),
    ("58", ErrorKind::Unavailable),
    ("08", ErrorKind::Unavailable),
    // Who may connect, and where to, is set right on the server while we wait.
    ("28", ErrorKind::Unavailable),
    ("3D000", ErrorKind::Unavailable),
    ("25006", ErrorKind::Unavailable),
    ("25P03", ErrorKind::Unavailable),
    ("25P01", ErrorKind::NotInWriteTransaction),
    ("3F000", ErrorKind::SchemaOutdated),
    ("42P01", ErrorKind::SchemaOutdated),
    ("42703", ErrorKind::SchemaOutdated),
    ("42883", ErrorKind::Unsupported),
    ("42704", ErrorKind::Unsupported),
    ("54", ErrorKind::LimitExceeded),
    ("XX001", ErrorKind::Corrupt),
    ("XX002", ErrorKind::Corrupt),
];

/// Returns what a SQLSTATE means.
fn meaning(code: &str) -> ErrorKind {
    MEANINGS.iter().find(|(start, _)| code.starts_with(start)).map_or(ErrorKind::Internal, |(_, kind)| *kind)
}

/// Turns a driver's failure into one of the port. The context holds the code of the server, never its message: that
/// may quote a row.
pub(crate) fn failure(operation: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |error| {
        let (kind, context) = match &error {
            sqlx::Error::Database(said) => {
                let code = said.code().unwrap_or_default().into_owned();
                let constraint = said.constraint().map(|name| format!(", {name}")).unwrap_or_default();
                (meaning(&code), format!("SQLSTATE {code}{constraint}"))
            }
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => {
                (ErrorKind::Unavailable, "the connection failed".to_owned())
            }
            sqlx::Error::PoolTimedOut => {
                (ErrorKind::Unavailable, "no connection became free in time".to_owned())
            }
            sqlx::Error::PoolClosed => (ErrorKind::Unavailable, "the pool is closed".to_owned()),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => (ErrorKind::Corrupt, String::new()),
            sqlx::Error::Protocol(_) => (ErrorKind::Unavailable, "the protocol was broken off".to_owned()),
            _ => (ErrorKind::Internal, String::new()),
        };
        Error::new(kind, operation).context(context).source(error)
    }
}

/// Adds the operation to a driver's result.
pub(crate) trait During<T> {
    /// Names the operation that failed.
    fn during(self, operation: &'static str) -> Result<T>;
}

impl<T> During<T> for std::result::Result<T, sqlx::Error> {
    fn during(self, operation: &'static str) -> Result<T> {
        self.map_err(failure(operation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_meanings() {
        for (code, kind) in [
            ("23505", ErrorKind::Conflict),
            ("40001", ErrorKind::Conflict),
            ("40P01", ErrorKind::Conflict),
            ("53100", ErrorKind::Unavailable),
            ("57P01", ErrorKind::Unavailable),
            ("57014", ErrorKind::Timeout),
            ("42501", ErrorKind::Internal),
        ] {
            assert_eq!(meaning(code), kind, "{code}");
        }
    }
}
