//! The worker: claims jobs, holds their leases, runs them, and lets the knowledge index follow the feed.
//!
//! A [`Worker`] spawns nothing before [`run`](Worker::run) or [`drain`](Worker::drain).

mod backoff;
mod handler;
mod runner;
mod shutdown;

pub use backoff::pause_after;
pub use runner::{Worker, WorkerConfig, WorkerReport};
pub use shutdown::{ShutdownHandle, ShutdownSignal, shutdown};
