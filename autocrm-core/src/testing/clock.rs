//! A clock that stands until it is moved.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use crate::clock::{Clock, Timestamp};

/// A clock that stands until it is moved. Clones are one clock.
#[derive(Debug, Clone)]
pub struct ManualClock {
    micros: Arc<AtomicI64>,
}

impl ManualClock {
    /// Returns a clock that stands at `at`.
    pub fn new(at: Timestamp) -> Self {
        Self { micros: Arc::new(AtomicI64::new(at.as_micros())) }
    }

    /// Moves the clock to `at`, back too.
    pub fn set(&self, at: Timestamp) {
        self.micros.store(at.as_micros(), Ordering::SeqCst);
    }

    /// Moves the clock forward and returns the new instant.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.micros.fetch_add(micros, Ordering::SeqCst).saturating_add(micros))
    }
}

impl Default for ManualClock {
    /// 2026-03-01 08:00:00.123457 UTC: every digit of the fraction is in use.
    fn default() -> Self {
        Self::new(Timestamp::from_micros(1_772_352_000_123_457))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_until_it_is_moved() {
        let clock = ManualClock::default();
        let start = clock.now();
        assert_eq!(clock.now(), start);
        assert_eq!(clock.clone().advance(Duration::from_secs(1)), start.plus(Duration::from_secs(1)));
        assert_eq!(clock.now().since(start), Duration::from_secs(1));
        clock.set(Timestamp::EPOCH);
        assert_eq!(clock.now(), Timestamp::EPOCH);
    }
}
