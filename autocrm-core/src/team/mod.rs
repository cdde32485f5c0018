//! Teams: who helps with what, with which skills and how much at once.

mod command;
mod model;

pub use command::{TeamEvent, TeamRefusal, TeamSpec, create, update};
pub use model::{Availability, Capacity, MAX_MEMBERS, Member, SkillLevel, Team};
