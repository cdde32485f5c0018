//! The phases of `load`.

mod reads;

pub(crate) use reads::{LISTS, Reads, SEARCHES};
