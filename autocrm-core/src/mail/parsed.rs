//! What a parser finds in a raw mail.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    mail::{MailClass, MailReport, MessageIdHeader},
    text::{EmailAddress, Name},
};

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
    /// Another mail with other contents came in under the same Message-ID before.
    RepeatedMessageId,
    /// The desk itself sent this mail: it came back.
    OwnMail,
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
            Self::RepeatedMessageId => "mail_repeated_message_id",
            Self::OwnMail => "mail_own",
        }
    }

    /// Returns whether something of the mail was not read, rather than read and found odd.
    pub const fn is_incomplete(self) -> bool {
        !matches!(self, Self::RepeatedMessageId | Self::OwnMail)
    }

    /// Returns whether the sender named by such a mail must never be believed, whoever vouches for it.
    pub const fn forbids_trust(self) -> bool {
        matches!(
            self,
            Self::AmbiguousSender
                | Self::MalformedHeader
                | Self::HeaderTooLarge
                | Self::Unreadable
                | Self::OwnMail
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
    /// What kind of mail it is.
    pub class: MailClass,
    /// What a report says; set for the classes that are reports.
    pub report: Option<MailReport>,
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
    /// Returns whether a machine wrote the mail by itself: it is kept for staff and never answered by itself.
    pub const fn is_automatic(&self) -> bool {
        self.automatic.is_some() || self.class.is_machine()
    }

    /// Returns whether the header names one author who may be believed.
    pub fn names_its_author(&self) -> bool {
        self.from.is_some() && !self.findings.iter().any(|finding| finding.forbids_trust())
    }

    /// Returns what the author wrote now, out of the whole text.
    pub fn newest_reply(&self) -> &str {
        let range = self.reply_at.unwrap_or(0)..self.trimmed_at.unwrap_or(self.text.len());
        self.text.get(range).unwrap_or(&self.text).trim()
    }
}
