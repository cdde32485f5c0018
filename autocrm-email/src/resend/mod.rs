//! Mails that leave through Resend's HTTP interface.
//!
//! The client is our own and thin. Resend's crate reads the environment, panics on what it does not like there, limits the
//! rate per client instead of by the answers, and drops the headers of every answer but 429.

mod config;
mod failure;
#[cfg(feature = "webhook")]
mod inbox;
mod mailer;
mod pace;
mod wire;

/// The tag of a mail that names its tenant; webhooks bring it back.
pub const TENANT_TAG: &str = "autocrm_tenant";
/// The tag of a mail that names the mail.
pub const MAIL_TAG: &str = "autocrm_mail";

pub use config::{ApiKey, ResendConfig, ResendConfigError};
#[cfg(feature = "webhook")]
pub use inbox::{Reconciled, ResendInbox};
pub use mailer::{MAX_BATCH, ResendMailer};
