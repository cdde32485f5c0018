//! The routing decision, complete with everybody who was considered.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::{TeamId, TenantId, TicketId, UserId},
    text::{Key, Language},
};

/// The largest number of candidates that a stored decision lists.
pub const MAX_CANDIDATES: usize = 500;

/// Why a team was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoutingReason {
    /// The scheme gives the ticket's category to the team.
    CategoryRule,
    /// The team itself names the ticket's category.
    TeamCategory,
    /// The ticket already has the team.
    AlreadyThere,
    /// It is the tenant's only team.
    OnlyTeam,
    /// No team takes such tickets; every agent of the tenant sees it.
    NoTeam,
}

/// Why a candidate was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum WhyNot {
    /// The agent takes no new tickets.
    Away,
    /// The user may not act any more.
    Inactive,
    /// The agent has no room.
    Full {
        /// Open tickets of the agent.
        load: u32,
        /// How many are allowed.
        capacity: u16,
    },
    /// The agent lacks a skill.
    MissingSkill {
        /// The skill.
        skill: Key,
    },
    /// The agent does not speak the customer's language.
    OtherLanguage {
        /// The customer's language.
        language: Language,
    },
    /// Somebody else fits better.
    Outscored,
}

/// A member of the chosen team who was considered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The agent.
    pub agent: UserId,
    /// Open tickets of the agent at the decision.
    pub load: u32,
    /// How well the agent fits: per mille of free capacity, and 100 for each level of a needed skill.
    pub score: u32,
    /// Why not; `None` for the one chosen.
    pub why_not: Option<WhyNot>,
}

/// A team that was considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamVerdict {
    /// The team.
    pub team: TeamId,
    /// Whether it takes such tickets.
    pub fits: bool,
}

/// Which team and which agent take a ticket, and why not the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutingDecision {
    /// The tenant.
    pub tenant: TenantId,
    /// The ticket.
    pub ticket: TicketId,
    /// When it was decided.
    pub at: Timestamp,
    /// The team; `None`: no team takes such tickets.
    pub team: Option<TeamId>,
    /// Why this team.
    pub reason: RoutingReason,
    /// The agent; `None`: nobody of the team is free and able.
    pub agent: Option<UserId>,
    /// Every team that was considered.
    pub teams: Vec<TeamVerdict>,
    /// Every member of the chosen team, best first, at most [`MAX_CANDIDATES`].
    pub candidates: Vec<Candidate>,
}
