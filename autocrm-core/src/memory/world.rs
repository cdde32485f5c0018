//! The state: one desk per tenant, and one queue for all of them.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::{
    change::{EntityRef, EventRecord, Position, Receipt, RequestHash},
    clock::Timestamp,
    conversation::{Message, Template},
    id::{
        ArticleId, ChunkId, CorrespondentId, EventId, FeedbackId, MailId, MessageId, NotificationId,
        OutboundId, TeamId, TemplateId, TenantId, TicketId, UserId,
    },
    knowledge::{Article, Chunk, Feedback, Revision},
    mail::{BlobHash, Correspondent, InboundMail, MailRef, MessageIdHeader, OutboundMail},
    memory::queue::Queue,
    notify::Notification,
    routing::RoutingDecision,
    team::Team,
    tenant::Tenant,
    text::{EmailAddress, ExternalId, Key, Subject},
    ticket::{Scheme, Ticket, TicketNumber},
    transition::Version,
    user::User,
};

/// Everything.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) desks: BTreeMap<TenantId, Desk>,
    pub(super) addresses: BTreeMap<EmailAddress, TenantId>,
    pub(super) queue: Queue,
}

/// A message, with its ticket's subject at the time of writing, under which it is found.
#[derive(Debug, Clone)]
pub(super) struct FiledMessage {
    pub(super) message: Message,
    pub(super) subject: Option<Subject>,
}

/// A receipt kept under a key.
#[derive(Debug, Clone)]
pub(super) struct KeptReceipt {
    pub(super) request: RequestHash,
    pub(super) receipt: Receipt,
    pub(super) at: Timestamp,
}

/// The rows of a tenant. Maps beside the rows are indexes, kept by the one setter of their noun.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) tenant: Option<Tenant>,
    pub(super) scheme: Option<Scheme>,

    pub(super) users: BTreeMap<UserId, User>,
    pub(super) users_by_email: BTreeMap<EmailAddress, UserId>,
    pub(super) users_by_external_id: BTreeMap<ExternalId, UserId>,
    pub(super) teams: BTreeMap<TeamId, Team>,

    pub(super) tickets: BTreeMap<TicketId, Ticket>,
    pub(super) tickets_by_number: BTreeMap<TicketNumber, TicketId>,
    pub(super) tickets_by_update: BTreeSet<(i64, TicketId)>,
    /// Most urgent first: the negated rank of the priority leads.
    pub(super) tickets_by_urgency: BTreeSet<(i64, TicketId)>,
    pub(super) live_tickets: BTreeSet<(UserId, TicketId)>,
    pub(super) last_number: u64,
    pub(super) routing: BTreeMap<TicketId, RoutingDecision>,

    pub(super) messages: BTreeMap<MessageId, FiledMessage>,
    pub(super) messages_by_ticket: BTreeSet<(TicketId, u32, MessageId)>,
    pub(super) words: BTreeMap<String, BTreeSet<MessageId>>,
    pub(super) templates: BTreeMap<TemplateId, Template>,

    pub(super) articles: BTreeMap<ArticleId, Article>,
    pub(super) articles_by_slug: BTreeMap<Key, ArticleId>,
    pub(super) revisions: BTreeMap<(ArticleId, u32), Revision>,
    pub(super) chunks: BTreeMap<ArticleId, Vec<Chunk>>,
    pub(super) articles_by_chunk: BTreeMap<ChunkId, ArticleId>,
    pub(super) feedback: BTreeMap<FeedbackId, Feedback>,

    pub(super) inbound: BTreeMap<MailId, InboundMail>,
    pub(super) inbound_by_raw: BTreeMap<(EmailAddress, BlobHash), MailId>,
    pub(super) inbound_by_provider: BTreeMap<ExternalId, MailId>,
    pub(super) outbound: BTreeMap<OutboundId, OutboundMail>,
    pub(super) correspondents: BTreeMap<CorrespondentId, Correspondent>,
    pub(super) correspondents_by_address: BTreeMap<EmailAddress, CorrespondentId>,
    pub(super) mail_refs: BTreeMap<(MessageIdHeader, MessageId), MailRef>,
    pub(super) mail_refs_by_ticket: BTreeMap<TicketId, BTreeSet<(MessageId, MessageIdHeader)>>,
    pub(super) raw: BTreeMap<BlobHash, Bytes>,

    pub(super) notifications: BTreeMap<NotificationId, Notification>,

    /// The event at position p is the one at index p - 1.
    pub(super) events: Vec<EventRecord>,
    pub(super) events_by_id: BTreeMap<EventId, Position>,
    pub(super) events_by_ticket: BTreeMap<TicketId, Vec<Position>>,

    pub(super) receipts: BTreeMap<(String, ExternalId), KeptReceipt>,
}

impl Desk {
    /// Returns the version of a row; [`Version::NEW`] when it does not exist.
    pub(super) fn version(&self, entity: EntityRef) -> Version {
        let version = match entity {
            EntityRef::Article(id) => self.articles.get(&id).map(|row| row.version),
            EntityRef::Correspondent(id) => self.correspondents.get(&id).map(|row| row.version),
            EntityRef::Feedback(id) => self.feedback.get(&id).map(|_| Version::new(1)),
            EntityRef::Mail(id) => self.inbound.get(&id).map(|row| row.version),
            EntityRef::Message(id) => self.messages.get(&id).map(|row| row.message.version),
            EntityRef::Notification(id) => self.notifications.get(&id).map(|row| row.version),
            EntityRef::Outbound(id) => self.outbound.get(&id).map(|row| row.version),
            EntityRef::Scheme => self.scheme.as_ref().map(|row| row.version),
            EntityRef::Team(id) => self.teams.get(&id).map(|row| row.version),
            EntityRef::Template(id) => self.templates.get(&id).map(|row| row.version),
            EntityRef::Tenant => self.tenant.as_ref().map(|row| row.version),
            EntityRef::Ticket(id) => self.tickets.get(&id).map(|row| row.version),
            EntityRef::User(id) => self.users.get(&id).map(|row| row.version),
        };
        version.unwrap_or(Version::NEW)
    }
}

/// Inserts, replaces or removes a row and returns the one before.
pub(super) fn put<K: Ord, V>(rows: &mut BTreeMap<K, V>, key: K, row: Option<V>) -> Option<V> {
    match row {
        Some(row) => rows.insert(key, row),
        None => rows.remove(&key),
    }
}
