//! What a failure of the server says about the mail.

use std::{error::Error as StdError, io, time::Duration};

use autocrm_core::{
    error::{Error, ErrorKind, Retry},
    id::OutboundId,
};
use lettre::transport::smtp::Error as SmtpError;

pub(super) const SEND: &str = "smtp.send";
/// What a person has to mend is not asked for again at once.
const MENDING: Duration = Duration::from_mins(5);

/// What a failure is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The mail: it can never be sent.
    Mail,
    /// The desk's own name, password or certificates: a person mends that.
    Setup,
    /// The moment.
    Moment,
    /// The server is silent.
    Silence,
}

/// Tells what a failure is about. A refusal for good is about the mail only where the server still takes others:
/// `takes_mail` finds that out.
pub(super) fn cause(error: &SmtpError, takes_mail: impl FnOnce() -> bool) -> Cause {
    if timed_out(error) {
        return Cause::Silence;
    }
    if error.is_tls() {
        return Cause::Setup;
    }
    let is_final = match error.status().map(u16::from) {
        // Authentication is required, too weak or refused (RFC 4954, section 6).
        Some(454 | 530 | 534 | 535 | 538) => return Cause::Setup,
        Some(code) => code >= 500,
        // What the server lacks: STARTTLS for every mail, or something that only this one needs.
        None => error.is_client(),
    };
    match is_final {
        false => Cause::Moment,
        true if takes_mail() => Cause::Mail,
        true => Cause::Setup,
    }
}

/// A socket says that it would block when its time is over; lettre knows the other word only.
fn timed_out(error: &SmtpError) -> bool {
    let mut cause = StdError::source(error);
    while let Some(found) = cause {
        if let Some(io) = found.downcast_ref::<io::Error>() {
            return matches!(io.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock);
        }
        cause = found.source();
    }
    false
}

/// Returns the failure. What the server said is left out: it quotes addresses.
pub(super) fn failure(cause: Cause, code: Option<u16>, mail: OutboundId) -> Error {
    let kind = match cause {
        Cause::Mail => ErrorKind::Invalid,
        Cause::Setup | Cause::Moment => ErrorKind::Unavailable,
        Cause::Silence => ErrorKind::Timeout,
    };
    let error = Error::new(kind, SEND);
    let told = match code {
        Some(code) => error.context(format_args!("{mail}, answer {code}")),
        None => error.context(mail),
    };
    if cause == Cause::Setup { told.retry(Retry::Later(MENDING)) } else { told }
}
