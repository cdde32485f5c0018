//! What is handed to the verifier: the mail as it was signed, with as many signatures as are worth looking at.
//!
//! A mail may bear thousands of signatures, each over another length of the body: hashing all of them costs hours. Five
//! are enough for an honest mail, and only those of the author's kin can prove anything.

use std::borrow::Cow;

use crate::parse::header::{Field, Header};

/// The largest number of signatures that are looked at.
const MAX_SIGNATURES: usize = 5;
const SIGNATURE: &str = "dkim-signature";
/// Fields of drafts that nothing here relies on; reading them costs time.
const IGNORED: &[&str] = &["dkim2-signature", "message-instance"];

/// Returns the mail with CRLF line ends and the signatures that can prove something about `domain`. All other fields
/// are kept byte for byte, so that what was signed is what is verified.
pub(super) fn verifiable(raw: &[u8], header: &Header<'_>, domain: &str) -> Vec<u8> {
    let mut worth: Vec<(usize, u8)> = Vec::new();
    for (place, field) in header.fields().iter().enumerate() {
        if field.name().eq_ignore_ascii_case(SIGNATURE)
            && let Some(kinship) = kinship(field, domain)
        {
            worth.push((place, kinship));
        }
    }
    worth.sort_by_key(|(place, kinship)| (*kinship, *place));
    worth.truncate(MAX_SIGNATURES);
    let mut mail = Vec::with_capacity(raw.len() + 64);
    for (place, field) in header.fields().iter().enumerate() {
        let is_signature = field.name().eq_ignore_ascii_case(SIGNATURE);
        let is_ignored = IGNORED.iter().any(|name| field.name().eq_ignore_ascii_case(name));
        if is_ignored || (is_signature && !worth.iter().any(|(kept, _)| *kept == place)) {
            continue;
        }
        mail.extend_from_slice(field.name().as_bytes());
        mail.push(b':');
        mail.extend_from_slice(&with_crlf(field.raw()));
        mail.extend_from_slice(b"\r\n");
    }
    mail.extend_from_slice(b"\r\n");
    let body = raw.get(header.body()..).unwrap_or_default();
    let travels = raw.windows(2).take(4096).any(|pair| pair == b"\r\n");
    mail.extend_from_slice(&if travels { Cow::Borrowed(body) } else { with_crlf(body) });
    mail
}

/// Files on Unix hold LF where the mail was signed with CRLF.
fn with_crlf(bytes: &[u8]) -> Cow<'_, [u8]> {
    let bare = bytes.iter().enumerate().any(|(at, byte)| {
        *byte == b'\n' && at.checked_sub(1).and_then(|before| bytes.get(before)) != Some(&b'\r')
    });
    if !bare {
        return Cow::Borrowed(bytes);
    }
    let mut travelling = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    let mut before = 0;
    for byte in bytes {
        if *byte == b'\n' && before != b'\r' {
            travelling.push(b'\r');
        }
        travelling.push(*byte);
        before = *byte;
    }
    Cow::Owned(travelling)
}

/// Returns how near the signing domain is to the author's, 0 for the same; `None` for a signature that proves nothing:
/// of no relative, or over a part of the body.
fn kinship(field: &Field<'_>, domain: &str) -> Option<u8> {
    let value = field.unfolded();
    let text = String::from_utf8_lossy(&value);
    if tag(&text, "l").is_some() {
        return None;
    }
    let signer = tag(&text, "d")?.to_lowercase();
    let signer = mail_auth::common::to_a_label(&signer);
    if signer == domain {
        return Some(0);
    }
    let last = |name: &str| name.rsplit('.').take(2).collect::<Vec<_>>().join(".");
    (last(&signer) == last(domain)).then_some(1)
}

/// Returns the value of a tag (RFC 6376 §3.2), without white space.
fn tag(text: &str, name: &str) -> Option<String> {
    text.split(';').find_map(|pair| {
        let (found, value) = pair.split_once('=')?;
        (found.trim() == name).then(|| value.split_whitespace().collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(raw: &str) -> String {
        let header = Header::scan(raw.as_bytes(), 1 << 20);
        String::from_utf8(verifiable(raw.as_bytes(), &header, "mail.example.org")).unwrap()
    }

    #[test]
    fn few_signatures_are_kept_and_those_of_the_authors_kin() {
        let many = |count: usize, field: &dyn Fn(usize) -> String| {
            (0..count).map(field).collect::<Vec<_>>().concat()
        };
        let junk =
            many(1000, &|number| format!("DKIM-Signature: v=1; d=x{number}.example.net; l={number}\r\n"));
        let kin = many(20, &|number| format!("DKIM-Signature: v=1; d=example.org; s=s{number}\r\n"));
        let own = "dkim-signature: v=1;\r\n d=Mail.Example.org; s=own\r\n";
        let part = "DKIM-Signature: v=1; d=mail.example.org; l = 10\r\n";
        let raw = format!("{junk}{kin}{part}{own}From: a@mail.example.org\r\n\r\nbody\r\n");
        let mail = kept(&raw);
        let count = mail.to_lowercase().matches("dkim-signature").count();
        assert_eq!(count, MAX_SIGNATURES);
        assert!(mail.contains(own) && !mail.contains("l = 10") && !mail.contains("example.net"));
        assert!(mail.ends_with("From: a@mail.example.org\r\n\r\nbody\r\n"));
    }

    #[test]
    fn everything_else_is_kept_byte_for_byte_and_unix_files_travel_again() {
        let raw = "From: a@mail.example.org\r\nSubject:  two \r\n\tlines \r\nX-Y:z\r\n\r\na\n\r\nb";
        assert_eq!(kept(raw), raw, "a body that has travelled stays as it is");
        assert_eq!(kept(&raw.replace("\r\n", "\n")), raw.replace("a\n\r\nb", "a\r\n\r\nb"));
    }
}
