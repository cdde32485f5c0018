//! From raw bytes to [`ParsedMail`], in the order: bounds, strict header scan, structure, contents.

use autocrm_core::{
    clock::Timestamp,
    mail::{MailFinding, MessageIdHeader, ParsedAttachment, ParsedMail},
    port::MailParser,
    text::{EmailAddress, Name, Subject, truncate_bytes},
};
use mail_parser::{HeaderValue, parsers::MessageStream};

use super::{
    automatic::automatic,
    bounds::{Bounds, Findings},
    clean, decode,
    header::Header,
    html,
    mime::{Leaf, leaves, with_line_end},
    reply::newest_reply,
};

/// The last ids of a thread that are kept.
const MAX_REFERENCES: usize = 50;
const OCTETS: &str = "application/octet-stream";

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
        } else {
            let parts = leaves(raw, header, &self.bounds, &mut findings);
            let (bodies, files) = sorted(parts);
            let mut contents =
                Contents { bounds: &self.bounds, decoded: 0, html: 0, findings: &mut findings };
            mail.text = contents.text(&bodies);
            mail.attachments = contents.attachments(&files);
        }
        mail.trimmed_at = trim_offset(&mail.text);
        mail.findings = findings.into_vec();
        mail
    }
}

/// A reply that stands below its quotation has no end to cut at: such a text is shown whole.
fn trim_offset(text: &str) -> Option<usize> {
    let range = newest_reply(text).range();
    let first = text.len() - text.trim_start().len();
    (range.start <= first && range.end < text.trim_end().len()).then_some(range.end)
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
fn decoded(text: &str) -> String {
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

/// Tells what is read from what is listed.
fn sorted(parts: Vec<Leaf<'_>>) -> (Vec<Leaf<'_>>, Vec<Leaf<'_>>) {
    let shown = |leaf: &Leaf<'_>| {
        let media_type = leaf.media_type();
        !leaf.is_attachment()
            && leaf.declared_name().is_none()
            && (media_type == "text/plain" || media_type == "text/html")
    };
    parts.into_iter().partition(shown)
}

/// Decodes contents within the bounds of one mail.
struct Contents<'a> {
    bounds: &'a Bounds,
    decoded: usize,
    html: usize,
    findings: &'a mut Findings,
}

impl Contents<'_> {
    /// Joins the texts of the parts that are shown. Of an alternative the plain text counts, unless it is empty.
    fn text(&mut self, bodies: &[Leaf<'_>]) -> String {
        let mut texts: Vec<String> = Vec::new();
        let mut at = 0;
        while let Some(first) = bodies.get(at) {
            let same =
                |leaf: &&Leaf<'_>| first.alternative.is_some() && leaf.alternative == first.alternative;
            let group =
                bodies.get(at..at + bodies[at..].iter().take_while(same).count().max(1)).unwrap_or_default();
            let plain: Vec<String> = group
                .iter()
                .filter(|leaf| leaf.media_type() != "text/html")
                .filter_map(|leaf| self.plain(leaf))
                .collect();
            if plain.is_empty() {
                texts.extend(
                    group
                        .iter()
                        .filter(|leaf| leaf.media_type() == "text/html")
                        .filter_map(|leaf| self.html(leaf)),
                );
            } else {
                texts.extend(plain);
            }
            at += group.len().max(1);
        }
        let joined = texts.join("\n\n");
        if joined.len() <= self.bounds.text {
            return joined;
        }
        self.findings.add(MailFinding::TextTooLarge);
        truncate_bytes(&joined, self.bounds.text).trim_end().to_owned()
    }

    /// Returns whether `size` more decoded bytes are allowed.
    fn allow(&mut self, size: usize) -> bool {
        self.decoded = self.decoded.saturating_add(size);
        let allowed = self.decoded <= self.bounds.decoded;
        if !allowed {
            self.findings.add(MailFinding::DecodedTooLarge);
        }
        allowed
    }

    fn plain(&mut self, leaf: &Leaf<'_>) -> Option<String> {
        if !self.allow(leaf.body.len()) {
            return None;
        }
        let bytes = decode::content(leaf);
        let kept = bytes.get(..self.bounds.text).unwrap_or(&bytes);
        if kept.len() < bytes.len() {
            self.findings.add(MailFinding::TextTooLarge);
        }
        Some(clean::body(&decode::text(leaf, kept))).filter(|text| !text.trim().is_empty())
    }

    fn html(&mut self, leaf: &Leaf<'_>) -> Option<String> {
        if !self.allow(leaf.body.len()) {
            return None;
        }
        let bytes = decode::content(leaf);
        self.html = self.html.saturating_add(bytes.len());
        if self.html > self.bounds.html {
            self.findings.add(MailFinding::HtmlTooLarge);
            return None;
        }
        let markup = decode::text(leaf, &bytes);
        if html::nests_deeper_than(&markup, self.bounds.html_depth) {
            self.findings.add(MailFinding::HtmlTooLarge);
            return None;
        }
        Some(clean::body(&html::to_text(&markup, self.bounds.text))).filter(|text| !text.trim().is_empty())
    }

    fn attachments(&mut self, files: &[Leaf<'_>]) -> Vec<ParsedAttachment> {
        if files.len() > self.bounds.attachments {
            self.findings.add(MailFinding::TooManyAttachments);
        }
        let mut found = Vec::new();
        for leaf in files.iter().take(self.bounds.attachments) {
            if !self.allow(leaf.body.len()) {
                break;
            }
            let size = u64::try_from(decode::content(leaf).len()).unwrap_or(u64::MAX);
            if let Some(name) = clean::attachment_name(leaf.declared_name().map(decoded).as_deref()) {
                found.push(ParsedAttachment { name, content_type: media_type(leaf), size });
            }
        }
        found
    }
}

fn media_type(leaf: &Leaf<'_>) -> String {
    let declared = leaf.media_type();
    let good = declared.len() <= 127
        && declared.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/.+-_".contains(&byte));
    if good && leaf.content_type.is_some() { declared } else { OCTETS.to_owned() }
}
