//! Mails from templates: MJML by mrml, filled by minijinja.
//!
//! A template has three parts: the subject, the body in MJML and its plain twin. They are filled first and laid out
//! afterwards, so that data is text wherever it lands. A variable that does not exist is an error. Steps and sizes of the
//! parts are bounded, and no template reads a file or the network; yet templates are the host's own, like its code: one
//! expression can ask for much memory, so that none is to be taken from strangers.

mod engine;
mod library;
mod source;

pub use library::{BUILT_IN, MjmlTemplates};
pub use source::{TemplateError, TemplateSource};
