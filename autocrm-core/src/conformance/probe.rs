//! What scenarios ask of a backend behind its port's back.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    conformance::Backend,
    id::{OutboundId, TenantId},
    mail::BlobHash,
    port::Mailer,
    text::EmailAddress,
};

/// What became of a mail at a mailer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// How many times it was handed over.
    pub times: usize,
    /// The mail as it was handed over (RFC 5322); `None`: the mailer makes no such text.
    pub raw: Option<Bytes>,
}

/// A mail that a verifier has to believe, and its parts that the suite changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genuine {
    /// The raw mail, header and body divided by an empty line, lines ended by CRLF. Its author, subject and body are
    /// signed, it has no `Authentication-Results`, and it needs no client address to be believed.
    pub raw: Bytes,
    /// The one author's address, as it stands in the raw mail.
    pub author: EmailAddress,
    /// A word that stands in the subject and in the body, and nowhere else.
    pub word: &'static str,
}

/// What scenarios ask of a backend behind its port's back. A harness answers what its backend can; the rest is left
/// out of the scenarios that need it.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Replaces the stored bytes of a blob by others, as a failing disk would; `false`: it cannot.
    async fn spoil_blob(&self, _tenant: TenantId, _hash: BlobHash) -> bool {
        false
    }

    /// Lets the mailer's other side refuse a recipient for good from now on; `false`: it cannot.
    async fn refuse(&self, _recipient: &EmailAddress) -> bool {
        false
    }

    /// Returns a mail that the verifier has to believe. A harness of a verifier answers.
    async fn genuine(&self) -> Option<Genuine> {
        None
    }

    /// Lets every look-up of the verifier fail for now from now on; `false`: it cannot.
    async fn go_dark(&self) -> bool {
        false
    }

    /// Returns what became of a mail; `None`: it cannot tell.
    async fn delivered(&self, _mail: OutboundId) -> Option<Delivered> {
        None
    }
}

impl Backend<dyn Mailer> {
    pub(crate) async fn assert_delivered(&self, mail: OutboundId, times: usize) {
        if let Some(delivered) = self.delivered(mail).await {
            assert_eq!(delivered.times, times, "how often the mail was handed over");
        }
    }

    pub(crate) async fn delivered(&self, mail: OutboundId) -> Option<Delivered> {
        self.probe()?.delivered(mail).await
    }

    pub(crate) async fn refuse(&self, recipient: &EmailAddress) -> bool {
        match self.probe() {
            Some(probe) => probe.refuse(recipient).await,
            None => false,
        }
    }
}
