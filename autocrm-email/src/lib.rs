//! E-mail for AutoCRM: received mails are read, mails that leave are written.
//!
//! * [`MimeParser`] (feature `parse`) is the [`MailParser`](autocrm_core::port::MailParser): the strict header scan
//!   that decides who the author is, bounds on everything, the text and the attachments.
//! * [`newest_reply`] (feature `parse`) finds what the sender wrote now inside a plain text, without the quoted past and
//!   the signature. It takes a body. For a raw mail, read it with [`MimeParser`] and take `ParsedMail::newest_reply`: the
//!   parser knows the markup besides, in which mail programs name their quotations.
//! * [`classify`] (feature `parse`) tells reports, complaints, automatic answers and lists from people's mail.
//! * `AuthVerifier` (feature `auth`) is the [`SenderVerifier`](autocrm_core::port::SenderVerifier): DKIM, SPF and DMARC.
//! * `ImapPoller` (feature `imap`) hands the mails of an IMAP folder to the desk, each once.
//! * `sanitize` (feature `sanitize`) makes the HTML of [`MailContents`] fit to show.
//! * [`FileOutbox`] (feature `outbox`) is a [`Mailer`](autocrm_core::port::Mailer) that writes `.eml` files into a folder.
//! * `SmtpMailer` (feature `smtp`) is one that hands mails to an SMTP server, `ResendMailer` (feature `resend`) to Resend.
//! * `MjmlTemplates` (feature `templates`) makes the mails of triggers.
//! * `webhook` (feature `webhook`) proves where a webhook comes from and reads it; `ResendInbox` fetches what came in.
//! * `testing` (feature `testing`) has other sides to test them against.
//!
//! ```
//! let text = "It works now, thanks!\n\nOn 3 Mar 2026 at 10:12, Ann <ann@example.com> wrote:\n> Which version is it?\n";
//! assert_eq!(autocrm_email::newest_reply(text).text(text), "It works now, thanks!");
//! ```

#[cfg(feature = "auth")]
pub mod auth;
#[cfg(any(feature = "outbox", feature = "smtp", feature = "resend"))]
mod compose;
#[cfg(feature = "imap")]
pub mod imap;
#[cfg(feature = "outbox")]
pub mod outbox;
#[cfg(feature = "parse")]
pub mod parse;
#[cfg(feature = "resend")]
pub mod resend;
#[cfg(feature = "smtp")]
pub mod smtp;
#[cfg(feature = "templates")]
pub mod template;
#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "webhook")]
pub mod webhook;

#[cfg(feature = "auth")]
pub use auth::{AuthVerifier, DnsTable, TrustedResults};
#[cfg(any(feature = "outbox", feature = "smtp"))]
pub use compose::{Blind, render};
#[cfg(feature = "imap")]
pub use imap::{ImapConfig, ImapPoller};
#[cfg(feature = "outbox")]
pub use outbox::FileOutbox;
#[cfg(feature = "parse")]
pub use parse::{
    Action, Bounds, Classified, Complaint, ComplaintKind, DeliveryReport, Disposition, HtmlLimits,
    HtmlRefusal, MailContents, MailFile, MimeParser, RecipientStatus, Severity, StatusCode, TnefFile,
    classify,
    reply::{NewestReply, newest_reply, newest_reply_marked},
    tnef_files,
};
#[cfg(feature = "sanitize")]
pub use parse::{RemoteImages, SafeHtml, sanitize};
#[cfg(feature = "resend")]
pub use resend::{ApiKey, ResendConfig, ResendMailer};
#[cfg(feature = "smtp")]
pub use smtp::{SmtpConfig, SmtpMailer};
#[cfg(feature = "templates")]
pub use template::{MjmlTemplates, TemplateError, TemplateSource};
