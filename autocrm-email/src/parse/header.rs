//! The strict header scan on raw bytes, before any tolerant parser sees them: it alone decides who the author is.
//!
//! Tolerant readers disagree about `Fr om:`, about two `From` fields and about bare line breaks, and each disagreement
//! is a way to show one sender to a verifier and another to a person. Whatever this scan cannot read in exactly one
//! way is a [`Distrust`]: the mail still becomes a ticket, but nobody's word is taken for its sender.

use std::borrow::Cow;

use autocrm_core::mail::MailFinding;

use super::address::{self, Mailbox};

const FROM: &str = "from";
/// Fields that a message has at most once (RFC 5322 §3.6, RFC 2045 §3).
const SINGLETONS: &[&str] = &[
    FROM,
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-id",
    "return-path",
    "auto-submitted",
];

/// Why the sender of a mail cannot be trusted, whatever its signatures say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Distrust {
    /// A carriage return or line feed stands alone, or the two line-break styles are mixed.
    BareLineBreak,
    /// A NUL or another control character stands in the header.
    ControlCharacter,
    /// A line is neither a field nor the continuation of one, or a field's name holds a space or an odd character.
    MalformedField,
    /// A field that may occur once occurs again.
    DuplicateField(&'static str),
    /// No `From` field exists.
    MissingFrom,
    /// The `From` field names several mailboxes.
    SeveralAuthors,
    /// The `From` field is not plainly one mailbox with one domain.
    MalformedFrom,
    /// The header is longer than the limit and was not read to its end.
    HeaderTooLong,
}

impl Distrust {
    /// Returns what staff is told.
    pub fn finding(&self) -> MailFinding {
        match self {
            Self::HeaderTooLong => MailFinding::HeaderTooLarge,
            Self::MissingFrom | Self::SeveralAuthors | Self::MalformedFrom | Self::DuplicateField(FROM) => {
                MailFinding::AmbiguousSender
            }
            Self::BareLineBreak | Self::ControlCharacter | Self::MalformedField | Self::DuplicateField(_) => {
                MailFinding::MalformedHeader
            }
        }
    }
}

/// One header field, its value as it stands in the raw message, folding included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    name: &'a str,
    value: &'a [u8],
}

impl<'a> Field<'a> {
    /// Returns the name as written.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Returns the value as it stands in the raw message, folding included.
    pub fn raw(&self) -> &'a [u8] {
        self.value
    }

    /// Returns the value without its line breaks (RFC 5322 §2.2.3) and without white space around it.
    pub fn unfolded(&self) -> Cow<'a, [u8]> {
        let trimmed = self.value.trim_ascii();
        if !trimmed.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            return Cow::Borrowed(trimmed);
        }
        Cow::Owned(trimmed.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect())
    }
}

/// The header of a message or part: its well-formed fields in order, and where the body starts.
#[derive(Debug)]
pub struct Header<'a> {
    fields: Vec<Field<'a>>,
    body: usize,
    distrust: Option<Distrust>,
    /// Whether the line before belongs to the last field, so that it may go on.
    open: bool,
}

impl<'a> Header<'a> {
    /// Reads the header of `raw`, at most `limit` bytes of it. Never fails: the first oddity is kept as
    /// [`Distrust`], and the fields that are well-formed are kept too.
    pub fn scan(raw: &'a [u8], limit: usize) -> Self {
        let mut header = Self { fields: Vec::new(), body: 0, distrust: None, open: false };
        let style = LineStyle::of(raw);
        while let Some((line, next)) = next_line(raw, header.body) {
            if next > limit {
                header.doubt(Distrust::HeaderTooLong);
                header.body = after_blank_line(raw, header.body);
                break;
            }
            let start = header.body;
            header.body = next;
            if let Some(doubt) = style.doubt(raw, start, line, next) {
                header.doubt(doubt);
            }
            if line.is_empty() {
                break;
            }
            header.take(raw, start, line);
        }
        header.find_duplicates();
        header
    }

    /// Returns the fields in the order of the message.
    pub fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// Returns the first field called `name`, which is compared without regard to case.
    pub fn field(&self, name: &str) -> Option<Field<'a>> {
        self.fields.iter().copied().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// Returns the unfolded text of the first field called `name`; bytes that are no UTF-8 are replaced.
    pub fn text(&self, name: &str) -> Option<String> {
        self.field(name).map(|field| String::from_utf8_lossy(&field.unfolded()).into_owned())
    }

    /// Returns where the body starts: the length of `raw` if it has none.
    pub fn body(&self) -> usize {
        self.body
    }

    /// Returns the one author, or why no author can be trusted.
    pub fn author(&self) -> Result<Mailbox, Distrust> {
        if let Some(doubt) = &self.distrust {
            return Err(doubt.clone());
        }
        let field = self.field(FROM).ok_or(Distrust::MissingFrom)?;
        let value = field.unfolded();
        let text = std::str::from_utf8(&value).map_err(|_| Distrust::MalformedFrom)?;
        match address::mailboxes(text).ok_or(Distrust::MalformedFrom)?.as_slice() {
            [author] => Ok(author.clone()),
            [] => Err(Distrust::MalformedFrom),
            _ => Err(Distrust::SeveralAuthors),
        }
    }

    fn take(&mut self, raw: &'a [u8], start: usize, line: &'a [u8]) {
        let continues = line.first().is_some_and(|first| matches!(first, b' ' | b'\t'));
        if continues {
            match self.fields.last_mut() {
                Some(field) if self.open && !line.trim_ascii().is_empty() => {
                    let begin = start - field.value.len() - gap(raw, start);
                    field.value = raw.get(begin..start + line.len()).unwrap_or(field.value);
                }
                _ => {
                    self.open = false;
                    self.doubt(Distrust::MalformedField);
                }
            }
            return;
        }
        self.open = false;
        let Some(colon) = line.iter().position(|&byte| byte == b':') else {
            self.doubt(Distrust::MalformedField);
            return;
        };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        let printable = !name.is_empty() && name.iter().all(|byte| (33..=126).contains(byte));
        match std::str::from_utf8(name) {
            Ok(text) if printable => {
                self.fields.push(Field { name: text, value });
                self.open = true;
            }
            _ => self.doubt(Distrust::MalformedField),
        }
    }

    fn find_duplicates(&mut self) {
        for name in SINGLETONS {
            if self.fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).nth(1).is_some() {
                self.doubt(Distrust::DuplicateField(name));
            }
        }
    }

    fn doubt(&mut self, doubt: Distrust) {
        self.distrust.get_or_insert(doubt);
    }
}

/// Returns the length of the line break that ends at `at`.
fn gap(raw: &[u8], at: usize) -> usize {
    let carriage = at.checked_sub(2).and_then(|before| raw.get(before)) == Some(&b'\r');
    if carriage { 2 } else { 1 }
}

fn after_blank_line(raw: &[u8], mut at: usize) -> usize {
    while let Some((line, next)) = next_line(raw, at) {
        at = next;
        if line.is_empty() {
            break;
        }
    }
    at
}

/// Returns the line that starts at `at`, without its break, and where the next one starts.
fn next_line(raw: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = raw.get(at..).filter(|rest| !rest.is_empty())?;
    let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    let line = rest.get(..length)?;
    let next = (at + length + 1).min(raw.len());
    Some((line.strip_suffix(b"\r").unwrap_or(line), next))
}

/// Mail travels with CRLF; files on Unix hold LF. A header uses one of them throughout.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LineStyle {
    CarriageReturn,
    LineFeed,
}

impl LineStyle {
    fn of(raw: &[u8]) -> Self {
        let first = raw.iter().position(|&byte| byte == b'\n');
        match first.and_then(|at| at.checked_sub(1)).and_then(|at| raw.get(at)) {
            Some(b'\r') => Self::CarriageReturn,
            _ => Self::LineFeed,
        }
    }

    fn doubt(self, raw: &[u8], start: usize, line: &[u8], next: usize) -> Option<Distrust> {
        let ended = next.checked_sub(1).and_then(|at| raw.get(at)) == Some(&b'\n');
        let style = if next - start == line.len() + 2 { Self::CarriageReturn } else { Self::LineFeed };
        if line.contains(&b'\r') || (ended && style != self) || (!ended && next - start != line.len()) {
            return Some(Distrust::BareLineBreak);
        }
        let odd = line.iter().any(|&byte| (byte < 32 && byte != b'\t') || byte == 127);
        odd.then_some(Distrust::ControlCharacter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn author(raw: &str) -> Result<String, Distrust> {
        Header::scan(raw.as_bytes(), 262_144).author().map(|author| author.address.into_string())
    }

    #[test]
    fn one_author_is_found() {
        assert_eq!(
            author("From: Ann <ann@example.org>\r\nTo: x@example.com\r\n\r\nbody").unwrap(),
            "ann@example.org"
        );
        assert_eq!(
            author("to: x@example.com\nFROM:\n Ann\n <ann@example.org>\n\nbody").unwrap(),
            "ann@example.org"
        );
        assert_eq!(author("From: ann@example.org").unwrap(), "ann@example.org");
    }

    #[test]
    fn double_from_is_untrusted() {
        assert_eq!(
            author("From: a@example.org\nFrom: b@example.org\n\n"),
            Err(Distrust::DuplicateField("from"))
        );
        assert_eq!(author("From: a@example.org, b@example.org\n\n"), Err(Distrust::SeveralAuthors));
    }

    #[test]
    fn space_in_name_is_untrusted() {
        for name in ["Fr om", "From ", " From", "Fr\tom", "Fr\u{e4}m", ""] {
            let raw = format!("From: a@example.org\n{name}: b@example.org\n\n");
            assert!(
                matches!(author(&raw), Err(Distrust::MalformedField | Distrust::MalformedFrom)),
                "{name:?}"
            );
        }
    }

    #[test]
    fn bare_breaks_and_controls_are_untrusted() {
        for raw in [
            "From: a@example.org\r\nX: y\nFrom: b@example.org\r\n\r\n",
            "From: a@example.org\nX: y\r\n\n",
            "From: a@example.org\rFrom: b@example.org\n\n",
            "From: a@example.org\r\r\n\r\n",
            "From: a@example.org\r",
        ] {
            assert_eq!(author(raw), Err(Distrust::BareLineBreak), "{raw:?}");
        }
        assert_eq!(author("From: a@example.org\nX: \0\n\n"), Err(Distrust::ControlCharacter));
        assert_eq!(author("From: a@example.org\nX: \u{7f}\n\n"), Err(Distrust::ControlCharacter));
    }

    #[test]
    fn other_oddities_are_named() {
        assert_eq!(author("To: a@example.org\n\nFrom: b@example.org"), Err(Distrust::MissingFrom));
        assert_eq!(author(""), Err(Distrust::MissingFrom));
        assert_eq!(author("From: Ann\n\n"), Err(Distrust::MalformedFrom));
        assert_eq!(author("no field\nFrom: a@example.org\n\n"), Err(Distrust::MalformedField));
        assert_eq!(author("From: a@example.org\n \t\n X\n\n"), Err(Distrust::MalformedField));
        let long = format!("X: {}\nFrom: a@example.org\n\n", "y".repeat(300_000));
        assert_eq!(author(&long), Err(Distrust::HeaderTooLong));
        assert_eq!(Distrust::DuplicateField("from").finding(), MailFinding::AmbiguousSender);
        assert_eq!(Distrust::DuplicateField("date").finding(), MailFinding::MalformedHeader);
    }

    #[test]
    fn fields_keep_their_folded_values() {
        let raw = b"Subject: one\r\n two\r\n\tthree\r\nX-Y:z\r\n\r\nbody";
        let header = Header::scan(raw, 1000);
        assert_eq!(header.text("subject").unwrap(), "one two\tthree");
        assert_eq!(header.text("x-y").unwrap(), "z");
        assert_eq!(&raw[header.body()..], b"body");
        assert_eq!(header.fields().len(), 2);
        let torn = Header::scan(b"Subject: one\nno field\n two\n\n", 1000);
        assert_eq!(torn.text("subject").unwrap(), "one");
    }
}
