//! Routing: which team and which agent take a ticket, and why not the others.

mod decide;
mod model;

pub use decide::{RouteRequest, route};
pub use model::{Candidate, MAX_CANDIDATES, RoutingDecision, RoutingReason, TeamVerdict, WhyNot};
