//! The bytes of a mail that leaves. The same mail always gives the same bytes.

use std::time::{Duration, UNIX_EPOCH};

use autocrm_core::{
    error::{Error, ErrorKind, Result},
    mail::OutboundMail,
};
use lettre::{
    Message,
    message::{
        MultiPart, SinglePart,
        header::{self, ContentType, HeaderName, HeaderValue},
    },
};

use super::{bracketed, extra_fields, mailbox, too_many};

const RENDER: &str = "mail.render";
/// The last second that the date format of mail can say.
const LAST_SECOND: u64 = 253_402_300_799;

/// Whether the header names blind recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blind {
    /// It does: for files that another program hands over, which takes the field out (RFC 5322, section 3.6.3).
    Kept,
    /// It does not: the envelope names them.
    Dropped,
}

/// Renders a mail as RFC 5322 bytes with CRLF line ends: 7-bit throughout, encoded words in the header (RFC 2047),
/// lines under 998 octets. With HTML it has both forms, the plain one first (RFC 2046, section 5.1.4).
///
/// # Errors
/// `Invalid` if an address is not ASCII, as mail without SMTPUTF8 needs it, if there are more than 50 recipients, or if
/// the date is before 1970.
pub fn render(mail: &OutboundMail, blind: Blind) -> Result<Vec<u8>> {
    let invalid = |what: &'static str| {
        Error::new(ErrorKind::Invalid, RENDER).context(format_args!("{what} of {}", mail.id))
    };
    if let Some(error) = too_many(mail, RENDER) {
        return Err(error);
    }
    let from = mailbox(&mail.from, Some(mail.from_name.as_str())).ok_or_else(|| invalid("sender"))?;
    let recipient = |address| mailbox(address, None).ok_or_else(|| invalid("recipient"));
    let micros = u64::try_from(mail.created_at.as_micros()).map_err(|_| invalid("date"))?;
    let seconds = (micros / 1_000_000).min(LAST_SECOND);
    let mut builder = Message::builder()
        .from(from)
        .to(recipient(&mail.to)?)
        .subject(mail.subject.as_str())
        .date(UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(bracketed(&mail.message_id)))
        .header(header::MIME_VERSION_1_0);
    for address in &mail.cc {
        builder = builder.cc(recipient(address)?);
    }
    for address in &mail.bcc {
        builder = builder.bcc(recipient(address)?);
    }
    if blind == Blind::Kept {
        builder = builder.keep_bcc();
    }
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
    for (name, value) in extra_fields(mail) {
        builder = builder.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
    }
    let text = mail.text.as_str().to_owned();
    let built = match &mail.html {
        None => builder.header(ContentType::TEXT_PLAIN).body(text),
        Some(html) => builder.multipart(
            // The usual boundary is random, and a mail has to give the same bytes again.
            MultiPart::alternative()
                .boundary(format!("=_{}", mail.id.as_uuid().simple()))
                .singlepart(SinglePart::plain(text))
                .singlepart(SinglePart::html(html.as_str().to_owned())),
        ),
    };
    built.map(|message| message.formatted()).map_err(|error| invalid("form").source(error))
}
