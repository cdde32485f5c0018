//! Figures of agents, from the tickets themselves.

use serde::{Deserialize, Serialize};

use crate::{clock::Timestamp, id::TicketId};

/// A half-open span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeFrame {
    /// The first instant.
    pub from: Timestamp,
    /// The instant after the last.
    pub until: Timestamp,
}

impl TimeFrame {
    /// All of time.
    pub const ALL: Self = Self { from: Timestamp::MIN, until: Timestamp::MAX };
}

/// What an agent has at hand and has done. Deleted tickets do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AgentStats {
    /// Tickets in the agent's charge that are not resolved or closed, now.
    pub open: u64,
    /// Tickets in the agent's charge that were resolved within the frame and still are.
    pub resolved: u64,
    /// The mean time from creation to the first answer of those resolved tickets that got one, in whole seconds.
    pub mean_first_response_seconds: Option<u64>,
    /// The mean time from creation to resolution of those resolved tickets, in whole seconds.
    pub mean_resolution_seconds: Option<u64>,
}

/// How long a ticket took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// The ticket.
    pub ticket: TicketId,
    /// From creation to the first answer, in whole seconds.
    pub first_response_seconds: Option<u64>,
    /// From creation to resolution, in whole seconds.
    pub resolution_seconds: u64,
}
