//! Raw RFC 5322 in, facts out: bounds, strict header scan, structure, contents, newest reply.

pub mod address;
mod automatic;
mod bounds;
mod clean;
mod content;
mod decode;
pub mod header;
pub mod html;
mod message;
mod mime;
pub mod reply;
mod report;
#[cfg(feature = "sanitize")]
mod sanitize;
mod tnef;

pub use bounds::Bounds;
pub use content::{MailContents, MailFile};
pub use html::{HtmlLimits, HtmlRefusal};
pub use message::MimeParser;
pub use report::{
    Action, Classified, Complaint, ComplaintKind, DeliveryReport, Disposition, RecipientStatus, Severity,
    StatusCode, classify,
};
#[cfg(feature = "sanitize")]
pub use sanitize::{RemoteImages, SafeHtml, sanitize};
pub use tnef::{TnefFile, tnef_files};
