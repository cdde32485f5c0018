//! How much of a mail is read. A mail over a bound is never dropped: what was left out becomes a finding, and the raw
//! message keeps everything.

use autocrm_core::mail::{MAX_RAW, MailFinding};

/// The bounds of one mail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bounds {
    /// The raw message, in bytes; over it only the header is read.
    pub raw: usize,
    /// The header of the message, and that of each part, in bytes.
    pub header: usize,
    /// Parts, multiparts included.
    pub parts: usize,
    /// Multiparts inside each other.
    pub depth: usize,
    /// Attachments; further ones stay in the raw message only.
    pub attachments: usize,
    /// The text, in bytes of UTF-8.
    pub text: usize,
    /// The HTML of all parts that are shown, in bytes.
    pub html: usize,
    /// HTML elements inside each other. Tree-building converters cost the square of it.
    pub html_depth: usize,
    /// All decoded contents together, in bytes.
    pub decoded: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            raw: MAX_RAW,
            header: 256 << 10,
            parts: 1000,
            depth: 32,
            attachments: 100,
            text: 1 << 20,
            html: 1 << 20,
            html_depth: 256,
            decoded: 60 << 20,
        }
    }
}

/// The findings of one mail, each kept once, in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<MailFinding>);

impl Findings {
    pub(crate) fn add(&mut self, finding: MailFinding) {
        if !self.0.contains(&finding) {
            self.0.push(finding);
        }
    }

    pub(crate) fn into_vec(self) -> Vec<MailFinding> {
        self.0
    }
}
