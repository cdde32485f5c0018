//! The job queue.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    access::Scope,
    change::{JobRecord, LeaseToken, LeasedJob},
    clock::Timestamp,
    error::Result,
    id::JobId,
    page::{Page, PageRequest},
};

/// A wish for work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimRequest {
    /// The present instant.
    pub now: Timestamp,
    /// How long the jobs are held unless extended.
    pub lease: Duration,
    /// The largest number of jobs, 1..=1000.
    pub limit: u16,
}

/// How much waits in the queue of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueueDepth {
    /// Due and not held.
    pub ready: u64,
    /// Not yet due.
    pub scheduled: u64,
    /// Held by workers.
    pub leased: u64,
    /// Failed for good.
    pub dead: u64,
}

/// Hands out jobs. Jobs come in and go through [`Committer`](super::Committer).
///
/// # Contract
/// * **Q1** A job is visible if and only if the change set that holds it is committed.
/// * **Q2** A claim is exclusive: no two unexpired leases of one job exist.
/// * **Q3** A token changes with every claim and grows; with an old one nothing is finished, extended or released
///   (`Conflict`).
/// * **Q4** Attempts never exceed the limit, crashes included: a job whose lease expired on its last attempt is dead
///   (`attempts_exhausted`) at the next claim, never handed out again.
/// * **Q5** A retry's instant is stored; the job is not handed out before it.
/// * **Q6** Dead jobs can be listed, inspected and requeued; requeueing counts attempts from zero.
/// * **Q7** A job is never handed out before its instant.
/// * **Q8** A released job uses no attempt and is due at once.
/// * **Q9** A payload that cannot be read is handed out as undecodable, and hinders no other job.
/// * **Q10** No job is lost when a process dies at any moment.
/// * **Q11** Of jobs with one key at most one is held, and they run in the order of the instants at which they were
///   first due, then of their ids: one that waits for its retry or snooze blocks later ones; a dead one does not, nor
///   does one whose first instant has not yet come. An expired lease keeps the key until a claim replaces it.
/// * **Q12** Earlier due jobs come first, ties by id.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Hands out due jobs of any tenant, and takes over those whose lease has expired.
    async fn claim(&self, request: &ClaimRequest) -> Result<Vec<LeasedJob>>;

    /// Moves the end of a lease; `Conflict` when the token is no longer current.
    async fn extend(&self, job: JobId, token: LeaseToken, until: Timestamp) -> Result<()>;

    /// Gives a job back without using an attempt; `Conflict` when the token is no longer current.
    async fn release(&self, job: JobId, token: LeaseToken) -> Result<()>;

    /// Waits until jobs may have been added. It may return without cause; callers poll besides.
    async fn changed(&self);

    /// Returns the earliest instant at which a job of any tenant is due or a lease expires; `None` without jobs.
    async fn next_due(&self) -> Result<Option<Timestamp>>;

    /// Returns how much waits. Tenant-wide scopes only; others get zeros.
    async fn depth(&self, scope: &Scope, now: Timestamp) -> Result<QueueDepth>;

    /// Returns dead jobs by id, newest first. Tenant-wide scopes only.
    async fn dead(&self, scope: &Scope, page: &PageRequest) -> Result<Page<JobRecord>>;

    /// Returns a job that is not done. Tenant-wide scopes only.
    async fn inspect(&self, scope: &Scope, id: JobId) -> Result<Option<JobRecord>>;

    /// Makes a dead job due at `now`, with no attempts used; `NotFound` unless it is a dead job of the scope's tenant.
    async fn requeue(&self, scope: &Scope, id: JobId, now: Timestamp) -> Result<()>;
}
