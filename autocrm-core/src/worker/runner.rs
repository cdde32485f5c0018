//! The loop that claims and runs jobs.

use std::{collections::HashMap, time::Duration};

use tokio::{
    task::{Id as TaskId, JoinError, JoinSet},
    time::{Instant, sleep, sleep_until, timeout_at},
};

use crate::{
    access::Actor,
    app::{AutoCrm, Error, Result},
    change::{ChangeSet, JobOutcome, Leased, LeasedJob, RetryPolicy},
    clock::Timestamp,
    port::ClaimRequest,
    worker::{ShutdownSignal, backoff::pause_after, handler::handle},
};

/// The longest pause that an adapter can ask for.
const LONGEST_ADVICE: Duration = Duration::from_hours(6);

/// How a worker works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerConfig {
    /// How many jobs run at once, 1..=1000.
    pub concurrency: u16,
    /// How long a job is held unless its worker is alive to extend the lease, at least 1 s. A dead worker's jobs are
    /// taken over after that time.
    pub lease: Duration,
    /// How often the queue is asked when nothing is heard of it.
    pub poll: Duration,
    /// How long running jobs may take to finish after a stop was asked for; then they are given back.
    pub grace: Duration,
    /// After which pauses failed jobs are tried again.
    pub retry: RetryPolicy,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            concurrency: 32,
            lease: Duration::from_mins(1),
            poll: Duration::from_secs(1),
            grace: Duration::from_secs(30),
            retry: RetryPolicy::STANDARD,
        }
    }
}

/// What a worker did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkerReport {
    /// Jobs done.
    pub done: u64,
    /// Attempts that failed and are tried again.
    pub retried: u64,
    /// Jobs that failed for good.
    pub dead: u64,
    /// Jobs whose lease was lost to another worker.
    pub lost: u64,
    /// Jobs given back at the stop.
    pub released: u64,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy)]
enum Ended {
    Done,
    Retried,
    Dead,
    Lost,
}

/// Runs jobs of every tenant of the store.
#[derive(Debug, Clone)]
pub struct Worker {
    crm: AutoCrm,
    config: WorkerConfig,
}

type Running = JoinSet<Ended>;

impl Worker {
    /// Returns a worker. Out-of-range values of the configuration are brought into range.
    pub fn new(crm: AutoCrm, mut config: WorkerConfig) -> Self {
        config.concurrency = config.concurrency.clamp(1, 1_000);
        config.lease = config.lease.max(Duration::from_secs(1));
        config.poll = config.poll.max(Duration::from_millis(10));
        Self { crm, config }
    }

    /// Runs until a stop is asked for. Failures of the store are logged and waited out.
    pub async fn run(&self, mut signal: ShutdownSignal) -> WorkerReport {
        let mut shift = Shift::new(self);
        let follower = self.follow_index();
        tokio::pin!(follower);
        loop {
            let claimed = shift.claim().await.unwrap_or_else(|error| {
                tracing::warn!(code = error.code(), "the queue could not be asked");
                0
            });
            if claimed > 0 && shift.has_room() && !signal.is_asked() {
                continue;
            }
            let wake = self.next_wake(shift.asked_at).await;
            tokio::select! {
                () = signal.wait() => break,
                () = &mut follower => {}
                ended = shift.running.join_next_with_id(), if !shift.running.is_empty() => shift.settle(ended).await,
                () = self.crm.store().changed(), if shift.has_room() => {}
                () = sleep_until(wake), if shift.has_room() => {}
            }
        }
        shift.stop().await
    }

    /// Runs every job that is due, those that they bring about included, and lets the index catch up. Retries and
    /// scheduled jobs that are not yet due are left.
    pub async fn drain(&self) -> Result<WorkerReport> {
        let mut shift = Shift::new(self);
        loop {
            let claimed = if shift.has_room() { shift.claim().await? } else { 0 };
            if claimed > 0 && shift.has_room() {
                continue;
            }
            if shift.running.is_empty() {
                break;
            }
            let ended = shift.running.join_next_with_id().await;
            shift.settle(ended).await;
        }
        self.crm.feed().sync_index().await?;
        Ok(shift.report)
    }

    /// Never returns: one pass over the feed a poll.
    async fn follow_index(&self) {
        loop {
            if let Err(error) = self.crm.feed().sync_index().await {
                tracing::warn!(code = error.code(), "the index could not follow the feed");
            }
            sleep(self.config.poll).await;
        }
    }

    /// Returns when to ask the queue again: at the next instant at which a job is due, at the latest after a poll. What
    /// was due at the last claim and not handed out waits behind another job of its key.
    async fn next_wake(&self, asked_at: Timestamp) -> Instant {
        let due = self.crm.store().next_due().await.ok().flatten().filter(|due| *due > asked_at);
        let wait = due.map_or(self.config.poll, |due| due.since(self.crm.stamp().at()).min(self.config.poll));
        Instant::now() + wait
    }
}

/// The jobs that a worker holds at the moment.
struct Shift<'a> {
    worker: &'a Worker,
    running: Running,
    held: HashMap<TaskId, LeasedJob>,
    /// The instant of the last claim.
    asked_at: Timestamp,
    report: WorkerReport,
}

impl<'a> Shift<'a> {
    fn new(worker: &'a Worker) -> Self {
        let asked_at = worker.crm.stamp().at();
        Self {
            worker,
            running: JoinSet::new(),
            held: HashMap::new(),
            asked_at,
            report: WorkerReport::default(),
        }
    }

    /// Claims come in batches: only when at least half of the places are free.
    fn has_room(&self) -> bool {
        self.running.len() * 2 <= usize::from(self.worker.config.concurrency)
    }

    async fn claim(&mut self) -> Result<usize> {
        let config = &self.worker.config;
        let free = usize::from(config.concurrency).saturating_sub(self.running.len());
        if free == 0 {
            return Ok(0);
        }
        let now = self.worker.crm.stamp().at();
        self.asked_at = now;
        let limit = u16::try_from(free).unwrap_or(u16::MAX);
        let request = ClaimRequest { now, lease: config.lease, limit };
        let jobs = self.worker.crm.store().claim(&request).await?;
        let claimed = jobs.len();
        for job in jobs {
            let task = self.running.spawn(work(self.worker.clone(), job.clone()));
            self.held.insert(task.id(), job);
        }
        Ok(claimed)
    }

    async fn settle(&mut self, ended: Option<std::result::Result<(TaskId, Ended), JoinError>>) {
        let outcome = match ended {
            None => return,
            Some(Ok((task, outcome))) => {
                self.held.remove(&task);
                outcome
            }
            Some(Err(error)) => match self.held.remove(&error.id()) {
                Some(job) if error.is_panic() => fail(self.worker, &job, "panicked", Duration::ZERO).await,
                _ => Ended::Lost,
            },
        };
        match outcome {
            Ended::Done => self.report.done += 1,
            Ended::Retried => self.report.retried += 1,
            Ended::Dead => self.report.dead += 1,
            Ended::Lost => self.report.lost += 1,
        }
    }

    /// Lets running jobs finish within the grace time; the rest is given back without using an attempt.
    async fn stop(mut self) -> WorkerReport {
        let end = Instant::now() + self.worker.config.grace;
        while !self.running.is_empty() {
            match timeout_at(end, self.running.join_next_with_id()).await {
                Ok(ended) => self.settle(ended).await,
                Err(_) => break,
            }
        }
        self.running.shutdown().await;
        for job in self.held.into_values() {
            match self.worker.crm.store().release(job.id, job.token).await {
                Ok(()) => self.report.released += 1,
                // It finished or was lost between the last look and the abort.
                Err(error) => tracing::debug!(code = error.code(), "a job was not given back"),
            }
        }
        self.report
    }
}

/// Runs one attempt while its lease is kept alive.
async fn work(worker: Worker, job: LeasedJob) -> Ended {
    let Leased::Job(task) = job.work else { return fail(&worker, &job, "undecodable", Duration::ZERO).await };
    let result = tokio::select! {
        result = handle(&worker.crm, &job, task) => result,
        () = keep_lease(&worker, &job) => return Ended::Lost,
    };
    match result {
        Ok(()) => Ended::Done,
        Err(error) => {
            tracing::warn!(job = %job.id, kind = task.kind(), attempt = job.attempt, code = error.code(), "a job failed");
            fail(&worker, &job, error.code(), error.retry_after()).await
        }
    }
}

/// Returns when the lease is lost.
async fn keep_lease(worker: &Worker, job: &LeasedJob) {
    loop {
        sleep(worker.config.lease / 3).await;
        let until = worker.crm.stamp().at().plus(worker.config.lease);
        match worker.crm.store().extend(job.id, job.token, until).await {
            Err(error) if error.is_conflict() => return,
            Err(error) => tracing::warn!(job = %job.id, code = error.code(), "a lease could not be extended"),
            Ok(()) => {}
        }
    }
}

/// Stores the failure with its next attempt, or as dead. What failed may ask for a longer pause than the usual one.
async fn fail(worker: &Worker, job: &LeasedJob, code: &str, at_least: Duration) -> Ended {
    let stamp = worker.crm.stamp();
    let last = job.attempt >= job.max_attempts || job.work == Leased::Undecodable;
    let outcome = if last {
        JobOutcome::Dead { error: code.to_owned() }
    } else {
        let random = stamp.id::<crate::id::JobId>().as_uuid().as_u64_pair().1;
        let usual = pause_after(&worker.config.retry, job.attempt, random);
        let pause = usual.max(at_least.min(LONGEST_ADVICE));
        JobOutcome::Retry { at: stamp.at().plus(pause), error: code.to_owned() }
    };
    let mut changes = ChangeSet::new(&Actor::system(job.tenant), &stamp);
    changes.finish(job, outcome);
    match worker.crm.store().commit(&changes).await {
        Ok(_) if last => Ended::Dead,
        Ok(_) => Ended::Retried,
        Err(error) => {
            // The lease runs out and the job is taken over: nothing is lost, the attempt counts.
            tracing::warn!(job = %job.id, error = %Error::from(error).code(), "a failed job could not be stored");
            Ended::Lost
        }
    }
}
