//! From raw bytes to [`ParsedMail`], in the order: bounds, strict header scan, structure, contents.

use autocrm_core::{
    clock::Timestamp,
    mail::{MailFinding, MessageIdHeader, ParsedMail},
    port::MailParser,
    text::{EmailAddress, Name, Subject},
};
use mail_parser::{HeaderValue, parsers::MessageStream};

use super::{
    automatic::automatic,
    bounds::{Bounds, Findings},
    clean,
    content::{Contents, MailContents, sorted},
    header::Header,
    html::{Converted, content_ids},
    mime::{leaves, with_line_end},
    reply::newest_reply_marked,
    report::classify_parts,
};

/// The last ids of a thread that are kept.
const MAX_REFERENCES: usize = 50;

/// Reads raw mails (RFC 5322, MIME). Our own scan decides the author and our own walk the structure; mail-parser
/// decodes values, transfer encodings and character sets.
///
/// ```
/// use autocrm_core::port::MailParser as _;
///
/// let raw = b"From: Ann <ann@example.org>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHello\r\n\r\n-- \r\nAnn\r\n";
/// let mail = autocrm_email::MimeParser::default().parse(raw);
/// assert_eq!(mail.subject, "Grüße");
/// assert_eq!(&mail.text[..mail.trimmed_at.unwrap()], "Hello");
/// ```
#[derive(Debug, Clone, Default)]
pub struct MimeParser {
    bounds: Bounds,
}

impl MimeParser {
    /// Returns a parser with other bounds than the default ones.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds }
    }

    /// Returns what the mail holds besides its text: its HTML and its files with their bytes.
    ///
    /// ```
    /// let raw = b"From: a@example.org\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n\
    ///     <img src=cid:p@x>\n--b\nContent-Type: image/png; name=\"../p.png\"\nContent-ID: <p@x>\n\npicture\n--b--\n";
    /// let contents = autocrm_email::MimeParser::default().contents(raw);
    /// let picture = &contents.files[0];
    /// assert_eq!((picture.name.as_str(), picture.inline), ("p.png", true));
    /// ```
    pub fn contents(&self, raw: &[u8]) -> MailContents {
        let mut findings = Findings::default();
        if raw.len() > self.bounds.raw {
            findings.add(MailFinding::DecodedTooLarge);
            return MailContents { findings: findings.into_vec(), ..MailContents::default() };
        }
        let header = Header::scan(raw, self.bounds.header);
        let parts = leaves(raw, header, &self.bounds, &mut findings);
        let (bodies, files) = sorted(parts);
        let mut contents = Contents::new(&self.bounds, &mut findings);
        let html = contents.markup(&bodies);
        let shown = html.as_deref().map(content_ids).unwrap_or_default();
        let files = contents.files(&files, &shown);
        MailContents { html, files, findings: findings.into_vec() }
    }
}

impl MailParser for MimeParser {
    fn parse(&self, raw: &[u8]) -> ParsedMail {
        let mut findings = Findings::default();
        let header = Header::scan(raw, self.bounds.header);
        let mut mail = from_header(&header, &mut findings);
        if header.fields().is_empty() {
            findings.add(MailFinding::Unreadable);
        }
        if raw.len() > self.bounds.raw {
            findings.add(MailFinding::DecodedTooLarge);
            mail.class = classify_parts(raw, &[], &self.bounds).class();
        } else {
            let parts = leaves(raw, header, &self.bounds, &mut findings);
            let classified = classify_parts(raw, &parts, &self.bounds);
            mail.class = classified.class();
            mail.report = classified.into_report();
            let (bodies, files) = sorted(parts);
            let mut contents = Contents::new(&self.bounds, &mut findings);
            let Converted { text, marks } = contents.text(&bodies);
            mail.attachments = contents.attachments(&files);
            let reply = newest_reply_marked(&text, &marks).range();
            mail.reply_at = (text.len() - text.trim_start().len() < reply.start).then_some(reply.start);
            mail.trimmed_at = (reply.end < text.trim_end().len()).then_some(reply.end);
            mail.text = text;
        }
        mail.findings = findings.into_vec();
        mail
    }
}

fn from_header(header: &Header<'_>, findings: &mut Findings) -> ParsedMail {
    let author = match header.author() {
        Ok(author) => Some(author),
        Err(doubt) => {
            findings.add(doubt.finding());
            None
        }
    };
    let from = author.as_ref().map(|author| author.address.clone());
    let media_type = header.text("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let message_id = ids(header, "message-id").into_iter().next();
    let mut references = ids(header, "references");
    references.drain(..references.len().saturating_sub(MAX_REFERENCES));
    let mut in_reply_to = ids(header, "in-reply-to");
    in_reply_to.truncate(MAX_REFERENCES);
    ParsedMail {
        from_name: author
            .and_then(|author| Name::new(clean::visible_line(&decoded(&author.name), Name::MAX)).ok()),
        reply_to: reply_to(header).filter(|address| Some(address) != from.as_ref()),
        subject: clean::visible_line(&decoded(&header.text("subject").unwrap_or_default()), Subject::MAX),
        message_id: message_id.or_else(|| MessageIdHeader::new(header.text("message-id")?).ok()),
        in_reply_to,
        references,
        sent_at: sent_at(header),
        automatic: automatic(header, &media_type, from.as_ref().map(EmailAddress::as_str)),
        from,
        ..ParsedMail::default()
    }
}

/// Decodes encoded words (RFC 2047).
pub(crate) fn decoded(text: &str) -> String {
    if !text.contains("=?") {
        return text.to_owned();
    }
    let line = format!("{text}\n");
    match MessageStream::new(line.as_bytes()).parse_unstructured() {
        HeaderValue::Text(decoded) => decoded.into_owned(),
        _ => text.to_owned(),
    }
}

fn reply_to(header: &Header<'_>) -> Option<EmailAddress> {
    let line = with_line_end(header.field("reply-to")?);
    match MessageStream::new(&line).parse_address() {
        HeaderValue::Address(addresses) => {
            EmailAddress::new(addresses.first().and_then(|first| first.address.as_deref())?).ok()
        }
        _ => None,
    }
}

fn ids(header: &Header<'_>, name: &str) -> Vec<MessageIdHeader> {
    let text = header.text(name).unwrap_or_default();
    let bracketed = text.split('<').skip(1).filter_map(|rest| rest.split_once('>'));
    bracketed.filter_map(|(id, _)| MessageIdHeader::new(id).ok()).collect()
}

fn sent_at(header: &Header<'_>) -> Option<Timestamp> {
    let line = with_line_end(header.field("date")?);
    match MessageStream::new(&line).parse_date() {
        HeaderValue::DateTime(date) if date.is_valid() => {
            date.to_timestamp().checked_mul(1_000_000).map(Timestamp::from_micros)
        }
        _ => None,
    }
}
