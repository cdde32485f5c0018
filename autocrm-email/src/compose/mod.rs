//! What a mail that leaves looks like to the other side.

mod field;
#[cfg(any(feature = "outbox", feature = "smtp"))]
mod mime;

pub(crate) use field::{bracketed, extra_fields, mailbox, too_many};
#[cfg(any(feature = "outbox", feature = "smtp"))]
pub use mime::{Blind, render};
