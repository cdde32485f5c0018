//! Feedback reports (RFC 5965), and the complaints of providers that send the message alone.

use autocrm_core::{mail::MessageIdHeader, text::EmailAddress};

use super::{Mail, delivery::typed_address, returned, word};

const FEEDBACK_TYPE: &str = "message/feedback-report";

/// What a complaint is about (RFC 5965 §7.3, RFC 6430).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ComplaintKind {
    /// Unwanted mail.
    Abuse,
    /// Fraud or phishing.
    Fraud,
    /// A virus.
    Virus,
    /// The recipient says that it was no spam.
    NotSpam,
    /// The recipient wants no more of it.
    OptOut,
    /// A failed check of the sender (RFC 6591).
    AuthFailure,
    /// Anything else.
    Other,
}

impl ComplaintKind {
    fn parse(text: &str) -> Self {
        match text.split(|c: char| c.is_whitespace() || c == ';').next().unwrap_or_default() {
            "abuse" | "spam" | "miscategorized" => Self::Abuse,
            "fraud" | "phishing" => Self::Fraud,
            "virus" => Self::Virus,
            "not-spam" => Self::NotSpam,
            "opt-out" | "opt-out-list" => Self::OptOut,
            "auth-failure" => Self::AuthFailure,
            _ => Self::Other,
        }
    }

    /// Returns whether the recipient must get no more mail.
    pub const fn suppresses(self) -> bool {
        matches!(self, Self::Abuse | Self::Fraud | Self::Virus | Self::OptOut)
    }
}

/// Feedback about a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// What it is about.
    pub kind: ComplaintKind,
    /// Who complains, where it is told: many providers leave it out.
    pub recipient: Option<EmailAddress>,
    /// The Message-IDs of the mail that it is about.
    pub returned: Vec<MessageIdHeader>,
}

pub(super) fn read(mail: &Mail<'_>) -> Option<Complaint> {
    let part = mail.part(&[FEEDBACK_TYPE]);
    let declared = mail.media_type == "multipart/report" && mail.report_type == "feedback-report";
    if declared || part.is_some() {
        let fields = part.map(|leaf| {
            mail.groups(leaf, |group| {
                let kind = group.text("feedback-type").map(|value| value.trim().to_ascii_lowercase());
                let recipient =
                    ["original-rcpt-to", "removal-recipient"].iter().find_map(|name| group.text(name));
                (kind, recipient)
            })
        });
        let (kind, recipient) = fields.and_then(|groups| groups.into_iter().next()).unwrap_or_default();
        return Some(Complaint {
            kind: kind.map_or(ComplaintKind::Other, |kind| ComplaintKind::parse(&kind)),
            recipient: recipient.as_deref().and_then(typed_address),
            returned: returned::message_ids(mail),
        });
    }
    in_own_words(mail)
}

/// Some providers send the message complained about, a word in the subject or a field of their own, and no text.
fn in_own_words(mail: &Mail<'_>) -> Option<Complaint> {
    let reporter = returned::field(mail, "x-hmxmroriginalrecipient");
    let marked = mail.header.field("x-xarf").is_some() || mail.header.field("x-arf").is_some();
    let subject = mail.subject.to_lowercase();
    let silent = mail.text.trim().is_empty()
        && returned::is_attached(mail)
        && word::COMPLAINTS.iter().any(|start| subject.starts_with(start));
    if reporter.is_none() && !marked && !silent {
        return None;
    }
    Some(Complaint {
        kind: ComplaintKind::Abuse,
        recipient: reporter.as_deref().and_then(typed_address),
        returned: returned::message_ids(mail),
    })
}
