//! One file per command.

pub(crate) mod bounce;
pub(crate) mod cancel;
pub(crate) mod classify;
pub(crate) mod crash;
pub(crate) mod embed;
pub(crate) mod ground;
pub(crate) mod load;
pub(crate) mod mail;
pub(crate) mod outbound;
pub(crate) mod reply;
pub(crate) mod retrieve;
pub(crate) mod vectors;
