//! Latencies and means.

use std::{collections::BTreeSet, time::Duration};

/// Durations of one kind of call, in microseconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latencies {
    micros: Vec<f64>,
    sorted: bool,
}

impl Latencies {
    pub(crate) fn add(&mut self, duration: Duration) {
        self.micros.push(duration.as_secs_f64() * 1e6);
        self.sorted = false;
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.micros.extend(other.micros);
        self.sorted = false;
    }

    pub(crate) fn len(&self) -> usize {
        self.micros.len()
    }

    /// Returns how long all calls took together, in seconds.
    pub(crate) fn total_s(&self) -> f64 {
        self.micros.iter().sum::<f64>() / 1e6
    }

    /// Returns the smallest duration that at least `share` (0..=1) of the calls do not exceed, in milliseconds
    /// (nearest rank); 0 without calls.
    pub(crate) fn quantile_ms(&mut self, share: f64) -> f64 {
        if !self.sorted {
            self.micros.sort_by(f64::total_cmp);
            self.sorted = true;
        }
        let rank = (share * self.micros.len() as f64).ceil().max(1.0) as usize;
        self.micros.get(rank - 1).map_or(0.0, |micros| micros / 1e3)
    }
}

/// Returns calls per second.
pub(crate) fn rate(calls: usize, elapsed: Duration) -> f64 {
    calls as f64 / elapsed.as_secs_f64().max(1e-9)
}

/// Returns `part / whole`, 0 for an empty whole.
pub(crate) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Returns precision, recall and F1 of a class over pairs of truth and guess, 0 where nothing can be counted.
pub(crate) fn class_figures(pairs: &[(&str, &str)], class: &str) -> (f64, f64, f64) {
    let hits = pairs.iter().filter(|(truth, guess)| *truth == class && *guess == class).count();
    let actual = pairs.iter().filter(|(truth, _)| *truth == class).count();
    let named = pairs.iter().filter(|(_, guess)| *guess == class).count();
    (share(hits, named), share(hits, actual), share(2 * hits, actual + named))
}

/// Returns the mean F1 over the classes that occur as truth.
pub(crate) fn macro_f1(pairs: &[(&str, &str)]) -> f64 {
    let classes: BTreeSet<&str> = pairs.iter().map(|(truth, _)| *truth).collect();
    classes.iter().map(|class| class_figures(pairs, class).2).sum::<f64>() / classes.len().max(1) as f64
}

/// Returns the largest resident size that the process ever had, in MB (1,000,000 bytes); `None` where the system does
/// not tell.
pub(crate) fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

/// Returns the chance that one of the first scores exceeds one of the others; ties count half.
pub(crate) fn auroc(higher: &[f64], lower: &[f64]) -> f64 {
    let mut sorted = lower.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut won = 0.0;
    for score in higher {
        let below = sorted.partition_point(|other| other < score);
        let not_above = sorted.partition_point(|other| other <= score);
        won += below as f64 + (not_above - below) as f64 / 2.0;
    }
    won / (higher.len() * lower.len()).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let mut latencies = Latencies::default();
        assert!(latencies.quantile_ms(0.5).abs() < f64::EPSILON);
        for millis in (1..=100).rev() {
            latencies.add(Duration::from_millis(millis));
        }
        assert!((latencies.quantile_ms(0.5) - 50.0).abs() < 1e-9);
        assert!((latencies.quantile_ms(0.99) - 99.0).abs() < 1e-9);
        assert!((latencies.quantile_ms(1.0) - 100.0).abs() < 1e-9);
    }
}
