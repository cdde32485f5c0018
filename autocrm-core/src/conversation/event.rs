//! What happens in conversations.

use serde::{Deserialize, Serialize};

use crate::{
    access::MessageAudience,
    conversation::{AnswerState, Author},
    id::{MessageId, TicketId},
};

/// What happened to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MessageEvent {
    /// A message was written.
    Written {
        /// The ticket.
        ticket: TicketId,
        /// The message.
        message: MessageId,
        /// Its place in the conversation.
        sequence: u32,
        /// Who wrote it.
        author: Author,
        /// Who reads it.
        audience: MessageAudience,
        /// Whether it is held, because its sender is not verified.
        held: bool,
    },
    /// A proposed answer was judged, or sent by itself.
    AnswerJudged {
        /// The ticket.
        ticket: TicketId,
        /// The message.
        message: MessageId,
        /// What became of it.
        state: AnswerState,
        /// Whether an agent changed the text before sending it.
        edited: bool,
    },
    /// An answer was taken back before it left, and is a draft again.
    TakenBack {
        /// The ticket.
        ticket: TicketId,
        /// The message.
        message: MessageId,
    },
}

impl MessageEvent {
    /// Returns the stable name, such as `message.written`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Written { .. } => "message.written",
            Self::AnswerJudged { .. } => "message.answer_judged",
            Self::TakenBack { .. } => "message.taken_back",
        }
    }

    /// Returns the ticket.
    pub const fn ticket(&self) -> TicketId {
        match self {
            Self::Written { ticket, .. }
            | Self::AnswerJudged { ticket, .. }
            | Self::TakenBack { ticket, .. } => *ticket,
        }
    }

    /// Returns the message.
    pub const fn message(&self) -> MessageId {
        match self {
            Self::Written { message, .. }
            | Self::AnswerJudged { message, .. }
            | Self::TakenBack { message, .. } => *message,
        }
    }
}
