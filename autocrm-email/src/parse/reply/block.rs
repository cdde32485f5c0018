//! "Original message" lines and the header blocks that mail programs put above an unquoted original.

use super::{
    attribution::{has_date, has_time},
    line::{Kind, Line, MAX_CANDIDATES},
    phrase, signature,
};

/// Lines that one block may span, wrapped values and blank lines between its fields included.
const BLOCK_LINES: usize = 12;

pub(super) fn mark(lines: &mut [Line<'_>]) {
    let mut at = 0;
    let mut looked_at = 0;
    while at < lines.len() && looked_at < MAX_CANDIDATES {
        if lines[at].kind != Kind::Text {
            at += 1;
            continue;
        }
        let plain = &lines[at].plain;
        looked_at += usize::from(plain.contains([':', '：']) || plain.starts_with('-'));
        if let Some(kind) = divider(&lines[at].plain) {
            lines[at].kind = kind;
            at += 1;
        } else if let Some(end) = block_end(lines, at).or_else(|| formed_block_end(lines, at)) {
            for line in &mut lines[at..end] {
                if line.kind != Kind::Empty {
                    line.kind = Kind::Header;
                }
            }
            at = end;
        } else {
            at += 1;
        }
    }
}

/// Words that mean an original message when they stand alone between lines: too common to count as a beginning.
const BETWEEN_RULES: &[&str] = &["original", "原始", "原文", "forwarded", "quoted text", "zitat", "citation"];

/// Recognises "-----Original Message-----" and "Begin forwarded message:".
fn divider(plain: &str) -> Option<Kind> {
    let dashes = |c: char| matches!(c, '-' | '_' | '=' | '*' | '~' | '—' | '–' | '─' | '>' | '<' | ' ' | '+');
    // Some programs write the reference of a no-break space into plain text.
    let named_spaces =
        |text| str::trim_matches(text, dashes).trim_start_matches("&nbsp;").trim_end_matches("&nbsp;");
    let inner = named_spaces(plain).trim_matches(dashes);
    let drawn = plain.len() - inner.len() >= 4 && !plain.starts_with(char::is_alphanumeric);
    let named = inner.trim_end_matches([':', '：']);
    let opens =
        |words: &[&str]| words.iter().any(|phrase| named == *phrase || (drawn && named.starts_with(phrase)));
    if drawn && BETWEEN_RULES.contains(&inner) {
        return Some(Kind::Original);
    }
    if inner.len() > 120 || !(drawn || inner.ends_with([':', '：'])) {
        return None;
    }
    if opens(phrase::FORWARDED) {
        return Some(Kind::Forward);
    }
    opens(phrase::ORIGINAL).then_some(Kind::Original)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    From,
    Date,
    Recipient,
    Subject,
}

fn label(plain: &str) -> Option<Label> {
    let (name, _) = plain.split_once([':', '：'])?;
    let bare = name.trim_matches(['*', '_', ' ', '\u{a0}', '\t']);
    if bare.is_empty() || bare.len() > 40 {
        return None;
    }
    let tables = [
        (Label::From, phrase::FROM),
        (Label::Date, phrase::DATE),
        (Label::Recipient, phrase::RECIPIENT),
        (Label::Subject, phrase::SUBJECT),
    ];
    tables.into_iter().find(|(_, names)| names.contains(&bare)).map(|(found, _)| found)
}

/// Returns the line after a block whose labels are in no table, known by its form: at least four fields, the first of
/// them a name with a bracketed address, another one a date with a time of day, blank lines around all of them.
fn formed_block_end(lines: &[Line<'_>], start: usize) -> Option<usize> {
    let opens = start.checked_sub(1).is_none_or(|above| lines[above].kind == Kind::Empty);
    let first = field_value(&lines[start].plain)?;
    if !opens || !first.contains('@') || !first.ends_with(['>', ']']) {
        return None;
    }
    let fields = lines[start..]
        .iter()
        .take(BLOCK_LINES)
        .take_while(|line| line.kind == Kind::Text && field_value(&line.plain).is_some())
        .count();
    let end = start + fields;
    let dated = lines[start + 1..end]
        .iter()
        .filter_map(|line| field_value(&line.plain))
        .any(|value| has_date(value) && has_time(value) && !value.contains('@'));
    let closed = lines.get(end).is_none_or(|line| line.kind == Kind::Empty);
    (fields >= 4 && dated && closed).then_some(end)
}

/// Returns the value of `label: value`, whatever the label's language.
fn field_value(plain: &str) -> Option<&str> {
    let (name, value) = plain.split_once([':', '：'])?;
    let bare = name.trim_matches(['*', '_', ' ', '\u{a0}', '\t']);
    let labels = (1..=3).contains(&bare.split_whitespace().count())
        && bare.chars().count() <= 25
        && bare.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '\u{a0}' | '-' | '\''));
    let said = value.trim();
    (labels && !said.is_empty()).then_some(said)
}

/// Returns the line after the block that starts at `start`: it names a sender and at least two other fields,
/// one below a line drawn across.
fn block_end(lines: &[Line<'_>], start: usize) -> Option<usize> {
    let mut seen = vec![label(&lines[start].plain)?];
    let mut end = start + 1;
    let mut unlabelled = 0;
    let mut blank = 0;
    for (at, line) in lines.iter().enumerate().skip(start + 1).take(BLOCK_LINES) {
        if line.kind == Kind::Empty {
            blank += 1;
            if blank > 1 {
                break;
            }
        } else if let Some(found) = label(&line.plain) {
            seen.push(found);
            end = at + 1;
            unlabelled = 0;
            blank = 0;
        } else if blank > 0 || unlabelled == 2 || line.kind != Kind::Text {
            break;
        } else {
            unlabelled += 1;
        }
    }
    let others = [Label::Date, Label::Recipient, Label::Subject]
        .into_iter()
        .filter(|other| seen.contains(other))
        .count();
    let above = lines[..start].iter().rev().find(|line| line.kind != Kind::Empty);
    let needed = if above.is_some_and(|line| signature::is_rule(line.text.trim())) { 1 } else { 2 };
    if !seen.contains(&Label::From) || others < needed {
        return None;
    }
    let wrapped = lines[end..].iter().take(2).take_while(|line| line.kind == Kind::Text).count();
    let closed = lines.get(end + wrapped).is_none_or(|line| line.kind == Kind::Empty);
    Some(if closed { end + wrapped } else { end })
}
