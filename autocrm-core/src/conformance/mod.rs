//! Suites that prove the contracts of the ports, clause by clause, on any adapter.
//!
//! An adapter implements [`Harness`] for a test backend and stamps the suite of its port; each scenario becomes one
//! named test, whose name begins with the clause that it proves:
//!
//! ```text
//! autocrm_core::store_conformance!(SqliteHarness::new());
//! ```
//!
//! There is one list of scenarios per port, which the tests and the [`broken`] twins share. A [`Scenario`] takes a
//! fresh [`Backend`] and fails by panicking. The stamped tests run on tokio's multi-threaded runtime, so a crate that stamps them enables tokio's features
//! `macros` and `rt-multi-thread` in its tests. Besides the scenarios, [`model`] plays random stories on a store and on
//! the in-memory one.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a scenario fails by panicking"
)]

mod check;
mod harness;
mod ids;
#[macro_use]
mod list;
mod list_embedder;
mod model_digest;
mod probe;
mod rich;
mod rig;
mod stamp;
mod vector_desk;
mod world;

pub mod assistant;
pub mod blob;
pub mod broken;
pub mod cancel;
pub mod commit;
pub mod conversation;
pub mod correspondent;
pub mod embedder;
pub mod journal;
pub mod knowledge;
pub mod mail;
pub mod mailer;
pub mod metrics;
pub mod model;
pub mod notify;
pub mod parser;
pub mod queue;
pub mod queue_key;
pub mod receipt;
pub mod scope;
pub mod search;
pub mod team;
pub mod templates;
pub mod tenant;
pub mod text_index;
pub mod ticket;
pub mod user;
pub mod vector_feed;
pub mod vector_index;
pub mod verifier;

pub use harness::{Backend, Capabilities, Harness, Reopen, Scenario, ScenarioFuture, SpoilJob};
pub use list::{
    blob_scenarios, classifier_scenarios, detector_scenarios, language_model_scenarios,
    mail_parser_scenarios, mailer_scenarios, sender_verifier_scenarios, store_scenarios, templates_scenarios,
    text_index_scenarios, vector_index_scenarios,
};
pub use list_embedder::embedder_scenarios;
pub use probe::{Delivered, Genuine, Probe};
