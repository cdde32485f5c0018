//! Received mail: stored raw first, then read, then settled.

use serde::{Deserialize, Serialize};

use crate::{
    clock::{Stamp, Timestamp},
    id::{MailId, MessageId, TenantId, TicketId},
    mail::{BlobHash, MailEvent, MessageIdHeader},
    text::{EmailAddress, ExternalId, Name},
    transition::{Transition, Version},
};

/// The largest raw mail that is taken in, in bytes.
pub const MAX_RAW: usize = 41_943_040;

/// How sure the desk is that the sender is who they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SenderTrust {
    /// Nobody vouches for the sender.
    Unverified,
    /// The host or the operator vouches for the sender of this mail.
    Vouched,
}

/// What was said about a mail outside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The address that it was delivered to: it names the tenant's channel, never the `To` header.
    pub recipient: EmailAddress,
    /// The return path; `None`: the null path of reports and automatic mail.
    pub sender: Option<EmailAddress>,
    /// The provider's own id of the mail.
    pub provider_id: Option<ExternalId>,
    /// How sure the one who hands it in is of the sender.
    pub trust: SenderTrust,
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
    /// How sure the one who handed it in is of the sender.
    pub trust: SenderTrust,
    /// The hash of the raw bytes.
    pub raw: BlobHash,
    /// The size of the raw bytes.
    pub size: u64,
    /// What became of it.
    pub outcome: InboundOutcome,
    /// When it was taken in.
    pub received_at: Timestamp,
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
        trust: envelope.trust,
        raw,
        size: u64::try_from(size).unwrap_or(u64::MAX),
        outcome: InboundOutcome::Received,
        received_at: stamp.at(),
    };
    let event = MailEvent::Received { mail: mail.id };
    Ok(Transition::new(mail, event))
}

/// Records what became of a mail.
pub fn settle(
    mut mail: InboundMail,
    outcome: InboundOutcome,
) -> Result<Transition<InboundMail, MailEvent>, MailRefusal> {
    if mail.outcome != InboundOutcome::Received {
        return Err(MailRefusal::Settled);
    }
    mail.outcome = outcome.clone();
    let event = MailEvent::Settled { mail: mail.id, outcome };
    Ok(Transition::new(mail, event))
}

/// Why a mail counts as automatic: it is kept, and nothing answers it by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Automatic {
    /// `Auto-Submitted` other than `no` (RFC 3834, section 5).
    AutoSubmitted,
    /// The null return path, or a mailer daemon.
    NullReturnPath,
    /// `multipart/report`: a delivery status, a disposition or a complaint.
    Report,
    /// A mailing list or bulk mail (`List-Id`, `Precedence`).
    Bulk,
    /// Another header by which responders mark themselves.
    Responder,
}

impl Automatic {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AutoSubmitted => "auto_submitted",
            Self::NullReturnPath => "null_return_path",
            Self::Report => "report",
            Self::Bulk => "bulk",
            Self::Responder => "responder",
        }
    }
}

/// Something about a mail that staff should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailFinding {
    /// There is no `From`, or more than one, or it names no single mailbox.
    AmbiguousSender,
    /// A header name holds white space or a control character, or the header is not well formed.
    MalformedHeader,
    /// The header is larger than 256 KiB.
    HeaderTooLarge,
    /// There are more than 1,000 parts, or parts are nested deeper than 32.
    TooManyParts,
    /// There are more than 100 attachments: the rest lie in the raw mail only.
    TooManyAttachments,
    /// A text part is larger than 1 MiB and was cut.
    TextTooLarge,
    /// An HTML part is larger than 1 MiB or nested deeper than 256 elements and was not converted.
    HtmlTooLarge,
    /// The decoded parts are larger than 60 MiB together.
    DecodedTooLarge,
    /// The mail could not be read at all.
    Unreadable,
}

impl MailFinding {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AmbiguousSender => "mail_ambiguous_sender",
            Self::MalformedHeader => "mail_malformed_header",
            Self::HeaderTooLarge => "mail_header_too_large",
            Self::TooManyParts => "mail_too_many_parts",
            Self::TooManyAttachments => "mail_too_many_attachments",
            Self::TextTooLarge => "mail_text_too_large",
            Self::HtmlTooLarge => "mail_html_too_large",
            Self::DecodedTooLarge => "mail_decoded_too_large",
            Self::Unreadable => "mail_unreadable",
        }
    }

    /// Returns whether the sender named by such a mail must never be believed, whoever vouches for it.
    pub const fn forbids_trust(self) -> bool {
        matches!(
            self,
            Self::AmbiguousSender | Self::MalformedHeader | Self::HeaderTooLarge | Self::Unreadable
        )
    }
}

/// A file found in a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedAttachment {
    /// The name, cleaned: one line without path, control, bidirectional and zero-width characters.
    pub name: Name,
    /// The declared type, lower-cased, such as `image/png`; `application/octet-stream` when none is given.
    pub content_type: String,
    /// The size of the decoded bytes.
    pub size: u64,
}

/// What a parser found in a raw mail. A parser always answers; what it could not read is in the findings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ParsedMail {
    /// The one author; `None`: see the findings.
    pub from: Option<EmailAddress>,
    /// The author's display name, cleaned.
    pub from_name: Option<Name>,
    /// Another address for answers: shown to staff, never the requester.
    pub reply_to: Option<EmailAddress>,
    /// The subject, cleaned to one line; may be empty.
    pub subject: String,
    /// The Message-ID.
    pub message_id: Option<MessageIdHeader>,
    /// The Message-ID that is answered.
    pub in_reply_to: Vec<MessageIdHeader>,
    /// The last 50 Message-IDs of the thread, oldest first.
    pub references: Vec<MessageIdHeader>,
    /// When the author says that it was sent.
    pub sent_at: Option<Timestamp>,
    /// Why the mail counts as automatic.
    pub automatic: Option<Automatic>,
    /// The whole text; may be empty.
    pub text: String,
    /// The byte of `text` at which the newest reply begins, if quoted text stands above it.
    pub reply_at: Option<usize>,
    /// The byte of `text` at which the newest reply ends, if quoted or signed text stands below it.
    pub trimmed_at: Option<usize>,
    /// Attached files, at most 100.
    pub attachments: Vec<ParsedAttachment>,
    /// What staff should know.
    pub findings: Vec<MailFinding>,
}

impl ParsedMail {
    /// Returns what the author wrote now, out of the whole text.
    pub fn newest_reply(&self) -> &str {
        let range = self.reply_at.unwrap_or(0)..self.trimmed_at.unwrap_or(self.text.len());
        self.text.get(range).unwrap_or(&self.text).trim()
    }
}
