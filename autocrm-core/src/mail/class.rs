//! What kind of mail it is, and what reports say.

use serde::{Deserialize, Serialize};

use crate::{mail::MessageIdHeader, text::EmailAddress};

/// What kind of mail it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailClass {
    /// Nothing says that a machine wrote it.
    #[default]
    Human,
    /// A mailing list or bulk mail (RFC 2919, RFC 2369).
    List,
    /// An invitation, or the answer to one (RFC 6047).
    Calendar,
    /// A machine answers or notifies (RFC 3834).
    AutoReply,
    /// What became of a mail on its way (RFC 3464, RFC 6533).
    Delivery,
    /// Feedback by a mailbox provider, such as a complaint about spam (RFC 5965).
    Complaint,
    /// What a reader's program did with a mail (RFC 8098).
    Disposition,
}

impl MailClass {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::List => "list",
            Self::Calendar => "calendar",
            Self::AutoReply => "auto_reply",
            Self::Delivery => "delivery",
            Self::Complaint => "complaint",
            Self::Disposition => "disposition",
        }
    }

    /// Returns whether it is a report about another mail.
    pub const fn is_report(self) -> bool {
        matches!(self, Self::Delivery | Self::Complaint | Self::Disposition)
    }

    /// Returns whether no person wrote it to the desk: a report, or an automatic answer.
    pub const fn is_machine(self) -> bool {
        self.is_report() || matches!(self, Self::AutoReply)
    }
}

/// What a report says. It is as forgeable as any mail (RFC 3464, section 4.1): only one that names a Message-ID which
/// this desk made is acted upon.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MailReport {
    /// The Message-IDs of the mail that it is about, at most 8.
    pub about: Vec<MessageIdHeader>,
    /// The recipients that it tells about, at most 1,000.
    pub recipients: Vec<ReportedRecipient>,
}

/// What a report says about one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedRecipient {
    /// The address; `None`: it is not told.
    pub address: Option<EmailAddress>,
    /// What it means for the address.
    pub fate: Fate,
    /// The enhanced status code (RFC 3463), such as `5.1.1`.
    pub status: Option<String>,
}

/// What a report means for an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Nothing failed.
    Reached,
    /// It may work later: a full mailbox, a server that does not answer.
    Soft,
    /// This mail was refused by a rule, for its size, contents or sender: that says nothing about the address.
    Policy,
    /// The address does not take mail.
    Hard,
    /// The recipient wants no more mail.
    Complained,
}

impl Fate {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Soft => "soft",
            Self::Policy => "policy",
            Self::Hard => "hard",
            Self::Complained => "complained",
        }
    }
}
