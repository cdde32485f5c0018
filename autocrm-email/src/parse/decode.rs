//! Transfer encodings and character sets of one part.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, WINDOWS_1252};
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

/// Names that say nothing about bytes above 127.
const UNSPECIFIC: &[&str] =
    &["", "us-ascii", "ascii", "ansi_x3.4-1968", "unknown-8bit", "x-unknown", "unknown", "8bit", "default"];
/// Names that writers use for windows-1252, as browsers read them (WHATWG Encoding, §4.2).
const WESTERN: &[&str] =
    &["iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1", "l1", "cp819", "cp1252"];
/// Where an HTML text may declare its character set (HTML standard, §13.2.3.2), in bytes.
const META: usize = 1024;
/// Bytes that a guess looks at.
const GUESSED: usize = 64 << 10;

/// Decodes the character set: a byte order mark, then what the part declares, then what the markup declares, then UTF-8
/// where it fits, then a guess. A declared UTF-8 that is hardly any is guessed as well.
pub(crate) fn text(leaf: &Leaf<'_>, bytes: &[u8]) -> String {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default()).0.into_owned();
    }
    let declared =
        leaf.content_type.as_ref().and_then(|field| field.attribute("charset")).unwrap_or_default();
    let mut name = declared.trim().to_ascii_lowercase();
    if UNSPECIFIC.contains(&name.as_str()) {
        if let Ok(valid) = std::str::from_utf8(bytes) {
            // ISO-2022-JP and UTF-7 are ASCII to the eye; only the first shows itself by its escapes.
            if !valid.contains('\u{1b}') {
                return valid.to_owned();
            }
        }
        name = if leaf.media_type() == "text/html" { meta_charset(bytes) } else { String::new() };
    }
    match name.as_str() {
        "" => guessed(bytes),
        "utf-8" | "utf8" | "unicode-1-1-utf-8" => utf8_or_guessed(bytes),
        name => labelled(name, bytes),
    }
}

/// Decodes by the name of a character set; an unknown name is guessed.
pub(crate) fn labelled(name: &str, bytes: &[u8]) -> String {
    if WESTERN.contains(&name) {
        return WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned();
    }
    match charset_decoder(name.as_bytes()) {
        Some(decoder) => decoder(bytes),
        None => match Encoding::for_label(name.as_bytes()).filter(|found| *found != encoding_rs::REPLACEMENT)
        {
            Some(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
            None => guessed(bytes),
        },
    }
}

fn utf8_or_guessed(bytes: &[u8]) -> String {
    let lossy = String::from_utf8_lossy(bytes);
    let (mut lost, mut kept) = (0_usize, 0_usize);
    for c in lossy.chars().filter(|c| !c.is_ascii()) {
        if c == char::REPLACEMENT_CHARACTER { lost += 1 } else { kept += 1 }
    }
    // A text that was cut has one torn character at its end.
    if lost > kept.max(1) { guessed(bytes) } else { lossy.into_owned() }
}

fn guessed(bytes: &[u8]) -> String {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes.get(..GUESSED).unwrap_or(bytes), true);
    let encoding = detector.guess(None, Utf8Detection::Allow);
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// Finds `charset=` near the beginning of a markup.
fn meta_charset(bytes: &[u8]) -> String {
    let start = bytes.get(..META).unwrap_or(bytes).to_ascii_lowercase();
    let start = String::from_utf8_lossy(&start).into_owned();
    let mut rest = start.as_str();
    while let Some((_, meta)) = rest.split_once("<meta") {
        let (tag, after) = meta.split_once('>').unwrap_or((meta, ""));
        if let Some((_, value)) = tag.split_once("charset") {
            let value = value.trim_start().strip_prefix('=').unwrap_or_default();
            let bare = value.trim_start_matches([' ', '"', '\'']);
            let end =
                bare.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))).unwrap_or(bare.len());
            if let Some(name) = bare.get(..end).filter(|name| !name.is_empty()) {
                return name.to_owned();
            }
        }
        rest = after;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{
        bounds::{Bounds, Findings},
        header::Header,
        mime::leaves,
    };

    fn decoded(content_type: &str, bytes: &[u8]) -> String {
        let raw = [format!("Content-Type: {content_type}\n\n").as_bytes(), bytes].concat();
        let header = Header::scan(&raw, 10_000);
        let found = leaves(&raw, header, &Bounds::default(), &mut Findings::default());
        text(&found[0], bytes)
    }

    #[test]
    fn character_sets_are_declared_marked_or_guessed() {
        let russian = "Здравствуйте, не могу войти в свой кабинет с утра";
        let (in_1251, ..) = encoding_rs::WINDOWS_1251.encode(russian);
        let japanese = "こんにちは、ログインできません。よろしくお願いします。";
        let (in_sjis, ..) = encoding_rs::SHIFT_JIS.encode(japanese);
        let (in_2022, ..) = encoding_rs::ISO_2022_JP.encode(japanese);
        let utf16: Vec<u8> =
            [0xff, 0xfe].into_iter().chain("Grüße".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let page: Vec<u8> = [
            b"<html><meta http-equiv=x content=\"text/html; charset=windows-1251\"><p>".as_slice(),
            &in_1251,
        ]
        .concat();
        for (declared, bytes, expected) in [
            ("text/plain; charset=windows-1251", &*in_1251, russian),
            ("text/plain", &in_1251, russian),
            ("text/plain; charset=x-nothing", &in_1251, russian),
            ("text/plain; charset=utf-8", &in_1251, russian),
            ("text/plain; charset=us-ascii", &in_sjis, japanese),
            ("text/plain", &in_2022, japanese),
            ("text/plain; charset=iso-2022-jp", &in_2022, japanese),
            ("text/plain", "Grüße".as_bytes(), "Grüße"),
            ("text/plain; charset=utf-16", &utf16, "Grüße"),
            ("text/plain; charset=iso-8859-1", b"\x93caf\xe9\x94 \x80", "“café” €"),
            ("text/plain; charset=us-ascii", b"caf\xe9", "café"),
            (
                "text/plain; charset=utf-8",
                "Grüße und Küsse\u{e4}".as_bytes().split_last().unwrap().1,
                "Grüße und Küsse\u{fffd}",
            ),
        ] {
            assert_eq!(decoded(declared, bytes), expected, "{declared}");
        }
        assert!(decoded("text/html", &page).ends_with(russian));
        assert_eq!(meta_charset(b"<meta charset = 'UTF-8'>"), "utf-8");
        assert_eq!(meta_charset(b"<meta name=a content=b><p charset=x>"), "");
    }
}
