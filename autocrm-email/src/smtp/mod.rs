//! Mails that leave over SMTP (RFC 5321), by lettre.

mod config;
mod failure;
mod mailer;
mod once;

pub use config::{SmtpConfig, SmtpConfigError, SmtpSecurity};
pub use mailer::SmtpMailer;
