//! Attribution lines, "On … wrote:" in many languages, which may wrap over several lines.

use super::{
    line::{Kind, Line, MAX_CANDIDATES, MAX_MARKER_BYTES, MAX_TEXT_LINES},
    phrase,
};

/// Lines that one attribution may wrap over.
const WRAPPED_LINES: usize = 3;
/// The same, while an address bracket is open: some programs break inside it.
const WRAPPED_LINES_IN_BRACKET: usize = 6;

pub(super) fn mark(lines: &mut [Line<'_>]) {
    let mut at = 0;
    let (mut texts, mut looked_at) = (0, 0);
    while at < lines.len() && looked_at < MAX_CANDIDATES && texts < MAX_TEXT_LINES {
        let is_text = lines[at].kind == Kind::Text;
        texts += usize::from(is_text);
        looked_at += usize::from(is_text && may_open(&lines[at].plain));
        match attribution_end(lines, at) {
            Some(end) => {
                for line in &mut lines[at..end] {
                    line.kind = Kind::Attribution;
                }
                mark_barred_quote(&mut lines[end..]);
                at = end;
            }
            None => at += 1,
        }
    }
}

/// Some programs quote with a bar; without an attribution above it, a bar is a table.
fn mark_barred_quote(lines: &mut [Line<'_>]) {
    for line in lines {
        match line.kind {
            Kind::Empty => {}
            Kind::Text if line.text.trim_start().starts_with('|') => line.kind = Kind::Quote,
            _ => return,
        }
    }
}

/// Returns the line after the attribution that starts at `start`.
fn attribution_end(lines: &[Line<'_>], start: usize) -> Option<usize> {
    if lines[start].kind != Kind::Text || !may_open(&lines[start].plain) {
        return None;
    }
    let mut joined = String::new();
    for (taken, line) in lines[start..].iter().take(WRAPPED_LINES_IN_BRACKET).enumerate() {
        let in_bracket =
            joined.matches('<').count() > joined.matches('>').count() || line_opens_bracket(&line.plain);
        match line.kind {
            Kind::Text => {}
            Kind::Empty if bracket_follows(&lines[start + taken..]) => continue,
            Kind::Quote
                if joined.contains('<')
                    && line.plain.starts_with('>')
                    && line.plain.ends_with([':', '：']) => {}
            _ => return None,
        }
        if taken >= WRAPPED_LINES && !in_bracket {
            return None;
        }
        if taken > 0 && starts_anew(&line.plain) {
            return None;
        }
        joined.push_str(&line.plain);
        if joined.len() > MAX_MARKER_BYTES {
            return None;
        }
        let end = start + taken + 1;
        if is_attribution(&joined, &lines[end..]) {
            return Some(end);
        }
        joined.push(' ');
    }
    None
}

fn line_opens_bracket(plain: &str) -> bool {
    plain.starts_with('<') || plain.starts_with('>') || plain.starts_with("mailto:")
}

/// A blank line belongs to an attribution only directly above a lone opening bracket.
fn bracket_follows(lines: &[Line<'_>]) -> bool {
    lines.get(1).is_some_and(|line| line.plain == "<")
}

fn starts_anew(plain: &str) -> bool {
    ["on ", "hi ", "hello", "dear ", "- ", "* "].iter().any(|opener| plain.starts_with(opener))
}

/// A cheap first look: a name with an address, a date, the verb, or one of the words that open an attribution.
fn may_open(plain: &str) -> bool {
    !plain.is_empty()
        && (plain.contains('<')
            || plain.contains('@')
            || plain.starts_with(|c: char| c.is_ascii_digit())
            || phrase::OPENERS
                .iter()
                .any(|opener| plain.strip_prefix(opener).is_some_and(|rest| rest.starts_with(' ')))
            || plain.starts_with('在')
            || plain.starts_with('于')
            || plain.starts_with("--")
            || has_time(plain)
            || phrase::WROTE.iter().any(|verb| plain.contains(verb)))
}

fn is_attribution(joined: &str, below: &[Line<'_>]) -> bool {
    if is_ruled(joined) || opens_quoted_line(joined) {
        return true;
    }
    let ends = joined.ends_with([':', '：']);
    let next_is_quote = below
        .iter()
        .find(|line| line.kind != Kind::Empty)
        .is_some_and(|line| line.kind == Kind::Quote || line.text.trim_start().starts_with('|'));
    if !(ends || next_is_quote || ends_in_cjk_verb(joined)) {
        return false;
    }
    let address = joined.contains('@');
    let dated = has_date(joined);
    if ends && next_is_quote && address && has_time(joined) {
        return true;
    }
    let wrote = phrase::WROTE.iter().any(|verb| contains_word(joined, verb));
    if wrote {
        return dated || address || (ends && next_is_quote);
    }
    let balanced = joined.matches('<').count() == joined.matches('>').count();
    let bracketed = balanced && joined.trim_end_matches([':', '：']).trim_end().ends_with(['>', ')']);
    let clear = joined.starts_with(|c: char| c.is_ascii_digit()) || has_time(joined) || next_is_quote;
    dated && address && bracketed && clear
}

/// Accepts `---- On … wrote ----`.
fn is_ruled(joined: &str) -> bool {
    let inner = joined.trim_matches('-');
    joined.starts_with("----")
        && joined.ends_with("----")
        && inner.contains('@')
        && has_date(inner)
        && phrase::WROTE.iter().any(|verb| inner.trim_end().ends_with(verb))
}

/// Accepts an attribution whose quotation begins on the same line: date, address in brackets, the verb, a colon, text.
fn opens_quoted_line(joined: &str) -> bool {
    let Some((head, rest)) = joined.split_once('>') else {
        return false;
    };
    let said = rest.trim_start();
    phrase::WROTE
        .iter()
        .filter_map(|verb| said.strip_prefix(verb))
        .any(|after| after.trim_start().starts_with(':') && head.contains('@') && has_date(head))
}

fn ends_in_cjk_verb(joined: &str) -> bool {
    phrase::WROTE.iter().any(|verb| verb.chars().all(|c| c > '\u{2e80}') && joined.ends_with(verb))
}

/// Finds `verb` with no letter around it where its script separates words.
fn contains_word(text: &str, verb: &str) -> bool {
    let spaced = verb.chars().all(|c| c < '\u{2e80}');
    text.match_indices(verb).any(|(at, _)| {
        let before = text.get(..at).and_then(|head| head.chars().next_back());
        let after = text.get(at + verb.len()..).and_then(|tail| tail.chars().next());
        !spaced || !(before.is_some_and(char::is_alphabetic) || after.is_some_and(char::is_alphabetic))
    })
}

/// Accepts a year, or a time of day.
pub(super) fn has_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let year = bytes.windows(4).enumerate().any(|(at, four)| {
        let alone = !at.checked_sub(1).is_some_and(|before| bytes[before].is_ascii_digit())
            && !bytes.get(at + 4).is_some_and(u8::is_ascii_digit);
        alone && four.iter().all(u8::is_ascii_digit) && matches!(&four[..2], b"19" | b"20")
    });
    let short_date = bytes.windows(4).any(|four| {
        four[0].is_ascii_digit()
            && matches!(four[1], b'/' | b'-')
            && four[2].is_ascii_digit()
            && !four[3].is_ascii_alphabetic()
    });
    year || short_date || has_time(text)
}

pub(super) fn has_time(text: &str) -> bool {
    text.as_bytes().windows(4).any(|four| {
        four[0].is_ascii_digit()
            && matches!(four[1], b':' | b'.')
            && four[2].is_ascii_digit()
            && four[3].is_ascii_digit()
    })
}
