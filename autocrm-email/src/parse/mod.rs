//! Raw RFC 5322 in, facts out.

pub mod reply;
