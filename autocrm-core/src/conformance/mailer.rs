//! Mailers: once per id, refusing for good what can never be sent.

use crate::{
    clock::{Stamp, Timestamp},
    conformance::{
        Backend,
        cancel::{Drops, drop_after},
        rig::{assert_refused, race},
    },
    error::ErrorKind,
    id::RandomIds,
    mail::{MessageIdHeader, OutboundMail, OutboundSpec, UnsubscribeLink, compose},
    port::Mailer,
    text::{Body, EmailAddress, Name, Subject},
};

/// A mailer, and what it has handed over to its recipients.
type Mails = Backend<dyn Mailer>;

fn mail(subject: &str) -> OutboundMail {
    let stamp = Stamp::new(Timestamp::from_micros(1_772_352_000_000_000), &RandomIds);
    let id: crate::id::OutboundId = stamp.id();
    let address = |text: &str| EmailAddress::new(text).expect("an address");
    let header = |text: String| MessageIdHeader::new(text).expect("a Message-ID");
    let spec = OutboundSpec {
        id,
        tenant: stamp.id(),
        ticket: stamp.id(),
        message: stamp.id(),
        message_id: header(format!("{id}@acme.example")),
        from: address("help@acme.example"),
        from_name: Name::new("Acme, \"Inc\" <x>: Größe 👩🏽‍🚀").expect("a name"),
        to: address("cleo@example.org"),
        cc: Vec::new(),
        bcc: Vec::new(),
        reply_to: Some(address("help+1.token@acme.example")),
        subject: Subject::new(subject).expect("a subject"),
        text: Body::new("Hello\r\n.\r\nFrom here\n\u{1}\rBcc: eve@example.org\n").expect("a text"),
        html: Some(Body::new("<p>Hello</p>\r\n.\r\n<p>\u{1}</p>\rBcc: eve@example.org\n").expect("a text")),
        in_reply_to: Some(header("first@example.org".to_owned())),
        references: vec![header("first@example.org".to_owned())],
        automatic: true,
        trigger: None,
        unsubscribe: Some(UnsubscribeLink::new("https://acme.example/u/1").expect("a link")),
        undo: std::time::Duration::ZERO,
    };
    compose(spec, &stamp).state
}

/// D1: the same mail again is answered with the first provider id and not sent a second time, also at once and after
/// the mailer was opened anew.
pub async fn d1_a_mail_is_sent_once(backend: Mails) {
    let mail = mail("once");
    let mailer = backend.port();
    let first = mailer.send(&mail).await.expect("the mail is taken");
    assert!(!first.provider_id.is_empty());
    let senders = (0..8).map(|sender| {
        let mailer = if sender % 2 == 0 { backend.port() } else { backend.other() };
        let mail = mail.clone();
        async move { mailer.send(&mail).await.expect("the mail is taken") }
    });
    assert!(race(senders).await.into_iter().all(|again| again == first));
    let other = self::mail("another");
    assert_ne!(mailer.send(&other).await.expect("the mail is taken"), first);
    backend.assert_delivered(mail.id, 1).await;
    backend.assert_delivered(other.id, 1).await;
    drop(mailer);
    if backend.capabilities().durable {
        let backend = backend.reopened().await.expect("it opens again");
        assert_eq!(backend.port().send(&mail).await.expect("the mail is taken"), first);
    }
}

/// D1: a send that was dropped half-way and made again sends once.
pub async fn d1_a_dropped_send_is_sent_once(backend: Mails) {
    let mailer = backend.port();
    let mut drops = Drops::of(&backend, "send");
    loop {
        let (round, polls) = (drops.round(), drops.polls());
        let mail = mail(&format!("dropped {round}"));
        let done = drop_after(polls, mailer.send(&mail)).await.is_some();
        let first = mailer.send(&mail).await.expect("the mail is taken");
        assert_eq!(mailer.send(&mail).await.expect("the mail is taken"), first);
        backend.assert_delivered(mail.id, 1).await;
        if !drops.goes_on(done) {
            return;
        }
    }
}

/// D2: the same id with other content is `KeyReused`; the first mail stands.
pub async fn d2_other_content_under_an_id_is_refused(backend: Mails) {
    let first = mail("first");
    let mailer = backend.port();
    let taken = mailer.send(&first).await.expect("the mail is taken");
    let another = |text: &str| EmailAddress::new(text).expect("an address");
    for changed in [
        OutboundMail { subject: Subject::new("second").expect("a subject"), ..first.clone() },
        OutboundMail { text: Body::new("other").expect("a text"), ..first.clone() },
        OutboundMail { to: another("max@example.org"), ..first.clone() },
    ] {
        let error = assert_refused(mailer.send(&changed).await, ErrorKind::KeyReused, "other content");
        assert!(!error.is_retryable());
    }
    assert_eq!(mailer.send(&first).await.expect("the mail is taken"), taken);
    backend.assert_delivered(first.id, 1).await;
}

/// D3: a mail that can never be sent is `Invalid` and not worth a retry; what may pass later is.
pub async fn d3_what_can_never_be_sent_is_invalid(backend: Mails) {
    let mailer = backend.port();
    let refused = EmailAddress::new("refused@example.org").expect("an address");
    if backend.refuse(&refused).await {
        let doomed = OutboundMail { to: refused, ..mail("never") };
        let error = assert_refused(mailer.send(&doomed).await, ErrorKind::Invalid, "a refused recipient");
        assert!(!error.is_retryable());
        backend.assert_delivered(doomed.id, 0).await;
    }
    mailer.send(&mail("after it")).await.expect("others are still sent");
}

/// D4: whatever the texts hold, no header is added to those of the mail.
pub async fn d4_no_text_adds_a_header(backend: Mails) {
    let mailer = backend.port();
    // Texts of one line hold no control character, so that folding and encoding are what is left to get wrong.
    for subject in [
        "Re: =?utf-8?q?=0D=0ABcc:_eve=40example.org?=".to_owned(),
        "x".repeat(255),
        "ü".repeat(255),
        "a\u{2028}Bcc: eve@example.org".to_owned(),
        "\u{FEFF}Bcc: eve@example.org".to_owned(),
        "long words ".repeat(23),
    ] {
        let mail = mail(subject.trim());
        mailer.send(&mail).await.expect("the mail is taken");
        let delivered = backend.delivered(mail.id).await;
        let Some(raw) = delivered.and_then(|delivered| delivered.raw) else { continue };
        let text = String::from_utf8_lossy(&raw).into_owned();
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        let names: Vec<String> = head
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split(':').next().unwrap_or_default().to_ascii_lowercase())
            .collect();
        for name in &names {
            assert!(
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()),
                "{name:?} in {head:?}"
            );
            assert!(!matches!(name.as_str(), "bcc" | "cc"), "a header was added: {head:?}");
            assert_eq!(
                names.iter().filter(|other| *other == name).count(),
                1,
                "{name} occurs once: {head:?}"
            );
        }
        assert!(
            !head.contains('\n') || head.split('\n').count() == head.split("\r\n").count(),
            "a bare line feed"
        );
    }
}
