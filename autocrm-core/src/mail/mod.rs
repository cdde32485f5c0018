//! Mail: what came in, what leaves, and the keyed tokens that tie both to a ticket.

mod event;
mod inbound;
mod link;
mod outbound;
mod token;

pub use crate::blob::{BlobHash, INLINE_BLOB, ParseHashError, RawBlob};
pub use event::MailEvent;
pub use inbound::{
    Automatic, Envelope, InboundMail, InboundOutcome, MAX_RAW, MailFinding, MailRefusal, ParsedAttachment,
    ParsedMail, SenderTrust, receive, settle,
};
pub use link::UnsubscribeLink;
pub use outbound::{
    AttemptOutcome, DELIVERY_HORIZON, MAX_RECIPIENTS, OutboundMail, OutboundSpec, OutboundState, compose,
    record_attempt,
};
pub use token::{MailKey, MailKeys, MailRef, MailRefDirection, MessageIdHeader};
