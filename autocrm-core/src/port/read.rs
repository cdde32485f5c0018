//! Reads. Every one takes a scope and returns only what the scope shows.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    access::Scope,
    clock::Timestamp,
    conversation::{Message, Template},
    error::Result,
    id::{
        ArticleId, ChunkId, MailId, MessageId, NotificationId, OutboundId, TeamId, TemplateId, TenantId,
        TicketId, UserId,
    },
    knowledge::{Article, ArticleFilter, Chunk, FeedbackTarget, FeedbackTotals, Revision},
    mail::{BlobHash, Correspondent, InboundMail, MailRef, MessageIdHeader, OutboundMail},
    metrics::{AgentStats, TimeFrame},
    notify::Notification,
    page::{Page, PageRequest},
    routing::RoutingDecision,
    team::Team,
    tenant::Tenant,
    text::{EmailAddress, ExternalId, Key},
    ticket::{Scheme, Ticket, TicketFilter, TicketNumber},
    user::{User, UserFilter},
};

/// Reads tenants and their settings.
///
/// # Contract
/// * **R1** A row that the scope does not show is answered exactly as one that does not exist.
/// * **R2** Pages follow the order stated, without gaps or repetitions while nothing is written.
#[async_trait]
pub trait TenantReader: Send + Sync {
    /// Returns the tenant of the scope.
    async fn tenant(&self, scope: &Scope) -> Result<Option<Tenant>>;

    /// Returns the tenant's scheme; `None` until one was set.
    async fn scheme(&self, scope: &Scope) -> Result<Option<Scheme>>;

    /// Returns up to `limit` tenant ids above `after`, in order: for worker, indexes and operators, never for callers.
    async fn tenants(&self, after: Option<TenantId>, limit: u16) -> Result<Vec<TenantId>>;

    /// Returns the tenant whose support address this is: for mail intake, never for callers.
    async fn tenant_by_address(&self, address: &EmailAddress) -> Result<Option<TenantId>>;
}

/// Reads users: staff see all of the tenant, a customer only themselves. R1 and R2 hold.
#[async_trait]
pub trait UserReader: Send + Sync {
    /// Returns a user.
    async fn user(&self, scope: &Scope, id: UserId) -> Result<Option<User>>;

    /// Returns the user with the address.
    async fn user_by_email(&self, scope: &Scope, email: &EmailAddress) -> Result<Option<User>>;

    /// Returns the user with the host's id.
    async fn user_by_external_id(&self, scope: &Scope, id: &ExternalId) -> Result<Option<User>>;

    /// Returns users by id, newest first.
    async fn users(&self, scope: &Scope, filter: &UserFilter, page: &PageRequest) -> Result<Page<User>>;
}

/// Reads teams: staff only; a customer's scope shows none. R1 holds.
#[async_trait]
pub trait TeamReader: Send + Sync {
    /// Returns a team.
    async fn team(&self, scope: &Scope, id: TeamId) -> Result<Option<Team>>;

    /// Returns all teams of the tenant, by id.
    async fn teams(&self, scope: &Scope) -> Result<Vec<Team>>;
}

/// Reads tickets. Deleted tickets are shown by no read. R1 and R2 hold.
#[async_trait]
pub trait TicketReader: Send + Sync {
    /// Returns a ticket.
    async fn ticket(&self, scope: &Scope, id: TicketId) -> Result<Option<Ticket>>;

    /// Returns the ticket with the number.
    async fn ticket_by_number(&self, scope: &Scope, number: TicketNumber) -> Result<Option<Ticket>>;

    /// Returns tickets in the order of the filter. The cursor's key is the update time in microseconds for
    /// `RecentlyUpdated`, the priority's rank for `Queue`, and 0 otherwise.
    async fn tickets(&self, scope: &Scope, filter: &TicketFilter, page: &PageRequest)
    -> Result<Page<Ticket>>;

    /// Returns the number of live tickets (not resolved, closed or deleted) of each agent of the tenant, for agents that
    /// have any. Staff scopes only; others get nothing. It counts the whole tenant, whatever the scope's teams.
    async fn loads(&self, scope: &Scope, agents: &[UserId]) -> Result<Vec<(UserId, u32)>>;

    /// Returns the latest routing decision on a ticket. Staff scopes only.
    async fn routing(&self, scope: &Scope, ticket: TicketId) -> Result<Option<RoutingDecision>>;

    /// Returns a deleted ticket that waits for its erasure; tenant-wide scopes only.
    async fn deleted_ticket(&self, scope: &Scope, id: TicketId) -> Result<Option<Ticket>>;
}

/// Reads messages and templates. A message is shown if its ticket is and its audience is the scope's. R1 and R2 hold.
#[async_trait]
pub trait ConversationReader: Send + Sync {
    /// Returns a message.
    async fn message(&self, scope: &Scope, id: MessageId) -> Result<Option<Message>>;

    /// Returns the messages of a ticket by sequence, first to last; the cursor's key is the sequence.
    async fn messages(&self, scope: &Scope, ticket: TicketId, page: &PageRequest) -> Result<Page<Message>>;

    /// Returns a template.
    async fn template(&self, scope: &Scope, id: TemplateId) -> Result<Option<Template>>;

    /// Returns templates by id, oldest first.
    async fn templates(&self, scope: &Scope, page: &PageRequest) -> Result<Page<Template>>;
}

/// Reads the knowledge base. Customers see published public and tenant articles, staff all. R1 and R2 hold.
#[async_trait]
pub trait KnowledgeReader: Send + Sync {
    /// Returns an article.
    async fn article(&self, scope: &Scope, id: ArticleId) -> Result<Option<Article>>;

    /// Returns the article with the short name.
    async fn article_by_slug(&self, scope: &Scope, slug: &Key) -> Result<Option<Article>>;

    /// Returns articles by id, newest first.
    async fn articles(
        &self,
        scope: &Scope,
        filter: &ArticleFilter,
        page: &PageRequest,
    ) -> Result<Page<Article>>;

    /// Returns the revisions of an article by number, first to last; the cursor's key is the number, its id the
    /// article's. Staff scopes only.
    async fn revisions(
        &self,
        scope: &Scope,
        article: ArticleId,
        page: &PageRequest,
    ) -> Result<Page<Revision>>;

    /// Returns one revision of an article. Staff scopes only.
    async fn revision(&self, scope: &Scope, article: ArticleId, number: u32) -> Result<Option<Revision>>;

    /// Returns those of the chunks that exist and whose article the scope shows, in the order asked for.
    async fn chunks(&self, scope: &Scope, ids: &[ChunkId]) -> Result<Vec<Chunk>>;

    /// Returns the chunks of an article, by ordinal.
    async fn article_chunks(&self, scope: &Scope, article: ArticleId) -> Result<Vec<Chunk>>;

    /// Returns how often something helped. Staff scopes only; others get zeros.
    async fn feedback(&self, scope: &Scope, target: FeedbackTarget) -> Result<FeedbackTotals>;
}

/// Reads mail rows: tenant-wide scopes only; others are shown none.
#[async_trait]
pub trait MailReader: Send + Sync {
    /// Returns a received mail.
    async fn inbound(&self, scope: &Scope, id: MailId) -> Result<Option<InboundMail>>;

    /// Returns the received mail with recipient and raw hash.
    async fn inbound_by_raw(
        &self,
        scope: &Scope,
        recipient: &EmailAddress,
        raw: BlobHash,
    ) -> Result<Option<InboundMail>>;

    /// Returns the received mail with the provider's id.
    async fn inbound_by_provider(
        &self,
        scope: &Scope,
        provider_id: &ExternalId,
    ) -> Result<Option<InboundMail>>;

    /// Returns a mail that leaves.
    async fn outbound(&self, scope: &Scope, id: OutboundId) -> Result<Option<OutboundMail>>;

    /// Returns the mails that leave after the one with the id, in the order of their ids, which is that of their making;
    /// at most `limit` (1..=1000). The id need not exist.
    async fn outbounds(&self, scope: &Scope, after: OutboundId, limit: u16) -> Result<Vec<OutboundMail>>;

    /// Returns what is known of the Message-IDs, at most 100 of them.
    async fn mail_refs(&self, scope: &Scope, ids: &[MessageIdHeader]) -> Result<Vec<MailRef>>;

    /// Returns the latest Message-IDs of a ticket, oldest first, at most `limit` (1..=50).
    async fn ticket_mail_refs(&self, scope: &Scope, ticket: TicketId, limit: u16) -> Result<Vec<MailRef>>;

    /// Returns the hashes of a ticket's raw mails that lie in the blob store, being larger than a row may be, and that no
    /// mail outside of the ticket refers to: what an erasure of the ticket has to remove there.
    async fn outlying_raws(&self, scope: &Scope, ticket: TicketId) -> Result<Vec<BlobHash>>;

    /// Returns raw bytes that were stored as a row.
    async fn raw(&self, scope: &Scope, hash: BlobHash) -> Result<Option<Bytes>>;
}

/// Reads what is remembered of addresses: tenant-wide scopes only; others are shown none. R1 and R2 hold.
#[async_trait]
pub trait CorrespondentReader: Send + Sync {
    /// Returns what is remembered of an address.
    async fn correspondent(&self, scope: &Scope, address: &EmailAddress) -> Result<Option<Correspondent>>;

    /// Returns the addresses that nothing is sent to, by id, newest first.
    async fn suppressed(&self, scope: &Scope, page: &PageRequest) -> Result<Page<Correspondent>>;

    /// Returns to how many addresses the latest acknowledgement went at `since` or later.
    async fn acknowledged_since(&self, scope: &Scope, since: Timestamp) -> Result<u64>;
}

/// Reads notifications: one's own; tenant-wide scopes see all. R1 and R2 hold.
#[async_trait]
pub trait NotificationReader: Send + Sync {
    /// Returns a notification.
    async fn notification(&self, scope: &Scope, id: NotificationId) -> Result<Option<Notification>>;

    /// Returns notifications by id, newest first.
    async fn notifications(&self, scope: &Scope, page: &PageRequest) -> Result<Page<Notification>>;
}

/// Reads figures. Staff scopes only; others get zeros.
#[async_trait]
pub trait MetricsReader: Send + Sync {
    /// Returns what an agent has at hand and has done within the frame.
    async fn agent_stats(&self, scope: &Scope, agent: UserId, frame: TimeFrame) -> Result<AgentStats>;
}
