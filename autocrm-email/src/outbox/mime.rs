//! The bytes of a mail that leaves. The same mail always gives the same bytes.

use std::time::{Duration, UNIX_EPOCH};

use autocrm_core::{
    error::{Error, ErrorKind, Result},
    mail::{MessageIdHeader, OutboundMail},
    text::EmailAddress,
};
use lettre::{
    Address, Message,
    message::{
        Mailbox,
        header::{self, ContentType, HeaderName, HeaderValue},
    },
};

const RENDER: &str = "mail.render";
/// The last second that the date format of mail can say.
const LAST_SECOND: u64 = 253_402_300_799;

/// Marks what no person wrote, so that no other machine answers it (RFC 3834 §5); never set on a person's mail.
/// `X-Auto-Response-Suppress` is Exchange's word for it, the last one catches our own loops.
fn automatic_fields(mail: &OutboundMail) -> [HeaderValue; 3] {
    [
        HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-replied".to_owned()),
        HeaderValue::new(HeaderName::new_from_ascii_str("X-Auto-Response-Suppress"), "All".to_owned()),
        HeaderValue::new(HeaderName::new_from_ascii_str("X-AutoCRM-Loop"), mail.tenant.to_string()),
    ]
}

/// Renders a mail as RFC 5322 bytes with CRLF line ends: 7-bit throughout, encoded words in the header (RFC 2047),
/// lines under 998 octets.
///
/// # Errors
/// `Invalid` if an address is not ASCII, as mail without SMTPUTF8 needs it, or if the date is before 1970.
pub fn render(mail: &OutboundMail) -> Result<Vec<u8>> {
    let invalid = |what: &'static str| {
        Error::new(ErrorKind::Invalid, RENDER).context(format_args!("{what} of {}", mail.id))
    };
    let from = mailbox(&mail.from, Some(mail.from_name.as_str())).ok_or_else(|| invalid("sender"))?;
    let to = mailbox(&mail.to, None).ok_or_else(|| invalid("recipient"))?;
    let micros = u64::try_from(mail.created_at.as_micros()).map_err(|_| invalid("date"))?;
    let seconds = (micros / 1_000_000).min(LAST_SECOND);
    let mut builder = Message::builder()
        .from(from)
        .to(to)
        .subject(mail.subject.as_str())
        .date(UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(bracketed(&mail.message_id)))
        .header(header::MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN);
    if let Some(address) = &mail.reply_to {
        builder = builder.reply_to(mailbox(address, None).ok_or_else(|| invalid("reply address"))?);
    }
    if let Some(answered) = &mail.in_reply_to {
        builder = builder.in_reply_to(bracketed(answered));
    }
    if !mail.references.is_empty() {
        let thread: Vec<String> = mail.references.iter().map(bracketed).collect();
        builder = builder.references(thread.join(" "));
    }
    if mail.automatic {
        for field in automatic_fields(mail) {
            builder = builder.raw_header(field);
        }
    }
    let message = builder.body(mail.text.as_str().to_owned());
    message.map(|message| message.formatted()).map_err(|error| invalid("form").source(error))
}

fn mailbox(address: &EmailAddress, name: Option<&str>) -> Option<Mailbox> {
    if !address.is_ascii() {
        return None;
    }
    let (local, domain) = address.as_str().rsplit_once('@')?;
    Some(Mailbox::new(name.map(str::to_owned), Address::new(local, domain).ok()?))
}

fn bracketed(id: &MessageIdHeader) -> String {
    format!("<{id}>")
}
