//! The schemes that a handle remembers, so that the most frequent command need not load one each time.

use std::sync::Arc;

use crate::{app::remembered::Remembered, ticket::Scheme};

/// The scheme of each of 256 tenants, as it was loaded last.
pub(super) type RememberedSchemes = Remembered<Arc<Scheme>, 256>;
