//! Numbers of callers, held to their stated ranges.

use autocrm_core::error::{Error, ErrorKind, Result};

/// Refuses a number outside of its stated range.
pub(crate) fn in_range(operation: &'static str, number: usize, least: usize, most: usize) -> Result<usize> {
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    Err(Error::new(ErrorKind::Invalid, operation).context(format!("{number} is not within {least}..={most}")))
}
