//! What the operator's own mail server has found: `Authentication-Results` (RFC 8601), believed under three rules only.

use autocrm_core::mail::{Check, SenderVerdict, VerdictSource};

use crate::parse::header::Header;

const FIELD: &str = "authentication-results";

/// The mail server whose `Authentication-Results` are believed. Name it only if it verifies DMARC and deletes fields
/// that claim its name before it writes its own (RFC 8601 §5): otherwise everybody can write them.
///
/// A field is believed if it is the topmost of all and bears the server's name; if another one below bears it too, the
/// server deletes nothing, and none is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedResults {
    server: String,
}

impl TrustedResults {
    /// Believes the server that calls itself `server` (its authserv-id), compared without regard to case.
    pub fn of(server: impl Into<String>) -> Self {
        Self { server: server.into() }
    }

    /// Returns what the server found about the author's domain; `None`: nothing that may be believed.
    pub(super) fn read(&self, header: &Header<'_>, domain: &str) -> Option<SenderVerdict> {
        let fields = header.fields().iter().filter(|field| field.name().eq_ignore_ascii_case(FIELD));
        let mut values = fields.map(|field| without_comments(&String::from_utf8_lossy(&field.unfolded())));
        let topmost = values.next()?;
        if !self.wrote(&topmost) || values.any(|other| self.wrote(&other)) {
            return None;
        }
        let mut verdict = SenderVerdict {
            domain: domain.to_owned(),
            source: VerdictSource::Provider,
            ..SenderVerdict::default()
        };
        let mut told = false;
        for result in topmost.split(';').skip(1) {
            let mut words = result.split_whitespace();
            let Some((method, found)) = words.next().and_then(|word| word.split_once('=')) else { continue };
            if !method.eq_ignore_ascii_case("dmarc") {
                continue;
            }
            let about = words.filter_map(|word| word.split_once('='));
            let named =
                about.filter(|(name, _)| name.eq_ignore_ascii_case("header.from")).map(|(_, value)| value);
            // A server that says two things about one mail is not understood.
            if told || !named.map(bare).any(|named| named == domain) {
                return None;
            }
            told = true;
            verdict.dmarc = match found.to_ascii_lowercase().as_str() {
                "pass" => Check::Pass,
                "fail" => Check::Fail,
                "temperror" => Check::Unknown,
                _ => Check::None,
            };
        }
        told.then_some(verdict)
    }

    /// Returns whether a field bears the server's name: its first word, perhaps with a version behind it.
    fn wrote(&self, value: &str) -> bool {
        let name = value.split(';').next().unwrap_or_default();
        let mut words = name.split_whitespace();
        let own = words.next().is_some_and(|word| bare(word) == self.server.to_lowercase());
        own && words.next().is_none_or(|version| version == "1")
    }
}

/// Returns a value in lower case, without quotation marks, and of an address the domain.
fn bare(value: &str) -> String {
    let plain = value.trim_matches('"').to_lowercase();
    plain.rsplit_once('@').map_or(plain.clone(), |(_, domain)| domain.to_owned())
}

/// Removes comments (RFC 5322 §3.2.2), nested ones too. What stands in quotation marks is no comment; a quotation holds no
/// delimiter here, so that one that does cannot be mistaken for a result.
fn without_comments(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for c in value.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' if depth == 0 => {
                quoted = !quoted;
                plain.push(c);
            }
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth > 0 => {
                depth -= 1;
                plain.push(' ');
            }
            ';' | '=' if quoted => {}
            _ if depth == 0 && (!quoted || !c.is_whitespace()) => plain.push(c),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &str) -> Option<Check> {
        let raw = format!("{fields}\r\nFrom: ann@example.org\r\n\r\n");
        let header = Header::scan(raw.as_bytes(), 1 << 20);
        TrustedResults::of("MX.example.com").read(&header, "example.org").map(|verdict| verdict.dmarc)
    }

    #[test]
    fn the_topmost_field_of_the_named_server_is_believed() {
        for (fields, expected) in [
            ("Authentication-Results: mx.example.com; dmarc=pass header.from=example.org", Some(Check::Pass)),
            (
                "authentication-results: mx.example.com 1;\r\n\tspf=fail smtp.mailfrom=x@y;\r\n dmarc=PASS (p=none) header.from=Example.org",
                Some(Check::Pass),
            ),
            ("Authentication-Results: mx.example.com; dmarc=fail header.from=example.org", Some(Check::Fail)),
            (
                "Authentication-Results: mx.example.com; dmarc=temperror header.from=example.org",
                Some(Check::Unknown),
            ),
            ("Authentication-Results: mx.example.com; dmarc=none header.from=example.org", Some(Check::None)),
            (
                "Authentication-Results: mx.example.com; dmarc=pass header.from=example.org\r\nReceived: x\r\nAuthentication-Results: elsewhere.example; dmarc=fail header.from=example.org",
                Some(Check::Pass),
            ),
        ] {
            assert_eq!(read(fields), expected, "{fields}");
        }
    }

    #[test]
    fn nothing_else_is_believed() {
        for fields in [
            "X: y",
            "Authentication-Results: elsewhere.example; dmarc=pass header.from=example.org",
            "Authentication-Results: mx.example.com.evil.example; dmarc=pass header.from=example.org",
            "Authentication-Results: mx.example.com 2; dmarc=pass header.from=example.org",
            "Authentication-Results: mx.example.com; dmarc=pass header.from=example.net",
            "Authentication-Results: mx.example.com; dmarc=pass",
            "Authentication-Results: mx.example.com; dkim=pass header.d=example.org",
            "Authentication-Results: mx.example.com (; dmarc=pass header.from=example.org)",
            "Authentication-Results: mx.example.com; spf=pass reason=\"; dmarc=pass header.from=example.org\"",
            "Authentication-Results: mx.example.com; dmarc=fail header.from=example.org; dmarc=pass header.from=example.org",
            // Not topmost.
            "Authentication-Results: elsewhere.example; dkim=pass\r\nAuthentication-Results: mx.example.com; dmarc=pass header.from=example.org",
            // The server did not delete what claims its name.
            "Authentication-Results: mx.example.com; dmarc=pass header.from=example.org\r\nAuthentication-Results: mx.example.com; dmarc=pass header.from=example.org",
        ] {
            assert_eq!(read(fields), None, "{fields}");
        }
    }
}
