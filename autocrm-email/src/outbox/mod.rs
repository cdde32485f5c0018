//! Mails that leave as files: for development, for hosts that hand mail over themselves, and for tests.

mod file;
mod mime;

pub use file::FileOutbox;
pub use mime::render;
