//! The newest reply of a plain-text mail body: what the sender wrote now, without the quoted past and the signature.
//!
//! The full text is never changed; the answer is a byte range of it. The rules are general ones over line kinds:
//! text above an attribution ("On … wrote:"), an "Original Message" line or a `From:/Sent:/To:/Subject:` block is the
//! reply; text below a quotation that stands first is the reply; answers written between quotations are left whole;
//! signatures at the end go. When nothing would remain, everything is shown.

mod attribution;
mod block;
mod line;
mod phrase;
mod signature;

use std::ops::Range;

use line::{Kind, Line};

use super::html::Marked;

/// The line that outgoing mails carry above the quoted conversation; whatever stands at or below it is not a reply.
pub const REPLY_DELIMITER: &str = "##- Please reply above this line -##";

/// Text lines that may follow a quotation without making it a conversation: footers, names, disclaimers.
const FOOTER_LINES: usize = 6;

/// The place of the newest reply inside a full text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestReply {
    range: Range<usize>,
    full_len: usize,
}

impl NewestReply {
    /// Returns the byte range of the reply in the full text, on character boundaries, without blank lines around it.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// Returns the reply out of `full`, the text it was found in; all of `full` if it is another text.
    pub fn text<'a>(&self, full: &'a str) -> &'a str {
        full.get(self.range.clone()).unwrap_or(full)
    }

    /// Returns whether anything was left out, blank lines around the text included.
    pub fn is_trimmed(&self) -> bool {
        self.range != (0..self.full_len)
    }
}

/// Finds the newest reply in the plain text of one mail; linear in the length of `text`.
pub fn newest_reply(text: &str) -> NewestReply {
    newest_reply_marked(text, &[])
}

/// Finds the newest reply in a text made from HTML, whose markup said more about it ([`html::convert`]).
///
/// [`html::convert`]: super::html::convert
pub fn newest_reply_marked(text: &str, marks: &[Marked]) -> NewestReply {
    let mut lines = line::classify(text);
    line::apply(&mut lines, marks);
    let range = reply_lines(&lines);
    let bytes = match (lines.get(range.start), range.end.checked_sub(1).and_then(|last| lines.get(last))) {
        (Some(first), Some(last)) if !range.is_empty() => first.start..last.end(),
        _ => 0..0,
    };
    NewestReply { range: bytes, full_len: text.len() }
}

fn reply_lines(lines: &[Line<'_>]) -> Range<usize> {
    let all = without_blank_edges(lines, 0..lines.len());
    let kept = kept_lines(lines, all.clone());
    let signed_off = signature::without(lines, kept.clone());
    [signed_off, kept].into_iter().find(|range| has_text(lines, range)).unwrap_or(all)
}

/// Applies the markers from the hardest to the softest: own delimiter, original message, attribution, bare quotation.
fn kept_lines(lines: &[Line<'_>], all: Range<usize>) -> Range<usize> {
    let mut region = all;
    if let Some(delimiter) = position(lines, &region, |kind| kind == Kind::Delimiter) {
        region.end = delimiter;
    }
    if let Some(marker) =
        position(lines, &region, |kind| matches!(kind, Kind::Original | Kind::Forward | Kind::Header))
    {
        if has_text(lines, &(region.start..marker)) {
            region.end = marker;
        } else if lines[marker].kind == Kind::Forward {
            return forwarded(lines, marker..region.end);
        } else {
            return region;
        }
    }
    let unsigned = signature::without(lines, region.clone());
    if has_text(lines, &unsigned) || position(lines, &unsigned, |kind| kind == Kind::Quote).is_some() {
        region = unsigned;
    }
    match position(lines, &region, |kind| kind == Kind::Attribution) {
        Some(attribution) => around_attribution(lines, region, attribution),
        None => before_quotation(lines, region),
    }
}

/// Skips the forward line and the header block below it: the forwarded text is what the sender wants read.
fn forwarded(lines: &[Line<'_>], region: Range<usize>) -> Range<usize> {
    let content = region.clone().skip(1).find(|&at| !matches!(lines[at].kind, Kind::Empty | Kind::Header));
    content.map_or(region.clone(), |start| start..region.end)
}

fn around_attribution(lines: &[Line<'_>], region: Range<usize>, attribution: usize) -> Range<usize> {
    let above = region.start..attribution;
    let runs = runs(lines, attribution..region.end);
    let quoted: Vec<bool> = runs.iter().map(|run| run.quoted).collect();
    if has_text(lines, &above) {
        return match quoted.as_slice() {
            [true, false] if runs[1].text_lines > FOOTER_LINES => region,
            [true, false, true, ..] if lines[attribution_end(lines, attribution)].kind == Kind::Quote => {
                region
            }
            _ => above,
        };
    }
    match quoted.as_slice() {
        [true, false] => runs[1].lines.clone(),
        _ => region,
    }
}

/// Returns the first non-blank line after the attribution that starts at `at`, or the attribution if none follows.
fn attribution_end(lines: &[Line<'_>], at: usize) -> usize {
    (at..lines.len()).find(|&next| !matches!(lines[next].kind, Kind::Attribution | Kind::Empty)).unwrap_or(at)
}

fn before_quotation(lines: &[Line<'_>], region: Range<usize>) -> Range<usize> {
    let runs = runs(lines, region.clone());
    match runs.as_slice() {
        [first, second] if !first.quoted && second.quoted => region.start..second.lines.start,
        _ => region,
    }
}

/// A stretch of lines that are all quoted or all written by the sender; blank lines belong to the run before them.
struct Run {
    quoted: bool,
    lines: Range<usize>,
    text_lines: usize,
}

fn runs(lines: &[Line<'_>], region: Range<usize>) -> Vec<Run> {
    let mut found: Vec<Run> = Vec::new();
    for at in region {
        if lines[at].kind == Kind::Empty {
            continue;
        }
        let quoted =
            matches!(lines[at].kind, Kind::Quote | Kind::Attribution | Kind::Header | Kind::Original);
        match found.last_mut() {
            Some(run) if run.quoted == quoted => {
                run.lines.end = at + 1;
                run.text_lines += 1;
            }
            _ => found.push(Run { quoted, lines: at..at + 1, text_lines: 1 }),
        }
    }
    found
}

fn position(lines: &[Line<'_>], region: &Range<usize>, wanted: impl Fn(Kind) -> bool) -> Option<usize> {
    region.clone().find(|&at| wanted(lines[at].kind))
}

fn has_text(lines: &[Line<'_>], region: &Range<usize>) -> bool {
    region.clone().any(|at| lines[at].kind == Kind::Text)
}

fn without_blank_edges(lines: &[Line<'_>], mut region: Range<usize>) -> Range<usize> {
    while region.end > region.start && lines[region.end - 1].kind == Kind::Empty {
        region.end -= 1;
    }
    while region.start < region.end && lines[region.start].kind == Kind::Empty {
        region.start += 1;
    }
    region
}

#[cfg(test)]
mod tests;
