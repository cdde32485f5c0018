//! The PostgreSQL store on a real server, named by `AUTOCRM_TEST_POSTGRES_URL`; see `scripts/services`.

#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;
mod host;
mod isolation;
mod shield;
mod support;
