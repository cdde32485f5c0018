//! Line kinds: each line of a body is looked at once and keeps its place in the text.

use std::borrow::Cow;

use super::{
    super::html::{Mark, Marked},
    REPLY_DELIMITER, attribution, block, phrase,
};

/// Longer lines are prose or data, never a marker.
pub(super) const MAX_MARKER_BYTES: usize = 500;

/// Lines that may begin a marker and are looked at closely; no mail that people read holds more.
pub(super) const MAX_CANDIDATES: usize = 4000;
/// Unquoted lines among which attributions are looked for.
pub(super) const MAX_TEXT_LINES: usize = 20_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Empty,
    Text,
    Quote,
    /// "On … wrote:", every line of it.
    Attribution,
    /// "-----Original Message-----".
    Original,
    /// "---------- Forwarded message ----------".
    Forward,
    /// A line of a `From:/Sent:/To:/Subject:` block.
    Header,
    /// Our own "reply above this line".
    Delimiter,
    /// What the markup calls a signature.
    Signature,
}

#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) start: usize,
    /// The line without white space at its end.
    pub(super) text: &'a str,
    /// Trimmed, without emphasis marks, lower-cased; empty for lines too long to be a marker.
    pub(super) plain: String,
    pub(super) kind: Kind,
}

impl Line<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

pub(super) fn classify(text: &str) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut start = 0;
    for raw in text.split_inclusive('\n') {
        let trimmed = raw.trim_end();
        lines.push(Line { start, text: trimmed, plain: plain(trimmed), kind: Kind::Empty });
        if let Some(line) = lines.last_mut() {
            line.kind = first_look(line);
        }
        start += raw.len();
    }
    join_wrapped_quotes(&mut lines);
    block::mark(&mut lines);
    attribution::mark(&mut lines);
    lines
}

/// Lets the markup speak where the words said nothing.
pub(super) fn apply(lines: &mut [Line<'_>], marks: &[Marked]) {
    for marked in marks {
        let first = lines.partition_point(|line| line.start < marked.range.start);
        let covered = lines[first..]
            .iter_mut()
            .take_while(|line| marked.mark == Mark::PastBelow || line.start < marked.range.end);
        for line in covered.filter(|line| line.kind == Kind::Text) {
            line.kind = match marked.mark {
                Mark::Quoted => Kind::Quote,
                Mark::Attribution => Kind::Attribution,
                Mark::Signature => Kind::Signature,
                Mark::PastBelow => Kind::Original,
            };
        }
    }
}

fn plain(line: &str) -> String {
    if line.len() > MAX_MARKER_BYTES {
        return String::new();
    }
    let shown: Cow<'_, str> = if line.is_ascii() {
        Cow::Borrowed(line)
    } else {
        Cow::Owned(line.chars().filter(|c| !is_directional(*c)).collect())
    };
    let bare = shown.trim().trim_matches(['*', '_']).trim();
    bare.to_lowercase()
}

/// Marks that turn the direction of writing or show nothing; Hebrew and Arabic attributions are full of them.
fn is_directional(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn first_look(line: &Line<'_>) -> Kind {
    let bare = line.text.trim_start();
    if bare.is_empty() {
        Kind::Empty
    } else if is_quoted(bare) {
        Kind::Quote
    } else if bare.contains(REPLY_DELIMITER) || asks_to_reply_above(&line.plain) {
        Kind::Delimiter
    } else {
        Kind::Text
    }
}

/// Such a line is drawn with marks around it; a sentence that only speaks of one is not.
fn asks_to_reply_above(plain: &str) -> bool {
    let drawn = plain.starts_with(|c: char| !c.is_alphanumeric() && c != '"' && c != '(');
    drawn && phrase::REPLY_ABOVE.iter().any(|words| plain.contains(words))
}

/// Accepts `>` and the `Name>` of older mail readers.
fn is_quoted(bare: &str) -> bool {
    let name = bare.bytes().take_while(u8::is_ascii_alphabetic).count();
    let rest = bare.get(name..).unwrap_or_default();
    rest.starts_with('>') && (name == 0 || (name <= 16 && rest.starts_with("> ")))
}

/// A long quoted line that was wrapped on its way leaves its last words unquoted; they are no answer.
fn join_wrapped_quotes(lines: &mut [Line<'_>]) {
    for at in 1..lines.len().saturating_sub(1) {
        let wrapped = lines[at - 1].kind == Kind::Quote
            && lines[at + 1].kind == Kind::Quote
            && lines[at].kind == Kind::Text
            && lines[at - 1].text.chars().count() >= phrase::WRAP_COLUMNS
            && lines[at].text.chars().next().is_some_and(char::is_lowercase);
        if wrapped {
            lines[at].kind = Kind::Quote;
        }
    }
}
