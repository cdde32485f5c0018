//! Fuzz targets as plain functions: each takes any bytes, and holds what its function promises. The tests replay the
//! seeds and mutate them for a few seconds; `AUTOCRM_FUZZ_SECONDS` at compile time makes that longer.

#![expect(clippy::unwrap_used, reason = "a helper fails as the test that calls it")]

#[path = "support/mutation.rs"]
mod mutation;

use std::time::{Duration, Instant};

use autocrm_core::{
    access::{Actor, Scope},
    app::AutoCrm,
    clock::Timestamp,
    id::{IdSource as _, RandomIds, TenantId},
    mail::{Envelope, MailKey, MailKeys},
    memory::{MemoryBlobs, MemoryStore},
    page::PageRequest,
    port::MailParser as _,
    tenant::TenantPolicy,
    text::{EmailAddress, ExternalId, Name},
    worker::{Worker, WorkerConfig},
};
use autocrm_email::{
    AuthVerifier, Bounds, Classified, DnsTable, MimeParser, RemoteImages, classify, newest_reply,
    parse::{
        header::Header,
        html::{convert, nests_deeper_than},
        reply::newest_reply_marked,
    },
    sanitize, tnef_files,
    webhook::{ResendEvent, SignedHeaders, WebhookKey, WebhookVerifier},
};
use mutation::{Random, mutate};

/// The strict scan: fields lie inside the header, an author is one mailbox, and a `From` in doubt names nobody.
fn header_scan(bytes: &[u8]) {
    let header = Header::scan(bytes, 10_000);
    assert!(header.body() <= bytes.len());
    for field in header.fields() {
        assert!(
            !field.name().is_empty()
                && field.name().bytes().all(|byte| (33..=126).contains(&byte) && byte != b':')
        );
        assert!(!field.unfolded().iter().any(|byte| matches!(byte, b'\r' | b'\n')));
    }
    let authors = header.fields().iter().filter(|field| field.name().eq_ignore_ascii_case("from")).count();
    if let Ok(author) = header.author() {
        assert_eq!(authors, 1);
        assert_eq!(author.address.as_str().matches('@').count(), 1);
    }
}

/// Classes: a report tells of bounded recipients, and its ids hold no bracket.
fn dsn(bytes: &[u8]) {
    let bounds = Bounds::default();
    let class = classify(bytes, &bounds);
    assert_eq!(class, classify(bytes, &bounds), "the same bytes are of the same class");
    if let Classified::Delivery(report) = class {
        assert!(report.recipients.len() <= 1000 && report.returned.len() <= 8);
        assert!(report.returned.iter().all(|id| !id.as_str().contains(['<', '>'])));
        for found in &report.recipients {
            let line = found.diagnostic.as_deref().unwrap_or_default();
            assert!(line.chars().count() <= 1000 && !line.chars().any(char::is_control));
        }
    }
}

/// The newest reply is a range of the text on character boundaries, and finding it in itself trims no words that it has
/// kept outside of signatures.
fn reply_strip(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let found = newest_reply(&text);
    let range = found.range();
    assert!(
        text.is_char_boundary(range.start) && text.is_char_boundary(range.end) && range.start <= range.end
    );
    assert!(!found.text(&text).trim().is_empty() || text.trim().is_empty(), "something is always shown");
    let converted = convert(&text, 10_000);
    assert!(converted.text.len() <= 10_000 && !converted.text.contains('\0'));
    let marked = newest_reply_marked(&converted.text, &converted.marks);
    assert!(marked.range().end <= converted.text.len());
    let mail = MimeParser::default().parse(bytes);
    assert!(mail.text.contains(mail.newest_reply()));
}

/// What is sanitised holds nothing that runs, stays so when it is sanitised again, and fits a tree.
fn sanitizer(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(safe) = sanitize(&text, RemoteImages::Block) else {
        return;
    };
    let lower = safe.html.to_lowercase();
    for tag in [
        "<script", "<style", "<iframe", "<svg", "<math", "<form", "<input", "<meta", "<base", "<link",
        "<object", "<!--",
    ] {
        assert!(!lower.contains(tag), "{tag} in {}", safe.html);
    }
    assert!(!safe.html.contains('\0'));
    assert!(!nests_deeper_than(&safe.html, 1000));
    if let Ok(again) = sanitize(&safe.html, RemoteImages::Block) {
        assert_eq!(again.blocked_images, 0, "a blocked picture is gone: {}", safe.html);
    }
}

/// Files lie inside the stream, and there are no more than asked for.
fn tnef(bytes: &[u8]) {
    let found = tnef_files(bytes, 20);
    assert!(found.len() <= 20);
    for file in found {
        assert!(!file.bytes.is_empty() && file.bytes.len() <= bytes.len());
        assert!(file.name.is_none_or(|name| !name.contains('\0')));
    }
}

/// The whole way in: whatever the bytes are, the mail is filed on one ticket at the first attempt, its text is clean, and
/// an author who is named is named in one way.
fn eml_pipeline(bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let keys = MailKeys::new(MailKey::new(vec![7; 32]).unwrap(), Vec::new());
        let verifier = AuthVerifier::with_table(DnsTable::default()).unwrap();
        let crm = AutoCrm::builder()
            .store(MemoryStore::new())
            .blobs(MemoryBlobs::new())
            .parser(MimeParser::default())
            .verifier(verifier)
            .mail_keys(keys)
            .build()
            .unwrap();
        let tenant = TenantId::from_uuid(RandomIds.uuid(Timestamp::EPOCH));
        let support = EmailAddress::new("support@desk.example").unwrap();
        let (name, policy) = (Name::new("Desk").unwrap(), TenantPolicy::default());
        crm.admin().found_tenant(tenant, &name, Some(&support), policy).await.unwrap();
        let raw = bytes::Bytes::copy_from_slice(bytes);
        let received = crm.mailbox().receive(&Envelope::to(support), &raw).await.unwrap();
        let worker = Worker::new(crm.clone(), WorkerConfig::default());
        let done = worker.drain().await.unwrap();
        assert_eq!((done.retried, done.dead, done.lost), (0, 0, 0), "{done:?}");
        let scope = Scope::tenant_wide(tenant);
        let mail = crm.store().inbound(&scope, received.mail).await.unwrap().unwrap();
        let ticket = mail.outcome.ticket().unwrap();
        let page = PageRequest::first(10);
        let messages =
            crm.conversations().messages(&Actor::system(tenant), ticket, &page).await.unwrap().items;
        assert!((1..=2).contains(&messages.len()), "a message, and perhaps a note");
        assert!(messages.iter().all(|message| !message.body.contains('\0')));
        assert!(!mail.trust.is_verified(), "nothing is proved by no record at all");
    });
}

/// A webhook is believed only as it was signed; what is read of it is bounded, and anything else is refused.
fn webhook_verify(bytes: &[u8]) {
    let key = WebhookKey::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let verifier = WebhookVerifier::new(vec![key.clone()]);
    let now = Timestamp::from_micros(1_614_265_330_000_000);
    // Header lines first, then the body.
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(4, '\n');
    let mut next = || parts.next().unwrap_or_default();
    let (id, timestamp, signature, body) = (next(), next(), next(), next());
    let headers = SignedHeaders { id, timestamp, signature };
    let believed = verifier.verify(&headers, body.as_bytes(), now).is_ok();
    let expected = key.sign(id, timestamp, body.as_bytes());
    assert!(!believed || signature.split(' ').any(|one| one == expected), "{text:?} was never signed");
    let Ok(known) = ExternalId::new("msg_1") else { return };
    match ResendEvent::read(&known, body.as_bytes(), now) {
        Ok(ResendEvent::Received(mail)) => assert!((1..=50).contains(&mail.recipients.len())),
        Ok(ResendEvent::Other { kind }) => assert!(kind.chars().count() <= 100),
        Ok(ResendEvent::News(_)) | Err(_) => {}
    }
}

fn replay_and_mutate(target: fn(&[u8]), seeds: &[&[u8]], splices: &[&[u8]], seed: u64) {
    let corpus: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.to_vec()).collect();
    for seed in &corpus {
        target(seed);
    }
    let seconds = option_env!("AUTOCRM_FUZZ_SECONDS").and_then(|text| text.parse().ok()).unwrap_or(2);
    let mut random = Random(seed);
    let started = Instant::now();
    let mut rounds = 0_u32;
    while started.elapsed() < Duration::from_secs(seconds) || rounds < 200 {
        let mut bytes = corpus[random.below(corpus.len())].clone();
        mutate(&mut bytes, &corpus, splices, &mut random);
        target(&bytes);
        rounds += 1;
    }
}

#[test]
fn header_scan_holds() {
    let seeds: &[&[u8]] = &[
        b"From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nSubject: a\r\n b\r\n\r\nbody",
        b"From: a@example.org\nFrom: b@example.org\n\n",
        b"From: \"a, b\" (c) <a@example.org>, d: e@example.org;\n\n",
        b"Fr om: a@example.org\nFrom : b@example.org\n\n",
        b"",
    ];
    let splices: &[&[u8]] = &[
        b"\r\n", b"\n", b"\r", b"\0", b":", b" ", b"From:", b"<", b">", b"\"", b"@", b",", b"\xff", b"(",
        b"\\",
    ];
    replay_and_mutate(header_scan, seeds, splices, 0x00c0_ffee);
}

#[test]
fn dsn_holds() {
    let seeds: &[&[u8]] = &[
        b"From: x@example.net\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nsorry\n--b\n\
          Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@example.org\nAction: failed\n\
          Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no\n\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <a@b>\n\nx\n--b--\n",
        b"Return-Path: <>\nFrom: MAILER-DAEMON@x\nSubject: failure notice\n\n<a@example.org>:\n550 no such user\n\n\
          --- Below this line is a copy of the message.\n\nMessage-ID: <a@b>\n",
        b"Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n--b--\n",
        b"From: a@example.org\nAuto-Submitted: auto-replied; x=y\nX-Loop: yes\nPrecedence: bulk\nList-Id: <x>\n\nAway\n",
        b"X-Amz-Sns-Message-Id: 1\nFrom: no-reply@example.com\n\n{\"notificationType\":\"Bounce\"}",
    ];
    let splices: &[&[u8]] = &[
        b"\n\n",
        b"--b\n",
        b"5.1.1",
        b"4.",
        b"\\x{41}",
        b"utf-8;",
        b"<>",
        b"X-Failed-Recipients: a@b.example,",
        b"Status:",
        b"Action: x\n",
        b"Content-Type: message/global-delivery-status\n",
        b"\xff\xfe",
        b"Message-ID: <",
        b"\x1b$B",
    ];
    replay_and_mutate(dsn, seeds, splices, 0x00d5_2026);
}

#[test]
fn reply_strip_holds() {
    let seeds: &[&[u8]] = &[
        include_bytes!("replies/attributions.txt"),
        include_bytes!("replies/blocks.txt"),
        include_bytes!("replies/layouts.txt"),
        include_bytes!("replies/html.txt"),
        b"From: a@example.org\nContent-Type: text/html\n\n<p>x<div id=divRplyFwdMsg>y",
    ];
    let splices: &[&[u8]] = &[
        b"\n",
        b"\n\n",
        b"> ",
        b"-- \n",
        b"On 3 Mar 2026 at 10:12, a@b.example wrote:\n",
        b"From: a\nSent: b\nTo: c\n",
        b"-----Original Message-----\n",
        b"<div class=gmail_quote>",
        b"<blockquote type=cite>",
        b"</div>",
        b"<div id=appendonsend>",
        "\u{202e}\u{feff}\u{3000}".as_bytes(),
        b":",
        b"<",
        b"|",
        b"##- Please reply above this line -##",
    ];
    replay_and_mutate(reply_strip, seeds, splices, 0x0ab1_e5e5);
}

#[test]
fn sanitize_holds() {
    let seeds: &[&[u8]] = &[
        include_bytes!("replies/html.txt"),
        b"<svg><style><img src=x onerror=alert(1)></style></svg><math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;\">",
        b"<table><tr><td style='color:red;background:url(x)'>a<p><b><a href=javascript:x>b</table><img src=cid:a@b>",
        b"<noscript><p title=\"</noscript><img src=x>\"><template><textarea></template><select><option><script>x</script>",
    ];
    let splices: &[&[u8]] = &[
        b"<",
        b">",
        b"\"",
        b"'",
        b"<!--",
        b"-->",
        b"</",
        b"<script>",
        b"</style>",
        b"<svg>",
        b"<math>",
        b"<mtext>",
        b"<table>",
        b"<![CDATA[",
        b"&#x3c;",
        b"&lt;",
        b"style=\"",
        b"\\75rl(",
        b"/*",
        b"\0",
        b"\xff",
        b"<img src=http://x>",
        b"<plaintext>",
        b"<foreignObject>",
        b"<annotation-xml encoding=text/html>",
    ];
    replay_and_mutate(sanitizer, seeds, splices, 0x5a4e_17e5);
}

#[test]
fn tnef_holds() {
    let mut stream = vec![0x78, 0x9f, 0x3e, 0x22, 1, 0];
    let list: &[u8] = &[
        2, 0, 0, 0, 0x1f, 0, 7, 0x37, 1, 0, 0, 0, 4, 0, 0, 0, b'a', 0, 0, 0, 2, 1, 1, 0x37, 1, 0, 0, 0, 2, 0,
        0, 0, 1, 2, 0, 0,
    ];
    for (level, id, data) in [
        (1_u8, 0x0006_9007_u32, &[0xe4_u8, 4, 0, 0, 0, 0, 0, 0][..]),
        (2, 0x0006_9002, &[0; 14]),
        (2, 0x0001_8010, b"a.txt\0"),
        (2, 0x0006_800f, b"hello"),
        (2, 0x0006_9002, &[0; 14]),
        (2, 0x0006_9005, list),
    ] {
        stream.push(level);
        stream.extend(id.to_le_bytes());
        stream.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        stream.extend(data);
        stream.extend([0, 0]);
    }
    let splices: &[&[u8]] = &[
        &[0xff; 4],
        &[0; 4],
        &[2, 5, 0x90, 6, 0],
        &[0x1f, 0x10],
        &[0, 0x80],
        &[1, 0, 0, 0],
        &[0x78, 0x9f, 0x3e, 0x22],
        &[2, 2, 0x90, 6, 0, 0, 0, 0, 0, 0, 0],
    ];
    replay_and_mutate(tnef, &[&stream, b"x"], splices, 0x07ae_f000);
}

#[test]
fn eml_pipeline_holds() {
    let seeds: &[&[u8]] = &[
        b"From: Ann <ann@example.org>\r\nMessage-ID: <1@example.org>\r\nSubject: Hello [#1]\r\nIn-Reply-To: <a@b>\r\n\r\nHello\r\n",
        b"Return-Path: <>\r\nFrom: MAILER-DAEMON@x\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
          --b\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n",
        b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s; h=from; bh=AAAA; b=AAAA\r\nFrom: ann@example.org\r\n\r\nx",
        b"From: a@example.org\r\nAuto-Submitted: auto-replied\r\nContent-Type: text/html; charset=utf-7\r\n\r\n<p>Away+AD4-",
        b"From: a@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: attachment; filename=\"\xe2\x80\x8b.x\"\r\n\r\nx\r\n--b--",
        b"\xff\xfe\0",
    ];
    let splices: &[&[u8]] = &[
        b"\r\n",
        b"\n",
        b"\0",
        b"From: b@example.org\r\n",
        b"Message-ID: <",
        b"References: <x@y> ",
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"--b\r\n",
        b"=?utf-8?q?=0D=0A?=",
        b"[#1]",
        b"DKIM-Signature: v=1; d=example.org;\r\n",
        b"Auto-Submitted: x\r\n",
        b"\xff",
    ];
    replay_and_mutate(eml_pipeline, seeds, splices, 0x0e31_2026);
}

#[test]
fn webhook_verify_holds() {
    let seeds: &[&[u8]] = &[
        b"msg_p5jXN8AQM9LWM0D4loKWxJek\n1614265330\nv1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\n{\"test\": 2432232314}",
        b"msg_1\n1614265331\nv1,AAAA v1a,x v2,y\n{\"type\":\"email.bounced\",\"created_at\":\"2026-11-24T08:00:00Z\",\"data\":{\"tags\":\
          {\"autocrm_tenant\":\"01934b7e-0000-7000-8000-000000000002\",\"autocrm_mail\":\"01934b7e-0000-7000-8000-000000000001\"},\
          \"bounce\":{\"type\":\"Permanent\",\"subType\":\"General\"}}}",
        b"msg_2\n1614265330\n\n{\"type\":\"email.received\",\"data\":{\"email_id\":\"in-1\",\"received_for\":[\"help@acme.example\"]}}",
        b"msg_3\n-1\nv1,\n{\"type\":\"email.opened\",\"data\":{\"tags\":[{\"name\":\"autocrm_mail\",\"value\":\"x\"}],\"open\":{\"userAgent\":\"\"}}}",
        b"",
    ];
    let splices: &[&[u8]] = &[
        b"\n",
        b" ",
        b".",
        b"v1,",
        b"=",
        b"{",
        b"}",
        b"[",
        b"null",
        b"\"type\":",
        b"\0",
        b"\xff",
        b"99999999999",
    ];
    replay_and_mutate(webhook_verify, seeds, splices, 0x0bad_cafe);
}
