//! Whether a mail comes from its author's domain: DKIM (RFC 6376), SPF (RFC 7208) and DMARC (RFC 9989).
//!
//! The strict header scan decides who the author is; mail-auth verifies that mail and no other reading of it. ARC is not
//! looked at: whoever sealed a mail is not its author.

mod dns;
mod results;
mod signed;

use std::time::Duration;

use async_trait::async_trait;
use autocrm_core::{
    error::{Error, ErrorKind, Result},
    mail::{Check, SenderEvidence, SenderVerdict, VerdictSource},
    port::SenderVerifier,
    text::EmailAddress,
};
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, DmarcOutput, DmarcResult, MessageAuthenticator, Parameters,
    SpfOutput, SpfResult,
    common::to_a_label,
    dmarc::verify::DmarcParameters,
    hickory_resolver::config::{ResolverConfig, ResolverOpts},
    spf::verify::SpfParameters,
};

pub use dns::DnsTable;
pub use results::TrustedResults;

use crate::parse::{Bounds, header::Header};
use dns::Records;

const VERIFY: &str = "verify_sender";
/// How long all look-ups of one mail may take together.
const PATIENCE: Duration = Duration::from_secs(30);

/// Verifies senders with mail-auth.
///
/// At most 5 signatures of a mail are looked at, those of domains akin to the author's first; one that covers a part of
/// the body only (`l=`) proves nothing, because anybody can add to the rest.
#[derive(Clone)]
pub struct AuthVerifier {
    authenticator: MessageAuthenticator,
    records: Records,
    bounds: Bounds,
    provider: Option<TrustedResults>,
}

impl std::fmt::Debug for AuthVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthVerifier").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl AuthVerifier {
    /// Returns a verifier that asks the name servers of the operating system.
    pub fn system() -> Result<Self> {
        let authenticator = MessageAuthenticator::new_system_conf().map_err(|error| {
            Error::new(ErrorKind::Invalid, VERIFY).context("no name server").source(error)
        })?;
        Ok(Self::with(authenticator, Records::System))
    }

    /// Returns a verifier that knows the records of a table and asks nobody.
    pub fn with_table(table: DnsTable) -> Result<Self> {
        let nobody = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
        let authenticator = MessageAuthenticator::new(nobody, ResolverOpts::default())
            .map_err(|error| Error::new(ErrorKind::Invalid, VERIFY).source(error))?;
        Ok(Self::with(authenticator, Records::Table(table)))
    }

    fn with(authenticator: MessageAuthenticator, records: Records) -> Self {
        Self { authenticator, records, bounds: Bounds::default(), provider: None }
    }

    /// Also believes what the operator's own mail server says in its `Authentication-Results`; see [`TrustedResults`].
    #[must_use]
    pub fn trusting(mut self, provider: TrustedResults) -> Self {
        self.provider = Some(provider);
        self
    }

    async fn own(&self, evidence: &SenderEvidence<'_>, header: &Header<'_>, author: &str) -> SenderVerdict {
        let domain = author.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase();
        let label = to_a_label(&domain).into_owned();
        let bare = signed::verifiable(evidence.raw, header, &label);
        let Some(mut message) = AuthenticatedMessage::parse(&bare) else {
            return SenderVerdict { domain, ..SenderVerdict::default() };
        };
        message.from = vec![author.to_lowercase()];
        let dkim = self.authenticator.verify_dkim(self.records.parameters(&message)).await;
        let spf = self.spf(evidence).await;
        let path = evidence.sender.map(EmailAddress::as_str).and_then(|sender| sender.rsplit_once('@'));
        let helo = evidence.client.map(|(_, helo)| helo);
        let path_domain = path.map(|(_, domain)| domain).or(helo).unwrap_or_default();
        let asked = DmarcParameters::new(&message, &dkim, path_domain, &spf);
        let dmarc = self.authenticator.verify_dmarc(self.records.parameters(asked)).await;
        SenderVerdict {
            dmarc: dmarc_check(&dmarc),
            dkim: dkim_check(&dkim, &dmarc, &label),
            spf: spf_check(&spf, &dmarc),
            source: VerdictSource::Own,
            domain,
        }
    }

    async fn spf(&self, evidence: &SenderEvidence<'_>) -> SpfOutput {
        let Some((ip, helo)) = evidence.client else { return SpfOutput::default() };
        let asked = match evidence.sender {
            Some(sender) => SpfParameters::verify_mail_from(ip, helo, "localhost", sender.as_str()),
            None => SpfParameters::verify_ehlo(ip, helo, "localhost"),
        };
        self.authenticator.verify_spf(self.records.parameters(asked)).await
    }
}

#[async_trait]
impl SenderVerifier for AuthVerifier {
    async fn verify(&self, evidence: &SenderEvidence<'_>) -> Result<SenderVerdict> {
        let header = Header::scan(evidence.raw, self.bounds.header);
        let Ok(author) = header.author() else { return Ok(SenderVerdict::default()) };
        if evidence.raw.len() > self.bounds.raw {
            let domain = author.address.rsplit_once('@').map_or("", |(_, domain)| domain);
            return Ok(SenderVerdict { domain: domain.to_lowercase(), ..SenderVerdict::default() });
        }
        let found = tokio::time::timeout(PATIENCE, self.own(evidence, &header, &author.address)).await;
        let own = found.map_err(|_| Error::new(ErrorKind::Timeout, VERIFY).context("name servers"))?;
        if own.dmarc == Check::Pass {
            return Ok(own);
        }
        let told = self.provider.as_ref().and_then(|provider| provider.read(&header, &own.domain));
        match told {
            Some(told) => Ok(told),
            None if is_undecided(&own) => {
                Err(Error::new(ErrorKind::Unavailable, VERIFY).context("name servers"))
            }
            None => Ok(own),
        }
    }
}

/// Returns whether a later look may find more.
fn is_undecided(verdict: &SenderVerdict) -> bool {
    verdict.dmarc == Check::Unknown || (verdict.dmarc == Check::None && verdict.dkim == Check::Unknown)
}

fn dmarc_check(dmarc: &DmarcOutput) -> Check {
    let results = [dmarc.dkim_result(), dmarc.spf_result()];
    if results.contains(&&DmarcResult::Pass) {
        Check::Pass
    } else if results.iter().any(|result| matches!(result, DmarcResult::TempError(_))) {
        Check::Unknown
    } else if dmarc.dmarc_record().is_some() {
        Check::Fail
    } else {
        Check::None
    }
}

/// A signature counts for the author's domain: as DMARC aligns them, or where no policy is, of that very domain.
fn dkim_check(dkim: &[DkimOutput<'_>], dmarc: &DmarcOutput, domain: &str) -> Check {
    let exact = |output: &DkimOutput<'_>| {
        output.signature().is_some_and(|signature| to_a_label(&signature.d) == domain)
    };
    let passed = dkim.iter().any(|output| *output.result() == DkimResult::Pass && exact(output));
    if *dmarc.dkim_result() == DmarcResult::Pass || passed {
        Check::Pass
    } else if dkim.iter().any(|output| matches!(output.result(), DkimResult::TempError(_))) {
        Check::Unknown
    } else if dkim.is_empty() {
        Check::None
    } else {
        Check::Fail
    }
}

fn spf_check(spf: &SpfOutput, dmarc: &DmarcOutput) -> Check {
    match spf.result() {
        SpfResult::Pass if *dmarc.spf_result() == DmarcResult::Pass => Check::Pass,
        SpfResult::None | SpfResult::Neutral => Check::None,
        SpfResult::TempError => Check::Unknown,
        SpfResult::Pass | SpfResult::Fail | SpfResult::SoftFail | SpfResult::PermError => Check::Fail,
    }
}

impl Records {
    fn parameters<P>(&self, asked: P) -> Parameters<'_, P, Self, Self, Self, Self, Self> {
        Parameters {
            params: asked,
            cache_txt: Some(self),
            cache_mx: Some(self),
            cache_ptr: Some(self),
            cache_ipv4: Some(self),
            cache_ipv6: Some(self),
        }
    }
}
