//! Why a ticket command is refused.

use crate::{text::Key, ticket::StatusCategory};

/// Why a ticket command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TicketRefusal {
    /// The table of legal moves does not hold the move.
    #[error("a ticket does not move from {} to {}", from.as_str(), to.as_str())]
    IllegalMove {
        /// Where the ticket stands.
        from: StatusCategory,
        /// Where it was to go.
        to: StatusCategory,
    },
    /// The tenant has no such status.
    #[error("the tenant has no status {0}")]
    UnknownStatus(Key),
    /// The tenant has no such category.
    #[error("the tenant has no category {0}")]
    UnknownCategory(Key),
    /// The tenant has no such custom field.
    #[error("the tenant has no field {0}")]
    UnknownField(Key),
    /// The value is not of the field's kind.
    #[error("the value of {0} is not of the field's kind")]
    WrongFieldValue(Key),
    /// There are too many of something.
    #[error("at most {max} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// The requester is not an active user of the tenant.
    #[error("the requester is not an active user of the tenant")]
    UnknownRequester,
    /// The team does not exist in the tenant.
    #[error("the team does not exist")]
    UnknownTeam,
    /// The agent does not belong to the ticket's team, or is not an active agent.
    #[error("the agent does not belong to the team")]
    AgentOutsideTeam,
    /// The agent has no room for another ticket.
    #[error("the agent has no room for another ticket")]
    AgentFull,
    /// The time to wake is not in the future, or more than ten years ahead.
    #[error("the time to wake is not within the next ten years")]
    WakeTime,
    /// A ticket cannot be linked to itself or be its own part.
    #[error("a ticket is not linked to itself")]
    LinkToItself,
    /// The linked ticket does not exist.
    #[error("the linked ticket does not exist")]
    UnknownLink,
    /// Customers change only the subject and the fields that are shown to them.
    #[error("customers do not change {0}")]
    StaffOnly(&'static str),
    /// The version that the caller saw is not the present one.
    #[error("the ticket has changed since version {expected}; it is at {actual}")]
    Stale {
        /// What the caller saw.
        expected: u64,
        /// What is stored.
        actual: u64,
    },
}

impl TicketRefusal {
    /// Returns the stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::IllegalMove { .. } => "ticket_illegal_move",
            Self::UnknownStatus(_) => "ticket_unknown_status",
            Self::UnknownCategory(_) => "ticket_unknown_category",
            Self::UnknownField(_) => "ticket_unknown_field",
            Self::WrongFieldValue(_) => "ticket_wrong_field_value",
            Self::TooMany { .. } => "ticket_too_many",
            Self::UnknownRequester => "ticket_unknown_requester",
            Self::UnknownTeam => "ticket_unknown_team",
            Self::AgentOutsideTeam => "ticket_agent_outside_team",
            Self::AgentFull => "ticket_agent_full",
            Self::WakeTime => "ticket_wake_time",
            Self::LinkToItself => "ticket_link_to_itself",
            Self::UnknownLink => "ticket_unknown_link",
            Self::StaffOnly(_) => "ticket_staff_only",
            Self::Stale { .. } => "ticket_stale",
        }
    }
}
