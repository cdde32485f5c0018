//! Use cases: a bag of handles, and one file per family of commands.
//!
//! [`AutoCrm`] is what a host holds. It is cheap to clone, spawns nothing and migrates nothing. Facades carry the names
//! of the specification: [`TicketProcessor`], [`AiAgent`], [`CustomerPortal`], [`AgentWorkspace`]. Every command has a
//! `plan_*` twin that decides without committing, for hosts that own the transaction.

mod admin;
mod agent;
mod analytics;
mod answer;
mod awaited;
mod builder;
mod conversation;
mod delivery;
mod desk;
mod error;
mod feed;
mod filing;
mod handle;
mod jobs;
mod knowledge;
mod learning;
mod lifecycle;
mod mailbox;
mod meaning;
mod notice;
mod outgoing;
mod portal;
mod processor;
mod remembered;
mod scheme;
mod suppression;
mod transact;
mod workspace;

pub use admin::Admin;
pub use agent::{AiAgent, TicketProcessingResult};
pub use answer::{Answered, AskedAnswer, Source};
pub use builder::{AutoCrmBuilder, BuildError};
pub use conversation::Conversations;
pub use desk::Tickets;
pub use error::{Error, Result};
pub use feed::Feed;
pub use handle::{AutoCrm, Settings};
pub use jobs::Jobs;
pub use knowledge::{ArticleHit, Knowledge};
pub use mailbox::{Mailbox, Received};
pub use meaning::embedded_text;
pub use portal::CustomerPortal;
pub use processor::{RequestKey, TicketData, TicketProcessor};
pub use transact::Planned;
pub use workspace::{AgentWorkspace, Suggestion};

pub(crate) use learning::learn_from;
pub(crate) use lifecycle::close_resolved;
pub(crate) use notice::send_notices;
pub(crate) use transact::transact;
