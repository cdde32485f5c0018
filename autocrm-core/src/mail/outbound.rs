//! Mail that leaves: fixed at the commit, sent by the worker.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    clock::{Stamp, Timestamp},
    id::{MessageId, OutboundId, TenantId, TicketId},
    mail::{DeliveryState, Engagement, MailEvent, MailRefusal, MessageIdHeader, UnsubscribeLink},
    tenant::TriggerEvent,
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
    /// It could have been taken back and was not; it is being handed to the mailer.
    Leaving,
    /// It was taken back before it left.
    Cancelled {
        /// When.
        at: Timestamp,
    },
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
    /// The event of the trigger that asked for it: `Auto-Submitted: auto-generated`. `None`: it is an answer.
    pub trigger: Option<TriggerEvent>,
    /// Where one click ends the subscription that the mail belongs to (RFC 8058); `None` on every mail that answers a
    /// person.
    pub unsubscribe: Option<UnsubscribeLink>,
    /// What became of it.
    pub state: OutboundState,
    /// How far it got after it was sent, as far as is known.
    pub delivery: DeliveryState,
    /// How often it was opened and its links followed, where the tenant wants to know.
    pub engagement: Engagement,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it leaves at the earliest; until then it can be taken back.
    pub due_at: Timestamp,
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
    /// The event of the trigger that asked for it.
    pub trigger: Option<TriggerEvent>,
    /// Where one click ends the subscription that the mail belongs to.
    pub unsubscribe: Option<UnsubscribeLink>,
    /// For how long it can be taken back.
    pub undo: Duration,
}

impl OutboundMail {
    /// Returns whether the mail can be taken back at some time.
    pub fn has_window(&self) -> bool {
        self.due_at > self.created_at
    }

    /// Returns whether the mail is to be handed to the mailer.
    pub fn is_open(&self) -> bool {
        matches!(self.state, OutboundState::Pending | OutboundState::Leaving)
    }

    /// Returns every recipient: `To`, then `Cc`, then `Bcc`.
    pub fn recipients(&self) -> impl Iterator<Item = &EmailAddress> {
        std::iter::once(&self.to).chain(&self.cc).chain(&self.bcc)
    }

    /// Returns whether a mail that was tried before may be handed over again.
    pub fn within_horizon(&self, now: Timestamp) -> bool {
        now.since(self.due_at) < DELIVERY_HORIZON
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
        trigger: spec.trigger,
        unsubscribe: spec.unsubscribe,
        state: OutboundState::Pending,
        delivery: DeliveryState::Unknown,
        engagement: Engagement::default(),
        created_at: stamp.at(),
        due_at: stamp.at().plus(spec.undo),
    };
    let event = MailEvent::Composed { mail: mail.id, ticket: mail.ticket, due_at: mail.due_at };
    Transition::new(mail, event)
}

/// Ends the time in which a mail could be taken back. Of this and [`cancel`] only one succeeds, whatever the clocks of
/// several nodes say. A mail without such a time stays as it is.
pub fn depart(mut mail: OutboundMail) -> Transition<OutboundMail, MailEvent> {
    if mail.state != OutboundState::Pending || !mail.has_window() {
        return Transition::unchanged(mail);
    }
    mail.state = OutboundState::Leaving;
    let event = MailEvent::Departed { mail: mail.id, ticket: mail.ticket };
    Transition::new(mail, event)
}

/// Takes back a mail that has not left.
pub fn cancel(
    mut mail: OutboundMail,
    stamp: &Stamp<'_>,
) -> Result<Transition<OutboundMail, MailEvent>, MailRefusal> {
    if mail.state != OutboundState::Pending || !mail.has_window() || stamp.at() >= mail.due_at {
        return Err(MailRefusal::Left);
    }
    mail.state = OutboundState::Cancelled { at: stamp.at() };
    let event = MailEvent::Cancelled { mail: mail.id, ticket: mail.ticket };
    Ok(Transition::new(mail, event))
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

/// Records what the mailer said; a mail that does not wait for that stays as it is.
pub fn record_attempt(
    mut mail: OutboundMail,
    outcome: AttemptOutcome,
    stamp: &Stamp<'_>,
) -> Transition<OutboundMail, MailEvent> {
    if !mail.is_open() {
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
