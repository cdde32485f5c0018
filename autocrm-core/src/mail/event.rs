//! What happens to mail.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::{CorrespondentId, MailId, OutboundId, TicketId},
    mail::{DeliveryState, InboundOutcome, SuppressionReason},
};

/// What happened to a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MailEvent {
    /// A mail was taken in.
    Received {
        /// The mail.
        mail: MailId,
    },
    /// It was read and filed.
    Settled {
        /// The mail.
        mail: MailId,
        /// What became of it.
        outcome: InboundOutcome,
    },
    /// A mail was fixed and waits for the mailer.
    Composed {
        /// The mail.
        mail: OutboundId,
        /// The ticket.
        ticket: TicketId,
        /// When it leaves at the earliest.
        due_at: Timestamp,
    },
    /// It can no longer be taken back.
    Departed {
        /// The mail.
        mail: OutboundId,
        /// The ticket.
        ticket: TicketId,
    },
    /// It was taken back.
    Cancelled {
        /// The mail.
        mail: OutboundId,
        /// The ticket.
        ticket: TicketId,
    },
    /// The mailer took it.
    Sent {
        /// The mail.
        mail: OutboundId,
        /// The ticket.
        ticket: TicketId,
    },
    /// Nothing is sent to an address any more.
    Suppressed {
        /// The address's row.
        correspondent: CorrespondentId,
        /// Why.
        reason: SuppressionReason,
    },
    /// An address is sent to again.
    Released {
        /// The address's row.
        correspondent: CorrespondentId,
    },
    /// A mail to an address came back for now.
    SoftBounced {
        /// The address's row.
        correspondent: CorrespondentId,
        /// The mail.
        mail: OutboundId,
    },
    /// An acknowledgement goes to an address.
    Acknowledged {
        /// The address's row.
        correspondent: CorrespondentId,
    },
    /// A mail opened a ticket, and its sender may be told so.
    AcknowledgementDue {
        /// The mail.
        mail: MailId,
        /// The ticket.
        ticket: TicketId,
    },
    /// It got further, or came back.
    DeliveryChanged {
        /// The mail.
        mail: OutboundId,
        /// The ticket.
        ticket: TicketId,
        /// How far.
        state: DeliveryState,
    },
    /// It was opened, or a link of it was followed.
    Engaged {
        /// The mail.
        mail: OutboundId,
        /// The ticket.
        ticket: TicketId,
        /// Whether a link was followed.
        clicked: bool,
        /// By a program.
        machine: bool,
    },
    /// The mailer refused it for good.
    Refused {
        /// The mail.
        mail: OutboundId,
        /// The ticket.
        ticket: TicketId,
        /// What was wrong.
        code: String,
    },
}

impl MailEvent {
    /// Returns the stable name, such as `mail.received`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Received { .. } => "mail.received",
            Self::Settled { .. } => "mail.settled",
            Self::Composed { .. } => "mail.composed",
            Self::Departed { .. } => "mail.departed",
            Self::Cancelled { .. } => "mail.cancelled",
            Self::Sent { .. } => "mail.sent",
            Self::Suppressed { .. } => "mail.suppressed",
            Self::Released { .. } => "mail.released",
            Self::SoftBounced { .. } => "mail.soft_bounced",
            Self::Acknowledged { .. } => "mail.acknowledged",
            Self::AcknowledgementDue { .. } => "mail.acknowledgement_due",
            Self::DeliveryChanged { .. } => "mail.delivery_changed",
            Self::Engaged { .. } => "mail.engaged",
            Self::Refused { .. } => "mail.refused",
        }
    }
}
