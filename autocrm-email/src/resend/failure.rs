//! What an answer of Resend says about the mail.

use std::{fmt, time::Duration};

use autocrm_core::error::{Error, ErrorKind, Retry};
use reqwest::StatusCode;

pub(super) const SEND: &str = "resend.send";
/// What a person has to mend is not asked for again at once.
const MENDING: Duration = Duration::from_mins(5);
/// The least pause once a day's quota is used up.
const DAILY: Duration = Duration::from_hours(1);
/// The least pause once a month's quota is used up.
const MONTHLY: Duration = Duration::from_hours(6);

/// What to do about an answer that is not a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The mail can never be sent.
    Invalid,
    /// The key was used for another mail.
    Reused,
    /// The same mail is being taken in at this moment.
    Concurrent,
    /// Everybody waits until the rate allows more.
    TooFast,
    /// A quota is used up: the mail waits at least so long.
    Exhausted(Duration),
    /// A person has to mend the account, the key or the domain.
    Setup,
    /// It may pass.
    Moment,
}

/// Judges an answer. Names that Resend may add later are judged by their status.
pub(super) fn judge(status: StatusCode, name: &str) -> Verdict {
    match (status.as_u16(), name) {
        (409, "invalid_idempotent_request") => Verdict::Reused,
        (409, "concurrent_idempotent_requests") => Verdict::Concurrent,
        (429, "daily_quota_exceeded") => Verdict::Exhausted(DAILY),
        (429, "monthly_quota_exceeded") => Verdict::Exhausted(MONTHLY),
        (429, _) => Verdict::TooFast,
        (400 | 413 | 422, _) => Verdict::Invalid,
        (401 | 403 | 404 | 405, _) => Verdict::Setup,
        _ => Verdict::Moment,
    }
}

/// Returns the failure that goes with a verdict. `pause` is what the answer asks for.
pub(super) fn failure(verdict: Verdict, pause: Option<Duration>, context: impl fmt::Display) -> Error {
    let asked = pause.unwrap_or_default();
    let (kind, wait) = match verdict {
        Verdict::Invalid => (ErrorKind::Invalid, None),
        Verdict::Reused => (ErrorKind::KeyReused, None),
        Verdict::TooFast => (ErrorKind::Overloaded, pause),
        Verdict::Exhausted(least) => (ErrorKind::Overloaded, Some(least.max(asked))),
        Verdict::Setup => (ErrorKind::Unavailable, Some(MENDING.max(asked))),
        Verdict::Concurrent | Verdict::Moment => (ErrorKind::Unavailable, pause),
    };
    let error = Error::new(kind, SEND).context(context);
    match wait {
        Some(wait) => error.retry(Retry::Later(wait)),
        None => error,
    }
}

/// Returns the name of a refusal, if it is one that can be shown.
pub(super) fn shown(name: &str) -> &str {
    let good = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if good { name } else { "unnamed" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_mail_s_own_faults_are_final() {
        let judged = |status: u16, name| judge(StatusCode::from_u16(status).unwrap(), name);
        assert_eq!(judged(422, "invalid_parameter"), Verdict::Invalid);
        assert_eq!(judged(400, "validation_error"), Verdict::Invalid);
        assert_eq!(judged(409, "invalid_idempotent_request"), Verdict::Reused);
        assert_eq!(judged(409, "concurrent_idempotent_requests"), Verdict::Concurrent);
        assert_eq!(judged(409, "resource_locked"), Verdict::Moment);
        assert_eq!(judged(401, "missing_api_key"), Verdict::Setup);
        assert_eq!(judged(403, "suspended_api_key"), Verdict::Setup);
        assert_eq!(judged(429, "rate_limit_exceeded"), Verdict::TooFast);
        assert_eq!(judged(429, "something_new"), Verdict::TooFast);
        assert_eq!(judged(500, "application_error"), Verdict::Moment);
        for status in [401, 403, 404, 408, 409, 429, 500, 503] {
            let verdict = judged(status, "something_new");
            assert!(failure(verdict, None, "id").is_retryable(), "{status}");
        }
    }

    #[test]
    fn a_used_up_quota_is_not_asked_for_at_once() {
        let wait =
            |name, pause| failure(judge(StatusCode::TOO_MANY_REQUESTS, name), pause, "id").retry_advice();
        assert_eq!(wait("daily_quota_exceeded", None), Retry::Later(DAILY));
        assert_eq!(wait("monthly_quota_exceeded", Some(Duration::from_secs(9))), Retry::Later(MONTHLY));
        let long = Duration::from_hours(20);
        assert_eq!(wait("daily_quota_exceeded", Some(long)), Retry::Later(long));
        assert_eq!(
            wait("rate_limit_exceeded", Some(Duration::from_secs(2))),
            Retry::Later(Duration::from_secs(2))
        );
    }

    #[test]
    fn only_plain_names_are_shown() {
        assert_eq!(shown("validation_error"), "validation_error");
        for bad in ["", "Ann <ann@example.org>", "a\nb", &"x".repeat(65)] {
            assert_eq!(shown(bad), "unnamed");
        }
    }
}
