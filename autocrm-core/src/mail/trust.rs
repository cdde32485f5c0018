//! How sure the desk is that a mail's author is who they say: the one place where that is decided.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{mail::ParsedMail, text::EmailAddress};

/// How sure the desk is that the author is who they say, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SenderTrust {
    /// The author's domain publishes a policy, and the mail fails it (RFC 9989).
    Failed,
    /// Nothing speaks for the author.
    #[default]
    Unverified,
    /// The author's domain, or one of the same organisation, has signed the mail, and publishes no policy.
    Aligned,
    /// The mail passes the policy of the author's domain: DMARC (RFC 9989).
    Authenticated,
    /// The host or the operator vouches for the author of this mail.
    Vouched,
}

impl SenderTrust {
    /// Returns whether the author may act on tickets of their own, and be answered by itself.
    pub const fn is_verified(self) -> bool {
        matches!(self, Self::Aligned | Self::Authenticated | Self::Vouched)
    }

    /// Returns whether the author may act as staff, through a subject, or be written to unasked.
    pub const fn is_authenticated(self) -> bool {
        matches!(self, Self::Authenticated | Self::Vouched)
    }

    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unverified => "unverified",
            Self::Aligned => "aligned",
            Self::Authenticated => "authenticated",
            Self::Vouched => "vouched",
        }
    }
}

/// How one check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// It passed, for a domain that is aligned with the author's.
    Pass,
    /// It failed.
    Fail,
    /// There was nothing to check.
    #[default]
    None,
    /// It could not be found out now.
    Unknown,
}

/// Who found a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictSource {
    /// The desk itself, on the raw mail.
    #[default]
    Own,
    /// The operator's own mail server, in its `Authentication-Results` (RFC 8601).
    Provider,
}

/// What a verifier found about the author's domain.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderVerdict {
    /// The author's domain, in lower case; empty where no author is named.
    pub domain: String,
    /// DMARC: whether DKIM or SPF passed for an aligned domain, where the domain publishes a policy.
    pub dmarc: Check,
    /// DKIM (RFC 6376): `Pass` for a signature of an aligned domain.
    pub dkim: Check,
    /// SPF (RFC 7208): `Pass` for an aligned domain.
    pub spf: Check,
    /// Who found it.
    pub source: VerdictSource,
}

impl SenderVerdict {
    /// Returns what the verdict is worth. SPF alone does not count without a policy: it speaks for a host, and hosts are
    /// shared.
    pub const fn trust(&self) -> SenderTrust {
        match (self.dmarc, self.dkim) {
            (Check::Pass, _) => SenderTrust::Authenticated,
            (Check::Fail, _) => SenderTrust::Failed,
            (Check::None, Check::Pass) => SenderTrust::Aligned,
            _ => SenderTrust::Unverified,
        }
    }
}

/// What a verifier looks at.
#[derive(Debug, Clone, Copy)]
pub struct SenderEvidence<'a> {
    /// The raw mail.
    pub raw: &'a [u8],
    /// The return path; `None`: the null path, or unknown.
    pub sender: Option<&'a EmailAddress>,
    /// The host that handed the mail over, where it is known, and the name that it gave itself.
    pub client: Option<(IpAddr, &'a str)>,
}

/// Decides how sure the desk is of the author. Nothing is believed about a header that names no author in exactly one
/// way, and no verdict counts for another domain than the author's.
pub fn judge(handed: SenderTrust, parsed: &ParsedMail, verdict: Option<&SenderVerdict>) -> SenderTrust {
    let Some(author) = parsed.from.as_ref().filter(|_| parsed.names_its_author()) else {
        return SenderTrust::Unverified;
    };
    if handed == SenderTrust::Vouched {
        return handed;
    }
    let domain = author.rsplit_once('@').map_or("", |(_, domain)| domain);
    match verdict {
        Some(verdict) if verdict.domain.eq_ignore_ascii_case(domain) => verdict.trust(),
        _ => SenderTrust::Unverified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::MailFinding;

    fn parsed(findings: Vec<MailFinding>) -> ParsedMail {
        let from = EmailAddress::new("ann@example.org").ok();
        ParsedMail { from, findings, ..ParsedMail::default() }
    }

    fn verdict(dmarc: Check, dkim: Check, domain: &str) -> SenderVerdict {
        SenderVerdict { domain: domain.to_owned(), dmarc, dkim, ..SenderVerdict::default() }
    }

    #[test]
    fn a_verdict_counts_for_the_authors_domain_only() {
        for (dmarc, dkim, expected) in [
            (Check::Pass, Check::Pass, SenderTrust::Authenticated),
            (Check::Pass, Check::None, SenderTrust::Authenticated),
            (Check::Fail, Check::Pass, SenderTrust::Failed),
            (Check::None, Check::Pass, SenderTrust::Aligned),
            (Check::None, Check::Fail, SenderTrust::Unverified),
            (Check::Unknown, Check::Pass, SenderTrust::Unverified),
        ] {
            let found = verdict(dmarc, dkim, "example.org");
            assert_eq!(judge(SenderTrust::Unverified, &parsed(vec![]), Some(&found)), expected);
            let foreign = verdict(dmarc, dkim, "example.com");
            assert_eq!(
                judge(SenderTrust::Unverified, &parsed(vec![]), Some(&foreign)),
                SenderTrust::Unverified
            );
        }
        assert_eq!(judge(SenderTrust::Unverified, &parsed(vec![]), None), SenderTrust::Unverified);
        // Only a verifier's verdict makes a sender authenticated, whatever the one who hands the mail in claims.
        assert_eq!(judge(SenderTrust::Authenticated, &parsed(vec![]), None), SenderTrust::Unverified);
    }

    #[test]
    fn a_header_that_names_no_author_is_never_believed() {
        let pass = verdict(Check::Pass, Check::Pass, "example.org");
        for finding in [MailFinding::AmbiguousSender, MailFinding::MalformedHeader, MailFinding::OwnMail] {
            for handed in [SenderTrust::Unverified, SenderTrust::Vouched] {
                assert_eq!(judge(handed, &parsed(vec![finding]), Some(&pass)), SenderTrust::Unverified);
            }
        }
        let nobody = ParsedMail::default();
        assert_eq!(judge(SenderTrust::Vouched, &nobody, Some(&pass)), SenderTrust::Unverified);
        let cut = parsed(vec![MailFinding::TextTooLarge]);
        assert_eq!(judge(SenderTrust::Vouched, &cut, None), SenderTrust::Vouched);
    }
}
