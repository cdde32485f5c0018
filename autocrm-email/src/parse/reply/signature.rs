//! Signatures at the end of a reply: the `-- ` separator, ruled-off footers, "Sent from my …".

use std::ops::Range;

use super::{
    line::{Kind, Line},
    phrase,
};

/// A signature separator without its trailing space, or a ruled-off footer, is one only above few lines.
const SIGNATURE_LINES: usize = 20;
/// Lines that phones add are short.
const SENT_FROM_CHARS: usize = 100;
const SENT_FROM_PAIR_CHARS: usize = 60;
const DEVICES: &[&str] =
    &["mobile", "mobile device", "mobile phone", "phone", "iphone", "ipad", "ipod", "android", "cell"];

/// Returns `region` without the signatures and blank lines at its end; never cuts above the first written line.
pub(super) fn without(lines: &[Line<'_>], region: Range<usize>) -> Range<usize> {
    let Some(first) = region.clone().find(|&at| lines[at].kind != Kind::Empty) else {
        return region;
    };
    let mut end = separator(lines, first + 1..region.end).unwrap_or(region.end);
    while end > first + 1 && (lines[end - 1].kind == Kind::Empty || is_added(&lines[end - 1])) {
        end -= 1;
    }
    region.start..end
}

/// Returns the first line that separates a signature from the text above it.
fn separator(lines: &[Line<'_>], region: Range<usize>) -> Option<usize> {
    let after_quotes =
        region.clone().rev().find(|&at| lines[at].kind == Kind::Quote).map_or(region.start, |at| at + 1);
    let mut below = (after_quotes..region.end).filter(|&at| lines[at].kind != Kind::Empty).count();
    for at in after_quotes..region.end {
        if lines[at].kind == Kind::Empty {
            continue;
        }
        below -= 1;
        if below <= SIGNATURE_LINES && lines[at].kind == Kind::Text && is_separator(lines, at, &region) {
            return Some(at);
        }
    }
    None
}

fn is_separator(lines: &[Line<'_>], at: usize, region: &Range<usize>) -> bool {
    let bare = lines[at].text.trim();
    if matches!(bare, "--" | "—" | "–" | "__") {
        return true;
    }
    is_rule(bare)
        && (lines[at - 1].kind == Kind::Empty || is_long_underscore(bare))
        && !region.clone().any(|other| other != at && lines[other].text.trim() == bare)
}

/// No heading is underlined with a long line of underscores, so that such a rule may stand directly under the text.
fn is_long_underscore(bare: &str) -> bool {
    bare.len() >= 8 && bare.bytes().all(|byte| byte == b'_')
}

/// Accepts a line drawn with one or more of the usual characters. Rules that repeat, or that stand directly under
/// a line as a heading's underline does, are the sender's own layout; the caller looks at that.
pub(super) fn is_rule(bare: &str) -> bool {
    bare.chars().count() >= 3
        && bare
            .chars()
            .all(|c| matches!(c, ' ' | '-' | '_' | '=' | '~' | '*' | '#' | '+' | '—' | '–' | '─' | '━'))
}

/// Returns whether a mail program, phone or tracker wrote the line.
fn is_added(line: &Line<'_>) -> bool {
    if line.kind == Kind::Signature {
        return true;
    }
    let bare = line.plain.trim_matches(['<', '(', '[', '-', '—', ' ']);
    if bare.is_empty() {
        return line.kind == Kind::Text && !line.text.is_empty() && is_rule(line.text.trim());
    }
    if bare == "\u{1427}" {
        return true;
    }
    let chars = bare.chars().count();
    if chars > SENT_FROM_CHARS {
        return bare.starts_with("sent from") && bare.contains("http") && chars <= 2 * SENT_FROM_CHARS;
    }
    if phrase::SENT_FROM.iter().any(|start| bare.starts_with(start.trim_start_matches(['<', '(', '[']))) {
        return true;
    }
    if phrase::SENT_FROM.iter().any(|end| !end.is_ascii() && bare.ends_with(end)) {
        return true;
    }
    if chars <= SENT_FROM_PAIR_CHARS
        && bare.contains(' ')
        && phrase::SENT_FROM_PAIRS.iter().any(|(start, end)| is_pair(bare, start, end))
    {
        return true;
    }
    bare.rsplit_once(" from ").is_some_and(|(who, device)| {
        !who.contains(' ') && DEVICES.contains(&device.trim_start_matches("my ").trim_end_matches('.'))
    })
}

/// `from my iphone 6` counts: the model may follow the device's name.
fn is_pair(bare: &str, start: &str, end: &str) -> bool {
    let Some(rest) = bare.strip_prefix(start) else {
        return false;
    };
    let named = rest.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, ' ' | '.' | '!'));
    named.ends_with(end) && named.split_whitespace().count() <= 4
}
