//! The store on a PostgreSQL server, for hosts that outgrow one machine: any number of stateless nodes share one
//! database.
//!
//! Every transaction begins with the settings that row-level security looks at, and as a role that owns nothing, so that
//! isolation holds even where the library's own filters were wrong. Concurrent commits share a transaction, in which each
//! change set keeps its own outcome.

mod apply;
mod commit;
mod committer;
mod component;
mod config;
mod conversation;
mod correspondent;
mod doctor;
mod document;
mod erase;
pub(crate) mod failure;
mod finish;
mod fold;
mod gate;
mod host;
mod journal;
mod knowledge;
mod list;
mod lookup;
mod mail;
mod metrics;
pub(crate) mod migrate;
mod notify;
mod partition;
mod queue;
mod receipt;
pub(crate) mod roles;
mod round;
pub(crate) mod rows;
mod sealer;
pub(crate) mod search;
pub(crate) mod session;
pub(crate) mod store;
pub(crate) mod table;
mod team;
mod tenant;
mod text;
pub(crate) mod ticket;
mod user;
#[cfg(feature = "pgvector")]
mod vector;

pub use config::PostgresConfig;
pub use host::commit_in;
pub use store::PostgresStore;
pub use text::PostgresTextIndex;
#[cfg(feature = "pgvector")]
pub use vector::PostgresVectorIndex;
