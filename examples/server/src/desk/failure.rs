//! Why a command of the binary ends early, in words for the terminal.

use std::{io, path::PathBuf};

use autocrm_core::{app, error::Error as PortError, text::TextError};

/// Why a command of the binary ends early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file or folder cannot be used.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// A file does not hold what it should.
    #[error("{}: {problem}", path.display())]
    Damaged { path: PathBuf, problem: String },
    /// The command line asks for something impossible.
    #[error("{0}")]
    Usage(String),
    /// Another process holds the data directory.
    #[error("another autocrm-server uses {}: stop it first", .0.display())]
    Busy(PathBuf),
    /// The stored schema is older than this program.
    #[error("the schema in {0} is outdated: run `autocrm-server migrate`")]
    Outdated(String),
    /// The PostgreSQL server cannot be reached.
    #[error("the PostgreSQL server cannot be reached: {0}")]
    Unreachable(sqlx::Error),
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// A use case failed.
    #[error("{0} [{code}]", code = .0.code())]
    App(#[from] app::Error),
    /// An adapter failed.
    #[error("{0}")]
    Port(#[from] PortError),
    /// A text of this program's own is out of bounds.
    #[error("{0}")]
    Text(#[from] TextError),
    /// The adapters do not fit together.
    #[error("{0}")]
    Build(#[from] app::BuildError),
    /// `doctor` found something.
    #[error("{0} found")]
    Unhealthy(String),
}

impl Failure {
    /// Returns a way to wrap the errors of a file.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::File { path, source }
    }
}

/// The result of a command.
pub(crate) type Result<T> = std::result::Result<T, Failure>;
