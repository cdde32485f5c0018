//! What happens to tickets.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::{TeamId, TicketId, UserId},
    text::Key,
    ticket::{CategorySource, Channel, Priority, Status, TicketLink},
};

/// What happened to a ticket. Changes carry the value before and after; texts stay in the row, so that erasing the
/// row erases them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TicketEvent {
    /// The ticket was opened.
    Created {
        /// The customer.
        requester: UserId,
        /// The way it came in.
        channel: Channel,
        /// The urgency at the start.
        priority: Priority,
        /// The status at the start.
        status: Status,
    },
    /// Subject, tags, fields, participants, language or entity changed.
    Edited {
        /// The names of what changed.
        fields: Vec<String>,
    },
    /// The urgency changed.
    PriorityChanged {
        /// Before.
        from: Priority,
        /// After.
        to: Priority,
    },
    /// The category changed.
    CategoryChanged {
        /// Before.
        from: Option<Key>,
        /// After.
        to: Option<Key>,
        /// Who set it.
        source: CategorySource,
    },
    /// The status changed.
    StatusChanged {
        /// Before.
        from: Status,
        /// After.
        to: Status,
    },
    /// Team or agent changed.
    Assigned {
        /// The team before.
        from_team: Option<TeamId>,
        /// The agent before.
        from_agent: Option<UserId>,
        /// The team from now on.
        team: Option<TeamId>,
        /// The agent from now on.
        agent: Option<UserId>,
    },
    /// The ticket sleeps.
    Snoozed {
        /// Until when.
        until: Timestamp,
    },
    /// The ticket woke up.
    Woken,
    /// The ticket was linked to another.
    Linked {
        /// The link.
        link: TicketLink,
    },
    /// The ticket was made a part of another, or set free.
    ParentChanged {
        /// The ticket of which it is a part from now on.
        parent: Option<TicketId>,
    },
    /// The ticket was deleted: hidden at once, erased later.
    Deleted {
        /// When its rows are erased.
        erase_at: Timestamp,
    },
}

impl TicketEvent {
    /// Returns the stable name, such as `ticket.created`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "ticket.created",
            Self::Edited { .. } => "ticket.edited",
            Self::PriorityChanged { .. } => "ticket.priority_changed",
            Self::CategoryChanged { .. } => "ticket.category_changed",
            Self::StatusChanged { .. } => "ticket.status_changed",
            Self::Assigned { .. } => "ticket.assigned",
            Self::Snoozed { .. } => "ticket.snoozed",
            Self::Woken => "ticket.woken",
            Self::Linked { .. } => "ticket.linked",
            Self::ParentChanged { .. } => "ticket.parent_changed",
            Self::Deleted { .. } => "ticket.deleted",
        }
    }
}
