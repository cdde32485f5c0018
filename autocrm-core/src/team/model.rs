//! The team and its members.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::{TeamId, TenantId, UserId},
    text::{Key, Language, Name, Note},
    transition::Version,
};

/// The largest number of members of a team.
pub const MAX_MEMBERS: usize = 500;

/// How well a member masters a skill, 1 (beginner) to 5 (expert).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct SkillLevel(u8);

impl SkillLevel {
    /// Wraps a level; `None` outside 1..=5.
    pub const fn new(level: u8) -> Option<Self> {
        if level >= 1 && level <= 5 { Some(Self(level)) } else { None }
    }

    /// Returns the level, 1..=5.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for SkillLevel {
    type Error = &'static str;

    fn try_from(level: u8) -> Result<Self, Self::Error> {
        Self::new(level).ok_or("a skill level is 1 to 5")
    }
}

impl From<SkillLevel> for u8 {
    fn from(level: SkillLevel) -> Self {
        level.0
    }
}

/// How many open tickets a member works on at once, 0..=1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Capacity(u16);

impl Capacity {
    /// Wraps a capacity; `None` above 1000.
    pub const fn new(tickets: u16) -> Option<Self> {
        if tickets <= 1_000 { Some(Self(tickets)) } else { None }
    }

    /// Returns the number of tickets.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Default for Capacity {
    fn default() -> Self {
        Self(20)
    }
}

impl TryFrom<u16> for Capacity {
    type Error = &'static str;

    fn try_from(tickets: u16) -> Result<Self, Self::Error> {
        Self::new(tickets).ok_or("a capacity is at most 1000")
    }
}

impl From<Capacity> for u16 {
    fn from(capacity: Capacity) -> Self {
        capacity.0
    }
}

/// Whether a member takes new tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// Takes new tickets.
    #[default]
    Online,
    /// Takes none.
    Away,
}

/// An agent's place in a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The agent.
    pub user: UserId,
    /// The skills and their levels, at most 50.
    #[serde(default)]
    pub skills: BTreeMap<Key, SkillLevel>,
    /// The languages spoken, at most 20; empty: any.
    #[serde(default)]
    pub languages: BTreeSet<Language>,
    /// How many open tickets at once, over all teams.
    #[serde(default)]
    pub capacity: Capacity,
    /// Whether the member takes new tickets.
    #[serde(default)]
    pub availability: Availability,
}

/// A team of agents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// The id.
    pub id: TeamId,
    /// The tenant.
    pub tenant: TenantId,
    /// The version, for optimistic locking.
    pub version: Version,
    /// The name, unique within the tenant.
    pub name: Name,
    /// What the team helps with, in a sentence; the classifier learns from it before it has seen a ticket.
    pub description: Option<Note>,
    /// The ticket categories that the team takes, at most 100.
    pub categories: BTreeSet<Key>,
    /// The members, at most [`MAX_MEMBERS`], each user once.
    pub members: Vec<Member>,
    /// When the team was made.
    pub created_at: Timestamp,
    /// When the team changed last.
    pub updated_at: Timestamp,
}

impl Team {
    /// Returns the place of `user` in the team.
    pub fn member(&self, user: UserId) -> Option<&Member> {
        self.members.iter().find(|member| member.user == user)
    }
}
