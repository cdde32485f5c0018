//! The contents of a mail: its text, what the markup says about it, and the files that came with it.

use std::borrow::Cow;

use autocrm_core::{
    mail::{MailFinding, ParsedAttachment},
    text::{Name, truncate_bytes},
};

use super::{
    bounds::{Bounds, Findings},
    clean, decode,
    header::Header,
    html::{self, Converted, Marked},
    message::decoded,
    mime::Leaf,
    tnef::tnef_files,
};

/// The header of an attached message that is looked at for its subject, in bytes.
const MAX_NESTED_HEADER: usize = 64 << 10;
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
        let markup = self.guarded(leaf)?;
        // The converter writes nothing that a body may not hold, so that the marks keep their places.
        Some(html::convert(&markup, self.bounds.text)).filter(|found| !found.text.trim().is_empty())
    }

    /// Decodes a markup that is neither too large nor too deep.
    fn guarded(&mut self, leaf: &Leaf<'_>) -> Option<String> {
        if !self.allow(leaf.body.len()) {
            return None;
        }
        let bytes = decode::content(leaf);
        self.html = self.html.saturating_add(bytes.len());
        let markup = if self.html > self.bounds.html { None } else { Some(decode::text(leaf, &bytes)) };
        let kept = markup.filter(|markup| !html::nests_deeper_than(markup, self.bounds.html_depth));
        if kept.is_none() {
            self.findings.add(MailFinding::HtmlTooLarge);
        }
        kept
    }

    /// Lists the files, those inside `winmail.dat` behind it.
    pub(crate) fn attachments(&mut self, files: &[Leaf<'_>]) -> Vec<ParsedAttachment> {
        self.each_file(files, |name, content_type, _, bytes| ParsedAttachment {
            name,
            content_type,
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        })
    }

    /// Hands out the files with their bytes; `shown` are the Content-IDs of the pictures in the text.
    pub(crate) fn files(&mut self, files: &[Leaf<'_>], shown: &[String]) -> Vec<MailFile> {
        self.each_file(files, |name, content_type, content_id, bytes| MailFile {
            name,
            content_type,
            inline: content_id.as_ref().is_some_and(|id| shown.contains(id)),
            content_id,
            bytes: bytes.into_owned(),
        })
    }

    /// Returns the markup of the parts that are shown, if it may be handed to a converter.
    pub(crate) fn markup(&mut self, bodies: &[Leaf<'_>]) -> Option<String> {
        let pages: Vec<String> = bodies
            .iter()
            .filter(|leaf| leaf.media_type() == "text/html")
            .filter_map(|leaf| self.guarded(leaf))
            .collect();
        (!pages.is_empty()).then(|| pages.join("\n"))
    }

    fn each_file<T>(
        &mut self,
        files: &[Leaf<'_>],
        make: impl Fn(Name, String, Option<String>, Cow<'_, [u8]>) -> T,
    ) -> Vec<T> {
        let mut found = Vec::new();
        for leaf in files {
            if found.len() >= self.bounds.attachments {
                self.findings.add(MailFinding::TooManyAttachments);
                break;
            }
            if !self.allow(leaf.body.len()) {
                break;
            }
            let content = decode::content(leaf);
            let content_type = media_type(leaf);
            let name = file_name(leaf, &content_type, &content);
            let unpacked =
                if is_tnef(&content_type, name.as_ref()) { self.unpacked(&content) } else { Vec::new() };
            let content_id = leaf.content_id();
            found.extend(name.map(|name| make(name, content_type, content_id, content)));
            for file in unpacked {
                if found.len() >= self.bounds.attachments {
                    self.findings.add(MailFinding::TooManyAttachments);
                    break;
                }
                found.push(make(file.name, file.content_type, file.content_id, Cow::Owned(file.bytes)));
            }
        }
        found
    }

    /// Returns the files inside `winmail.dat`.
    fn unpacked(&mut self, stream: &[u8]) -> Vec<MailFile> {
        let mut found = Vec::new();
        for file in tnef_files(stream, self.bounds.attachments) {
            if !self.allow(file.bytes.len()) {
                break;
            }
            if let Some(name) = clean::attachment_name(file.name.as_deref()) {
                let content_type = media_type_of(file.content_type.as_deref().unwrap_or(OCTETS));
                let (content_id, bytes) = (file.content_id, file.bytes.to_vec());
                found.push(MailFile { name, content_type, content_id, inline: false, bytes });
            }
        }
        found
    }
}

/// A file that came with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailFile {
    /// The name, cleaned: never a path, never a key.
    pub name: Name,
    /// The declared type, lower-cased; `application/octet-stream` when none is given.
    pub content_type: String,
    /// The Content-ID, without brackets.
    pub content_id: Option<String>,
    /// Whether the HTML of the mail shows it as a picture. `SafeHtml::content_ids` says which of them remain after
    /// sanitising.
    pub inline: bool,
    /// The decoded bytes.
    pub bytes: Vec<u8>,
}

/// What a mail holds besides its text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MailContents {
    /// The HTML that is shown, decoded and within its bounds, as a stranger wrote it: sanitise it before use.
    pub html: Option<String>,
    /// The files, those inside `winmail.dat` behind it; attached messages as they stand.
    pub files: Vec<MailFile>,
    /// What was left out.
    pub findings: Vec<MailFinding>,
}

/// Names a file. An attached message is kept as a message: without a name it has that of its subject.
fn file_name(leaf: &Leaf<'_>, content_type: &str, content: &[u8]) -> Option<Name> {
    let declared = leaf.declared_name().map(decoded);
    if content_type != "message/rfc822" && content_type != "message/global" {
        return clean::attachment_name(declared.as_deref());
    }
    let subject =
        || Header::scan(content, MAX_NESTED_HEADER).text("subject").map(|subject| decoded(&subject));
    let stem = declared
        .or_else(subject)
        .filter(|stem| !stem.trim().is_empty())
        .unwrap_or_else(|| "message".to_owned());
    let ends = stem.to_ascii_lowercase().ends_with(".eml");
    // A slash in a subject begins no path.
    let stem = stem.replace(['/', '\\'], "_");
    clean::attachment_name(Some(&if ends { stem } else { format!("{stem}.eml") }))
}

fn is_tnef(content_type: &str, name: Option<&Name>) -> bool {
    content_type == "application/ms-tnef"
        || content_type == "application/vnd.ms-tnef"
        || name.is_some_and(|name| name.as_str().eq_ignore_ascii_case("winmail.dat"))
}

fn media_type(leaf: &Leaf<'_>) -> String {
    if leaf.content_type.is_some() { media_type_of(&leaf.media_type()) } else { OCTETS.to_owned() }
}

fn media_type_of(declared: &str) -> String {
    let good = declared.len() <= 127
        && declared.contains('/')
        && declared.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/.+-_".contains(&byte));
    if good { declared.to_ascii_lowercase() } else { OCTETS.to_owned() }
}
