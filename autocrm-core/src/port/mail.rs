//! Mail in and out.

use async_trait::async_trait;

use crate::{
    error::Result,
    id::TenantId,
    mail::{Notice, NoticeData, OutboundMail, ParsedMail, SenderEvidence, SenderVerdict},
    text::{Key, Language},
};

/// Reads raw mails (RFC 5322).
///
/// # Contract
/// * **P1** Any bytes are answered within bounded time and memory; what cannot be read is in the findings.
/// * **P2** `from` is set only when the raw header holds exactly one well-formed `From` with exactly one mailbox.
/// * **P3** No text of the answer holds NUL; names and subject hold no control character.
pub trait MailParser: Send + Sync {
    /// Reads a raw mail.
    fn parse(&self, raw: &[u8]) -> ParsedMail;
}

/// Verifies that a mail comes from its author's domain: DKIM (RFC 6376), SPF (RFC 7208), DMARC (RFC 9989).
///
/// # Contract
/// * **A1** DMARC passes only for a mail whose raw header names exactly one author, and only if a signature or a host of
///   that author's domain, or of one aligned with it, is proved.
/// * **A2** A mail of which anything signed was changed proves nothing by that signature.
/// * **A3** Any bytes are answered within bounded time and memory; what cannot be read proves nothing.
/// * **A4** What cannot be found out now is `Unknown`, or a retryable error; it is never `Pass`.
/// * **A5** The verdict names the author's domain, in lower case; it is empty where no single author is named.
/// * **A6** What the mail itself says about its verification proves nothing, unless the operator's own mail server has
///   provably written it.
#[async_trait]
pub trait SenderVerifier: Send + Sync {
    /// Returns what is proved about the author's domain.
    async fn verify(&self, evidence: &SenderEvidence<'_>) -> Result<SenderVerdict>;
}

/// What a mailer answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The mailer's own id.
    pub provider_id: String,
}

/// Sends mails.
///
/// # Contract
/// * **D1** The mail's id is the idempotency key, for at least 24 hours: the same mail again is answered with the first
///   provider id and not sent a second time. A mailer whose other side knows no keys, as with SMTP, promises that for
///   the life of the process; of the mails that it held when it died, each may arrive a second time, with the same
///   Message-ID.
/// * **D2** The same id with other content is `KeyReused`.
/// * **D3** A mail that can never be sent is `Invalid`; anything that may pass later is retryable, a refusal of the
///   desk's own key or password included.
/// * **D4** No header value can add another header.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands a mail over.
    async fn send(&self, mail: &OutboundMail) -> Result<Delivery>;
}

/// Which template is filled with what.
#[derive(Debug, Clone, Copy)]
pub struct NoticeRequest<'a> {
    /// The tenant, who may have templates of their own.
    pub tenant: TenantId,
    /// The name of the template, such as `ticket.resolved`.
    pub template: &'a Key,
    /// The language wanted; `None`: the usual one.
    pub language: Option<&'a Language>,
    /// What it is filled with.
    pub data: &'a NoticeData,
}

/// Makes mails from templates.
///
/// # Contract
/// * **N1** The same request gives the same mail; nothing else is read or sent.
/// * **N2** Whatever the data holds, the subject is one line, and both forms of the mail tell the same.
/// * **N3** In HTML, data is text: it adds no element, attribute or link.
/// * **N4** A template that does not exist is `NotFound`, for every tenant but its own too.
/// * **N5** In a language without a template the usual one answers, and names its language.
pub trait Templates: Send + Sync {
    /// Fills a template.
    fn render(&self, request: &NoticeRequest<'_>) -> Result<Notice>;
}
