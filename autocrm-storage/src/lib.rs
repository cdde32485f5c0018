//! Durable stores for AutoCRM: a SQLite file, a PostgreSQL server, and blobs in a directory.
//!
//! A database file is migrated when the operator says so, and opened:
//!
//! ```
//! use autocrm_storage::sqlite::{SqliteConfig, SqliteStore};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! let config = SqliteConfig::new(directory.path().join("desk.db"));
//! SqliteStore::migrate(&config)?;
//! let store = SqliteStore::open(config)?;
//! # drop(store);
//! # Ok(())
//! # }
//! ```
//!
//! The store implements every part of [`Store`](autocrm_core::port::Store). A host that wants its own rows and ours to
//! be committed together calls [`sqlite::commit_in`] inside of its own transaction.

pub mod blob;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod column;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod finding;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod migration;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod plan;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod range;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod record;
#[cfg(feature = "sqlite")]
mod schema;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
pub mod transfer;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use finding::{Finding, Severity};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use migration::{MigrationReport, SchemaStatus};
