//! Bodies as mail programs of many makers and languages write them, with the newest reply of each.

#![expect(clippy::unwrap_used, reason = "a helper fails as the test that calls it")]

use std::fmt::Write as _;

use autocrm_core::port::MailParser as _;
use autocrm_email::{MimeParser, newest_reply};

struct Case<'a> {
    name: &'a str,
    body: &'a str,
    reply: &'a str,
}

/// Reads `#### name`, the body, `#### reply`, the reply.
fn cases(file: &str) -> Vec<Case<'_>> {
    let sections: Vec<(&str, &str)> =
        file.split("#### ").skip(1).map(|section| section.split_once('\n').unwrap()).collect();
    let pairs = sections.chunks(2).map(|pair| {
        assert_eq!(pair[1].0, "reply", "after {}", pair[0].0);
        Case { name: pair[0].0, body: pair[0].1, reply: pair[1].1.trim_end() }
    });
    pairs.collect()
}

#[track_caller]
fn holds(file: &str, at_least: usize, reply: impl Fn(&str) -> String) {
    let cases = cases(file);
    assert!(cases.len() >= at_least, "{} cases", cases.len());
    let mut wrong = String::new();
    for case in cases {
        for body in [case.body.to_owned(), case.body.replace('\n', "\r\n")] {
            let found = reply(&body).replace("\r\n", "\n");
            if found.trim() != case.reply.trim() {
                write!(wrong, "== {}\n{found}\n", case.name).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn of_text(body: &str) -> String {
    newest_reply(body).text(body).to_owned()
}

/// The same body as the only part of a mail has the same reply.
fn of_mail(kind: &str, body: &str) -> String {
    let raw = format!("From: ann@example.org\nContent-Type: text/{kind}; charset=utf-8\n\n{body}");
    MimeParser::default().parse(raw.as_bytes()).newest_reply().to_owned()
}

#[test]
fn attributions_of_programs_and_languages() {
    let file = include_str!("replies/attributions.txt");
    holds(file, 60, of_text);
    holds(file, 60, |body| of_mail("plain", body));
}

#[test]
fn header_blocks_and_forwards() {
    let file = include_str!("replies/blocks.txt");
    holds(file, 40, of_text);
    holds(file, 40, |body| of_mail("plain", body));
}

#[test]
fn layouts_and_additions() {
    let file = include_str!("replies/layouts.txt");
    holds(file, 38, of_text);
    holds(file, 38, |body| of_mail("plain", body));
}

#[test]
fn markup_of_programs() {
    holds(include_str!("replies/html.txt"), 19, |body| of_mail("html", body));
}

#[test]
fn a_reply_below_its_quotation_has_a_beginning_and_the_text_is_kept() {
    let body =
        "On 3 Mar 2026 at 10:00, Ann <a@example.com> wrote:\n> Which version?\n\n0.4, on Linux.\n\n-- \nBob";
    let raw = format!("From: bob@example.org\n\n{body}");
    let mail = MimeParser::default().parse(raw.as_bytes());
    assert_eq!((mail.text.as_str(), mail.newest_reply()), (body, "0.4, on Linux."));
    assert!(mail.reply_at.is_some() && mail.reply_at < mail.trimmed_at);
}
