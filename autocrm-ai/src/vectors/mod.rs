//! A vector index in files of this process (feature `vectors`): a scan over one bit per dimension, and exact scores for
//! what it leaves.
//!
//! ```text
//! folder/
//!   lock                one process writes
//!   space-00000001/     a space; `dropped-…` is one that is being removed
//!     00000001.log      records, sealed and mapped once the file is full
//!     00000002.log      the file that is written to
//! ```
//!
//! A log begins with what the space is, and holds records with a checksum each: a step of a tenant's feed with its
//! vectors, or an erasure. Every step is on disk before `apply` returns. A record that a crash cut off is removed when
//! the index is opened; its step was not acknowledged. A file of which less than half is still searched is emptied into
//! the newest one and deleted, and so is every file that held an erased article.

mod codec;
mod folder;
mod index;
mod log;
mod scan;
mod shelf;
mod space;
#[cfg(test)]
mod tests;

pub use index::{FlatVectorIndex, Footprint};
