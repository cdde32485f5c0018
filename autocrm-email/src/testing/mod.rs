//! Other sides to test against: an SMTP server with TLS and a scripted Resend, both on this machine only.
//!
//! They keep what they are given in memory, and end when they are dropped. They are no servers for anything else.

mod http;
mod provider;
mod smtp;

pub use provider::{ResendScript, ScriptedResend, TEST_KEY};
pub use smtp::{SinkMail, SinkTrouble, SmtpSink};
