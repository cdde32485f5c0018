//! What is wrong with a database, as an operator reads it.

use std::fmt;

use autocrm_core::error::Error;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It works, yet not as it should.
    Warning,
    /// It does not work, or data is damaged.
    Error,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is, as a stable code.
    pub code: &'static str,
    /// What it is, for people, in one line.
    pub message: String,
}

impl Finding {
    pub(crate) fn error(code: &'static str, message: impl fmt::Display) -> Self {
        Self { severity: Severity::Error, code, message: message.to_string() }
    }

    pub(crate) fn warning(code: &'static str, message: impl fmt::Display) -> Self {
        Self { severity: Severity::Warning, code, message: message.to_string() }
    }
}

impl From<Error> for Finding {
    fn from(error: Error) -> Self {
        Self::error(error.code(), error)
    }
}
