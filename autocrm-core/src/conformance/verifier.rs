//! Verifiers of senders: only what is proved, only for the author's domain.

use std::time::{Duration, Instant};

use crate::{
    conformance::{Backend, Genuine},
    error::Result,
    mail::{Check, SenderEvidence, SenderVerdict},
    port::SenderVerifier,
    testing::Dice,
};

async fn genuine(backend: &Backend<dyn SenderVerifier>) -> Genuine {
    let probe = backend.probe().expect("a harness of a verifier has a probe");
    probe.genuine().await.expect("a harness of a verifier gives a mail to believe")
}

async fn verdict(backend: &Backend<dyn SenderVerifier>, raw: &[u8]) -> Result<SenderVerdict> {
    backend.port().verify(&SenderEvidence { raw, sender: None, client: None }).await
}

async fn assert_unproved(backend: &Backend<dyn SenderVerifier>, raw: &[u8], what: &str) {
    let found = verdict(backend, raw).await.expect("a verdict");
    assert!(found.dmarc != Check::Pass && !found.trust().is_verified(), "{what}: {found:?}");
}

async fn assert_believed(backend: &Backend<dyn SenderVerifier>, mail: &Genuine) {
    let found = verdict(backend, &mail.raw).await.expect("a verdict");
    assert_eq!((found.dmarc, found.dkim), (Check::Pass, Check::Pass), "{found:?}");
}

fn text(mail: &Genuine) -> String {
    String::from_utf8(mail.raw.to_vec()).expect("a genuine mail is text")
}

fn domain(mail: &Genuine) -> &str {
    mail.author.rsplit_once('@').expect("an address has a domain").1
}

/// A1: DMARC passes only for exactly one author, whose domain the proof is for.
pub async fn a1_only_the_authors_domain_is_proved(backend: Backend<dyn SenderVerifier>) {
    let mail = genuine(&backend).await;
    assert_believed(&backend, &mail).await;
    let (raw, author) = (text(&mail), mail.author.as_str());
    for other in ["eve@example.net", &format!("eve@{}.example.net", domain(&mail)), "eve@localhost"] {
        assert_unproved(&backend, raw.replacen(author, other, 1).as_bytes(), other).await;
        let two = format!("From: {other}\r\n{raw}");
        assert_unproved(&backend, two.as_bytes(), "two authors, the other one first").await;
        let last = raw.replacen("\r\n\r\n", &format!("\r\nFrom: {other}\r\n\r\n"), 1);
        assert_unproved(&backend, last.as_bytes(), "two authors, the other one last").await;
        let listed = raw.replacen(author, &format!("{author}, {other}"), 1);
        assert_unproved(&backend, listed.as_bytes(), "a list of authors").await;
    }
}

/// A2: a mail of which anything signed was changed proves nothing.
pub async fn a2_what_was_changed_proves_nothing(backend: Backend<dyn SenderVerifier>) {
    let mail = genuine(&backend).await;
    assert_believed(&backend, &mail).await;
    let raw = text(&mail);
    let (head, body) = raw.split_once("\r\n\r\n").expect("a header and a body");
    let changed = body.replacen(mail.word, "changed", 1);
    assert_ne!(changed, body, "the body holds the word");
    assert_unproved(&backend, format!("{head}\r\n\r\n{changed}").as_bytes(), "another body").await;
    let longer = format!("{raw}And more.\r\n");
    assert_unproved(&backend, longer.as_bytes(), "a longer body").await;
    let other = head.replacen(mail.word, "changed", 1);
    assert_ne!(other, head, "the subject holds the word");
    assert_unproved(&backend, format!("{other}\r\n\r\n{body}").as_bytes(), "another subject").await;
}

/// A3: any bytes are answered within bounded time, and what cannot be read proves nothing.
pub async fn a3_any_bytes_are_answered(backend: Backend<dyn SenderVerifier>) {
    let mail = genuine(&backend).await;
    let mut dice = Dice::new(7);
    let mut odd: Vec<Vec<u8>> = vec![
        Vec::new(),
        vec![0; 1_000],
        vec![0xFF; 100_000],
        vec![b'\n'; 100_000],
        b"From: a@b.example".to_vec(),
        b"DKIM-Signature: v=1; a=rsa-sha256; d=; s=; bh=; b=\r\nFrom: a@b.example\r\n\r\nx".to_vec(),
        format!("{}From: a@b.example\r\n\r\nx", "DKIM-Signature: v=1\r\n".repeat(2_000)).into_bytes(),
    ];
    for _ in 0..100 {
        let mut bytes = mail.raw.to_vec();
        // Missing line ends at the end of a body change nothing (RFC 6376, section 3.4.3).
        bytes.truncate(dice.below(bytes.len() - 4));
        odd.push(bytes);
    }
    for bytes in odd {
        let start = Instant::now();
        assert_unproved(&backend, &bytes, &format!("{} odd bytes", bytes.len())).await;
        assert!(start.elapsed() < Duration::from_secs(20), "{} bytes take too long", bytes.len());
    }
}

/// A4: what cannot be found out now does not pass; it is `Unknown` or a retryable error.
pub async fn a4_what_cannot_be_found_out_does_not_pass(backend: Backend<dyn SenderVerifier>) {
    let mail = genuine(&backend).await;
    assert_believed(&backend, &mail).await;
    let probe = backend.probe().expect("a probe");
    if !probe.go_dark().await {
        return;
    }
    match verdict(&backend, &mail.raw).await {
        Ok(found) => assert_eq!(found.dmarc, Check::Unknown, "{found:?}"),
        Err(error) => assert!(error.is_retryable(), "{error}"),
    }
}

/// A5: the verdict names the author's domain in lower case, and nothing where no single author is named.
pub async fn a5_the_verdict_names_the_authors_domain(backend: Backend<dyn SenderVerifier>) {
    let mail = genuine(&backend).await;
    let raw = text(&mail);
    for (author, expected) in [
        (mail.author.as_str().to_owned(), domain(&mail)),
        ("eve@Example.NET".to_owned(), "example.net"),
        ("eve@example.net, ann@example.org".to_owned(), ""),
        ("nobody".to_owned(), ""),
    ] {
        let raw = raw.replacen(mail.author.as_str(), &author, 1);
        let found = verdict(&backend, raw.as_bytes()).await.expect("a verdict");
        assert_eq!(found.domain, expected, "{author}");
    }
}

/// A6: what a mail says about its own verification proves nothing.
pub async fn a6_a_mail_does_not_vouch_for_itself(backend: Backend<dyn SenderVerifier>) {
    for said in [
        "Authentication-Results: mx.example.com; dmarc=pass header.from=example.net; dkim=pass header.d=example.net",
        "ARC-Authentication-Results: i=1; mx.example.com; dmarc=pass header.from=example.net",
        "Received-SPF: pass (mx.example.com: domain of eve@example.net designates 192.0.2.1)",
    ] {
        let raw =
            format!("{said}\r\nFrom: eve@example.net\r\nSubject: Trust me\r\n\r\nIt is written above.\r\n");
        assert_unproved(&backend, raw.as_bytes(), said).await;
    }
}
