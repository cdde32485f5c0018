//! Mail: what came in, what leaves, and the keyed tokens that tie both to a ticket.

mod event;
mod inbound;
mod link;
mod news;
mod notice;
mod outbound;
mod stats;
mod token;

pub use crate::blob::{BlobHash, INLINE_BLOB, ParseHashError, RawBlob};
pub use event::MailEvent;
pub use inbound::{
    Automatic, Envelope, InboundMail, InboundOutcome, MAX_RAW, MailFinding, MailRefusal, ParsedAttachment,
    ParsedMail, SenderTrust, receive, settle,
};
pub use link::UnsubscribeLink;
pub use news::{BounceClass, DeliveryNews, DeliveryState, Engagement, NewsKind, take_news};
pub use notice::{MAX_QUOTED, Notice, NoticeData, NoticeMessage, NoticeTicket};
pub use outbound::{
    AttemptOutcome, DELIVERY_HORIZON, MAX_RECIPIENTS, OutboundMail, OutboundSpec, OutboundState, cancel,
    compose, depart, record_attempt,
};
pub use stats::MailStats;
pub use token::{MailKey, MailKeys, MailRef, MailRefDirection, MessageIdHeader};
