//! Users: customers, agents and administrators, with the host's own ids.

mod command;
mod model;

pub use command::{NewUser, UserChange, UserEvent, UserRefusal, change, create};
pub use model::{Role, User, UserFilter};
