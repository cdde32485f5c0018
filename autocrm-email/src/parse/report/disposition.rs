//! Message disposition notifications (RFC 8098): a reader's program tells that a mail was shown or deleted.

use autocrm_core::{mail::MessageIdHeader, text::EmailAddress};

use super::{Mail, delivery::typed_address};

const DISPOSITION_TYPES: &[&str] =
    &["message/disposition-notification", "message/global-disposition-notification"];

/// What a reader's program did with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposition {
    /// Whose mailbox it was.
    pub recipient: Option<EmailAddress>,
    /// The Message-ID of the mail.
    pub original: Option<MessageIdHeader>,
    /// What was done, in lower case: `displayed`, `deleted`, `dispatched`, `processed`; empty if it is not told.
    pub done: String,
}

pub(super) fn read(mail: &Mail<'_>) -> Option<Disposition> {
    let declared = mail.media_type == "multipart/report" && mail.report_type == "disposition-notification";
    let part = mail.part(DISPOSITION_TYPES);
    let holds_one = part.is_some() && mail.media_type == "multipart/report";
    if !(declared || holds_one) {
        return None;
    }
    let fields = part.map(|leaf| {
        mail.groups(leaf, |group| Disposition {
            recipient: group.text("final-recipient").as_deref().and_then(typed_address),
            original: group.text("original-message-id").and_then(|id| MessageIdHeader::new(id).ok()),
            done: group.text("disposition").as_deref().map(disposition_type).unwrap_or_default(),
        })
    });
    let first = fields.and_then(|groups| groups.into_iter().next());
    Some(first.unwrap_or(Disposition { recipient: None, original: None, done: String::new() }))
}

/// `automatic-action/MDN-sent-automatically; displayed/error` is `displayed`.
fn disposition_type(value: &str) -> String {
    let kind = value.rsplit_once(';').map_or(value, |(_, kind)| kind);
    let word = kind.split('/').next().unwrap_or_default().trim();
    word.chars().take(32).filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase()
}
