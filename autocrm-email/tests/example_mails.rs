//! The mails of the demo desk, as the parser reads them.

#![expect(clippy::unwrap_used, reason = "a helper fails as the test that calls it")]

use std::{fs, path::Path};

use autocrm_core::{
    mail::{Automatic, MailFinding, ParsedMail},
    port::MailParser as _,
};
use autocrm_email::MimeParser;

fn example(name: &str) -> ParsedMail {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/mails").join(name);
    MimeParser::default().parse(&fs::read(path).unwrap())
}

fn reply(mail: &ParsedMail) -> &str {
    &mail.text[..mail.trimmed_at.unwrap_or(mail.text.len())]
}

#[test]
fn every_example_is_readable() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/mails");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "eml") {
            continue;
        }
        let mail = MimeParser::default().parse(&fs::read(&path).unwrap());
        let doubtful = path.ends_with("15-two-from-headers.eml");
        assert_eq!(mail.from.is_none(), doubtful, "{}", path.display());
        assert_eq!(mail.findings.is_empty(), !doubtful, "{}: {:?}", path.display(), mail.findings);
        assert!(mail.subject.len() > 10 && mail.text.len() > 100, "{}", path.display());
        assert!(mail.message_id.is_some() && mail.sent_at.is_some(), "{}", path.display());
        seen += 1;
    }
    assert!((14..=18).contains(&seen), "{seen}");
}

#[test]
fn header_values_are_decoded() {
    let mail = example("08-frage-zuordnung.eml");
    assert_eq!(mail.from_name.as_deref(), Some("Jürgen Groß"));
    assert_eq!(mail.subject, "Frage zur Zuordnung von Tickets an Teams (für uns wichtig)");
    assert!(mail.text.contains("wir möchten Tickets automatisch") && mail.text.ends_with("Jürgen Groß"));
    assert_eq!(mail.sent_at.unwrap().to_string(), "2026-11-18T08:15:27Z");
    let french = example("09-sauvegarde.eml");
    assert_eq!(french.subject, "Sauvegarde de la base SQLite : comment faire?");
    assert!(reply(&french).ends_with("Éloïse Lefèvre"));
    let quoted = example("02-own-transaction.eml");
    assert_eq!(quoted.from_name.as_deref(), Some("Okafor, Chidi"));
}

#[test]
fn soft_line_breaks_are_joined() {
    let mail = example("03-database-locked.eml");
    assert!(mail.text.contains(
        "since this morning’s deploy some requests fail because another process holds\nthe SQLite file."
    ));
}

#[test]
fn html_is_shown_as_text() {
    let mail = example("10-html-only.eml");
    assert!(mail.text.starts_with("Hi all,\n\nour client retries POST /api/tickets when"), "{}", mail.text);
    assert!(mail.text.contains("the API page <https://docs.autocrm.example/api> says."));
    assert!(mail.text.contains("- How long is a key remembered?\n- What happens"));
    assert!(!mail.text.contains("margin") && !mail.text.contains("A question about"));
}

#[test]
fn attachments_are_listed_with_decoded_names() {
    let mail = example("11-log-attached.eml");
    let [log] = mail.attachments.as_slice() else { panic!("{:?}", mail.attachments) };
    assert_eq!(log.name.as_str(), "server log 2026-11-19 朝.txt");
    assert_eq!((log.content_type.as_str(), log.size), ("text/plain", 98));
    assert!(mail.text.starts_with("Hello,") && mail.text.ends_with("Hana"));
}

#[test]
fn quoted_past_and_signatures_are_marked() {
    let mail = example("12-reply-with-quote.eml");
    assert!(reply(&mail).starts_with("That worked") && reply(&mail).ends_with("\n\nMara"));
    assert!(mail.text.contains("> Hello Mara,"));
    assert_eq!(mail.in_reply_to.len(), 1);
    assert_eq!(mail.references.len(), 2);
    assert!(reply(&example("01-embed-with-sqlite.eml")).ends_with("Thanks a lot,\nMara Lindqvist"));
    assert!(reply(&example("16-search-notes.eml")).ends_with("\n\nLucas"));
}

#[test]
fn automatic_mail_is_told_from_people() {
    assert_eq!(example("13-out-of-office.eml").automatic, Some(Automatic::AutoSubmitted));
    assert_eq!(example("07-outage-urgent.eml").automatic, None);
}

#[test]
fn double_from_is_untrusted() {
    let mail = example("15-two-from-headers.eml");
    assert_eq!(mail.findings, [MailFinding::AmbiguousSender]);
    assert!(mail.from.is_none() && mail.text.contains("change the address"));
}

#[test]
fn reply_to_is_not_the_author() {
    let mail = example("16-search-notes.eml");
    assert_eq!(mail.from.as_deref(), Some("lucas.almeida@example.com"));
    assert_eq!(mail.reply_to.as_deref(), Some("dev-list@example.com"));
}
