//! Writing messages and judging proposed answers.

use serde::{Deserialize, Serialize};

use crate::{
    access::{Actor, ActorKind},
    clock::{Stamp, Timestamp},
    conversation::{
        AnswerMeta, Attachment, Author, MAX_ATTACHMENTS, MAX_MESSAGES, Message, MessageEvent, MessageKind,
    },
    id::MailId,
    text::{Body, Language},
    ticket::Ticket,
    transition::{Transition, Version},
};

/// A message that a person writes through the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The text, not blank.
    pub body: Body,
    /// Whether only staff reads it.
    #[serde(default)]
    pub internal: bool,
}

/// A message to be written, from whatever channel.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    /// The whole text; blank only with attachments or from mail.
    pub body: Body,
    /// The byte at which the newest part begins.
    pub reply_at: Option<u32>,
    /// The byte at which quoted or signed text begins.
    pub trimmed_at: Option<u32>,
    /// Whether only staff reads it.
    pub internal: bool,
    /// The language of the text.
    pub language: Option<Language>,
    /// Attached files.
    pub attachments: Vec<Attachment>,
    /// Whether the sender is not known to be who they say.
    pub held: bool,
    /// The mail that brought it.
    pub mail: Option<MailId>,
    /// When the author says that it was sent.
    pub sent_at: Option<Timestamp>,
}

impl NewMessage {
    /// Returns a message that is nothing but text.
    pub fn text(body: Body, internal: bool) -> Self {
        Self {
            body,
            reply_at: None,
            trimmed_at: None,
            internal,
            language: None,
            attachments: Vec::new(),
            held: false,
            mail: None,
            sent_at: None,
        }
    }
}

impl From<Reply> for NewMessage {
    fn from(reply: Reply) -> Self {
        Self::text(reply.body, reply.internal)
    }
}

/// An answer of the assistant that is to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The text.
    pub body: Body,
    /// How it came about.
    pub meta: AnswerMeta,
}

/// What an agent thinks of a proposed answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case", deny_unknown_fields)]
pub enum Verdict {
    /// Send it as it is, or with this text.
    Accept {
        /// The text to send instead.
        #[serde(default)]
        body: Option<Body>,
    },
    /// Do not send it.
    Reject,
}

/// Why a conversation command was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConversationRefusal {
    /// The text is blank and nothing is attached.
    #[error("a message has text or attachments")]
    Blank,
    /// Customers write no internal notes.
    #[error("only staff writes internal notes")]
    NoteByCustomer,
    /// There are too many messages or attachments.
    #[error("at most {max} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// The message is not a proposed answer.
    #[error("the message is not a proposed answer")]
    NotADraft,
    /// The message is no answer of the desk that customers read.
    #[error("the message is no answer that could be taken back")]
    NotAnAnswer,
    /// The place where the newest part begins or ends lies outside the text or within a character, or they are not in
    /// this order.
    #[error("the trim offsets are not character boundaries of the text, in order")]
    TrimOffset,
}

impl ConversationRefusal {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Blank => "message_blank",
            Self::NoteByCustomer => "message_note_by_customer",
            Self::TooMany { .. } => "message_too_many",
            Self::NotADraft => "message_not_a_draft",
            Self::NotAnAnswer => "message_not_an_answer",
            Self::TrimOffset => "message_trim_offset",
        }
    }
}

/// Writes a message on `ticket`, whose counter [`note_activity`](crate::ticket::note_activity) has already advanced.
pub fn write_message(
    actor: &Actor,
    ticket: &Ticket,
    new: NewMessage,
    stamp: &Stamp<'_>,
) -> Result<Transition<Message, MessageEvent>, ConversationRefusal> {
    let author = match actor.kind {
        ActorKind::Customer(user) => Author::Customer { user },
        ActorKind::Agent { user, .. } | ActorKind::Admin(user) => Author::Agent { user },
        ActorKind::System => Author::System,
    };
    if new.internal && matches!(author, Author::Customer { .. }) {
        return Err(ConversationRefusal::NoteByCustomer);
    }
    if new.body.trim().is_empty() && new.attachments.is_empty() && new.mail.is_none() {
        return Err(ConversationRefusal::Blank);
    }
    if new.attachments.len() > MAX_ATTACHMENTS {
        return Err(ConversationRefusal::TooMany { what: "attachments", max: MAX_ATTACHMENTS });
    }
    let place = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
    let newest = new.reply_at.map_or(0, place)..new.trimmed_at.map_or(new.body.len(), place);
    if new.body.get(newest).is_none() {
        return Err(ConversationRefusal::TrimOffset);
    }
    let kind = match (author, new.internal) {
        (Author::System, _) => MessageKind::System,
        (_, true) => MessageKind::Note,
        (_, false) => MessageKind::Public,
    };
    append(ticket, kind, author, new, stamp)
}

/// Stores an answer of the assistant, as a proposal or as sent.
pub fn write_answer(
    ticket: &Ticket,
    draft: Draft,
    stamp: &Stamp<'_>,
) -> Result<Transition<Message, MessageEvent>, ConversationRefusal> {
    if draft.body.trim().is_empty() {
        return Err(ConversationRefusal::Blank);
    }
    let new = NewMessage { language: ticket.language.clone(), ..NewMessage::text(draft.body, false) };
    append(ticket, MessageKind::Answer(draft.meta), Author::Assistant, new, stamp)
}

fn append(
    ticket: &Ticket,
    kind: MessageKind,
    author: Author,
    new: NewMessage,
    stamp: &Stamp<'_>,
) -> Result<Transition<Message, MessageEvent>, ConversationRefusal> {
    if ticket.messages > MAX_MESSAGES {
        return Err(ConversationRefusal::TooMany { what: "messages", max: MAX_MESSAGES as usize });
    }
    let message = Message {
        id: stamp.id(),
        tenant: ticket.tenant,
        ticket: ticket.id,
        version: Version::NEW,
        sequence: ticket.messages,
        kind,
        author,
        body: new.body,
        reply_at: new.reply_at,
        trimmed_at: new.trimmed_at,
        language: new.language,
        attachments: new.attachments,
        held: new.held,
        mail: new.mail,
        sent_at: new.sent_at,
        created_at: stamp.at(),
    };
    let event = MessageEvent::Written {
        ticket: message.ticket,
        message: message.id,
        sequence: message.sequence,
        author: message.author,
        audience: message.audience(),
        held: message.held,
    };
    Ok(Transition::new(message, event))
}
