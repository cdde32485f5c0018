//! What has to hold for a change set to be applied.

use serde::{Deserialize, Serialize};

use crate::{
    id::{
        ArticleId, CorrespondentId, FeedbackId, MailId, MessageId, NotificationId, OutboundId, TeamId,
        TemplateId, TicketId, UserId,
    },
    transition::Version,
};

/// A row by noun and id. Tenant and scheme are one row per tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "noun", content = "id", rename_all = "snake_case")]
pub enum EntityRef {
    /// An article.
    Article(ArticleId),
    /// An address that the desk writes to.
    Correspondent(CorrespondentId),
    /// Feedback; has no version.
    Feedback(FeedbackId),
    /// A received mail.
    Mail(MailId),
    /// A message.
    Message(MessageId),
    /// A notification.
    Notification(NotificationId),
    /// A mail that leaves.
    Outbound(OutboundId),
    /// The tenant's scheme.
    Scheme,
    /// A team.
    Team(TeamId),
    /// A response template.
    Template(TemplateId),
    /// The tenant itself.
    Tenant,
    /// A ticket.
    Ticket(TicketId),
    /// A user.
    User(UserId),
}

/// What has to hold, although the change set does not write it. A requirement that does not hold is a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// The row still has this version; [`Version::NEW`]: it does not exist.
    Unchanged {
        /// The row.
        entity: EntityRef,
        /// The version.
        version: Version,
    },
    /// Before the writes, the tenant has this user and the user is active, whatever the version. A user whom the change
    /// set itself makes or activates does not count.
    ActiveUser {
        /// The user.
        user: UserId,
    },
    /// Before the writes, the agent has fewer than `limit` live tickets (not resolved, closed or deleted).
    LoadBelow {
        /// The agent.
        agent: UserId,
        /// The first number that is too many.
        limit: u32,
    },
}
