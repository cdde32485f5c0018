//! The mail that a report is about: its Message-ID, from the attached message or header, or from the text.

use autocrm_core::mail::MessageIdHeader;

use super::Mail;
use crate::parse::{decode, header::Header};

const RETURNED_TYPES: &[&str] = &[
    "message/rfc822",
    "text/rfc822-headers",
    "message/global",
    "message/global-headers",
    "text/rfc822-header",
];
/// Ids that are kept; one mail was sent under one.
const MAX_IDS: usize = 8;

/// Returns whether a message or its header is attached.
pub(super) fn is_attached(mail: &Mail<'_>) -> bool {
    mail.part(RETURNED_TYPES).is_some()
}

/// Returns the header field `name` of the attached message.
pub(super) fn field(mail: &Mail<'_>, name: &str) -> Option<String> {
    let leaf = mail.part(RETURNED_TYPES)?;
    let content = decode::content(leaf);
    Header::scan(content.trim_ascii_start(), mail.bounds.header).text(name)
}

/// Returns the Message-IDs under which the returned mail was sent.
pub(super) fn message_ids(mail: &Mail<'_>) -> Vec<MessageIdHeader> {
    let mut found = Vec::new();
    for leaf in mail.parts.iter().filter(|leaf| RETURNED_TYPES.contains(&leaf.media_type().as_str())) {
        let content = decode::content(leaf);
        let header = Header::scan(content.trim_ascii_start(), mail.bounds.header);
        add(&mut found, header.text("message-id").as_deref());
    }
    if found.is_empty() {
        for leaf in mail.parts.iter().filter(|leaf| leaf.media_type().starts_with("text/")) {
            let content = decode::content(leaf);
            let kept = content.get(..mail.bounds.header).unwrap_or(&content);
            for line in kept.split(|byte| *byte == b'\n') {
                add(&mut found, written_id(line));
            }
        }
    }
    found
}

/// Reads `Message-ID: <…>` as a line of text, indented or quoted as some servers do.
fn written_id(line: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(line.get(..1000).unwrap_or(line)).ok()?;
    let bare = text.trim_start_matches([' ', '\t', '>', '|']);
    let name = bare.get(..11).filter(|name| name.eq_ignore_ascii_case("message-id:"))?;
    bare.get(name.len()..)
}

fn add(found: &mut Vec<MessageIdHeader>, text: Option<&str>) {
    let id = text.and_then(|text| {
        let inner = text.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(id, _)| id);
        MessageIdHeader::new(inner?).ok()
    });
    if let Some(id) = id.filter(|id| found.len() < MAX_IDS && !found.contains(id)) {
        found.push(id);
    }
}
