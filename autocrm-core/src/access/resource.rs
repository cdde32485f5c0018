//! What is acted upon, as plain ids and visibility.

use serde::{Deserialize, Serialize};

use crate::id::{TeamId, TenantId, UserId};

/// What the policy needs to know of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketAccess<'a> {
    /// The ticket's tenant.
    pub tenant: TenantId,
    /// The customer whose ticket it is.
    pub requester: UserId,
    /// Others who take part.
    pub participants: &'a [UserId],
    /// The team; `None`: not yet routed, seen by every agent of the tenant.
    pub team: Option<TeamId>,
}

/// Who reads a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageAudience {
    /// Everybody who sees the ticket.
    Public,
    /// Agents and administrators who see the ticket.
    Internal,
}

/// Who reads an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArticleVisibility {
    /// Anybody, also outside the tenant's customers.
    Public,
    /// Customers and staff of the tenant.
    Tenant,
    /// Agents and administrators of the tenant.
    Internal,
}

impl ArticleVisibility {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Tenant => "tenant",
            Self::Internal => "internal",
        }
    }
}

/// The object of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource<'a> {
    /// The tenant as a whole: its settings, jobs, event feed, metrics.
    Tenant(TenantId),
    /// A ticket.
    Ticket(TicketAccess<'a>),
    /// A message of a ticket.
    Message {
        /// The ticket.
        ticket: TicketAccess<'a>,
        /// Who the message is for.
        audience: MessageAudience,
    },
    /// A knowledge base article.
    Article {
        /// The article's tenant.
        tenant: TenantId,
        /// Who reads it.
        visibility: ArticleVisibility,
        /// Whether it is published; drafts and archived articles are read by staff only.
        published: bool,
    },
    /// A user's record.
    User {
        /// The user's tenant.
        tenant: TenantId,
        /// The user.
        user: UserId,
    },
    /// A team.
    Team {
        /// The team's tenant.
        tenant: TenantId,
        /// The team.
        team: TeamId,
    },
    /// A response template.
    Template {
        /// The template's tenant.
        tenant: TenantId,
        /// The team that uses it; `None`: every team.
        team: Option<TeamId>,
    },
    /// A notification.
    Notification {
        /// The notification's tenant.
        tenant: TenantId,
        /// The user who is notified.
        recipient: UserId,
    },
}

impl Resource<'_> {
    /// Returns the tenant that the resource belongs to.
    pub fn tenant(&self) -> TenantId {
        match self {
            Self::Tenant(tenant)
            | Self::Article { tenant, .. }
            | Self::User { tenant, .. }
            | Self::Team { tenant, .. }
            | Self::Template { tenant, .. }
            | Self::Notification { tenant, .. } => *tenant,
            Self::Ticket(ticket) | Self::Message { ticket, .. } => ticket.tenant,
        }
    }
}
