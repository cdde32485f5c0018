//! The message.

use serde::{Deserialize, Serialize};

use crate::{
    access::MessageAudience,
    blob::BlobHash,
    clock::Timestamp,
    id::{ArticleId, AttachmentId, MailId, MessageId, TenantId, TicketId, UserId},
    text::{Body, Language, Name},
    transition::Version,
};

/// The largest number of messages of a ticket.
pub const MAX_MESSAGES: u32 = 10_000;
/// The largest number of attachments of a message.
pub const MAX_ATTACHMENTS: usize = 100;

/// What kind of message it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MessageKind {
    /// Read by everybody who sees the ticket.
    Public,
    /// Read by staff only.
    Note,
    /// An answer that was taken back before it left. Read by staff only, who judge it like a proposed one.
    Draft,
    /// Something that the desk tells: a held mail, a bounce, a hand-over. Read by staff only.
    System,
    /// An answer proposed or sent by the assistant; a proposal is read by staff only.
    Answer(AnswerMeta),
}

/// How an answer of the assistant came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerMeta {
    /// The model that wrote it, such as `extractive`.
    pub model: String,
    /// The passages that it rests on, in the order of the text.
    pub sources: Vec<Citation>,
    /// How sure the assistant is, 0..=1.
    pub confidence: f32,
    /// What became of it.
    pub state: AnswerState,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerState {
    /// Proposed to the agents.
    Draft,
    /// Sent to the customer, by itself or by an agent.
    Sent,
    /// Refused by an agent.
    Rejected,
}

/// A passage of an article, and the part of the answer that rests on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Citation {
    /// The article.
    pub article: ArticleId,
    /// The revision of the article that was quoted.
    pub revision: u32,
    /// The first byte of the passage in that revision's body.
    pub start: u32,
    /// The byte after the passage.
    pub end: u32,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Author {
    /// A customer.
    Customer {
        /// The customer.
        user: UserId,
    },
    /// An agent or administrator.
    Agent {
        /// The agent.
        user: UserId,
    },
    /// The assistant.
    Assistant,
    /// The desk itself.
    System,
}

/// What is kept of an attached file; its bytes lie in the blob store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// The id.
    pub id: AttachmentId,
    /// The file's name: one line, 1..=150 characters, never used as a path.
    pub name: Name,
    /// The declared type, such as `image/png`.
    pub content_type: String,
    /// The size, in bytes.
    pub size: u64,
    /// Where the bytes lie; `None`: inside the raw mail only.
    pub blob: Option<BlobHash>,
}

/// A message of a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The id.
    pub id: MessageId,
    /// The tenant.
    pub tenant: TenantId,
    /// The ticket.
    pub ticket: TicketId,
    /// The version, for optimistic locking.
    pub version: Version,
    /// The place in the conversation, from 1, without gaps.
    pub sequence: u32,
    /// What kind of message it is.
    pub kind: MessageKind,
    /// Who wrote it.
    pub author: Author,
    /// The whole text.
    pub body: Body,
    /// The byte of `body` at which the newest part begins, where quoted text stands above it; `None`: at the start.
    pub reply_at: Option<u32>,
    /// The byte of `body` at which quoted or signed text begins; `None`: nothing is cut.
    pub trimmed_at: Option<u32>,
    /// The language of the text.
    pub language: Option<Language>,
    /// Attached files, at most [`MAX_ATTACHMENTS`].
    pub attachments: Vec<Attachment>,
    /// Whether a sender who is not known to be who they say wrote it: shown to staff only, acts on nothing.
    pub held: bool,
    /// The mail that brought it.
    pub mail: Option<MailId>,
    /// When the author says that it was sent: information only, never order.
    pub sent_at: Option<Timestamp>,
    /// When it was written here.
    pub created_at: Timestamp,
}

impl Message {
    /// Returns who reads the message.
    pub fn audience(&self) -> MessageAudience {
        let public = match &self.kind {
            MessageKind::Public => true,
            MessageKind::Answer(answer) => answer.state == AnswerState::Sent,
            MessageKind::Note | MessageKind::Draft | MessageKind::System => false,
        };
        if public && !self.held { MessageAudience::Public } else { MessageAudience::Internal }
    }

    /// Returns the newest part of the text, without quoted and signed text.
    pub fn newest_text(&self) -> &str {
        let place = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
        let end = self.trimmed_at.map_or(self.body.len(), place);
        match self.body.get(self.reply_at.map_or(0, place)..end) {
            Some(newest) if newest.len() < self.body.len() => newest.trim(),
            _ => &self.body,
        }
    }
}
