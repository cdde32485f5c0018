//! The suite on the verifier of senders, and what it proves of signed mails.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/signing.rs"]
mod signing;

use std::sync::Arc;

use async_trait::async_trait;
use autocrm_core::{
    conformance::{Backend, Genuine, Harness, Probe},
    mail::{Check, SenderEvidence, SenderTrust, SenderVerdict, VerdictSource},
    port::SenderVerifier,
    text::EmailAddress,
};
use autocrm_email::{AuthVerifier, DnsTable, TrustedResults};
use bytes::Bytes;

use signing::Signer;

const BODY: &str = "A fox runs\r\nthrough the night.\r\n";

struct Local;

/// Signs a mail of a domain whose records are in the table.
struct Desk {
    signer: Signer,
    table: DnsTable,
}

impl Desk {
    fn of(policy: Option<&str>) -> Self {
        let signer = Signer::new("example.org");
        let mut records = vec![
            signer.record(),
            ("example.org".to_owned(), "v=spf1 ip4:192.0.2.1 -all".to_owned()),
            ("shared.example.net".to_owned(), "v=spf1 ip4:192.0.2.1 -all".to_owned()),
        ];
        if let Some(policy) = policy {
            records.push(("_dmarc.example.org".to_owned(), policy.to_owned()));
        }
        Self { signer, table: DnsTable::new(records) }
    }

    fn verifier(&self) -> AuthVerifier {
        AuthVerifier::with_table(self.table.clone()).unwrap()
    }

    fn mail(&self, from: &str) -> String {
        let head = format!(
            "From: Ann <{from}>\r\nTo: support@desk.example\r\nSubject: The fox\r\nDate: Tue, 3 Nov 2026 10:00:00 +0000\r\n"
        );
        self.signer.sign(&format!("{head}\r\n{BODY}"))
    }
}

#[async_trait]
impl Probe for Desk {
    async fn genuine(&self) -> Option<Genuine> {
        let raw = Bytes::from(self.mail("ann@example.org"));
        Some(Genuine { raw, author: EmailAddress::new("ann@example.org").ok()?, word: "fox" })
    }

    async fn go_dark(&self) -> bool {
        self.table.set_dark(true);
        true
    }
}

#[async_trait]
impl Harness<dyn SenderVerifier> for Local {
    async fn fresh(&self) -> Backend<dyn SenderVerifier> {
        let desk = Desk::of(Some("v=DMARC1; p=reject"));
        Backend::new(Arc::new(desk.verifier()) as Arc<dyn SenderVerifier>).with_probe(desk)
    }
}

mod verifier {
    use super::Local;

    autocrm_core::sender_verifier_conformance!(Local);
}

async fn verify(verifier: &AuthVerifier, raw: &str) -> SenderVerdict {
    verifier.verify(&SenderEvidence { raw: raw.as_bytes(), sender: None, client: None }).await.unwrap()
}

#[tokio::test]
async fn a_signature_without_a_policy_is_alignment_only() {
    let desk = Desk::of(None);
    let found = verify(&desk.verifier(), &desk.mail("ann@example.org")).await;
    assert_eq!((found.dmarc, found.dkim, found.trust()), (Check::None, Check::Pass, SenderTrust::Aligned));
    // Without a policy nothing says that a subdomain is the same organisation.
    let found = verify(&desk.verifier(), &desk.mail("ann@mail.example.org")).await;
    assert_eq!(found.trust(), SenderTrust::Unverified, "{found:?}");
}

#[tokio::test]
async fn the_policy_of_the_organisation_covers_its_subdomains() {
    let relaxed = Desk::of(Some("v=DMARC1; p=reject"));
    let found = verify(&relaxed.verifier(), &relaxed.mail("ann@mail.example.org")).await;
    assert_eq!(found.dmarc, Check::Pass, "{found:?}");
    let strict = Desk::of(Some("v=DMARC1; p=reject; adkim=s"));
    let found = verify(&strict.verifier(), &strict.mail("ann@mail.example.org")).await;
    assert_eq!((found.dmarc, found.trust()), (Check::Fail, SenderTrust::Failed), "{found:?}");
}

#[tokio::test]
async fn a_mail_kept_with_unix_line_ends_is_believed() {
    let desk = Desk::of(Some("v=DMARC1; p=reject"));
    let raw = desk.mail("ann@example.org").replace("\r\n", "\n");
    assert_eq!(verify(&desk.verifier(), &raw).await.dmarc, Check::Pass);
}

#[tokio::test]
async fn a_signature_over_a_part_of_the_body_proves_nothing() {
    let desk = Desk::of(Some("v=DMARC1; p=reject"));
    let head = "From: ann@example.org\r\nSubject: The fox\r\n";
    let raw = desk.signer.sign_part(&format!("{head}\r\n{BODY}"));
    assert!(raw.contains("l="), "{raw}");
    assert_eq!(verify(&desk.verifier(), &raw).await.dmarc, Check::Fail);
}

#[tokio::test]
async fn spf_counts_where_the_client_is_known_and_the_path_is_aligned() {
    let desk = Desk::of(Some("v=DMARC1; p=reject"));
    let verifier = desk.verifier();
    let raw = "From: ann@example.org\r\nSubject: No signature\r\n\r\nHello\r\n";
    for (ip, sender, expected) in [
        ("192.0.2.1", "bounce@example.org", Check::Pass),
        ("192.0.2.9", "bounce@example.org", Check::Fail),
        // The path passes for its own domain, which is not the author's.
        ("192.0.2.1", "bounce@shared.example.net", Check::Fail),
    ] {
        let sender = EmailAddress::new(sender).unwrap();
        let client = Some((ip.parse().unwrap(), "mx.example.org"));
        let evidence = SenderEvidence { raw: raw.as_bytes(), sender: Some(&sender), client };
        let found = verifier.verify(&evidence).await.unwrap();
        assert_eq!(found.dmarc, expected, "{ip} {sender}: {found:?}");
    }
    let evidence = SenderEvidence { raw: raw.as_bytes(), sender: None, client: None };
    assert_eq!(
        verifier.verify(&evidence).await.unwrap().dmarc,
        Check::Fail,
        "without the client nothing is known"
    );
}

#[tokio::test]
async fn the_operators_server_is_believed_where_nothing_else_proves_the_author() {
    let desk = Desk::of(Some("v=DMARC1; p=reject"));
    let verifier = desk.verifier().trusting(TrustedResults::of("mx.desk.example"));
    let head = "From: ann@example.org\r\nSubject: Hello\r\n\r\nHello\r\n";
    let told = "Authentication-Results: mx.desk.example; dmarc=pass header.from=example.org\r\n";
    let found = verify(&verifier, &format!("{told}{head}")).await;
    assert_eq!((found.dmarc, found.source), (Check::Pass, VerdictSource::Provider));
    assert_eq!(verify(&desk.verifier(), &format!("{told}{head}")).await.dmarc, Check::Fail);
    desk.table.set_dark(true);
    assert_eq!(
        verify(&verifier, &format!("{told}{head}")).await.dmarc,
        Check::Pass,
        "even when no one else can tell"
    );
}

#[tokio::test]
async fn a_thousand_signatures_over_a_large_body_cost_little() {
    let desk = Desk::of(Some("v=DMARC1; p=reject"));
    let signatures: Vec<String> = (0..1_000)
        .map(|number| {
            format!("DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s{number}; h=from; bh=AAAA; b=AAAA; l={number}\r\n")
        })
        .collect();
    let signatures = signatures.concat();
    let raw = format!("{signatures}{}{}", desk.mail("ann@example.org"), "x\r\n".repeat(2_000_000));
    let begun = std::time::Instant::now();
    let found = verify(&desk.verifier(), &raw).await;
    assert_eq!(found.dmarc, Check::Fail, "the body was added to");
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
}
