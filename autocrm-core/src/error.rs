//! What can go wrong at a port: kind, operation, context and whether a retry helps.

use std::{error::Error as StdError, fmt, time::Duration};

/// The result of a port operation.
pub type Result<T> = std::result::Result<T, Error>;

/// The kind of a port failure. Its [`code`](ErrorKind::code) is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is outside its stated range.
    Invalid,
    /// The named row, file or lease does not exist in the given scope.
    NotFound,
    /// A version, a uniqueness or another requirement no longer holds; decide again from a fresh load.
    Conflict,
    /// An idempotency key came back with another request.
    KeyReused,
    /// A stated limit is exceeded.
    LimitExceeded,
    /// A bounded queue is full.
    Overloaded,
    /// The backend cannot be reached or refuses to work: locked, full, restarting.
    Unavailable,
    /// The backend did not answer in time.
    Timeout,
    /// Stored data cannot be read.
    Corrupt,
    /// The stored schema is newer than this library.
    SchemaTooNew,
    /// The schema is missing or older than this library: migrate first.
    SchemaOutdated,
    /// `commit_in` was called outside a write transaction.
    NotInWriteTransaction,
    /// The adapter lacks the capability.
    Unsupported,
    /// A defect of the adapter.
    Internal,
}

impl ErrorKind {
    /// Returns the stable code of the kind.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::KeyReused => "idempotency_key_reused",
            Self::LimitExceeded => "limit_exceeded",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Corrupt => "corrupt",
            Self::SchemaTooNew => "schema_too_new",
            Self::SchemaOutdated => "schema_outdated",
            Self::NotInWriteTransaction => "not_in_write_transaction",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        }
    }

    const fn default_retry(self) -> Retry {
        match self {
            Self::Conflict => Retry::FromFreshLoad,
            Self::Overloaded | Self::Unavailable | Self::Timeout => Retry::Later(Duration::from_secs(1)),
            _ => Retry::Never,
        }
    }
}

/// Whether the same call may succeed another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same call fails again.
    Never,
    /// A decision made from a fresh load may succeed.
    FromFreshLoad,
    /// The same call may succeed after the given time.
    Later(Duration),
}

/// A failure at a port. Its context holds ids and sizes only, never bodies or addresses.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    operation: &'static str,
    context: String,
    retry: Retry,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Returns a failure of `kind` in `operation`, with the kind's usual answer to a retry.
    pub fn new(kind: ErrorKind, operation: &'static str) -> Self {
        Self { kind, operation, context: String::new(), retry: kind.default_retry(), source: None }
    }

    /// Adds what the failure concerns: ids and sizes, never bodies or addresses.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.context = context.to_string();
        self
    }

    /// Sets whether a retry helps, where the adapter knows better than the kind.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Sets the cause.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the stable code of the kind.
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// Returns the operation that failed.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// Returns whether and when a retry helps.
    pub fn retry_advice(&self) -> Retry {
        self.retry
    }

    /// Returns whether the decision has to be made again from a fresh load.
    pub fn is_conflict(&self) -> bool {
        self.kind == ErrorKind::Conflict
    }

    /// Returns whether any retry may help.
    pub fn is_retryable(&self) -> bool {
        self.retry != Retry::Never
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.kind.code())?;
        if self.context.is_empty() { Ok(()) } else { write!(f, " ({})", self.context) }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
