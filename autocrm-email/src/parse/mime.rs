//! The structure of a MIME message (RFC 2046), in one pass over its lines and without recursion.
//!
//! Boundaries count at the start of a line only. Attached messages are leaves: their own structure is not entered.

use autocrm_core::mail::MailFinding;
use mail_parser::{ContentType, HeaderValue, parsers::MessageStream};

use super::{
    bounds::{Bounds, Findings},
    header::{Field, Header},
};

/// Structured values are parsed up to this length; the parameters of honest fields are far shorter.
const MAX_STRUCTURED_BYTES: usize = 16 << 10;
/// RFC 2046 §5.1.1 allows 70 characters; some programs write more.
const MAX_BOUNDARY_BYTES: usize = 256;

/// A part without parts of its own.
#[derive(Debug)]
pub(crate) struct Leaf<'a> {
    pub(crate) header: Header<'a>,
    pub(crate) body: &'a [u8],
    /// The outermost `multipart/alternative` that holds the part, numbered in order.
    pub(crate) alternative: Option<usize>,
    pub(crate) content_type: Option<ContentType<'static>>,
    pub(crate) disposition: Option<ContentType<'static>>,
}

impl Leaf<'_> {
    /// Returns the media type in lower case, `text/plain` where none is declared (RFC 2045 §5.2).
    pub(crate) fn media_type(&self) -> String {
        match &self.content_type {
            None => "text/plain".to_owned(),
            Some(declared) => {
                format!("{}/{}", declared.ctype(), declared.subtype().unwrap_or("plain")).to_lowercase()
            }
        }
    }

    pub(crate) fn is_attachment(&self) -> bool {
        self.disposition.as_ref().is_some_and(ContentType::is_attachment)
    }

    /// Returns the Content-ID without its brackets (RFC 2045 §7), if it is of a sane length.
    pub(crate) fn content_id(&self) -> Option<String> {
        let written = self.header.text("content-id")?;
        let bare = written.trim().trim_start_matches('<').trim_end_matches('>').trim();
        let sane = !bare.is_empty() && bare.len() <= 250 && !bare.chars().any(char::is_control);
        sane.then(|| bare.to_owned())
    }

    /// Returns the declared file name, decoded, as the sender wrote it: not safe for any use but cleaning.
    pub(crate) fn declared_name(&self) -> Option<&str> {
        let disposition = self.disposition.as_ref().and_then(|field| field.attribute("filename"));
        disposition.or_else(|| self.content_type.as_ref().and_then(|field| field.attribute("name")))
    }
}

/// Hands an unfolded field to the parser of structured values, which wants a line end.
pub(crate) fn with_line_end(field: Field<'_>) -> Vec<u8> {
    let value = field.unfolded();
    let mut line = value.get(..MAX_STRUCTURED_BYTES).unwrap_or(&value).to_vec();
    line.push(b'\n');
    line
}

fn content_type(header: &Header<'_>, name: &str) -> Option<ContentType<'static>> {
    let line = with_line_end(header.field(name)?);
    match MessageStream::new(&line).parse_content_type().into_owned() {
        HeaderValue::ContentType(found) => Some(found),
        _ => None,
    }
}

struct Container {
    boundary: Vec<u8>,
    alternative: Option<usize>,
}

struct Walk<'a, 'b> {
    raw: &'a [u8],
    bounds: &'b Bounds,
    open: Vec<Container>,
    /// The leaf that the lines being read belong to, and where its body starts.
    leaf: Option<(Leaf<'a>, usize)>,
    leaves: Vec<Leaf<'a>>,
    parts: usize,
    alternatives: usize,
}

/// Returns the leaves of the message whose header was scanned as `header`.
pub(crate) fn leaves<'a>(
    raw: &'a [u8],
    header: Header<'a>,
    bounds: &Bounds,
    findings: &mut Findings,
) -> Vec<Leaf<'a>> {
    let mut walk =
        Walk { raw, bounds, open: Vec::new(), leaf: None, leaves: Vec::new(), parts: 0, alternatives: 0 };
    let mut at = header.body();
    walk.enter(header, at, findings);
    while at < raw.len() && !walk.open.is_empty() {
        let rest = raw.get(at..).unwrap_or_default();
        let next = at + line_length(rest);
        let line = raw.get(at..next).unwrap_or_default();
        let Some((level, closes)) = walk.boundary(line) else {
            at = next;
            continue;
        };
        walk.finish_leaf(at);
        walk.open.truncate(level + usize::from(!closes));
        at = next;
        if closes {
            continue;
        }
        if walk.parts >= bounds.parts {
            findings.add(MailFinding::TooManyParts);
            return walk.leaves;
        }
        let part = Header::scan(part_header(raw.get(at..).unwrap_or_default()), bounds.header);
        at += part.body();
        walk.enter(part, at, findings);
    }
    walk.finish_leaf(raw.len());
    walk.leaves
}

impl<'a> Walk<'a, '_> {
    fn enter(&mut self, header: Header<'a>, body: usize, findings: &mut Findings) {
        self.parts += 1;
        let mut declared = content_type(&header, "content-type");
        let disposition = content_type(&header, "content-disposition");
        let mut alternative = self.open.last().and_then(|container| container.alternative);
        if let Some(multipart) = declared.take_if(|found| found.ctype().eq_ignore_ascii_case("multipart")) {
            let boundary = multipart.attribute("boundary").unwrap_or_default().trim_end();
            let usable =
                !boundary.is_empty() && boundary.len() <= MAX_BOUNDARY_BYTES && self.occurs(boundary, body);
            if usable && self.open.len() >= self.bounds.depth {
                findings.add(MailFinding::TooManyParts);
                return;
            }
            if usable {
                let chooses =
                    multipart.subtype().is_some_and(|kind| kind.eq_ignore_ascii_case("alternative"));
                if alternative.is_none() && chooses {
                    alternative = Some(self.alternatives);
                    self.alternatives += 1;
                }
                self.open.push(Container { boundary: boundary.as_bytes().to_vec(), alternative });
                return;
            }
        }
        self.leaf =
            Some((Leaf { header, body: &[], alternative, content_type: declared, disposition }, body));
    }

    /// Looks for the boundary once, at the root only: one that never occurs would hide the whole text, which is then
    /// shown as it stands.
    fn occurs(&self, boundary: &str, body: usize) -> bool {
        let opening = format!("--{boundary}");
        self.parts > 1
            || self
                .raw
                .get(body..)
                .unwrap_or_default()
                .windows(opening.len())
                .any(|window| window == opening.as_bytes())
    }

    fn finish_leaf(&mut self, end: usize) {
        let Some((mut leaf, start)) = self.leaf.take() else {
            return;
        };
        let content = self.raw.get(start..end.max(start)).unwrap_or_default();
        leaf.body =
            if end == self.raw.len() && self.open.is_empty() { content } else { without_line_end(content) };
        self.leaves.push(leaf);
    }

    /// Returns which open multipart the line delimits, and whether it closes it.
    fn boundary(&self, line: &[u8]) -> Option<(usize, bool)> {
        let marked = line.strip_prefix(b"--")?.trim_ascii_end();
        self.open.iter().enumerate().rev().find_map(|(level, container)| {
            let rest = marked.strip_prefix(container.boundary.as_slice())?;
            match rest {
                b"" => Some((level, false)),
                b"--" => Some((level, true)),
                _ => None,
            }
        })
    }
}

fn line_length(rest: &[u8]) -> usize {
    rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1)
}

/// The line break before a boundary belongs to the boundary.
fn without_line_end(content: &[u8]) -> &[u8] {
    let short = content.strip_suffix(b"\n").unwrap_or(content);
    short.strip_suffix(b"\r").unwrap_or(short)
}

/// Returns the lines up to and with the blank one, or up to a boundary if the part has no body.
fn part_header(rest: &[u8]) -> &[u8] {
    let mut at = 0;
    while at < rest.len() {
        let next = at + line_length(rest.get(at..).unwrap_or_default());
        let line = rest.get(at..next).unwrap_or_default();
        if line.starts_with(b"--") {
            break;
        }
        at = next;
        if line.trim_ascii().is_empty() {
            break;
        }
    }
    rest.get(..at).unwrap_or_default()
}
