//! How a store uses its server.

use std::time::Duration;

use autocrm_core::error::{Error, ErrorKind, Result};

/// How a store uses its server. The connections are the host's: their number, their timeouts and their encryption are set
/// on the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresConfig {
    /// The largest number of change sets that wait to be committed, 1..=1,000,000; a further one is answered
    /// `Overloaded`.
    pub queue: usize,
    /// The largest number of change sets in one durable transaction, 1..=10,000.
    pub batch: usize,
    /// How many transactions commit change sets at the same time, each on a connection of the pool, 1..=64.
    pub committers: usize,
    /// How far the instant of a change set may be from the clock of the database before it is refused as `Invalid`; at
    /// most ten years. Messages lie in partitions by month, which are made ahead of the database's clock.
    pub clock_tolerance: Duration,
    /// After how long the server ends a transaction of ours whose client has fallen silent, 1 second to 1 hour.
    pub idle_timeout: Duration,
    /// For how long a lock of another transaction is waited for, 1 millisecond to 1 hour.
    pub lock_timeout: Duration,
    /// Whether a running worker listens for jobs that other nodes commit, on a connection of its own. Without it, and
    /// behind poolers that cannot listen, they are found by polling.
    pub listen: bool,
}

impl Default for PostgresConfig {
    /// 4,096 waiting change sets, batches of 256, 2 committers, 24 hours of tolerance, 30 seconds for a silent client, 10
    /// seconds for a lock, listening.
    fn default() -> Self {
        Self {
            queue: 4_096,
            batch: 256,
            committers: 2,
            clock_tolerance: Duration::from_hours(24),
            idle_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(10),
            listen: true,
        }
    }
}

impl PostgresConfig {
    /// Refuses numbers outside of their stated ranges.
    pub(crate) fn check(&self) -> Result<()> {
        let millis = |time: Duration| usize::try_from(time.as_millis()).unwrap_or(usize::MAX);
        let ranges = [
            ("queue", self.queue, 1, 1_000_000),
            ("batch", self.batch, 1, 10_000),
            ("committers", self.committers, 1, 64),
            ("clock_tolerance in milliseconds", millis(self.clock_tolerance), 0, 315_360_000_000),
            ("idle_timeout in milliseconds", millis(self.idle_timeout), 1_000, 3_600_000),
            ("lock_timeout in milliseconds", millis(self.lock_timeout), 1, 3_600_000),
        ];
        for (what, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                let context = format!("{what} is {value}, not within {least}..={most}");
                return Err(Error::new(ErrorKind::Invalid, "open a store").context(context));
            }
        }
        Ok(())
    }
}
