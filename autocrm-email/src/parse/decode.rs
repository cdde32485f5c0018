//! Transfer encodings and character sets of one part.

use std::borrow::Cow;

use mail_parser::decoders::{
    base64::base64_decode, charsets::map::charset_decoder, quoted_printable::quoted_printable_decode,
};

use super::mime::Leaf;

/// Decodes the transfer encoding (RFC 2045 §6); damage is passed over where the rest can still be read, and an unknown
/// encoding is taken as it stands.
pub(crate) fn content<'a>(leaf: &Leaf<'a>) -> Cow<'a, [u8]> {
    let declared = leaf.header.text("content-transfer-encoding").unwrap_or_default();
    let encoding = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match encoding.as_str() {
        "base64" => Cow::Owned(base64(leaf.body)),
        "quoted-printable" => quoted_printable_decode(leaf.body)
            .map_or_else(|| Cow::Owned(lenient_quoted(leaf.body)), Cow::Owned),
        _ => Cow::Borrowed(leaf.body),
    }
}

fn base64(body: &[u8]) -> Vec<u8> {
    base64_decode(body).unwrap_or_else(|| {
        let letters: Vec<u8> = body
            .iter()
            .copied()
            .filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
            .collect();
        base64_decode(&letters).unwrap_or_default()
    })
}

/// Decodes line by line and keeps a line that is damaged as it stands.
fn lenient_quoted(body: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|&byte| byte == b'\n') {
        match quoted_printable_decode(line) {
            Some(good) => decoded.extend_from_slice(&good),
            None => decoded.extend_from_slice(line),
        }
    }
    decoded
}

/// Decodes the character set: a declared one first, UTF-8 where it fits and nothing else was declared, then
/// windows-1252, which every byte string is.
pub(crate) fn text(leaf: &Leaf<'_>, bytes: &[u8]) -> String {
    let declared =
        leaf.content_type.as_ref().and_then(|field| field.attribute("charset")).unwrap_or_default();
    let name = declared.trim().to_ascii_lowercase();
    let utf8 = std::str::from_utf8(bytes);
    if matches!(name.as_str(), "" | "us-ascii" | "ascii" | "utf-8" | "utf8" | "unknown-8bit") {
        if let Ok(valid) = utf8 {
            return valid.to_owned();
        }
        if name.starts_with("utf") {
            return String::from_utf8_lossy(bytes).into_owned();
        }
    }
    let fallback = || charset_decoder(b"windows-1252");
    match charset_decoder(name.as_bytes()).or_else(fallback) {
        Some(decoder) => decoder(bytes),
        None => String::from_utf8_lossy(bytes).into_owned(),
    }
}
