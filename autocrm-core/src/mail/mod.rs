//! Mail: what came in, what leaves, and the keyed tokens that tie both to a ticket.

mod class;
mod correspondent;
mod event;
mod inbound;
mod outbound;
mod parsed;
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
pub use outbound::{AttemptOutcome, OutboundMail, OutboundSpec, OutboundState, compose, record_attempt};
pub use parsed::{Automatic, MailFinding, ParsedAttachment, ParsedMail};
pub use token::{KeyId, MailKey, MailKeys, MailRef, MailRefDirection, MessageIdHeader};
pub use trust::{Check, SenderEvidence, SenderTrust, SenderVerdict, VerdictSource, judge};
