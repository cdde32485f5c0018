//! Jobs: what has to be done because of a commit, as rows of that commit.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    clock::Timestamp,
    id::{JobId, MailId, MessageId, OutboundId, TenantId, TicketId, UserId},
    notify::NotificationKind,
    tenant::TriggerEvent,
};

/// What has to be done. Payloads carry ids only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Job {
    /// Read a received mail and file it.
    FileMail {
        /// The mail.
        mail: MailId,
    },
    /// Analyse, route and answer a customer's message.
    ProcessTicket {
        /// The ticket.
        ticket: TicketId,
        /// The customer's message.
        message: MessageId,
    },
    /// Hand a mail to the mailer.
    DeliverMail {
        /// The mail.
        mail: OutboundId,
    },
    /// Tell the sender of a mail that it has arrived, if that is still due.
    AcknowledgeMail {
        /// The mail.
        mail: MailId,
    },
    /// Tell a member of staff.
    Notify {
        /// Who is told.
        recipient: UserId,
        /// What is told.
        notification: NotificationKind,
        /// The ticket.
        ticket: TicketId,
    },
    /// Wake a sleeping ticket.
    WakeTicket {
        /// The ticket.
        ticket: TicketId,
    },
    /// Erase a deleted ticket.
    EraseTicket {
        /// The ticket.
        ticket: TicketId,
    },
    /// Close tickets that were resolved long enough ago. One per tenant, for ever: each run ends by naming the next.
    CloseResolved,
    /// Teach the classifier a category that a person set.
    LearnCategory {
        /// The ticket.
        ticket: TicketId,
    },
    /// Send the mails of the triggers that wait for an event.
    SendNotices {
        /// The ticket.
        ticket: TicketId,
        /// The event.
        trigger: TriggerEvent,
        /// The message that it tells of.
        message: Option<MessageId>,
    },
}

impl Job {
    /// Returns the stable name of the kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::FileMail { .. } => "file_mail",
            Self::ProcessTicket { .. } => "process_ticket",
            Self::DeliverMail { .. } => "deliver_mail",
            Self::AcknowledgeMail { .. } => "acknowledge_mail",
            Self::Notify { .. } => "notify",
            Self::WakeTicket { .. } => "wake_ticket",
            Self::EraseTicket { .. } => "erase_ticket",
            Self::CloseResolved => "close_resolved",
            Self::LearnCategory { .. } => "learn_category",
            Self::SendNotices { .. } => "send_notices",
        }
    }

    /// Returns the key among whose jobs only one runs at a time, oldest first; `None`: the kind is not ordered.
    pub const fn key(&self) -> Option<Uuid> {
        match self {
            Self::ProcessTicket { ticket, .. }
            | Self::WakeTicket { ticket }
            | Self::EraseTicket { ticket } => Some(ticket.as_uuid()),
            Self::FileMail { .. }
            | Self::DeliverMail { .. }
            | Self::AcknowledgeMail { .. }
            | Self::Notify { .. }
            | Self::CloseResolved
            | Self::LearnCategory { .. }
            | Self::SendNotices { .. } => None,
        }
    }

    /// Returns the largest number of attempts, crashes included. A mail is tried until
    /// [`DELIVERY_HORIZON`](crate::mail::DELIVERY_HORIZON) ends it, so that a provider that is away for hours loses none.
    pub const fn max_attempts(&self) -> u16 {
        match self {
            Self::DeliverMail { .. } => 200,
            _ => RetryPolicy::STANDARD.max_attempts,
        }
    }
}

/// How often and after which pauses a job is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The largest number of attempts, crashes included, 1..=1000.
    pub max_attempts: u16,
    /// The pause after the first failure.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl RetryPolicy {
    /// The usual policy: 12 attempts, from 1 second up to 1 hour.
    pub const STANDARD: Self = Self {
        max_attempts: 12,
        first_pause: Duration::from_secs(1),
        longest_pause: Duration::from_hours(1),
    };
}

/// A job on its way into the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// The id.
    pub id: JobId,
    /// What has to be done.
    pub job: Job,
    /// When it is due.
    pub run_at: Timestamp,
    /// The largest number of attempts, crashes included.
    pub max_attempts: u16,
}

/// Proves that a worker holds a job: changes with each claim and grows with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseToken(u64);

impl LeaseToken {
    /// Wraps a stored token.
    pub const fn new(token: u64) -> Self {
        Self(token)
    }

    /// Returns the number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// What a claim hands out: work, or a payload that this version cannot read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leased {
    /// What has to be done.
    Job(Job),
    /// The stored payload cannot be read; the worker sends it to the dead letters at once.
    Undecodable,
}

/// A job that a worker holds until `until`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeasedJob {
    /// The id.
    pub id: JobId,
    /// The tenant.
    pub tenant: TenantId,
    /// What has to be done.
    pub work: Leased,
    /// The attempt that this is, from 1.
    pub attempt: u16,
    /// The largest number of attempts.
    pub max_attempts: u16,
    /// Proves that the worker holds the job.
    pub token: LeaseToken,
    /// When the lease ends, unless it is extended.
    pub until: Timestamp,
}

/// How an attempt ended; the first write of the change set that holds its effects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOutcome {
    /// It is done; the row goes.
    Done,
    /// It failed and is tried again.
    Retry {
        /// When.
        at: Timestamp,
        /// What was wrong, as a stable code.
        error: String,
    },
    /// It is not yet time; no attempt is counted.
    Snooze {
        /// When.
        at: Timestamp,
    },
    /// It failed for good.
    Dead {
        /// What was wrong, as a stable code.
        error: String,
    },
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits to be due or claimed.
    Ready,
    /// Held by a worker.
    Leased,
    /// Failed for good.
    Dead,
}

/// A job as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// The id.
    pub id: JobId,
    /// The tenant.
    pub tenant: TenantId,
    /// The stable name of the kind.
    pub kind: String,
    /// What has to be done; `None`: the stored payload cannot be read.
    pub job: Option<Job>,
    /// Where it stands.
    pub state: JobState,
    /// Attempts so far.
    pub attempts: u16,
    /// The largest number of attempts.
    pub max_attempts: u16,
    /// When it is due.
    pub run_at: Timestamp,
    /// What was wrong the last time.
    pub last_error: Option<String>,
    /// When it was enqueued.
    pub created_at: Timestamp,
}
