//! The writes of a change set.

use crate::{
    change::{JobOutcome, LeaseToken},
    conversation::{Message, Template},
    id::{ArticleId, JobId, TicketId},
    knowledge::{Article, Chunk, Feedback, Revision},
    mail::{Correspondent, InboundMail, MailRef, OutboundMail, RawBlob},
    notify::Notification,
    routing::RoutingDecision,
    team::Team,
    tenant::Tenant,
    ticket::{Scheme, Ticket},
    transition::Version,
    user::User,
};

/// A row to be inserted or replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct Save<T> {
    /// The version that the stored row must have; [`Version::NEW`]: there must be no such row.
    pub from: Version,
    /// The row, with its next version.
    pub row: T,
}

/// The passages of an article's current revision; they replace all earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkSet {
    /// The article.
    pub article: ArticleId,
    /// The passages.
    pub chunks: Vec<Chunk>,
}

/// The end of an attempt at a job. It is accepted only with the token of the current, unexpired-or-not-yet-replaced
/// lease; otherwise the whole change set is a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFinish {
    /// The job.
    pub job: JobId,
    /// Proves that the worker holds the job.
    pub token: LeaseToken,
    /// How it ended.
    pub outcome: JobOutcome,
}

/// One write. Rows belong to the tenant of the change set.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// A tenant. The support address is unique within the store; a second one is a conflict.
    Tenant(Box<Save<Tenant>>),
    /// The tenant's scheme.
    Scheme(Box<Save<Scheme>>),
    /// A user. Address and external id are unique within the tenant; a second one is a conflict.
    User(Box<Save<User>>),
    /// A team. The name is unique within the tenant; a second one is a conflict.
    Team(Box<Save<Team>>),
    /// A ticket. A new one gets its number here.
    Ticket(Box<Save<Ticket>>),
    /// A deleted ticket goes, with its messages, mail rows and raw mails, events' payloads and search entries. A
    /// ticket that is not deleted is a conflict; a missing one is nothing to do.
    EraseTicket(TicketId),
    /// A message.
    Message(Box<Save<Message>>),
    /// A response template.
    Template(Box<Save<Template>>),
    /// A routing decision; the latest one explains the ticket.
    Routing(Box<RoutingDecision>),
    /// An article. The short name is unique within the tenant; a second one is a conflict.
    Article(Box<Save<Article>>),
    /// A revision; an existing number is a conflict.
    Revision(Box<Revision>),
    /// The passages of an article.
    Chunks(ChunkSet),
    /// Feedback; a user's second word on a target replaces the first.
    Feedback(Box<Feedback>),
    /// A received mail. Recipient and raw hash together are unique within the tenant, and so is the provider's id; a
    /// second one is a conflict.
    Mail(Box<Save<InboundMail>>),
    /// Raw bytes; the same bytes again are nothing to do.
    Raw(RawBlob),
    /// A mail that leaves.
    Outbound(Box<Save<OutboundMail>>),
    /// An address that the desk writes to; unique within the tenant, a second one is a conflict.
    Correspondent(Box<Save<Correspondent>>),
    /// A Message-ID seen or made; the same again is nothing to do.
    MailRef(Box<MailRef>),
    /// A notification.
    Notification(Box<Save<Notification>>),
    /// The end of an attempt at a job.
    FinishJob(JobFinish),
}

#[cfg(feature = "conformance")]
impl Write {
    /// Returns the same row, written from another version, for the suites; `None` for writes without a version.
    pub(crate) fn decided_from(&self, from: Version) -> Option<Self> {
        macro_rules! saves {
            ($($noun:ident)+) => {
                match self {
                    $(Self::$noun(save) => {
                        let mut row = save.row.clone();
                        row.version = from.next();
                        Some(Self::$noun(Box::new(Save { from, row })))
                    })+
                    _ => None,
                }
            };
        }
        saves!(Tenant Scheme User Team Ticket Message Template Article Mail Outbound Correspondent Notification)
    }
}
