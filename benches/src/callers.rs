//! Many callers at once, each waiting for its answer before it calls again.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{
    failure::Result,
    stats::{Latencies, rate},
};

/// When the callers stop.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// After this many calls together.
    Calls(usize),
    /// When this time is over.
    Time(Duration),
}

/// What the callers saw.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) latencies: Latencies,
    pub(crate) elapsed: Duration,
}

impl Run {
    pub(crate) fn per_s(&self) -> f64 {
        rate(self.latencies.len(), self.elapsed)
    }
}

/// Lets `clients` callers make calls numbered from 0. The first failure ends the run.
pub(crate) async fn run<F, Fut>(clients: usize, until: Until, call: F) -> Result<Run>
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..clients.max(1) {
        let (numbers, calling) = (Arc::clone(&next), call.clone());
        callers.spawn(async move {
            let mut latencies = Latencies::default();
            loop {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                let over = match until {
                    Until::Calls(count) => number >= count,
                    Until::Time(limit) => begun.elapsed() >= limit,
                };
                if over {
                    return Ok::<_, crate::failure::Failure>(latencies);
                }
                let asked = Instant::now();
                calling(number).await?;
                latencies.add(asked.elapsed());
            }
        });
    }
    let mut latencies = Latencies::default();
    while let Some(caller) = callers.join_next().await {
        latencies.merge(caller??);
    }
    Ok(Run { latencies, elapsed: begun.elapsed() })
}
