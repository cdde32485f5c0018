//! Mail: what came in, what leaves, and the keyed tokens that tie both to a ticket.

mod class;
mod correspondent;
mod event;
mod inbound;
mod link;
mod news;
mod notice;
mod outbound;
mod parsed;
mod stats;
mod token;
mod trust;

pub use crate::blob::{BlobHash, INLINE_BLOB, ParseHashError, RawBlob};
pub use class::{Fate, MailClass, MailReport, ReportedRecipient};
pub use correspondent::{
    ACKNOWLEDGEMENT_PAUSE, ACKNOWLEDGEMENTS_PER_DAY, Correspondent, SOFT_LIMIT, SoftBounce, Suppression,
    SuppressionReason, TooSoon, meet, note_acknowledgement, note_fate, release, suppress,
};
pub use event::MailEvent;
pub use inbound::{
    ClientHost, Envelope, InboundMail, InboundOutcome, MAX_RAW, MailReading, MailRefusal, receive, settle,
};
pub use link::UnsubscribeLink;
pub use news::{BounceClass, DeliveryNews, DeliveryState, Engagement, NewsKind, take_news};
pub use notice::{MAX_QUOTED, Notice, NoticeData, NoticeMessage, NoticeTicket};
pub use outbound::{
    AttemptOutcome, DELIVERY_HORIZON, MAX_RECIPIENTS, OutboundMail, OutboundSpec, OutboundState, cancel,
    compose, depart, record_attempt,
};
pub use parsed::{Automatic, MailFinding, ParsedAttachment, ParsedMail};
pub use stats::MailStats;
pub use token::{KeyId, MailKey, MailKeys, MailRef, MailRefDirection, MessageIdHeader};
pub use trust::{Check, SenderEvidence, SenderTrust, SenderVerdict, VerdictSource, judge};
