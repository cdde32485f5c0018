//! What kind of mail it is: a delivery status, a complaint, a disposition, an automatic answer, a calendar item, list
//! mail, or a person's.
//!
//! Reports are as forgeable as any mail (RFC 3464 §4.1): what is read here is what the mail says. Whoever acts on it
//! first looks for an own, signed Message-ID among [`DeliveryReport::returned`] or [`Complaint::returned`].

mod bounce;
mod complaint;
mod delivery;
mod disposition;
mod returned;
mod status;
mod word;

use autocrm_core::mail::{Automatic, Fate, MailClass, MailReport, ReportedRecipient};

pub use complaint::{Complaint, ComplaintKind};
pub use delivery::{Action, DeliveryReport, RecipientStatus};
pub use disposition::Disposition;
pub use status::{Severity, StatusCode};

use super::{
    automatic::{Daemon, automatic, says_automatic_reply},
    bounds::{Bounds, Findings},
    clean, decode,
    header::Header,
    html,
    message::decoded,
    mime::{Leaf, leaves},
};

/// Decoded text that is looked at for words, in bytes.
const WORDS: usize = 32 << 10;

/// What kind of mail a mail is, from the most to the least certain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Classified {
    /// Feedback by a mailbox provider, such as a complaint about spam (RFC 5965).
    Complaint(Complaint),
    /// What a reader's program did with a mail (RFC 8098); never an answer.
    Disposition(Disposition),
    /// What became of a mail on its way (RFC 3464, RFC 6533), or the same in some mail server's own words.
    Delivery(DeliveryReport),
    /// A machine answers: an absence, an acknowledgement, a notification (RFC 3834).
    AutoReply,
    /// An invitation, or the answer to one (RFC 6047).
    Calendar,
    /// A mailing list or bulk mail (RFC 2919, RFC 2369).
    List,
    /// Nothing says that a machine wrote it.
    Human,
}

impl Classified {
    /// Returns the class without what the mail says.
    pub const fn class(&self) -> MailClass {
        match self {
            Self::Complaint(_) => MailClass::Complaint,
            Self::Disposition(_) => MailClass::Disposition,
            Self::Delivery(_) => MailClass::Delivery,
            Self::AutoReply => MailClass::AutoReply,
            Self::Calendar => MailClass::Calendar,
            Self::List => MailClass::List,
            Self::Human => MailClass::Human,
        }
    }

    /// Returns the stable code.
    pub const fn code(&self) -> &'static str {
        self.class().code()
    }

    /// Returns what a report says, as the desk takes it; `None` for mail that is no report.
    pub fn into_report(self) -> Option<MailReport> {
        let told = |address, fate, status: Option<StatusCode>| ReportedRecipient {
            address,
            fate,
            status: status.map(|code| code.to_string()),
        };
        match self {
            Self::Complaint(complaint) => {
                let fate = if complaint.kind.suppresses() { Fate::Complained } else { Fate::Reached };
                let recipients = vec![told(complaint.recipient, fate, None)];
                Some(MailReport { about: complaint.returned, recipients })
            }
            Self::Disposition(disposition) => {
                let recipients = vec![told(disposition.recipient, Fate::Reached, None)];
                Some(MailReport { about: disposition.original.into_iter().collect(), recipients })
            }
            Self::Delivery(report) => {
                let recipients = report.recipients.into_iter().map(|found| {
                    let fate = found.severity().fate();
                    // The address that the desk wrote comes first: the server may have tried another.
                    told(found.original.or(found.recipient), fate, found.status)
                });
                Some(MailReport { recipients: recipients.collect(), about: report.returned })
            }
            Self::AutoReply | Self::Calendar | Self::List | Self::Human => None,
        }
    }
}

/// Returns what kind of mail `raw` is. Any bytes are answered, in time linear in their number; attached messages are
/// looked at for their header only.
///
/// ```
/// use autocrm_email::{Bounds, Classified, classify};
///
/// let raw = b"From: ann@example.org\nAuto-Submitted: auto-replied\nSubject: Away\n\nBack on Monday.\n";
/// assert_eq!(classify(raw, &Bounds::default()), Classified::AutoReply);
/// ```
pub fn classify(raw: &[u8], bounds: &Bounds) -> Classified {
    let header = Header::scan(raw, bounds.header);
    let mut findings = Findings::default();
    let parts = if raw.len() > bounds.raw { Vec::new() } else { leaves(raw, header, bounds, &mut findings) };
    classify_parts(raw, &parts, bounds)
}

/// Classifies a mail whose structure is known; `parts` is empty for one that is too large to be entered.
pub(super) fn classify_parts(raw: &[u8], parts: &[Leaf<'_>], bounds: &Bounds) -> Classified {
    Mail::new(Header::scan(raw, bounds.header), parts, bounds).class()
}

/// A mail as the rules see it.
struct Mail<'a> {
    header: Header<'a>,
    parts: &'a [Leaf<'a>],
    bounds: &'a Bounds,
    /// The media type of the whole, in lower case.
    media_type: String,
    report_type: String,
    /// One visible line.
    subject: String,
    /// The first decoded text, in lower case; the words of it.
    text: String,
}

impl<'a> Mail<'a> {
    fn new(header: Header<'a>, parts: &'a [Leaf<'a>], bounds: &'a Bounds) -> Self {
        let declared = header.text("content-type").unwrap_or_default();
        let mut fields = declared.split(';').map(|field| field.trim().to_ascii_lowercase());
        let media_type = fields.next().unwrap_or_default();
        let report_type = fields
            .filter_map(|field| {
                field.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.to_owned()))
            })
            .find(|(name, _)| name == "report-type")
            .map(|(_, value)| value.trim_matches(['"', ' ', '\'']).to_owned())
            .unwrap_or_default();
        let subject = clean::visible_line(&decoded(&header.text("subject").unwrap_or_default()), 500);
        let text = words(parts, bounds);
        Self { header, parts, bounds, media_type, report_type, subject, text }
    }

    fn class(&self) -> Classified {
        if let Some(complaint) = complaint::read(self) {
            return Classified::Complaint(complaint);
        }
        if let Some(disposition) = disposition::read(self) {
            return Classified::Disposition(disposition);
        }
        if let Some(report) = delivery::read(self).or_else(|| bounce::read(self)) {
            return Classified::Delivery(report);
        }
        if says_automatic_reply(&self.header, &self.subject) {
            return Classified::AutoReply;
        }
        if self.parts.iter().any(is_calendar) {
            return Classified::Calendar;
        }
        match automatic(&self.header, &self.media_type, None) {
            Some(Automatic::Bulk) => Classified::List,
            Some(_) => Classified::AutoReply,
            None if Daemon::of(&self.header) == Daemon::Mailer => Classified::AutoReply,
            None => Classified::Human,
        }
    }

    /// Returns the first part of one of these media types.
    fn part(&self, media_types: &[&str]) -> Option<&Leaf<'a>> {
        self.parts.iter().find(|leaf| media_types.contains(&leaf.media_type().as_str()))
    }

    /// Returns the field groups of a machine-readable part (RFC 3464 §2.1): headers divided by blank lines.
    fn groups<T>(&self, leaf: &Leaf<'_>, read: impl Fn(&Header<'_>) -> T) -> Vec<T> {
        let content = decode::content(leaf);
        let mut rest = content.get(..self.bounds.header).unwrap_or(&content);
        let mut found = Vec::new();
        while !rest.is_empty() && found.len() < self.bounds.parts {
            let group = Header::scan(rest, self.bounds.header);
            if !group.fields().is_empty() {
                found.push(read(&group));
            }
            let next = group.body().max(1);
            rest = rest.get(next..).unwrap_or_default();
        }
        found
    }
}

/// Returns the first text that is shown, in lower case.
fn words(parts: &[Leaf<'_>], bounds: &Bounds) -> String {
    let shown = |leaf: &&Leaf<'_>| {
        !leaf.is_attachment() && ["text/plain", "text/html"].contains(&leaf.media_type().as_str())
    };
    for leaf in parts.iter().filter(shown) {
        if leaf.body.len() > bounds.decoded {
            continue;
        }
        let bytes = decode::content(leaf);
        let text = decode::text(leaf, bytes.get(..WORDS).unwrap_or(&bytes));
        let text = if leaf.media_type() == "text/html" { html::to_text(&text, WORDS) } else { text };
        if !text.trim().is_empty() {
            return text.to_lowercase();
        }
    }
    String::new()
}

/// Accepts what is sent as an invitation or its answer, not a calendar file that somebody attached.
fn is_calendar(leaf: &Leaf<'_>) -> bool {
    let declared = leaf.content_type.as_ref();
    leaf.media_type() == "text/calendar"
        && !leaf.is_attachment()
        && declared.is_some_and(|field| field.attribute("method").is_some())
}

#[cfg(test)]
mod tests;
