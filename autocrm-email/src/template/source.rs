//! The parts of a template.

/// The largest part of a template, in bytes.
pub(super) const MAX_PART: usize = 262_144;

/// The three parts of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateSource {
    /// The subject, one line.
    pub subject: String,
    /// The body in MJML.
    pub mjml: String,
    /// The plain twin of the body.
    pub text: String,
}

/// Why a template was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A part is larger than 262,144 bytes.
    #[error("the {part} has {actual} bytes, the limit is {MAX_PART}")]
    TooLarge {
        /// The part: `subject`, `mjml` or `text`.
        part: &'static str,
        /// Its size.
        actual: usize,
    },
    /// A part cannot be read, or fails with the sample data.
    #[error("the {part} fails: {problem}")]
    Part {
        /// The part.
        part: &'static str,
        /// What is wrong, for the author of the template.
        problem: String,
    },
    /// The name or the language is none.
    #[error("{0} is no name of a template or language")]
    Name(String),
}
