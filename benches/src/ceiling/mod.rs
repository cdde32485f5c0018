//! The ceiling: how fast the rows of one create can be written at all, and how fast tickets can be read, by bare
//! statements on the same schema.

mod row;
mod stencil;
mod write;

pub(crate) use row::{Cell, connect, rows};
pub(crate) use write::{bare_get_per_s, bare_list, measure, rows_per_create};
