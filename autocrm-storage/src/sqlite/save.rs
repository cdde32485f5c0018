//! The two ways in which a row with a version is written.

use std::fmt;

use autocrm_core::error::{Error, ErrorKind, Result};
use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::sqlite::failure::failure;

pub(crate) const COMMIT: &str = "commit";

/// Returns the refusal of a change set.
pub(crate) fn conflict(what: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Conflict, COMMIT).context(what)
}

/// Checks that one row was written; another number, or a second row under a unique name, is a conflict.
pub(crate) fn written(outcome: diesel::QueryResult<usize>, what: &'static str) -> Result<()> {
    match outcome {
        Ok(1) => Ok(()),
        Ok(_) | Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Err(conflict(what)),
        Err(error) => Err(failure(COMMIT)(error)),
    }
}

/// Inserts a row whose `from` is 0; replaces one that still has the version `from`.
macro_rules! save {
    ($connection:expr, $saved:expr, $table:ident by $($key:ident),+) => {{
        use diesel::prelude::*;
        use $crate::schema::$table;

        let saved = &$saved;
        let outcome = if saved.from == 0 {
            diesel::insert_into($table::table).values(&saved.record).execute($connection)
        } else {
            let present = $table::table
                $(.filter($table::$key.eq(&saved.record.$key)))+
                .filter($table::version.eq(saved.from));
            $crate::sqlite::statement::Cached(diesel::update(present).set(&saved.record)).execute($connection)
        };
        $crate::sqlite::save::written(outcome, stringify!($table))
    }};
}

pub(crate) use save;
