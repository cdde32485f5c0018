//! Signs mails with a key of its own (RFC 6376, RFC 8463).

use data_encoding::BASE64;
use mail_auth::{
    common::{crypto::Ed25519Key, headers::HeaderWriter},
    dkim::DkimSigner,
};

const SELECTOR: &str = "test";

pub(crate) struct Signer {
    domain: String,
    key: Vec<u8>,
}

impl Signer {
    pub(crate) fn new(domain: &str) -> Self {
        Self { domain: domain.to_owned(), key: Ed25519Key::generate_pkcs8().unwrap() }
    }

    fn key(&self) -> Ed25519Key {
        Ed25519Key::from_pkcs8_der(&self.key).unwrap()
    }

    /// Returns the record under which the public key is found.
    pub(crate) fn record(&self) -> (String, String) {
        let public = BASE64.encode(&self.key().public_key());
        (format!("{SELECTOR}._domainkey.{}", self.domain), format!("v=DKIM1; k=ed25519; p={public}"))
    }

    /// Returns the mail with a signature over its author, subject and body.
    pub(crate) fn sign(&self, raw: &str) -> String {
        let signer = DkimSigner::from_key(self.key());
        let signer = signer.domain(self.domain.clone()).selector(SELECTOR).headers(["From", "Subject"]);
        format!("{}{raw}", signer.sign(raw.as_bytes()).unwrap().to_header())
    }

    /// Returns the mail with a signature over a part of its body.
    pub(crate) fn sign_part(&self, raw: &str) -> String {
        let signer = DkimSigner::from_key(self.key());
        let signer = signer.domain(self.domain.clone()).selector(SELECTOR).headers(["From", "Subject"]);
        format!("{}{raw}", signer.body_length(true).sign(raw.as_bytes()).unwrap().to_header())
    }
}
