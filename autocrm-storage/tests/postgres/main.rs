//! The PostgreSQL store on a real server, named by `AUTOCRM_TEST_POSTGRES_URL`; see `scripts/services`.

#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod commits;
#[cfg(feature = "pgvector")]
mod components;
mod conformance;
mod explain;
mod host;
mod isolation;
#[cfg(feature = "pgvector")]
mod plans;
mod schema;
mod shield;
mod support;
mod text;
mod text_index;
mod transfer;
#[cfg(feature = "pgvector")]
mod vector_index;
