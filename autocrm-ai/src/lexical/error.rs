//! What tantivy's failures mean to a caller.

use autocrm_core::error::{Error, ErrorKind};
use tantivy::{
    TantivyError,
    directory::error::{OpenDirectoryError, OpenReadError},
};

/// Turns a failure of tantivy into one of the port.
pub(crate) fn translate(operation: &'static str) -> impl Fn(TantivyError) -> Error {
    move |source| Error::new(kind_of(&source), operation).source(source)
}

fn kind_of(error: &TantivyError) -> ErrorKind {
    match error {
        TantivyError::OpenDirectoryError(OpenDirectoryError::DoesNotExist(_))
        | TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(_)) => ErrorKind::NotFound,
        TantivyError::LockFailure(..)
        | TantivyError::IoError(_)
        | TantivyError::OpenDirectoryError(_)
        | TantivyError::OpenWriteError(_)
        | TantivyError::SystemError(_)
        | TantivyError::OpenReadError(OpenReadError::IoError { .. }) => ErrorKind::Unavailable,
        TantivyError::IncompatibleIndex(_)
        | TantivyError::OpenReadError(OpenReadError::IncompatibleIndex(_)) => ErrorKind::SchemaOutdated,
        TantivyError::DataCorruption(_) | TantivyError::DeserializeError(_) => ErrorKind::Corrupt,
        _ => ErrorKind::Internal,
    }
}
