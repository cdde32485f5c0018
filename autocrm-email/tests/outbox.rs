//! The folder of outgoing mails: each once, whole, and with the header that was asked for.

#![expect(clippy::unwrap_used, reason = "a helper fails as the test that calls it")]

use std::fs;

use autocrm_core::{
    clock::Timestamp,
    error::ErrorKind,
    mail::{DeliveryState, Engagement, MessageIdHeader, OutboundMail, OutboundState, ParsedMail},
    port::{MailParser as _, Mailer as _},
    text::{Body, EmailAddress, Name, Subject},
    transition::Version,
};
use autocrm_email::{Blind, FileOutbox, MimeParser};
use proptest::prelude::*;

fn mail(subject: &str, text: &str) -> OutboundMail {
    OutboundMail {
        id: "01934b7e-0000-7000-8000-000000000001".parse().unwrap(),
        tenant: "01934b7e-0000-7000-8000-000000000002".parse().unwrap(),
        version: Version::NEW,
        ticket: "01934b7e-0000-7000-8000-000000000003".parse().unwrap(),
        message: "01934b7e-0000-7000-8000-000000000004".parse().unwrap(),
        message_id: MessageIdHeader::new("01934b7e.token@autocrm.example").unwrap(),
        from: EmailAddress::new("support@autocrm.example").unwrap(),
        from_name: Name::new("AutoCRM Support").unwrap(),
        to: EmailAddress::new("ann@example.org").unwrap(),
        cc: Vec::new(),
        bcc: Vec::new(),
        reply_to: Some(EmailAddress::new("support+7.abc@autocrm.example").unwrap()),
        subject: Subject::new(subject).unwrap(),
        text: Body::new(text).unwrap(),
        html: None,
        in_reply_to: Some(MessageIdHeader::new("q1@example.org").unwrap()),
        references: (0..50)
            .map(|number| MessageIdHeader::new(format!("{number}@example.org")).unwrap())
            .collect(),
        automatic: false,
        trigger: None,
        unsubscribe: None,
        state: OutboundState::Pending,
        delivery: DeliveryState::Unknown,
        engagement: Engagement::default(),
        created_at: "2026-11-24T09:30:00Z".parse().unwrap(),
        due_at: "2026-11-24T09:30:00Z".parse().unwrap(),
    }
}

fn render(mail: &OutboundMail) -> autocrm_core::error::Result<Vec<u8>> {
    autocrm_email::render(mail, Blind::Dropped)
}

fn read(bytes: &[u8]) -> ParsedMail {
    MimeParser::default().parse(bytes)
}

fn header(bytes: &[u8]) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.split_once("\r\n\r\n").unwrap().0.to_owned()
}

fn field_names(bytes: &[u8]) -> Vec<String> {
    let head = header(bytes);
    let fields = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    fields.map(|line| line.split_once(':').unwrap().0.to_owned()).collect()
}

#[test]
fn what_is_written_reads_back() {
    let sent = mail(
        "Re: Grüße aus 東京 — a rather long subject that has to be folded somewhere",
        "Hallo Ann,\n\näöü 漢字\n\nBis bald",
    );
    let bytes = render(&sent).unwrap();
    let back = read(&bytes);
    assert_eq!(back.from.as_ref(), Some(&sent.from));
    assert_eq!(back.from_name.as_ref(), Some(&sent.from_name));
    assert_eq!(back.reply_to, sent.reply_to);
    assert_eq!(back.subject, sent.subject.as_str());
    assert_eq!(back.message_id.as_ref(), Some(&sent.message_id));
    assert_eq!(back.in_reply_to.first(), sent.in_reply_to.as_ref());
    assert_eq!(back.references, sent.references);
    assert_eq!(back.sent_at, Some(sent.created_at));
    assert_eq!(back.text, sent.text.as_str());
    assert_eq!((back.automatic, back.findings.len()), (None, 0));
    assert!(bytes.is_ascii());
}

#[test]
fn only_automatic_mail_says_so() {
    let mut sent = mail("Answer", "text");
    let person = header(&render(&sent).unwrap());
    assert!(!person.contains("Auto-Submitted") && !person.contains("Loop") && !person.contains("Precedence"));
    sent.automatic = true;
    let machine = header(&render(&sent).unwrap());
    assert!(
        machine.contains(
            "\r\nAuto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\nX-AutoCRM-Loop: 01934b7e-"
        ),
        "{machine}"
    );
    assert!(read(&render(&sent).unwrap()).automatic.is_some());
}

#[test]
fn what_mail_cannot_say_is_invalid() {
    let mut foreign = mail("x", "y");
    foreign.to = EmailAddress::new("änn@example.org").unwrap();
    assert_eq!(render(&foreign).unwrap_err().kind(), ErrorKind::Invalid);
    let mut early = mail("x", "y");
    early.created_at = Timestamp::from_micros(-1);
    assert_eq!(render(&early).unwrap_err().kind(), ErrorKind::Invalid);
    let mut late = mail("x", "y");
    late.created_at = Timestamp::MAX;
    assert!(render(&late).is_ok());
}

#[tokio::test]
async fn a_mail_is_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = FileOutbox::open(folder.path().join("new/outbox")).unwrap();
    let first = mail("Once", "text");
    let delivery = outbox.send(&first).await.unwrap();
    assert_eq!(outbox.send(&first).await.unwrap(), delivery);
    assert_eq!(FileOutbox::open(outbox.folder()).unwrap().send(&first).await.unwrap(), delivery);
    let other = mail("Once", "another text");
    assert_eq!(outbox.send(&other).await.unwrap_err().kind(), ErrorKind::KeyReused);
    let files: Vec<_> = fs::read_dir(outbox.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [only] = files.as_slice() else { panic!("{files:?}") };
    assert_eq!(only.file_name().unwrap(), format!("{}.eml", first.id).as_str());
    assert_eq!(fs::read(only).unwrap(), render(&first).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_sends_leave_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = FileOutbox::open(folder.path()).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..16 {
        let (sender, sent) = (outbox.clone(), mail("Race", if number % 2 == 0 { "a" } else { "b" }));
        tasks.spawn(async move { sender.send(&sent).await.map_err(|error| error.kind()) });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 8);
    assert!(
        outcomes
            .iter()
            .filter_map(|outcome| outcome.as_ref().err())
            .all(|kind| *kind == ErrorKind::KeyReused)
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_lost_folder_is_retryable() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = FileOutbox::open(folder.path().join("outbox")).unwrap();
    fs::remove_dir_all(outbox.folder()).unwrap();
    let error = outbox.send(&mail("x", "y")).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true));
    fs::write(folder.path().join("file"), "").unwrap();
    assert_eq!(FileOutbox::open(folder.path().join("file")).unwrap_err().kind(), ErrorKind::Unavailable);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn crlf_property(
        subject in r"[ -~äß漢\u{2028}\u{200b}]{1,255}",
        name in "[ -~é\u{2028}]{1,150}",
        id in "[!-;=?-~]{1,240}",
        text in r"(?s)[\r\n.ä\-a-zA-Z: ]{0,1500}",
        injected in prop::sample::select(vec!["", "\r\nBcc: x@example.org", "\nX: y", "\r\n\r\nbody", "\0"]),
    ) {
        let plain = field_names(&render(&mail("plain", "text")).unwrap());
        let mut sent = mail("plain", &text);
        let refused = !injected.is_empty();
        let with_break = format!("a{injected}b");
        prop_assert!(!refused || Subject::new(&with_break).is_err());
        prop_assert!(!refused || Name::new(&with_break).is_err());
        prop_assert!(!refused || MessageIdHeader::new(&with_break).is_err());
        if let Ok(value) = Subject::new(&subject) {
            sent.subject = value;
        }
        if let Ok(value) = Name::new(&name) {
            sent.from_name = value;
        }
        if let Ok(value) = MessageIdHeader::new(&id) {
            sent.message_id = value.clone();
            sent.references = vec![value; 50];
        }
        let bytes = render(&sent).unwrap();
        let mut names = field_names(&bytes);
        names.retain(|field| field != "Content-Transfer-Encoding");
        prop_assert!(names.iter().all(|field| plain.contains(field)), "{names:?}");
        prop_assert!(names.len() <= plain.len());
        prop_assert!(bytes.is_ascii());
        prop_assert!(bytes.split(|&byte| byte == b'\n').all(|line| line.len() <= 998 && (line.is_empty() || line.ends_with(b"\r") || bytes.ends_with(line))));
        let back = read(&bytes);
        prop_assert_eq!(back.from.as_ref(), Some(&sent.from));
        prop_assert_eq!(back.message_id.as_ref(), Some(&sent.message_id));
    }
}
