//! The embedded store: one SQLite file, written by one thread and read by several.
//!
//! A commit is encoded by its caller, queued, and applied by the writer together with everything else that is queued
//! at that moment: one durable transaction, in which each change set keeps its own outcome, and every answer after it.
//! Reads go to threads with connections of their own, which in WAL mode neither wait for the writer nor hold it up.

mod checkpoint;
mod commit;
mod config;
mod conversation;
mod correspondent;
mod doctor;
mod erase;
pub(crate) mod failure;
mod host;
mod inbox;
mod index;
mod journal;
mod knowledge;
mod list;
mod mail;
mod metrics;
pub(crate) mod migrate;
mod notify;
mod queue;
mod reader;
mod receipt;
mod save;
mod search;
mod statement;
mod store;
mod team;
mod tenant;
mod ticket;
mod user;
mod writer;

pub use config::{SqliteConfig, Synchronous};
pub use host::commit_in;
pub use store::SqliteStore;
