//! The atomic commit: what a use case decided, as one value.

mod event;
mod job;
mod reaction;
mod receipt;
mod requirement;
mod set;
mod write;

pub use event::{Event, EventRecord, NewEvent, Position};
pub use job::{Job, JobOutcome, JobRecord, JobState, LeaseToken, Leased, LeasedJob, NewJob, RetryPolicy};
pub(crate) use reaction::CLOSING_PERIOD;
pub use reaction::reactions;
pub use receipt::{IdempotencyKey, KEY_RETENTION, Receipt, RequestHash};
pub use requirement::{EntityRef, Requirement};
pub use set::ChangeSet;
pub use write::{ChunkSet, JobFinish, Save, Write};
