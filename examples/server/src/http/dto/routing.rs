//! Routing decisions on the wire.

use autocrm_core::routing::{Candidate, RoutingDecision, RoutingReason, WhyNot};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A team that was considered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TeamVerdictView {
    team: Uuid,
    /// Whether it takes such tickets.
    fits: bool,
}

/// Why a candidate was passed over.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "why", rename_all = "snake_case")]
pub(crate) enum WhyNotView {
    /// Takes no new tickets.
    Away,
    /// May not act any more.
    Inactive,
    /// Has no room.
    Full { load: u32, capacity: u16 },
    /// Lacks a skill.
    MissingSkill { skill: String },
    /// Does not speak the customer's language.
    OtherLanguage { language: String },
    /// Somebody else fits better.
    Outscored,
}

impl WhyNotView {
    fn of(why: &WhyNot) -> Self {
        match why {
            WhyNot::Away => Self::Away,
            WhyNot::Inactive => Self::Inactive,
            WhyNot::Full { load, capacity } => Self::Full { load: *load, capacity: *capacity },
            WhyNot::MissingSkill { skill } => Self::MissingSkill { skill: skill.to_string() },
            WhyNot::OtherLanguage { language } => Self::OtherLanguage { language: language.to_string() },
            WhyNot::Outscored => Self::Outscored,
        }
    }
}

/// A member of the chosen team who was considered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CandidateView {
    agent: Uuid,
    /// Open tickets at the decision.
    load: u32,
    score: u32,
    /// Absent for the one chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not: Option<WhyNotView>,
}

impl CandidateView {
    fn of(candidate: &Candidate) -> Self {
        Self {
            agent: candidate.agent.as_uuid(),
            load: candidate.load,
            score: candidate.score,
            why_not: candidate.why_not.as_ref().map(WhyNotView::of),
        }
    }
}

/// Which team and which agent take a ticket, and why not the others.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RoutingView {
    ticket_id: Uuid,
    decided_at: String,
    team: Option<Uuid>,
    /// `category_rule`, `team_category`, `already_there`, `only_team` or `no_team`.
    reason: &'static str,
    /// Absent when nobody of the team is free and able.
    agent: Option<Uuid>,
    teams: Vec<TeamVerdictView>,
    /// Every member of the team, best first.
    candidates: Vec<CandidateView>,
}

impl RoutingView {
    pub(crate) fn of(decision: &RoutingDecision) -> Self {
        Self {
            ticket_id: decision.ticket.as_uuid(),
            decided_at: decision.at.to_string(),
            team: decision.team.map(Into::into),
            reason: match decision.reason {
                RoutingReason::CategoryRule => "category_rule",
                RoutingReason::TeamCategory => "team_category",
                RoutingReason::AlreadyThere => "already_there",
                RoutingReason::OnlyTeam => "only_team",
                RoutingReason::NoTeam => "no_team",
            },
            agent: decision.agent.map(Into::into),
            teams: decision
                .teams
                .iter()
                .map(|verdict| TeamVerdictView { team: verdict.team.as_uuid(), fits: verdict.fits })
                .collect(),
            candidates: decision.candidates.iter().map(CandidateView::of).collect(),
        }
    }
}
