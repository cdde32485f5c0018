//! Mails that leave as files: for development, for hosts that hand mail over themselves, and for tests.

mod file;

pub use file::FileOutbox;
