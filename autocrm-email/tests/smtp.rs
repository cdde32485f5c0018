//! Mails over SMTP: protected, threaded, and with failures that say what they are about.

#![expect(clippy::unwrap_used, reason = "a helper fails as the test that calls it")]

use std::time::Duration;

use autocrm_core::{
    error::{ErrorKind, Retry},
    mail::OutboundMail,
    port::{MailParser as _, Mailer as _},
    text::EmailAddress,
};
use autocrm_email::{
    MimeParser, SmtpConfig, SmtpMailer,
    testing::{SinkTrouble, SmtpSink},
};
use mail::outbound;
use tokio::task::JoinSet;

#[path = "support/mail.rs"]
mod mail;

const SIGNED: Option<(&str, &str)> = Some(("desk", "pass"));

fn config(sink: &SmtpSink, user: Option<(&str, &str)>) -> SmtpConfig {
    let config = SmtpConfig::from_url(&sink.url(user)).unwrap();
    config.root_certificate(sink.certificate().as_bytes()).unwrap()
}

fn mailer(sink: &SmtpSink) -> SmtpMailer {
    SmtpMailer::new(config(sink, None)).unwrap()
}

#[tokio::test]
async fn a_mail_arrives_whole_and_blind_recipients_stay_blind() {
    for sink in [SmtpSink::implicit().await.unwrap(), SmtpSink::starttls().await.unwrap()] {
        let sent = outbound();
        let taken = mailer(&sink).send(&sent).await.unwrap();
        assert_eq!(taken.provider_id, "2.0.0 queued as 00000001");
        let mails = sink.mails();
        assert_eq!(mails.len(), 1);
        assert!(mails[0].protected);
        assert_eq!(mails[0].sender, "help@acme.example");
        assert_eq!(mails[0].recipients, ["cleo@example.org", "copy@example.org", "blind@example.org"]);
        let raw = String::from_utf8(mails[0].raw.clone()).unwrap();
        assert!(!raw.contains("blind@example.org") && raw.contains("\r\nCc: copy@example.org\r\n"), "{raw}");
        for field in [
            "\r\nIn-Reply-To: <first@example.org>\r\n",
            "\r\nReferences: <zeroth@example.org> <first@example.org>\r\n",
            "\r\nAuto-Submitted: auto-replied\r\n",
            "\r\nList-Unsubscribe: <https://acme.example/u/1>\r\n",
            "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
            "\r\nContent-Type: multipart/alternative;\r\n",
        ] {
            assert!(raw.contains(field), "{field} in {raw}");
        }
        let back = MimeParser::default().parse(&mails[0].raw);
        assert_eq!(back.message_id, Some(sent.message_id));
        assert_eq!(back.from_name, Some(sent.from_name));
        assert_eq!(back.subject, sent.subject.as_str());
        assert_eq!(back.text.trim(), sent.text.trim());
        assert_eq!(back.reply_to, sent.reply_to);
    }
}

#[tokio::test]
async fn a_person_s_mail_says_nothing_of_machines_or_lists() {
    let sink = SmtpSink::implicit().await.unwrap();
    let sent = OutboundMail { automatic: false, unsubscribe: None, html: None, ..outbound() };
    mailer(&sink).send(&sent).await.unwrap();
    let raw = String::from_utf8(sink.mails()[0].raw.clone()).unwrap();
    for word in ["Auto-Submitted", "X-Auto", "Precedence", "List-", "multipart"] {
        assert!(!raw.contains(word), "{word} in {raw}");
    }
}

#[tokio::test]
async fn no_mail_leaves_without_the_protection_asked_for() {
    // The certificate's authority is not trusted.
    let sink = SmtpSink::implicit().await.unwrap();
    let strict = SmtpMailer::new(SmtpConfig::from_url(&sink.url(None)).unwrap()).unwrap();
    let error = strict.send(&outbound()).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Unavailable && error.is_retryable(), "{error:?}");
    assert!(sink.mails().is_empty());
    // The server offers no STARTTLS.
    let plain = SmtpSink::plain().await.unwrap();
    let asked = plain.url(None).replace("?tls=none", "");
    let strict = SmtpMailer::new(SmtpConfig::from_url(&asked).unwrap()).unwrap();
    let error = strict.send(&outbound()).await.unwrap_err();
    assert_eq!(error.retry_advice(), Retry::Later(Duration::from_mins(5)), "{error:?}");
    assert!(plain.mails().is_empty());
    // Told otherwise, it does without.
    mailer(&plain).send(&outbound()).await.unwrap();
    assert!(!plain.mails()[0].protected);
}

#[tokio::test]
async fn a_wrong_password_is_not_the_mail_s_fault() {
    let sink = SmtpSink::starttls().await.unwrap();
    sink.require("desk", "pass");
    let wrong = SmtpMailer::new(config(&sink, Some(("desk", "word")))).unwrap();
    let error = wrong.send(&outbound()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.retry_advice(), Retry::Later(Duration::from_mins(5)));
    assert_eq!(mailer(&sink).send(&outbound()).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(sink.mails().is_empty());
    SmtpMailer::new(config(&sink, SIGNED)).unwrap().send(&outbound()).await.unwrap();
    assert_eq!(sink.mails()[0].user.as_deref(), Some("desk"));
}

#[tokio::test]
async fn a_failure_says_what_it_is_about() {
    let sink = SmtpSink::implicit().await.unwrap();
    let mailer =
        SmtpMailer::new(config(&sink, None).timeouts(Duration::from_millis(300), Duration::from_secs(10)))
            .unwrap();
    for (trouble, kind, about) in [
        (SinkTrouble::Text(451), ErrorKind::Unavailable, "answer 451"),
        (SinkTrouble::Text(554), ErrorKind::Invalid, "answer 554"),
        // Said to everybody, so that it is not about the mail.
        (SinkTrouble::Greeting(554), ErrorKind::Unavailable, "answer 554"),
        (SinkTrouble::Greeting(421), ErrorKind::Unavailable, "answer 421"),
        (SinkTrouble::Silence, ErrorKind::Timeout, ""),
        (SinkTrouble::Dropped, ErrorKind::Unavailable, ""),
    ] {
        sink.trouble(trouble);
        let fresh = SmtpMailer::new(
            config(&sink, None).timeouts(Duration::from_millis(300), Duration::from_secs(10)),
        )
        .unwrap();
        let error = fresh.send(&outbound()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{trouble:?}: {error:?}");
        assert!(error.to_string().contains(about), "{trouble:?}: {error}");
        assert!(!error.to_string().contains('@'), "no address is told: {error}");
    }
    sink.trouble(SinkTrouble::None);
    sink.refuse(&EmailAddress::new("blind@example.org").unwrap());
    let before = sink.mails().len();
    let error = mailer.send(&outbound()).await.unwrap_err();
    assert_eq!((error.kind(), sink.mails().len()), (ErrorKind::Invalid, before), "all get it or none");
}

#[tokio::test]
async fn connections_are_used_again_and_never_too_many() {
    let sink = SmtpSink::implicit().await.unwrap();
    let mailer = SmtpMailer::new(config(&sink, None).connections(2)).unwrap();
    let mut sending = JoinSet::new();
    for _ in 0..20 {
        let handle = mailer.clone();
        sending.spawn(async move { handle.send(&outbound()).await.unwrap() });
    }
    assert_eq!(sending.join_all().await.len(), 20);
    assert_eq!((sink.mails().len(), sink.connections()), (20, 2));
}

#[tokio::test]
async fn more_recipients_than_allowed_are_refused() {
    let sink = SmtpSink::implicit().await.unwrap();
    let many = (0..49).map(|number| EmailAddress::new(format!("a{number}@example.org")).unwrap()).collect();
    let error = mailer(&sink).send(&OutboundMail { bcc: many, ..outbound() }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(sink.mails().is_empty());
}
