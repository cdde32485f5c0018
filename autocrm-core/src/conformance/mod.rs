//! Suites that prove the contracts of the ports, clause by clause, on any adapter.
//!
//! An adapter implements [`Harness`] for a test backend and stamps the suite of its port; each scenario becomes one
//! named test, whose name begins with the clause that it proves:
//!
//! ```ignore
//! autocrm_core::store_conformance!(SqliteHarness::new());
//! ```
//!
//! There is one list of scenarios per port, in [`list`](self::Scenario): the tests and the broken twins read the same.
//! The stamped tests run on tokio's multi-threaded runtime, so a crate that stamps them enables tokio's features
//! `macros` and `rt-multi-thread` in its tests.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a scenario fails by panicking"
)]

mod harness;
mod list;
mod rig;
mod world;

pub mod user;

pub use harness::{Backend, Capabilities, Harness, Reopen, Scenario, ScenarioFuture};
pub use list::store_scenarios;
