//! Creating and changing teams.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    clock::Stamp,
    id::{TenantId, UserId},
    team::{MAX_MEMBERS, Member, Team},
    text::{Key, Name, Note},
    transition::{Transition, Version},
};

const MAX_CATEGORIES: usize = 100;
const MAX_SKILLS: usize = 50;
const MAX_LANGUAGES: usize = 20;

/// What a team is made of: the whole of what can be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamSpec {
    /// The name, unique within the tenant.
    pub name: Name,
    /// What the team helps with.
    #[serde(default)]
    pub description: Option<Note>,
    /// The ticket categories that the team takes, at most 100.
    #[serde(default)]
    pub categories: BTreeSet<Key>,
    /// The members, at most 500.
    #[serde(default)]
    pub members: Vec<Member>,
}

/// What happened to a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TeamEvent {
    /// The team was made.
    Created,
    /// Its name, description or categories changed.
    Updated,
    /// Members came, left, or changed skills, capacity or availability.
    MembersChanged {
        /// Who belongs to the team from now on.
        members: Vec<UserId>,
    },
}

/// Why a team command was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TeamRefusal {
    /// Another team of the tenant has the name.
    #[error("another team has the name")]
    NameTaken,
    /// There are too many members, categories, skills or languages.
    #[error("at most {max} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// A user is named twice.
    #[error("a member is named twice")]
    MemberTwice,
    /// A member is not an active agent or administrator of the tenant.
    #[error("a member is not an active agent of the tenant")]
    NotAnAgent,
}

impl TeamRefusal {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NameTaken => "team_name_taken",
            Self::TooMany { .. } => "team_too_many",
            Self::MemberTwice => "team_member_twice",
            Self::NotAnAgent => "team_member_not_an_agent",
        }
    }
}

fn check(spec: &TeamSpec, is_agent: impl Fn(UserId) -> bool) -> Result<(), TeamRefusal> {
    let limits = [
        ("members", spec.members.len(), MAX_MEMBERS),
        ("categories", spec.categories.len(), MAX_CATEGORIES),
        ("skills", spec.members.iter().map(|member| member.skills.len()).max().unwrap_or(0), MAX_SKILLS),
        (
            "languages",
            spec.members.iter().map(|member| member.languages.len()).max().unwrap_or(0),
            MAX_LANGUAGES,
        ),
    ];
    for (what, actual, max) in limits {
        if actual > max {
            return Err(TeamRefusal::TooMany { what, max });
        }
    }
    let mut seen = BTreeSet::new();
    for member in &spec.members {
        if !seen.insert(member.user) {
            return Err(TeamRefusal::MemberTwice);
        }
        if !is_agent(member.user) {
            return Err(TeamRefusal::NotAnAgent);
        }
    }
    Ok(())
}

/// Creates a team; `is_agent` tells whether a user is an active agent or administrator of the tenant.
pub fn create(
    tenant: TenantId,
    spec: TeamSpec,
    is_agent: impl Fn(UserId) -> bool,
    stamp: &Stamp<'_>,
) -> Result<Transition<Team, TeamEvent>, TeamRefusal> {
    check(&spec, is_agent)?;
    let members: Vec<UserId> = spec.members.iter().map(|member| member.user).collect();
    let team = Team {
        id: stamp.id(),
        tenant,
        version: Version::NEW,
        name: spec.name,
        description: spec.description,
        categories: spec.categories,
        members: spec.members,
        created_at: stamp.at(),
        updated_at: stamp.at(),
    };
    let mut transition = Transition::new(team, TeamEvent::Created);
    if !members.is_empty() {
        transition.events.push(TeamEvent::MembersChanged { members });
    }
    Ok(transition)
}

/// Replaces what can be changed about a team; an equal specification is no event.
pub fn update(
    mut team: Team,
    spec: TeamSpec,
    is_agent: impl Fn(UserId) -> bool,
    stamp: &Stamp<'_>,
) -> Result<Transition<Team, TeamEvent>, TeamRefusal> {
    check(&spec, is_agent)?;
    let mut events = Vec::new();
    if team.name != spec.name || team.description != spec.description || team.categories != spec.categories {
        events.push(TeamEvent::Updated);
    }
    if team.members != spec.members {
        events.push(TeamEvent::MembersChanged {
            members: spec.members.iter().map(|member| member.user).collect(),
        });
    }
    if !events.is_empty() {
        team.name = spec.name;
        team.description = spec.description;
        team.categories = spec.categories;
        team.members = spec.members;
        team.updated_at = stamp.at();
    }
    Ok(Transition { state: team, events })
}
