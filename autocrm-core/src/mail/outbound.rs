//! Mail that leaves: fixed at the commit, sent by the worker.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    clock::{Stamp, Timestamp},
    id::{MessageId, OutboundId, TenantId, TicketId},
    mail::{MailEvent, MessageIdHeader, UnsubscribeLink},
    text::{Body, EmailAddress, Name, Subject},
    transition::{Transition, Version},
};

/// The largest number of recipients of one mail: `To`, `Cc` and `Bcc` together.
pub const MAX_RECIPIENTS: usize = 50;

/// For how long a mail is tried again after it was written. Providers forget an idempotency key after 24 hours; a mail
/// handed over again after that could arrive twice, so that a person has to look at it instead.
pub const DELIVERY_HORIZON: Duration = Duration::from_hours(23);

/// What became of a mail that leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum OutboundState {
    /// Not yet handed to the mailer.
    Pending,
    /// Taken by the mailer.
    Sent {
        /// The mailer's own id.
        provider_id: String,
        /// When.
        at: Timestamp,
    },
    /// The mailer refuses it for good, or did not take it within [`DELIVERY_HORIZON`]; a person has to look.
    NeedsReview {
        /// What was wrong, as a stable code.
        code: String,
    },
}

/// A mail that leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboundMail {
    /// The id; also the idempotency key towards the mailer.
    pub id: OutboundId,
    /// The tenant.
    pub tenant: TenantId,
    /// The version, for optimistic locking.
    pub version: Version,
    /// The ticket.
    pub ticket: TicketId,
    /// The message that is sent.
    pub message: MessageId,
    /// The Message-ID, keyed and fixed.
    pub message_id: MessageIdHeader,
    /// The sender.
    pub from: EmailAddress,
    /// The sender's display name.
    pub from_name: Name,
    /// The recipient.
    pub to: EmailAddress,
    /// Who gets a copy that everybody sees.
    pub cc: Vec<EmailAddress>,
    /// Who gets a copy that nobody else sees.
    pub bcc: Vec<EmailAddress>,
    /// Where answers go: the keyed reply address.
    pub reply_to: Option<EmailAddress>,
    /// The subject.
    pub subject: Subject,
    /// The text.
    pub text: Body,
    /// The same as HTML, for programs that show it; `text` is its plain twin.
    pub html: Option<Body>,
    /// The Message-ID that is answered.
    pub in_reply_to: Option<MessageIdHeader>,
    /// The Message-IDs of the thread, oldest first, at most 50.
    pub references: Vec<MessageIdHeader>,
    /// Whether no person wrote it: `Auto-Submitted: auto-replied` (RFC 3834, section 5).
    pub automatic: bool,
    /// Where one click ends the subscription that the mail belongs to (RFC 8058); `None` on every mail that answers a
    /// person.
    pub unsubscribe: Option<UnsubscribeLink>,
    /// What became of it.
    pub state: OutboundState,
    /// When it was written.
    pub created_at: Timestamp,
}

/// What a mail that leaves is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundSpec {
    /// The id.
    pub id: OutboundId,
    /// The tenant.
    pub tenant: TenantId,
    /// The ticket.
    pub ticket: TicketId,
    /// The message that is sent.
    pub message: MessageId,
    /// The Message-ID.
    pub message_id: MessageIdHeader,
    /// The sender.
    pub from: EmailAddress,
    /// The sender's display name.
    pub from_name: Name,
    /// The recipient.
    pub to: EmailAddress,
    /// Who gets a copy that everybody sees.
    pub cc: Vec<EmailAddress>,
    /// Who gets a copy that nobody else sees.
    pub bcc: Vec<EmailAddress>,
    /// Where answers go.
    pub reply_to: Option<EmailAddress>,
    /// The subject.
    pub subject: Subject,
    /// The text.
    pub text: Body,
    /// The same as HTML, for programs that show it; `text` is its plain twin.
    pub html: Option<Body>,
    /// The Message-ID that is answered.
    pub in_reply_to: Option<MessageIdHeader>,
    /// The Message-IDs of the thread.
    pub references: Vec<MessageIdHeader>,
    /// Whether no person wrote it.
    pub automatic: bool,
    /// Where one click ends the subscription that the mail belongs to.
    pub unsubscribe: Option<UnsubscribeLink>,
}

impl OutboundMail {
    /// Returns every recipient: `To`, then `Cc`, then `Bcc`.
    pub fn recipients(&self) -> impl Iterator<Item = &EmailAddress> {
        std::iter::once(&self.to).chain(&self.cc).chain(&self.bcc)
    }

    /// Returns whether a mail that was tried before may be handed over again.
    pub fn within_horizon(&self, now: Timestamp) -> bool {
        now.since(self.created_at) < DELIVERY_HORIZON
    }
}

/// Fixes a mail that is to leave.
pub fn compose(spec: OutboundSpec, stamp: &Stamp<'_>) -> Transition<OutboundMail, MailEvent> {
    let mail = OutboundMail {
        id: spec.id,
        tenant: spec.tenant,
        version: Version::NEW,
        ticket: spec.ticket,
        message: spec.message,
        message_id: spec.message_id,
        from: spec.from,
        from_name: spec.from_name,
        to: spec.to,
        cc: spec.cc,
        bcc: spec.bcc,
        reply_to: spec.reply_to,
        subject: spec.subject,
        text: spec.text,
        html: spec.html,
        in_reply_to: spec.in_reply_to,
        references: spec.references,
        automatic: spec.automatic,
        unsubscribe: spec.unsubscribe,
        state: OutboundState::Pending,
        created_at: stamp.at(),
    };
    let event = MailEvent::Composed { mail: mail.id, ticket: mail.ticket };
    Transition::new(mail, event)
}

/// What the mailer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// It took the mail.
    Accepted {
        /// Its own id.
        provider_id: String,
    },
    /// It refuses the mail for good.
    Refused {
        /// What was wrong, as a stable code.
        code: String,
    },
}

/// Records what the mailer said; a mail that is no longer pending stays as it is.
pub fn record_attempt(
    mut mail: OutboundMail,
    outcome: AttemptOutcome,
    stamp: &Stamp<'_>,
) -> Transition<OutboundMail, MailEvent> {
    if mail.state != OutboundState::Pending {
        return Transition::unchanged(mail);
    }
    let (state, event) = match outcome {
        AttemptOutcome::Accepted { provider_id } => (
            OutboundState::Sent { provider_id, at: stamp.at() },
            MailEvent::Sent { mail: mail.id, ticket: mail.ticket },
        ),
        AttemptOutcome::Refused { code } => (
            OutboundState::NeedsReview { code: code.clone() },
            MailEvent::Refused { mail: mail.id, ticket: mail.ticket, code },
        ),
    };
    mail.state = state;
    Transition::new(mail, event)
}
