//! Who may do what: one policy decides every action and yields the [`Scope`] of every read.

mod actor;
mod policy;
mod resource;
mod scope;

pub use actor::{Actor, ActorKind, ActorRef};
pub use policy::{Action, Decision, DenyReason, decide};
pub use resource::{ArticleVisibility, MessageAudience, Resource, TicketAccess};
pub use scope::{Scope, View};
