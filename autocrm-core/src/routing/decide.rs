//! The routing function: rules first, then skills and load.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    clock::Stamp,
    id::UserId,
    routing::{Candidate, MAX_CANDIDATES, RoutingDecision, RoutingReason, TeamVerdict, WhyNot},
    team::{Availability, Member, Team},
    text::Key,
    ticket::{Scheme, Ticket},
};

/// What a routing decision is made from.
#[derive(Debug, Clone, Copy)]
pub struct RouteRequest<'a> {
    /// The ticket.
    pub ticket: &'a Ticket,
    /// The tenant's scheme.
    pub scheme: &'a Scheme,
    /// The tenant's teams.
    pub teams: &'a [Team],
    /// Open tickets of each agent; absent: none.
    pub loads: &'a BTreeMap<UserId, u32>,
    /// Agents who may not act any more.
    pub inactive: &'a BTreeSet<UserId>,
}

/// Chooses a team by rules, and in it the free and able agent with the best score; ties go to the lower load, then to
/// the lower id, so that equal inputs give equal decisions.
pub fn route(request: &RouteRequest<'_>, stamp: &Stamp<'_>) -> RoutingDecision {
    let ticket = request.ticket;
    let (team, reason) = choose_team(request);
    let skills = ticket
        .category
        .as_ref()
        .and_then(|key| request.scheme.category(key))
        .map(|category| category.skills.clone())
        .unwrap_or_default();
    let mut candidates: Vec<Candidate> = team
        .map(|team| team.members.iter().map(|member| consider(request, member, &skills)).collect())
        .unwrap_or_default();
    candidates.sort_by_key(|candidate| {
        (candidate.why_not.is_some(), std::cmp::Reverse(candidate.score), candidate.load, candidate.agent)
    });
    let agent = candidates.first().filter(|best| best.why_not.is_none()).map(|best| best.agent);
    for candidate in candidates.iter_mut().skip(1) {
        candidate.why_not.get_or_insert(WhyNot::Outscored);
    }
    candidates.truncate(MAX_CANDIDATES);
    RoutingDecision {
        tenant: ticket.tenant,
        ticket: ticket.id,
        at: stamp.at(),
        team: team.map(|team| team.id),
        reason,
        agent,
        teams: request
            .teams
            .iter()
            .map(|team| TeamVerdict { team: team.id, fits: takes_category(team, ticket) })
            .collect(),
        candidates,
    }
}

fn takes_category(team: &Team, ticket: &Ticket) -> bool {
    ticket.category.as_ref().is_some_and(|key| team.categories.contains(key))
}

fn choose_team<'a>(request: &RouteRequest<'a>) -> (Option<&'a Team>, RoutingReason) {
    let find = |id| request.teams.iter().find(|team| team.id == id);
    if let Some(team) = request.ticket.team.and_then(find) {
        return (Some(team), RoutingReason::AlreadyThere);
    }
    let category = request.ticket.category.as_ref().and_then(|key| request.scheme.category(key));
    if let Some(team) = category.and_then(|category| category.team).and_then(find) {
        return (Some(team), RoutingReason::CategoryRule);
    }
    if let Some(team) = request.teams.iter().find(|team| takes_category(team, request.ticket)) {
        return (Some(team), RoutingReason::TeamCategory);
    }
    match request.teams {
        [only] => (Some(only), RoutingReason::OnlyTeam),
        _ => (None, RoutingReason::NoTeam),
    }
}

fn consider(request: &RouteRequest<'_>, member: &Member, skills: &BTreeSet<Key>) -> Candidate {
    let load = request.loads.get(&member.user).copied().unwrap_or(0);
    let capacity = member.capacity.get();
    let free = u32::from(capacity).saturating_sub(load);
    let free_share = if capacity == 0 { 0 } else { free * 1_000 / u32::from(capacity) };
    let skill_score: u32 = skills
        .iter()
        .filter_map(|skill| member.skills.get(skill))
        .map(|level| u32::from(level.get()) * 100)
        .sum();
    let missing = skills.iter().find(|skill| !member.skills.contains_key(*skill));
    let foreign = request
        .ticket
        .language
        .as_ref()
        .filter(|language| !member.languages.is_empty() && !member.languages.contains(*language));
    let why_not = if request.inactive.contains(&member.user) {
        Some(WhyNot::Inactive)
    } else if member.availability == Availability::Away {
        Some(WhyNot::Away)
    } else if let Some(skill) = missing {
        Some(WhyNot::MissingSkill { skill: skill.clone() })
    } else if let Some(language) = foreign {
        Some(WhyNot::OtherLanguage { language: language.clone() })
    } else if free == 0 {
        Some(WhyNot::Full { load, capacity })
    } else {
        None
    };
    Candidate { agent: member.user, load, score: free_share + skill_score, why_not }
}
