//! Notifications to agents and administrators.

use serde::{Deserialize, Serialize};

use crate::{
    clock::{Stamp, Timestamp},
    id::{NotificationId, TenantId, TicketId, UserId},
    transition::{Transition, Version},
};

/// What a notification tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// The ticket is now the recipient's.
    Assigned,
    /// The customer wrote on a ticket of the recipient.
    CustomerReplied,
    /// A mail on a ticket of the recipient is held, because its sender is not verified.
    MessageHeld,
}

impl NotificationKind {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::CustomerReplied => "customer_replied",
            Self::MessageHeld => "message_held",
        }
    }
}

/// Something that a member of staff should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notification {
    /// The id.
    pub id: NotificationId,
    /// The tenant.
    pub tenant: TenantId,
    /// The version, for optimistic locking.
    pub version: Version,
    /// Who is told.
    pub recipient: UserId,
    /// What is told.
    pub kind: NotificationKind,
    /// The ticket.
    pub ticket: TicketId,
    /// When it was told.
    pub created_at: Timestamp,
    /// When it was read.
    pub read_at: Option<Timestamp>,
}

/// What happened to a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NotificationEvent {
    /// The recipient was told.
    Raised,
    /// The recipient read it.
    Read,
}

/// Tells `recipient` something about a ticket.
pub fn raise(
    tenant: TenantId,
    recipient: UserId,
    kind: NotificationKind,
    ticket: TicketId,
    stamp: &Stamp<'_>,
) -> Transition<Notification, NotificationEvent> {
    let notification = Notification {
        id: stamp.id(),
        tenant,
        version: Version::NEW,
        recipient,
        kind,
        ticket,
        created_at: stamp.at(),
        read_at: None,
    };
    Transition::new(notification, NotificationEvent::Raised)
}

/// Marks a notification as read; a second time is no event.
pub fn mark_read(
    mut notification: Notification,
    stamp: &Stamp<'_>,
) -> Transition<Notification, NotificationEvent> {
    if notification.read_at.is_some() {
        return Transition::unchanged(notification);
    }
    notification.read_at = Some(stamp.at());
    Transition::new(notification, NotificationEvent::Read)
}
