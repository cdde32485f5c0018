//! What ends a measurement before its end.

use std::{fmt, path::Path};

/// The result of a step of a measurement.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// One line that says what is wrong, and with what.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Names the file and, if it is known, the line (from 1).
    pub(crate) fn in_file(path: &Path, line: Option<usize>, problem: impl fmt::Display) -> Self {
        match line {
            Some(number) => Self(format!("{}:{number}: {problem}", path.display())),
            None => Self(format!("{}: {problem}", path.display())),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

macro_rules! failures {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self(chain(&error))
            }
        }
    )+};
}

failures!(
    autocrm_core::app::BuildError,
    autocrm_core::app::Error,
    autocrm_core::error::Error,
    autocrm_core::text::TextError,
    diesel::ConnectionError,
    diesel::result::Error,
    serde_json::Error,
    sqlx::Error,
    std::io::Error,
    tokio::task::JoinError,
);

/// Joins an error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let line = inner.to_string();
        if !text.ends_with(&line) {
            text.push_str(": ");
            text.push_str(&line);
        }
        cause = inner.source();
    }
    text
}
