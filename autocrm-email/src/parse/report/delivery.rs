//! Delivery status notifications: `message/delivery-status` (RFC 3464) and `message/global-delivery-status` (RFC 6533).

use autocrm_core::{mail::MessageIdHeader, text::EmailAddress};

use super::{
    Mail, returned,
    status::{Severity, StatusCode},
};
use crate::parse::{clean, header::Header};

/// A diagnostic that is kept, in characters.
const MAX_DIAGNOSTIC: usize = 1000;
const MAX_RECIPIENTS: usize = 1000;
pub(super) const STATUS_TYPES: &[&str] = &["message/delivery-status", "message/global-delivery-status"];

/// What was done for a recipient (RFC 3464 §2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Given up.
    Failed,
    /// Not yet delivered; the server goes on trying.
    Delayed,
    /// Delivered to the mailbox.
    Delivered,
    /// Handed to a system that makes no reports.
    Relayed,
    /// Handed on to several addresses.
    Expanded,
}

impl Action {
    fn parse(text: &str) -> Option<Self> {
        let word = text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        Some(match word.to_ascii_lowercase().as_str() {
            "failed" | "failure" => Self::Failed,
            "delayed" | "deferred" => Self::Delayed,
            "delivered" => Self::Delivered,
            "relayed" => Self::Relayed,
            "expanded" => Self::Expanded,
            _ => return None,
        })
    }
}

/// What became of a mail for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientStatus {
    /// The address that the reporting server tried.
    pub recipient: Option<EmailAddress>,
    /// The address that the sender wrote, where it is told and another one.
    pub original: Option<EmailAddress>,
    /// What was done.
    pub action: Action,
    /// The code, from the diagnostic where the status itself says nothing.
    pub status: Option<StatusCode>,
    /// What the other server said, one line of at most 1000 characters.
    pub diagnostic: Option<String>,
}

impl RecipientStatus {
    /// Returns what the report means for the address: the action first, then the code.
    pub fn severity(&self) -> Severity {
        match self.action {
            Action::Delivered | Action::Relayed | Action::Expanded => Severity::None,
            Action::Delayed => Severity::Soft,
            // A failure for no known reason is no proof that the address is dead.
            Action::Failed => match self.status.map(StatusCode::severity) {
                None | Some(Severity::None) => Severity::Soft,
                Some(severity) => severity,
            },
        }
    }
}

/// A report about the way of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryReport {
    /// Each recipient that is told about, at most 1000.
    pub recipients: Vec<RecipientStatus>,
    /// The Message-IDs of the returned mail: an own, signed one among them is what makes a report worth acting on.
    pub returned: Vec<MessageIdHeader>,
    /// Whether the report has a machine-readable part; otherwise the recipients were read from the text.
    pub machine_readable: bool,
}

impl DeliveryReport {
    /// Returns whether a recipient is lost for good or for now, rather than reached.
    pub fn has_failed(&self) -> bool {
        self.recipients.is_empty() || self.recipients.iter().any(|found| found.severity() != Severity::None)
    }
}

/// Reads a report in the standard form.
pub(super) fn read(mail: &Mail<'_>) -> Option<DeliveryReport> {
    let declared = mail.media_type == "multipart/report" && mail.report_type == "delivery-status";
    let part = mail.part(STATUS_TYPES);
    let whole = STATUS_TYPES.contains(&mail.media_type.as_str());
    let holds_one = part.is_some() && mail.media_type == "multipart/report";
    if !(declared || whole || holds_one) {
        return None;
    }
    let mut recipients = Vec::new();
    if let Some(leaf) = part {
        recipients = mail.groups(leaf, recipient).into_iter().flatten().take(MAX_RECIPIENTS).collect();
    }
    let machine_readable = !recipients.is_empty();
    if !machine_readable {
        recipients = super::bounce::recipients(mail);
    }
    Some(DeliveryReport { recipients, returned: returned::message_ids(mail), machine_readable })
}

/// Reads a per-recipient group; the per-message group has no recipient.
fn recipient(group: &Header<'_>) -> Option<RecipientStatus> {
    let address = |name: &str| group.text(name).map(|value| typed_address(&value));
    let recipient = address("final-recipient");
    let original = address("original-recipient").or_else(|| address("x-actual-recipient"));
    if recipient.is_none() && original.is_none() {
        return None;
    }
    let said = group.text("status").as_deref().and_then(StatusCode::parse);
    let diagnostic = group
        .text("diagnostic-code")
        .map(|value| {
            clean::visible_line(
                value.split_once(';').map_or(value.as_str(), |(_, said)| said),
                MAX_DIAGNOSTIC,
            )
        })
        .filter(|line| !line.is_empty());
    let exact = diagnostic.as_deref().and_then(StatusCode::find);
    let status = match (said, exact) {
        (Some(code), Some(better)) if code.is_generic() && better.class == code.class => Some(better),
        (None, Some(better)) => Some(better),
        _ => said,
    };
    let action = group.text("action").as_deref().and_then(Action::parse).unwrap_or(match status {
        Some(StatusCode { class: 2, .. }) => Action::Delivered,
        Some(StatusCode { class: 4, .. }) => Action::Delayed,
        _ => Action::Failed,
    });
    let recipient = recipient.flatten();
    let original = original.flatten().filter(|found| Some(found) != recipient.as_ref());
    Some(RecipientStatus { recipient, original, action, status, diagnostic })
}

/// Reads `rfc822; ann@example.org` and `utf-8; …` (RFC 6533 §3), brackets and comments around the address or not.
pub(super) fn typed_address(value: &str) -> Option<EmailAddress> {
    let (kind, address) = value.split_once(';').unwrap_or(("rfc822", value));
    let bare = address.trim();
    let inner = match (bare.rfind('<'), bare.rfind('>')) {
        (Some(open), Some(close)) if open < close => bare.get(open + 1..close)?,
        _ => bare.split_whitespace().next()?,
    };
    let written = if kind.trim().eq_ignore_ascii_case("utf-8") { unescaped(inner) } else { inner.to_owned() };
    EmailAddress::new(written.trim_end_matches([',', ';', ':'])).ok()
}

/// Resolves `\x{E4}` (RFC 6533 §3, utf-8-addr-xtext).
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x{") {
        plain.push_str(before);
        let resolved = after.split_once('}').and_then(|(digits, tail)| {
            let number = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() <= 6)?;
            Some((char::from_u32(number)?, tail))
        });
        if let Some((c, tail)) = resolved {
            plain.push(c);
            rest = tail;
        } else {
            plain.push_str("\\x{");
            rest = after;
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_types_brackets_and_escapes() {
        for (value, expected) in [
            ("rfc822; Ann@Example.org", Some("ann@example.org")),
            ("RFC822;<ann@example.org>", Some("ann@example.org")),
            ("ann@example.org", Some("ann@example.org")),
            ("rfc822; ann@example.org (really)", Some("ann@example.org")),
            ("utf-8; j\\x{F6}rg@example.org", Some("jörg@example.org")),
            ("rfc822; ann", None),
            ("", None),
        ] {
            assert_eq!(typed_address(value).as_deref(), expected, "{value}");
        }
        assert_eq!(unescaped("a\\x{}b\\x{110000}c\\x{41"), "a\\x{}b\\x{110000}c\\x{41");
    }
}
