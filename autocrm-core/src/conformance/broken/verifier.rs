//! A toy verifier and its faults: a header field holds a hash over the author's domain, the subject and the body.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    conformance::{Genuine, Probe},
    error::{Error, ErrorKind, Result},
    mail::{BlobHash, Check, SenderEvidence, SenderVerdict},
    port::SenderVerifier,
    text::EmailAddress,
};

/// How the toy verifier is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProofFault {
    /// Nothing is wrong.
    None,
    /// A1: of several authors the first one is believed.
    FirstAuthor,
    /// A1: a proof for one domain counts for all.
    AnyDomain,
    /// A2: the body is not covered.
    BodyUncovered,
    /// A2: the subject is not covered.
    SubjectUncovered,
    /// A3: what cannot be read is believed.
    OddBelieved,
    /// A4: what cannot be looked up is believed.
    DarkBelieved,
    /// A5: the verdict names the domain of the proof.
    OtherDomain,
    /// A6: what the mail says about itself is believed.
    OwnWord,
}

/// The place where proofs are looked up. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notary(Arc<AtomicBool>);

/// Believes a mail whose `X-Proof` field names a domain and the hash that belongs to it.
pub(crate) struct ProofVerifier {
    pub(crate) notary: Notary,
    pub(crate) fault: ProofFault,
}

fn proof(domain: &str, subject: &str, body: &str) -> String {
    format!("{domain}/{}", BlobHash::of(format!("{domain}\n{subject}\n{body}").as_bytes()))
}

#[async_trait]
impl Probe for Notary {
    async fn genuine(&self) -> Option<Genuine> {
        let (domain, subject, body) = ("example.org", "The fox", "A fox runs.\r\n");
        let head =
            format!("X-Proof: {}\r\nFrom: ann@{domain}\r\nSubject: {subject}", proof(domain, subject, body));
        let raw = Bytes::from(format!("{head}\r\n\r\n{body}"));
        Some(Genuine { raw, author: EmailAddress::new(format!("ann@{domain}")).ok()?, word: "fox" })
    }

    async fn go_dark(&self) -> bool {
        self.0.store(true, Ordering::Relaxed);
        true
    }
}

#[async_trait]
impl SenderVerifier for ProofVerifier {
    async fn verify(&self, evidence: &SenderEvidence<'_>) -> Result<SenderVerdict> {
        let text = String::from_utf8_lossy(evidence.raw);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            let believed = if self.fault == ProofFault::OddBelieved { Check::Pass } else { Check::None };
            return Ok(SenderVerdict { dmarc: believed, ..SenderVerdict::default() });
        };
        let fields = |name: &str| -> Vec<String> {
            let named = head.split("\r\n").filter_map(|line| line.split_once(':'));
            named.filter(|(field, _)| *field == name).map(|(_, value)| value.trim().to_owned()).collect()
        };
        let authors = fields("From");
        let sole = authors.first().filter(|_| authors.len() == 1 || self.fault == ProofFault::FirstAuthor);
        let domain = sole
            .filter(|author| !author.contains(','))
            .and_then(|author| author.rsplit_once('@'))
            .map(|(_, domain)| domain.to_ascii_lowercase())
            .unwrap_or_default();
        let subject = fields("Subject").concat();
        let given = fields("X-Proof").concat();
        let proved = given.split('/').next().unwrap_or_default().to_owned();
        // A fault that leaves a part out hashes what the genuine mail says there.
        let body = if self.fault == ProofFault::BodyUncovered { "A fox runs.\r\n" } else { body };
        let subject = if self.fault == ProofFault::SubjectUncovered { "The fox" } else { &subject };
        let aligned = proved == domain || self.fault == ProofFault::AnyDomain;
        let mut passes = !domain.is_empty() && aligned && given == proof(&proved, subject, body);
        if self.notary.0.load(Ordering::Relaxed) && self.fault != ProofFault::DarkBelieved {
            return Err(Error::new(ErrorKind::Unavailable, "verify"));
        }
        if self.fault == ProofFault::OwnWord {
            passes |= fields("Authentication-Results").concat().contains("dmarc=pass");
        }
        let check = if passes { Check::Pass } else { Check::None };
        let named = if self.fault == ProofFault::OtherDomain { proved } else { domain };
        Ok(SenderVerdict { domain: named, dmarc: check, dkim: check, ..SenderVerdict::default() })
    }
}
