//! The contents of a mail: its text, what the markup says about it, and the files that came with it.

use autocrm_core::{
    mail::{MailFinding, ParsedAttachment},
    text::truncate_bytes,
};

use super::{
    bounds::{Bounds, Findings},
    clean, decode,
    html::{self, Converted, Marked},
    message::decoded,
    mime::Leaf,
};

const OCTETS: &str = "application/octet-stream";

/// Tells what is read from what is listed.
pub(crate) fn sorted(parts: Vec<Leaf<'_>>) -> (Vec<Leaf<'_>>, Vec<Leaf<'_>>) {
    let shown = |leaf: &Leaf<'_>| {
        let media_type = leaf.media_type();
        !leaf.is_attachment()
            && leaf.declared_name().is_none()
            && (media_type == "text/plain" || media_type == "text/html")
    };
    parts.into_iter().partition(shown)
}

/// Decodes contents within the bounds of one mail.
pub(crate) struct Contents<'a> {
    bounds: &'a Bounds,
    decoded: usize,
    html: usize,
    findings: &'a mut Findings,
}

/// Puts the texts of several parts below each other.
fn joined(pieces: Vec<Converted>) -> Converted {
    let mut whole = Converted::default();
    for piece in pieces {
        if !whole.text.is_empty() {
            whole.text.push_str("\n\n");
        }
        let at = whole.text.len();
        whole.text.push_str(&piece.text);
        whole.marks.extend(
            piece
                .marks
                .into_iter()
                .map(|marked| Marked { range: marked.range.start + at..marked.range.end + at, ..marked }),
        );
    }
    whole
}

impl<'a> Contents<'a> {
    pub(crate) fn new(bounds: &'a Bounds, findings: &'a mut Findings) -> Self {
        Self { bounds, decoded: 0, html: 0, findings }
    }

    /// Joins the texts of the parts that are shown. Of an alternative the plain text counts, unless it is empty.
    pub(crate) fn text(&mut self, bodies: &[Leaf<'_>]) -> Converted {
        let mut texts: Vec<Converted> = Vec::new();
        let mut at = 0;
        while let Some(first) = bodies.get(at) {
            let same =
                |leaf: &&Leaf<'_>| first.alternative.is_some() && leaf.alternative == first.alternative;
            let group =
                bodies.get(at..at + bodies[at..].iter().take_while(same).count().max(1)).unwrap_or_default();
            let plain: Vec<String> = group
                .iter()
                .filter(|leaf| leaf.media_type() != "text/html")
                .filter_map(|leaf| self.plain(leaf))
                .collect();
            if plain.is_empty() {
                texts.extend(
                    group
                        .iter()
                        .filter(|leaf| leaf.media_type() == "text/html")
                        .filter_map(|leaf| self.html(leaf)),
                );
            } else {
                texts.extend(plain.into_iter().map(|text| Converted { text, marks: Vec::new() }));
            }
            at += group.len().max(1);
        }
        let mut whole = joined(texts);
        if whole.text.len() > self.bounds.text {
            self.findings.add(MailFinding::TextTooLarge);
            let kept = truncate_bytes(&whole.text, self.bounds.text).trim_end().len();
            whole.text.truncate(kept);
        }
        whole
    }

    /// Returns whether `size` more decoded bytes are allowed.
    fn allow(&mut self, size: usize) -> bool {
        self.decoded = self.decoded.saturating_add(size);
        let allowed = self.decoded <= self.bounds.decoded;
        if !allowed {
            self.findings.add(MailFinding::DecodedTooLarge);
        }
        allowed
    }

    fn plain(&mut self, leaf: &Leaf<'_>) -> Option<String> {
        if !self.allow(leaf.body.len()) {
            return None;
        }
        let bytes = decode::content(leaf);
        let kept = bytes.get(..self.bounds.text).unwrap_or(&bytes);
        if kept.len() < bytes.len() {
            self.findings.add(MailFinding::TextTooLarge);
        }
        Some(clean::body(&decode::text(leaf, kept))).filter(|text| !text.trim().is_empty())
    }

    fn html(&mut self, leaf: &Leaf<'_>) -> Option<Converted> {
        if !self.allow(leaf.body.len()) {
            return None;
        }
        let bytes = decode::content(leaf);
        self.html = self.html.saturating_add(bytes.len());
        if self.html > self.bounds.html {
            self.findings.add(MailFinding::HtmlTooLarge);
            return None;
        }
        let markup = decode::text(leaf, &bytes);
        if html::nests_deeper_than(&markup, self.bounds.html_depth) {
            self.findings.add(MailFinding::HtmlTooLarge);
            return None;
        }
        let converted = html::convert(&markup, self.bounds.text);
        // The converter writes nothing that a body may not hold, so that the marks keep their places.
        Some(converted).filter(|found| !found.text.trim().is_empty())
    }

    pub(crate) fn attachments(&mut self, files: &[Leaf<'_>]) -> Vec<ParsedAttachment> {
        if files.len() > self.bounds.attachments {
            self.findings.add(MailFinding::TooManyAttachments);
        }
        let mut found = Vec::new();
        for leaf in files.iter().take(self.bounds.attachments) {
            if !self.allow(leaf.body.len()) {
                break;
            }
            let size = u64::try_from(decode::content(leaf).len()).unwrap_or(u64::MAX);
            if let Some(name) = clean::attachment_name(leaf.declared_name().map(decoded).as_deref()) {
                found.push(ParsedAttachment { name, content_type: media_type(leaf), size });
            }
        }
        found
    }
}

fn media_type(leaf: &Leaf<'_>) -> String {
    let declared = leaf.media_type();
    let good = declared.len() <= 127
        && declared.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/.+-_".contains(&byte));
    if good && leaf.content_type.is_some() { declared } else { OCTETS.to_owned() }
}
