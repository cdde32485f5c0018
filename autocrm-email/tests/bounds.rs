//! Every bound holds, says so, and costs little.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use autocrm_core::{
    mail::{MailFinding, ParsedMail},
    port::MailParser as _,
};
use autocrm_email::{Bounds, MimeParser};

const HEAD: &str = "From: ann@example.org\r\nSubject: bounds\r\nMIME-Version: 1.0\r\n";

/// Debug builds are some ten times slower than what is promised.
fn parse_within(raw: &str, limit: Duration) -> ParsedMail {
    let started = Instant::now();
    let mail = MimeParser::default().parse(raw.as_bytes());
    let took = started.elapsed();
    let allowed = if cfg!(debug_assertions) { limit * 10 } else { limit };
    assert!(took < allowed, "{took:?} for {} bytes", raw.len());
    assert_eq!(mail.subject, "bounds");
    mail
}

fn parse(raw: &str) -> ParsedMail {
    parse_within(raw, Duration::from_millis(250))
}

#[test]
fn nested_html_is_not_converted() {
    let bomb = "<div>".repeat(100_000);
    let mail = parse(&format!("{HEAD}Content-Type: text/html\r\n\r\n{bomb}text"));
    assert_eq!(mail.findings, [MailFinding::HtmlTooLarge]);
    assert_eq!(mail.text, "");
    let fallback = format!(
        "{HEAD}Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nplain\r\n--b\r\nContent-Type: text/html\r\n\r\n{bomb}\r\n--b--\r\n"
    );
    assert_eq!(parse(&fallback).text, "plain");
}

#[test]
fn large_html_is_not_converted() {
    let mail = parse(&format!("{HEAD}Content-Type: text/html\r\n\r\n{}", "<p>x</p>".repeat(140_000)));
    assert_eq!((mail.findings.as_slice(), mail.text.as_str()), ([MailFinding::HtmlTooLarge].as_slice(), ""));
}

#[test]
fn large_text_is_cut_at_a_character() {
    let mail =
        parse(&format!("{HEAD}Content-Type: text/plain; charset=utf-8\r\n\r\n{}", "aä".repeat(400_000)));
    assert_eq!(mail.findings, [MailFinding::TextTooLarge]);
    assert!(mail.text.len() > 1_040_000 && mail.text.len() <= 1 << 20);
}

#[test]
fn long_headers_are_not_believed() {
    let raw = format!("Subject: bounds\r\nX: {}\r\nFrom: ann@example.org\r\n\r\nbody", "x".repeat(300_000));
    let mail = parse(&raw);
    assert_eq!(mail.findings, [MailFinding::HeaderTooLarge]);
    assert_eq!((mail.from, mail.text.as_str()), (None, "body"));
}

#[test]
fn parts_depth_and_attachments_are_counted() {
    let many =
        format!("{HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n{}", "--b\r\n\r\nx\r\n".repeat(5000));
    assert_eq!(parse(&many).findings, [MailFinding::TooManyParts]);

    let mut deep = HEAD.to_owned();
    for level in 0..500 {
        write!(deep, "Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n").unwrap();
    }
    deep.push_str("\r\n\r\ninnermost");
    assert!(parse(&deep).findings.contains(&MailFinding::TooManyParts));

    let file =
        "--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=a.png\r\n\r\nx\r\n";
    let files = format!("{HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--", file.repeat(150));
    let mail = parse(&files);
    assert_eq!(mail.findings, [MailFinding::TooManyAttachments]);
    assert_eq!(mail.attachments.len(), 100);
}

#[test]
fn attached_messages_are_not_entered() {
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(100_000);
    let mail = parse(&format!("{HEAD}{nested}"));
    assert_eq!(mail.attachments.len(), 1);
    assert_eq!(mail.attachments[0].content_type, "message/rfc822");
}

#[test]
fn a_boundary_inside_a_line_cuts_nothing() {
    let raw = format!(
        "{HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nkeep --b this\r\n--b--\r\n"
    );
    assert_eq!(parse(&raw).text, "keep --b this");
}

#[test]
fn a_multipart_without_its_boundary_is_shown_as_it_stands() {
    for declared in
        ["multipart/mixed", "multipart/mixed; boundary=gone", "multipart/alternative; boundary=\"\""]
    {
        assert_eq!(parse(&format!("{HEAD}Content-Type: {declared}\r\n\r\nreadable")).text, "readable");
    }
}

#[test]
fn a_raw_mail_over_its_bound_keeps_its_header() {
    let mut bounds = Bounds::default();
    bounds.raw = 100;
    let raw = format!("{HEAD}\r\n{}", "x".repeat(200));
    let mail = MimeParser::new(bounds).parse(raw.as_bytes());
    assert_eq!((mail.subject.as_str(), mail.text.as_str()), ("bounds", ""));
    assert_eq!(mail.findings, [MailFinding::DecodedTooLarge]);
}

#[test]
fn decoded_contents_are_counted_together() {
    let mut bounds = Bounds::default();
    bounds.decoded = 1000;
    let part = format!("--b\r\nContent-Disposition: attachment; filename=a\r\n\r\n{}\r\n", "x".repeat(400));
    let raw = format!("{HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--", part.repeat(5));
    let mail = MimeParser::new(bounds).parse(raw.as_bytes());
    assert_eq!(mail.findings, [MailFinding::DecodedTooLarge]);
    assert_eq!(mail.attachments.len(), 2);
}

#[test]
fn references_keep_the_last_fifty() {
    let mut ids = String::new();
    for number in 0..500 {
        write!(ids, "<{number}@example.org>\r\n ").unwrap();
    }
    let mail = parse(&format!("{HEAD}References: {}\r\n\r\n", ids.trim_end()));
    assert_eq!((mail.references.len(), mail.references[49].as_str()), (50, "499@example.org"));
}

#[test]
fn hostile_values_cost_linear_time() {
    for (name, unit) in [
        ("To", "a <a@example.org>, "),
        ("References", "<"),
        ("Reply-To", "((((\"<"),
        ("Content-Type", "a*1*=x; "),
        ("Date", "1 "),
        ("X", "=?utf-8?q?a?= "),
        ("Content-Disposition", "attachment; filename*99=\"=?utf-8?b?YQ==?=\"; "),
    ] {
        parse(&format!("{HEAD}{name}: {}\r\n\r\nbody", unit.repeat(200_000 / unit.len())));
    }
    let subject = "=?utf-8?q?a?= ".repeat(15_000);
    let started = Instant::now();
    let mail =
        MimeParser::default().parse(format!("From: a@example.org\r\nSubject: {subject}\r\n\r\n").as_bytes());
    assert!(started.elapsed() < Duration::from_millis(2500) && mail.subject.len() <= 255);
}
