//! Stores of large bytes.

mod file;

pub use file::FileBlobs;
