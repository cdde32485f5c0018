//! `reply`: how often the newest reply is found exactly.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use autocrm_core::port::MailParser as _;
use autocrm_email::{MimeParser, newest_reply};

use crate::{
    failure::{Failure, Result},
    input,
    report::Report,
    stats::share,
};

/// Compares the newest reply with what it should be.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A folder with `NAME.eml` or `NAME.txt` (a whole mail, or a bare body) beside each `NAME.expected.txt`.
    #[arg(long, value_name = "DIR")]
    cases: PathBuf,
}

struct Case {
    name: String,
    input: PathBuf,
    expected: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Report> {
    let cases = cases(&arguments.cases)?;
    let (mut exact, mut similarity, mut failures) = (0, 0.0, Vec::new());
    for case in &cases {
        let expected = folded(&input::text_of(&case.expected)?);
        let found = folded(&reply(&case.input)?);
        similarity += word_similarity(&found, &expected);
        if found == expected {
            exact += 1;
        } else {
            failures.push(case.name.clone());
        }
    }
    let mut report = Report::default();
    report
        .set("cases", cases.len())
        .number("exact", share(exact, cases.len()))
        .number("mean_similarity", similarity / cases.len() as f64)
        .set("failures", failures);
    Ok(report)
}

fn cases(folder: &Path) -> Result<Vec<Case>> {
    let unreadable = |error| Failure::in_file(folder, None, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let expected = entry.map_err(unreadable)?.path();
        let Some(name) = expected
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_suffix(".expected.txt"))
            .map(str::to_owned)
        else {
            continue;
        };
        let candidates = [folder.join(format!("{name}.eml")), folder.join(format!("{name}.txt"))];
        let Some(input) = candidates.into_iter().find(|path| path.is_file()) else {
            return Err(Failure::in_file(&expected, None, format!("there is no {name}.eml or {name}.txt")));
        };
        found.push(Case { name, input, expected });
    }
    if found.is_empty() {
        return Err(Failure::in_file(folder, None, "there are no *.expected.txt files"));
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// Returns the newest reply of a mail or of a bare body.
fn reply(path: &Path) -> Result<String> {
    let raw = fs::read(path).map_err(|error| Failure::in_file(path, None, error))?;
    let is_mail = path.extension().is_some_and(|extension| extension == "eml") || has_header(&raw);
    if is_mail {
        return Ok(MimeParser::default().parse(&raw).newest_reply().to_owned());
    }
    let text = input::text_of(path)?;
    Ok(newest_reply(&text).text(&text).to_owned())
}

/// Tells a whole mail from a bare body: its first line is a field that only a mail's header begins with.
fn has_header(raw: &[u8]) -> bool {
    const FIRST: [&[u8]; 8] = [
        b"delivered-to:",
        b"return-path:",
        b"received:",
        b"mime-version:",
        b"message-id:",
        b"x-received:",
        b"dkim-signature:",
        b"content-type:",
    ];
    let start = raw.get(..64).unwrap_or(raw).to_ascii_lowercase();
    FIRST.iter().any(|name| start.starts_with(name))
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the Dice coefficient of the two bags of words, 0..=1.
fn word_similarity(one: &str, other: &str) -> f64 {
    let mut counts: HashMap<&str, i64> = HashMap::new();
    let (mut first, mut second, mut common) = (0, 0, 0);
    for word in one.split(' ').filter(|word| !word.is_empty()) {
        *counts.entry(word).or_default() += 1;
        first += 1;
    }
    for word in other.split(' ').filter(|word| !word.is_empty()) {
        second += 1;
        if let Some(left) = counts.get_mut(word).filter(|left| **left > 0) {
            *left -= 1;
            common += 1;
        }
    }
    if first + second == 0 { 1.0 } else { 2.0 * f64::from(common) / f64::from(first + second) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_counts_common_words() {
        assert!((word_similarity("a b", "a b") - 1.0).abs() < 1e-9);
        assert!((word_similarity("a a", "a b") - 0.5).abs() < 1e-9);
        assert!((word_similarity("", "") - 1.0).abs() < 1e-9);
        assert!(word_similarity("", "a").abs() < 1e-9);
    }
}
