//! One struct per table, encoded by the caller before a change set is queued and decoded by the reader.

mod conversation;
mod correspondent;
mod journal;
mod knowledge;
mod mail;
mod notify;
mod queue;
mod team;
mod tenant;
mod ticket;
mod user;

pub(crate) use conversation::{MessageRecord, TemplateRecord};
pub(crate) use correspondent::CorrespondentRecord;
pub(crate) use journal::EventRow;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
pub(crate) use journal::{CounterRecord, ReceiptRecord};
pub(crate) use knowledge::{ArticleRecord, ChunkRecord, FeedbackRecord, RevisionRecord};
pub(crate) use mail::{InboundRecord, MailRefRecord, OutboundRecord, RawRecord};
pub(crate) use notify::NotificationRecord;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
pub(crate) use queue::WholeJobRecord;
pub(crate) use queue::{JobRow, NewJobRecord};
pub(crate) use team::TeamRecord;
pub(crate) use tenant::{SchemeRecord, TenantRecord};
pub(crate) use ticket::{RoutingRecord, TicketRecord, TicketRest};
pub(crate) use user::UserRecord;

/// A row to be inserted (`from` is 0) or to replace the one with version `from`.
#[derive(Debug)]
pub(crate) struct Saved<R> {
    pub(crate) from: i64,
    pub(crate) record: R,
}
