//! How fast Resend is asked: a rate of our own, and what its answers say.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use reqwest::header::HeaderMap;
use tokio::time::{Instant, sleep_until};

/// A request waits at most so long for its turn; then its mail goes back to the queue.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// No answer makes everybody wait longer than this.
const LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// Gives out turns, in order.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) fn new(per_second: u16) -> Self {
        Self { interval: Duration::from_secs(1) / u32::from(per_second.max(1)), next: Mutex::default() }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// How long to stay away, when that is too long to wait here.
    pub(super) async fn turn(&self) -> Result<(), Duration> {
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let turn = next.map_or(now, |next| next.max(now));
            let wait = turn.duration_since(now);
            if wait > LONGEST_WAIT {
                return Err(wait);
            }
            *next = Some(turn + self.interval);
            turn
        };
        sleep_until(turn).await;
        Ok(())
    }

    /// Lets nobody have a turn for a while.
    pub(super) fn pause(&self, wait: Duration) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + wait.min(LONGEST_PAUSE);
        *next = Some(next.map_or(until, |next| next.max(until)));
    }

    /// Takes note of what an answer says about the rate (`ratelimit-remaining`, `ratelimit-reset`).
    pub(super) fn note(&self, headers: &HeaderMap) {
        if number(headers, "ratelimit-remaining") == Some(0)
            && let Some(seconds) = number(headers, "ratelimit-reset")
        {
            self.pause(Duration::from_secs(seconds));
        }
    }
}

/// Returns how long an answer asks to stay away (`retry-after`, else `ratelimit-reset`), in whole seconds.
pub(super) fn asked_pause(headers: &HeaderMap) -> Option<Duration> {
    number(headers, "retry-after")
        .or_else(|| number(headers, "ratelimit-reset"))
        .map(|seconds| Duration::from_secs(seconds).min(LONGEST_PAUSE))
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn turns_keep_the_rate() {
        let pace = Pace::new(5);
        let begun = Instant::now();
        for _ in 0..11 {
            pace.turn().await.unwrap();
        }
        let elapsed = begun.elapsed();
        assert!(elapsed >= Duration::from_secs(2) && elapsed < Duration::from_millis(2_100), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_without_room_stops_everybody() {
        let pace = Pace::new(1_000);
        pace.note(&headers(&[("ratelimit-remaining", "1"), ("ratelimit-reset", "9")]));
        let begun = Instant::now();
        pace.turn().await.unwrap();
        assert!(begun.elapsed() < Duration::from_millis(10));
        pace.note(&headers(&[("ratelimit-remaining", "0"), ("ratelimit-reset", "2")]));
        pace.turn().await.unwrap();
        assert!(begun.elapsed() >= Duration::from_secs(2));
        pace.pause(Duration::from_hours(99));
        let wait = pace.turn().await.unwrap_err();
        assert!(wait > LONGEST_WAIT && wait <= LONGEST_PAUSE);
    }

    #[test]
    fn the_stricter_header_counts() {
        let both = headers(&[("retry-after", "7"), ("ratelimit-reset", "1")]);
        assert_eq!(asked_pause(&both), Some(Duration::from_secs(7)));
        assert_eq!(asked_pause(&headers(&[("ratelimit-reset", "1")])), Some(Duration::from_secs(1)));
        assert_eq!(asked_pause(&headers(&[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")])), None);
    }
}
