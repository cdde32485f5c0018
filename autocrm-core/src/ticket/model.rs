//! The ticket.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    access::{MessageAudience, Resource, TicketAccess},
    clock::Timestamp,
    id::{TeamId, TenantId, TicketId, UserId},
    text::{ExternalId, Key, Language, Note, Subject, Tag},
    ticket::Status,
    transition::Version,
};

/// The largest number of tags of a ticket.
pub const MAX_TAGS: usize = 50;
/// The largest number of custom field values of a ticket.
pub const MAX_FIELDS: usize = 100;
/// The largest number of participants beside the requester.
pub const MAX_PARTICIPANTS: usize = 50;
/// The largest number of links to other tickets.
pub const MAX_LINKS: usize = 50;

/// The number that people quote, unique within a tenant; 0 until the first commit assigns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TicketNumber(u64);

impl TicketNumber {
    /// The number before the first commit.
    pub const UNASSIGNED: Self = Self(0);

    /// Wraps a stored number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl std::fmt::Display for TicketNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// How urgent a ticket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Can wait.
    Low,
    /// The usual.
    #[default]
    Normal,
    /// Before others.
    High,
    /// At once.
    Urgent,
}

impl Priority {
    /// Every priority, lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Urgent];

    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }

    /// Returns the rank, 0 (low) to 3 (urgent).
    pub const fn rank(self) -> i16 {
        match self {
            Self::Low => 0,
            Self::Normal => 1,
            Self::High => 2,
            Self::Urgent => 3,
        }
    }
}

/// The way a ticket came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Through the host or the portal.
    Portal,
    /// As mail.
    Email,
    /// As chat.
    Chat,
    /// Through the programming interface.
    Api,
}

impl Channel {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Email => "email",
            Self::Chat => "chat",
            Self::Api => "api",
        }
    }
}

/// The value of a custom field, of the kind that the scheme defines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A line of text, or one of the choices.
    Text(Note),
}

/// A link to a thing of the host: an order, a device, an account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntityLink {
    /// The kind of thing, such as `order`.
    pub kind: Key,
    /// The host's id.
    pub id: ExternalId,
}

/// How two tickets are related.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// They concern the same.
    Related,
    /// This one asks for the same as the other.
    Duplicates,
    /// This one goes on where the other was closed.
    FollowsUp,
}

/// A link to another ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketLink {
    /// How they are related.
    pub kind: LinkKind,
    /// The other ticket.
    pub ticket: TicketId,
}

/// Who set the category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CategorySource {
    /// The classifier.
    Model,
    /// A person: the classifier learns from it.
    Person,
}

/// A request for help.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// The id.
    pub id: TicketId,
    /// The tenant.
    pub tenant: TenantId,
    /// The version, for optimistic locking.
    pub version: Version,
    /// The number that people quote.
    pub number: TicketNumber,
    /// What it is about.
    pub subject: Subject,
    /// Where it stands.
    pub status: Status,
    /// How urgent it is.
    pub priority: Priority,
    /// What kind of request it is: a key of the scheme.
    pub category: Option<Key>,
    /// Who set the category.
    pub category_source: Option<CategorySource>,
    /// The language of the customer.
    pub language: Option<Language>,
    /// The way it came in.
    pub channel: Channel,
    /// The customer whose ticket it is.
    pub requester: UserId,
    /// Others who take part, at most [`MAX_PARTICIPANTS`], without the requester.
    pub participants: Vec<UserId>,
    /// The team in charge.
    pub team: Option<TeamId>,
    /// The agent in charge.
    pub assignee: Option<UserId>,
    /// Tags, at most [`MAX_TAGS`].
    pub tags: BTreeSet<Tag>,
    /// Custom fields, at most [`MAX_FIELDS`].
    pub fields: BTreeMap<Key, FieldValue>,
    /// The thing of the host that it concerns.
    pub entity: Option<EntityLink>,
    /// The ticket of which this one is a part.
    pub parent: Option<TicketId>,
    /// Links to other tickets, at most [`MAX_LINKS`].
    pub links: Vec<TicketLink>,
    /// When it wakes up; only while it is on hold.
    pub pending_until: Option<Timestamp>,
    /// How many messages it holds; the last one has this sequence number.
    pub messages: u32,
    /// When the first public answer of the desk was written.
    pub first_response_at: Option<Timestamp>,
    /// When it was resolved last; `None` while it is live.
    pub resolved_at: Option<Timestamp>,
    /// When it was closed last; `None` while it is not closed.
    pub closed_at: Option<Timestamp>,
    /// When it was deleted: it is hidden from every read and erased after the retention time.
    pub deleted_at: Option<Timestamp>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

impl Ticket {
    /// Returns what the policy needs to know.
    pub fn access(&self) -> TicketAccess<'_> {
        TicketAccess {
            tenant: self.tenant,
            requester: self.requester,
            participants: &self.participants,
            team: self.team,
        }
    }

    /// Returns the ticket as the object of an action.
    pub fn resource(&self) -> Resource<'_> {
        Resource::Ticket(self.access())
    }

    /// Returns a message of the ticket as the object of an action.
    pub fn message_resource(&self, audience: MessageAudience) -> Resource<'_> {
        Resource::Message { ticket: self.access(), audience }
    }

    /// Returns whether `user` is the requester or a participant.
    pub fn involves(&self, user: UserId) -> bool {
        self.requester == user || self.participants.contains(&user)
    }
}
