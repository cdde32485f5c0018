//! Stores that break a clause about jobs in their commit.

use std::{collections::BTreeMap, sync::Mutex};

use async_trait::async_trait;

use crate::{
    change::{ChangeSet, JobFinish, JobOutcome, LeaseToken, LeasedJob, NewJob, Receipt, Write},
    clock::Timestamp,
    conformance::broken::twin::Fault,
    error::Result,
    id::JobId,
    port::{ClaimRequest, Store},
};

/// Q1: changes which jobs a set brings.
pub(crate) enum JobsChanged {
    /// The last job is forgotten.
    LastForgotten,
    /// The jobs of a refused set are kept.
    KeptWhenRefused,
}

#[async_trait]
impl Fault for JobsChanged {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let jobs: Vec<NewJob> = changes.jobs().to_vec();
        match self {
            Self::LastForgotten => {
                let kept = jobs.len().saturating_sub(1);
                store.commit(&changes.clone().with_jobs(jobs.into_iter().take(kept).collect())).await
            }
            Self::KeptWhenRefused => {
                let answer = store.commit(changes).await;
                if answer.is_err() && !jobs.is_empty() {
                    let rest = changes.clone().with_writes(Vec::new()).with_events(Vec::new());
                    store.commit(&rest.with_requirements(Vec::new())).await?;
                }
                answer
            }
        }
    }
}

/// C11, Q3: takes any token for the current one.
#[derive(Default)]
pub(crate) struct StaleTokenAccepted {
    current: Mutex<BTreeMap<JobId, LeaseToken>>,
}

impl StaleTokenAccepted {
    fn current(&self, job: JobId, given: LeaseToken) -> LeaseToken {
        self.current.lock().expect("no panic under the lock").get(&job).copied().unwrap_or(given)
    }
}

#[async_trait]
impl Fault for StaleTokenAccepted {
    async fn claim(&self, store: &dyn Store, request: &ClaimRequest) -> Result<Vec<LeasedJob>> {
        let held = store.claim(request).await?;
        self.current
            .lock()
            .expect("no panic under the lock")
            .extend(held.iter().map(|job| (job.id, job.token)));
        Ok(held)
    }

    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let mut writes = changes.writes().to_vec();
        for write in &mut writes {
            if let Write::FinishJob(finish) = write {
                finish.token = self.current(finish.job, finish.token);
            }
        }
        store.commit(&changes.clone().with_writes(writes)).await
    }

    async fn extend(&self, store: &dyn Store, job: JobId, token: LeaseToken, until: Timestamp) -> Result<()> {
        store.extend(job, self.current(job, token), until).await
    }

    async fn release(&self, store: &dyn Store, job: JobId, token: LeaseToken) -> Result<()> {
        store.release(job, self.current(job, token)).await
    }
}

/// C11: applies the rest of a set whose worker no longer holds the job.
pub(crate) struct EffectsOfStaleWorkers;

#[async_trait]
impl Fault for EffectsOfStaleWorkers {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let answer = store.commit(changes).await;
        let finishes = |write: &Write| matches!(write, Write::FinishJob(JobFinish { .. }));
        if answer.is_err() && changes.writes().iter().any(finishes) {
            let rest = changes.writes().iter().filter(|write| !finishes(write)).cloned().collect();
            store.commit(&changes.clone().with_writes(rest)).await?;
        }
        answer
    }
}

/// C11, Q4: lets jobs be tried without end.
pub(crate) struct AttemptLimitIgnored;

#[async_trait]
impl Fault for AttemptLimitIgnored {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let endless =
            changes.jobs().iter().map(|job| NewJob { max_attempts: u16::MAX, ..job.clone() }).collect();
        store.commit(&changes.clone().with_jobs(endless)).await
    }
}

/// Q5: changes when a job is tried again.
pub(crate) struct RetriedAtOnce;

#[async_trait]
impl Fault for RetriedAtOnce {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let mut writes = changes.writes().to_vec();
        for write in &mut writes {
            if let Write::FinishJob(JobFinish {
                outcome: JobOutcome::Retry { at, .. } | JobOutcome::Snooze { at },
                ..
            }) = write
            {
                *at = changes.at();
            }
        }
        store.commit(&changes.clone().with_writes(writes)).await
    }
}
