//! How long a failed job waits.

use std::time::Duration;

use crate::change::RetryPolicy;

/// Returns the pause after the given failed attempt (from 1): exponential, capped, with full jitter over its upper half,
/// so that jobs which failed together do not come back together. `random` supplies the jitter.
pub fn pause_after(policy: &RetryPolicy, attempt: u16, random: u64) -> Duration {
    let doublings = u32::from(attempt.saturating_sub(1)).min(30);
    let full = policy.first_pause.saturating_mul(1 << doublings).min(policy.longest_pause);
    let half = full / 2;
    let span = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).saturating_add(1);
    half + Duration::from_micros(random % span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_capped() {
        let policy = RetryPolicy::STANDARD;
        for attempt in 1..=100 {
            for random in [0, 1, u64::MAX / 3, u64::MAX] {
                let pause = pause_after(&policy, attempt, random);
                assert!(pause >= policy.first_pause / 2 && pause <= policy.longest_pause);
            }
            assert!(pause_after(&policy, attempt, 0) <= pause_after(&policy, attempt + 1, 0));
        }
        assert_eq!(pause_after(&policy, 1_000, 0), policy.longest_pause / 2);
    }
}
