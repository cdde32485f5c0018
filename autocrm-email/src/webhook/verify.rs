//! Signatures of webhooks, in the form of Svix and of Standard Webhooks.
//!
//! The signature is HMAC-SHA256 over `id.timestamp.body`, base64, with the version `v1` in front. A header may hold several
//! of them, separated by spaces, while the other side changes its key.

use std::{fmt, time::Duration};

use autocrm_core::clock::Timestamp;
use data_encoding::{BASE64, BASE64_NOPAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// The largest number of signatures of a header that are looked at.
const MAX_SIGNATURES: usize = 16;
/// The longest id of a webhook, in bytes.
const MAX_ID: usize = 200;
/// The least bytes of a key.
const MIN_KEY: usize = 16;

/// A key that signs webhooks, shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookKey(Vec<u8>);

impl WebhookKey {
    /// Reads a key as Resend shows it: `whsec_` and base64 of at least 16 bytes. `None` for anything else.
    pub fn new(text: impl AsRef<str>) -> Option<Self> {
        let encoded = text.as_ref().trim().strip_prefix("whsec_")?.trim_end_matches('=');
        let bytes = BASE64_NOPAD.decode(encoded.as_bytes()).ok()?;
        (bytes.len() >= MIN_KEY).then_some(Self(bytes))
    }
}

impl WebhookKey {
    /// Returns the signature of a webhook, as its header has it: for tests, and for webhooks of one's own.
    pub fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let headers = SignedHeaders { id, timestamp, signature: "" };
        format!("v1,{}", BASE64.encode(&sign(self, &headers, body)))
    }
}

impl fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookKey(…)")
    }
}

/// The three headers of a webhook, as they came: `svix-id` or `webhook-id`, and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedHeaders<'a> {
    /// The id, the same for every attempt.
    pub id: &'a str,
    /// When it was sent, in seconds since the Unix epoch.
    pub timestamp: &'a str,
    /// The signatures.
    pub signature: &'a str,
}

impl<'a> SignedHeaders<'a> {
    /// Picks the headers by name, of either family; `None` unless one family is there whole. `header` returns the value of
    /// a header of which there is exactly one.
    pub fn pick(header: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        ["svix", "webhook"].into_iter().find_map(|family| {
            Some(Self {
                id: header(&format!("{family}-id"))?,
                timestamp: header(&format!("{family}-timestamp"))?,
                signature: header(&format!("{family}-signature"))?,
            })
        })
    }
}

/// Why a webhook is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRefusal {
    /// The id or the time cannot be read.
    #[error("the headers of the webhook cannot be read")]
    Malformed,
    /// It was sent too long ago, or from too far ahead: a replay, or a wrong clock.
    #[error("the time of the webhook is out of range")]
    OutOfTime,
    /// No signature is that of a known key.
    #[error("the signature of the webhook is wrong")]
    Signature,
}

impl WebhookRefusal {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "webhook_malformed",
            Self::OutOfTime => "webhook_out_of_time",
            Self::Signature => "webhook_signature",
        }
    }
}

/// Proves that a webhook comes from somebody who has a key. Any of several keys will do, so that keys can be changed
/// without a gap.
#[derive(Debug, Clone)]
pub struct WebhookVerifier {
    keys: Vec<WebhookKey>,
    tolerance: Duration,
}

impl WebhookVerifier {
    /// How far the time of a webhook may be from ours unless set.
    pub const TOLERANCE: Duration = Duration::from_mins(5);

    /// Returns a verifier with these keys. Without keys nothing is believed.
    pub fn new(keys: Vec<WebhookKey>) -> Self {
        Self { keys, tolerance: Self::TOLERANCE }
    }

    /// Sets how far the time of a webhook may be from ours.
    #[must_use]
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Checks a webhook. The body is taken as it came, byte for byte. Keys and signatures are compared in constant time,
    /// and every key is tried.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn verify(
        &self,
        headers: &SignedHeaders<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), WebhookRefusal> {
        let visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.');
        if headers.id.is_empty() || headers.id.len() > MAX_ID || !visible(headers.id) {
            return Err(WebhookRefusal::Malformed);
        }
        let digits = headers.timestamp;
        if digits.is_empty() || digits.len() > 12 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(WebhookRefusal::Malformed);
        }
        let seconds: i64 = digits.parse().map_err(|_| WebhookRefusal::Malformed)?;
        let sent = Timestamp::from_micros(seconds.saturating_mul(1_000_000));
        if now.since(sent).max(sent.since(now)) > self.tolerance {
            return Err(WebhookRefusal::OutOfTime);
        }
        let given: Vec<Vec<u8>> = headers
            .signature
            .split(' ')
            .take(MAX_SIGNATURES)
            .filter_map(|one| BASE64.decode(one.strip_prefix("v1,")?.as_bytes()).ok())
            .collect();
        let mut good = subtle::Choice::from(0);
        for key in &self.keys {
            let expected = sign(key, headers, body);
            for signature in &given {
                good |= expected.as_slice().ct_eq(signature);
            }
        }
        if bool::from(good) { Ok(()) } else { Err(WebhookRefusal::Signature) }
    }
}

fn sign(key: &WebhookKey, headers: &SignedHeaders<'_>, body: &[u8]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key.0) else {
        // HMAC takes keys of any length.
        return Vec::new();
    };
    for part in [headers.id.as_bytes(), b".", headers.timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"type":"email.sent"}"#;
    const SENT: i64 = 1_772_352_000;

    fn key(byte: u8) -> WebhookKey {
        WebhookKey::new(format!("whsec_{}", BASE64.encode(&[byte; 24]))).unwrap()
    }

    fn signature(key: &WebhookKey, id: &str, timestamp: &str, body: &[u8]) -> String {
        key.sign(id, timestamp, body)
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn the_vector_of_the_scheme_is_believed() {
        // The example of the Standard Webhooks specification, which Svix publishes too.
        let verifier =
            WebhookVerifier::new(vec![WebhookKey::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()]);
        let headers = SignedHeaders {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: "1614265330",
            signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        };
        assert_eq!(verifier.verify(&headers, br#"{"test": 2432232314}"#, at(1_614_265_330)), Ok(()));
    }

    #[test]
    fn any_known_key_and_any_of_the_signatures_will_do() {
        let (old, new, stranger) = (key(1), key(2), key(3));
        let sent = SENT.to_string();
        let verifier = WebhookVerifier::new(vec![new.clone(), old.clone()]);
        let check = |signature: &str| {
            verifier.verify(&SignedHeaders { id: "msg_1", timestamp: &sent, signature }, BODY, at(SENT))
        };
        let by = |key: &WebhookKey| signature(key, "msg_1", &sent, BODY);
        assert_eq!(check(&by(&old)), Ok(()));
        assert_eq!(check(&by(&new)), Ok(()));
        assert_eq!(check(&format!("v1a,xyz v1,AAAA {} v2,{}", by(&old), by(&stranger))), Ok(()));
        for wrong in [
            by(&stranger),
            String::new(),
            "v1,".to_owned(),
            by(&old).replace("v1,", "v2,"),
            by(&old).replace("v1,", ""),
            by(&old).trim_end_matches('=').to_owned(),
            format!("{} {}", "v1,AAAA ".repeat(16).trim_end(), by(&old)),
        ] {
            assert_eq!(check(&wrong), Err(WebhookRefusal::Signature), "{wrong}");
        }
        assert_eq!(
            WebhookVerifier::new(Vec::new()).verify(
                &SignedHeaders { id: "msg_1", timestamp: &sent, signature: &by(&old) },
                BODY,
                at(SENT)
            ),
            Err(WebhookRefusal::Signature)
        );
    }

    #[test]
    fn what_was_signed_cannot_be_changed() {
        let (known, sent) = (key(1), SENT.to_string());
        let signed = signature(&known, "msg_1", &sent, BODY);
        let verifier = WebhookVerifier::new(vec![known]);
        let check = |id: &str, timestamp: &str, body: &[u8]| {
            verifier.verify(&SignedHeaders { id, timestamp, signature: &signed }, body, at(SENT))
        };
        assert_eq!(check("msg_1", &sent, BODY), Ok(()));
        assert_eq!(check("msg_2", &sent, BODY), Err(WebhookRefusal::Signature));
        assert_eq!(check("msg_1", &(SENT + 1).to_string(), BODY), Err(WebhookRefusal::Signature));
        assert_eq!(check("msg_1", &sent, br#"{"type":"email.sent" }"#), Err(WebhookRefusal::Signature));
    }

    #[test]
    fn old_and_early_webhooks_are_refused() {
        let (known, sent) = (key(1), SENT.to_string());
        let signed = signature(&known, "msg_1", &sent, BODY);
        let verifier = WebhookVerifier::new(vec![known]);
        let headers = SignedHeaders { id: "msg_1", timestamp: &sent, signature: &signed };
        for (now, expected) in [
            (SENT + 300, Ok(())),
            (SENT - 300, Ok(())),
            (SENT + 301, Err(WebhookRefusal::OutOfTime)),
            (SENT - 301, Err(WebhookRefusal::OutOfTime)),
        ] {
            assert_eq!(verifier.verify(&headers, BODY, at(now)), expected, "{now}");
        }
        for bad in ["", "-1", "1e9", " 1772352000", "99999999999999"] {
            let headers = SignedHeaders { timestamp: bad, ..headers };
            assert_eq!(verifier.verify(&headers, BODY, at(SENT)), Err(WebhookRefusal::Malformed), "{bad}");
        }
        for bad in ["", "a.b", "a b", &"x".repeat(201)] {
            let headers = SignedHeaders { id: bad, ..headers };
            assert_eq!(verifier.verify(&headers, BODY, at(SENT)), Err(WebhookRefusal::Malformed), "{bad}");
        }
    }

    #[test]
    fn only_keys_of_the_stated_form_are_taken() {
        for bad in ["", "whsec_", "whsec_AAAA", "secret", "whsec_not base64!"] {
            assert!(WebhookKey::new(bad).is_none(), "{bad}");
        }
        assert_eq!(format!("{:?}", key(9)), "WebhookKey(…)");
    }

    #[test]
    fn either_family_of_headers_is_picked_whole() {
        let pick = |names: &[&'static str]| {
            SignedHeaders::pick(|name| names.iter().find(|known| **known == name).copied())
        };
        assert!(pick(&["svix-id", "svix-timestamp", "svix-signature"]).is_some());
        assert!(pick(&["webhook-id", "webhook-timestamp", "webhook-signature"]).is_some());
        assert!(pick(&["svix-id", "webhook-timestamp", "svix-signature"]).is_none());
    }
}
