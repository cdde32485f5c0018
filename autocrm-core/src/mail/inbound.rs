//! Received mail: stored raw first, then read, then settled.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{
    clock::{Stamp, Timestamp},
    id::{MailId, MessageId, TenantId, TicketId},
    mail::{BlobHash, MailClass, MailEvent, MailFinding, SenderTrust, SenderVerdict},
    text::{EmailAddress, ExternalId},
    transition::{Transition, Version},
};

/// The largest raw mail that is taken in, in bytes.
pub const MAX_RAW: usize = 41_943_040;

/// What was said about a mail outside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The address that it was delivered to: it names the tenant's channel, never the `To` header.
    pub recipient: EmailAddress,
    /// The return path; `None`: the null path of reports and automatic mail.
    pub sender: Option<EmailAddress>,
    /// The provider's own id of the mail.
    pub provider_id: Option<ExternalId>,
    /// Which host handed it to the desk's own mail server, where that is known: SPF needs it.
    pub client: Option<ClientHost>,
    /// How sure the one who hands it in is of the sender.
    pub trust: SenderTrust,
}

impl Envelope {
    /// Returns the envelope of a mail for `recipient` of which nothing else is known.
    pub const fn to(recipient: EmailAddress) -> Self {
        Self { recipient, sender: None, provider_id: None, client: None, trust: SenderTrust::Unverified }
    }

    /// Returns the same envelope, vouched for.
    #[must_use]
    pub fn vouched(self) -> Self {
        Self { trust: SenderTrust::Vouched, ..self }
    }
}

/// The host that handed a mail to the desk's own mail server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientHost {
    /// Its address.
    pub ip: IpAddr,
    /// The name that it gave itself (`EHLO`), at most 255 characters.
    pub helo: String,
}

/// What became of a received mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum InboundOutcome {
    /// Stored, not yet read.
    Received,
    /// It opened a ticket.
    Opened {
        /// The ticket.
        ticket: TicketId,
        /// The message.
        message: MessageId,
    },
    /// It was added to a ticket.
    Appended {
        /// The ticket.
        ticket: TicketId,
        /// The message.
        message: MessageId,
    },
    /// It was added to a ticket for staff only, because its sender is not verified or takes no part.
    Held {
        /// The ticket.
        ticket: TicketId,
        /// The message.
        message: MessageId,
    },
    /// A machine wrote it: a report or an automatic answer, kept for staff on the ticket that it is about, or on one of
    /// its own. Nothing answers it.
    Reported {
        /// The ticket.
        ticket: TicketId,
        /// The message.
        message: MessageId,
    },
    /// It could not be read; a ticket with a note and the raw mail stands in for it.
    Failed {
        /// The ticket.
        ticket: TicketId,
        /// The message.
        message: MessageId,
        /// What was wrong, as a stable code.
        code: String,
    },
}

impl InboundOutcome {
    /// Returns the ticket that the mail lies on; `None` before it is filed.
    pub const fn ticket(&self) -> Option<TicketId> {
        match self {
            Self::Received => None,
            Self::Opened { ticket, .. }
            | Self::Appended { ticket, .. }
            | Self::Held { ticket, .. }
            | Self::Reported { ticket, .. }
            | Self::Failed { ticket, .. } => Some(*ticket),
        }
    }
}

/// A received mail. One row per tenant, recipient and raw bytes: the same mail again is no new row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboundMail {
    /// The id.
    pub id: MailId,
    /// The tenant.
    pub tenant: TenantId,
    /// The version, for optimistic locking.
    pub version: Version,
    /// The address that it was delivered to.
    pub recipient: EmailAddress,
    /// The return path.
    pub sender: Option<EmailAddress>,
    /// The provider's own id.
    pub provider_id: Option<ExternalId>,
    /// Which host handed it over.
    pub client: Option<ClientHost>,
    /// How sure the desk is of the sender: at first as the one who handed it in said, then as it was found.
    pub trust: SenderTrust,
    /// The hash of the raw bytes.
    pub raw: BlobHash,
    /// The size of the raw bytes.
    pub size: u64,
    /// What the reading found; `None` before it.
    pub reading: Option<MailReading>,
    /// What became of it.
    pub outcome: InboundOutcome,
    /// When it was taken in.
    pub received_at: Timestamp,
}

/// What is kept of a mail's reading.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailReading {
    /// What kind of mail it is.
    pub class: MailClass,
    /// How sure the desk is of the sender.
    pub trust: SenderTrust,
    /// What a verifier found; `None`: none was asked.
    pub verdict: Option<SenderVerdict>,
    /// Another address for answers: for staff to see, never the requester.
    pub reply_to: Option<EmailAddress>,
    /// What staff should know.
    pub findings: Vec<MailFinding>,
}

/// Why a mail was not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MailRefusal {
    /// The raw mail is larger than [`MAX_RAW`].
    #[error("the mail has {actual} bytes, the limit is {MAX_RAW}")]
    TooLarge {
        /// The size found.
        actual: usize,
    },
    /// There are no bytes.
    #[error("the mail is empty")]
    Empty,
    /// The recipient is not an address of the tenant.
    #[error("the recipient is not an address of the tenant")]
    UnknownRecipient,
    /// The tenant has no address to send from.
    #[error("the tenant has no mail address")]
    NoSupportAddress,
    /// The mail was settled already.
    #[error("the mail was settled already")]
    Settled,
    /// The mail has left, or leaves at this moment.
    #[error("the mail has left and cannot be taken back")]
    Left,
}

impl MailRefusal {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "mail_too_large",
            Self::Empty => "mail_empty",
            Self::UnknownRecipient => "mail_unknown_recipient",
            Self::NoSupportAddress => "mail_no_support_address",
            Self::Settled => "mail_settled",
            Self::Left => "mail_left",
        }
    }
}

/// Takes in a mail whose raw bytes have the given hash and size.
pub fn receive(
    tenant: TenantId,
    envelope: Envelope,
    raw: BlobHash,
    size: usize,
    stamp: &Stamp<'_>,
) -> Result<Transition<InboundMail, MailEvent>, MailRefusal> {
    if size == 0 {
        return Err(MailRefusal::Empty);
    }
    if size > MAX_RAW {
        return Err(MailRefusal::TooLarge { actual: size });
    }
    let mail = InboundMail {
        id: stamp.id(),
        tenant,
        version: Version::NEW,
        recipient: envelope.recipient,
        sender: envelope.sender,
        provider_id: envelope.provider_id,
        client: envelope.client,
        trust: envelope.trust,
        raw,
        size: u64::try_from(size).unwrap_or(u64::MAX),
        reading: None,
        outcome: InboundOutcome::Received,
        received_at: stamp.at(),
    };
    let event = MailEvent::Received { mail: mail.id };
    Ok(Transition::new(mail, event))
}

/// Records what a mail was found to be and what became of it.
pub fn settle(
    mut mail: InboundMail,
    reading: MailReading,
    outcome: InboundOutcome,
) -> Result<Transition<InboundMail, MailEvent>, MailRefusal> {
    if mail.outcome != InboundOutcome::Received {
        return Err(MailRefusal::Settled);
    }
    mail.trust = reading.trust;
    mail.reading = Some(reading);
    mail.outcome = outcome.clone();
    let event = MailEvent::Settled { mail: mail.id, outcome };
    Ok(Transition::new(mail, event))
}
