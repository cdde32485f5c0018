//! Mails that leave through Resend's HTTP interface.
//!
//! The client is our own and thin. Resend's crate reads the environment, panics on what it does not like there, limits the
//! rate per client instead of by the answers, and drops the headers of every answer but 429.

mod config;
mod failure;
mod mailer;
mod pace;
mod wire;

pub use config::{ApiKey, ResendConfig, ResendConfigError};
pub use mailer::{MAX_BATCH, ResendMailer};
