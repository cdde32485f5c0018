//! Which tickets are wanted, and in which order.

use crate::{
    clock::Timestamp,
    id::{TeamId, UserId},
    text::{Key, Tag},
    ticket::{Channel, Priority, StatusCategory},
};

/// Which tickets are wanted. Empty fields do not filter; given ones all have to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TicketFilter {
    /// Any of these status categories; empty: all.
    pub status: Vec<StatusCategory>,
    /// This status of the tenant.
    pub status_key: Option<Key>,
    /// This priority.
    pub priority: Option<Priority>,
    /// This category.
    pub category: Option<Key>,
    /// Only tickets whose category a person set.
    pub categorised_by_person: bool,
    /// This team; `Some(None)`: no team.
    pub team: Option<Option<TeamId>>,
    /// This agent; `Some(None)`: nobody.
    pub assignee: Option<Option<UserId>>,
    /// This customer.
    pub requester: Option<UserId>,
    /// This tag.
    pub tag: Option<Tag>,
    /// This channel.
    pub channel: Option<Channel>,
    /// Changed at or after this instant.
    pub updated_since: Option<Timestamp>,
    /// The order.
    pub order: TicketOrder,
}

/// The order of a list of tickets. Ties are broken by id, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum TicketOrder {
    /// By id, newest first.
    #[default]
    Newest,
    /// By id, oldest first.
    Oldest,
    /// By the last change, latest first.
    RecentlyUpdated,
    /// By priority, most urgent first, then by id, oldest first: the order of work.
    Queue,
}

impl TicketOrder {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::RecentlyUpdated => "recently_updated",
            Self::Queue => "queue",
        }
    }
}

/// A full-text query over subjects and messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketQuery {
    /// The words sought, 1..=500 characters; all of them have to occur. Operators have no meaning.
    pub text: String,
    /// Whether internal notes are searched too; ignored for scopes that do not see them.
    pub notes: bool,
}
