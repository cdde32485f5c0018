//! The queue. Every job stands in a lane: those of one key share one, a job without a key has its own. Only the front
//! of a lane can be claimed, and fronts are listed by the instant at which that may be.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::{
    change::{Job, JobFinish, JobOutcome, JobRecord, JobState, LeaseToken, Leased, LeasedJob, NewJob},
    clock::Timestamp,
    error::{Error, ErrorKind, Result},
    id::{JobId, TenantId},
    memory::world::put,
    port::{ClaimRequest, QueueDepth},
};

const EXHAUSTED: &str = "attempts_exhausted";

/// A stored job.
#[derive(Debug, Clone)]
pub(super) struct Row {
    id: JobId,
    tenant: TenantId,
    kind: &'static str,
    key: Option<Uuid>,
    /// The stored form of the job.
    payload: String,
    attempts: u16,
    max_attempts: u16,
    run_at: Timestamp,
    /// The first instant at which it was due: its place in the lane.
    first_due: Timestamp,
    last_error: Option<String>,
    created_at: Timestamp,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Leased { token: LeaseToken, until: Timestamp },
    Dead,
}

/// The jobs of one key of a tenant, or one job without a key.
type LaneId = (TenantId, Uuid);

/// The live jobs of a lane, in the order in which they run.
#[derive(Debug, Default)]
struct Lane {
    order: BTreeSet<(Timestamp, JobId)>,
    held: Option<JobId>,
    front: Option<Front>,
}

/// Where the front of a lane is listed.
#[derive(Debug, Clone, Copy)]
enum Front {
    Ready(Timestamp, JobId),
    Leased(Timestamp, JobId),
}

/// All jobs that are not done.
#[derive(Debug, Default)]
pub(super) struct Queue {
    rows: BTreeMap<JobId, Row>,
    lanes: BTreeMap<LaneId, Lane>,
    /// Fronts that wait, by the instant at which they are due.
    ready: BTreeSet<(Timestamp, JobId)>,
    /// Fronts that are held, by the end of the lease.
    leases: BTreeSet<(Timestamp, JobId)>,
    last_token: u64,
}

impl Row {
    fn lane(&self) -> LaneId {
        (self.tenant, self.key.unwrap_or(self.id.as_uuid()))
    }

    fn job(&self) -> Option<Job> {
        serde_json::from_str(&self.payload).ok()
    }

    fn record(&self) -> JobRecord {
        JobRecord {
            id: self.id,
            tenant: self.tenant,
            kind: self.kind.to_owned(),
            job: self.job(),
            state: match self.state {
                State::Ready => JobState::Ready,
                State::Leased { .. } => JobState::Leased,
                State::Dead => JobState::Dead,
            },
            attempts: self.attempts,
            max_attempts: self.max_attempts,
            run_at: self.run_at,
            last_error: self.last_error.clone(),
            created_at: self.created_at,
        }
    }

    fn is_held_with(&self, token: LeaseToken) -> bool {
        matches!(self.state, State::Leased { token: current, .. } if current == token)
    }
}

impl Queue {
    /// Inserts, replaces or removes a row, and lists its lane anew.
    pub(super) fn set(&mut self, id: JobId, row: Option<Row>) -> Option<Row> {
        if let Some(before) = self.rows.get(&id) {
            let lane = self.lanes.entry(before.lane()).or_default();
            lane.order.remove(&(before.first_due, id));
            lane.held = lane.held.filter(|held| *held != id);
        }
        let entered = row.as_ref().map(Row::lane);
        if let Some(row) = row.as_ref().filter(|row| row.state != State::Dead) {
            let lane = self.lanes.entry(row.lane()).or_default();
            lane.order.insert((row.first_due, id));
            if matches!(row.state, State::Leased { .. }) {
                lane.held = Some(id);
            }
        }
        let before = put(&mut self.rows, id, row);
        if let Some(lane) = before.as_ref().map(Row::lane).or(entered) {
            self.list(lane);
        }
        before
    }

    fn list(&mut self, id: LaneId) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        match lane.front.take() {
            Some(Front::Ready(at, job)) => self.ready.remove(&(at, job)),
            Some(Front::Leased(at, job)) => self.leases.remove(&(at, job)),
            None => false,
        };
        let first = lane.order.first().map(|(_, job)| *job);
        lane.front =
            lane.held.or(first).and_then(|job| self.rows.get(&job)).and_then(|row| match row.state {
                State::Ready => Some(Front::Ready(row.run_at, row.id)),
                State::Leased { until, .. } => Some(Front::Leased(until, row.id)),
                State::Dead => None,
            });
        match lane.front {
            Some(Front::Ready(at, job)) => self.ready.insert((at, job)),
            Some(Front::Leased(at, job)) => self.leases.insert((at, job)),
            None => self.lanes.remove(&id).is_some(),
        };
    }

    /// Returns whether a job with the id is stored.
    pub(super) fn holds(&self, id: JobId) -> bool {
        self.rows.contains_key(&id)
    }

    /// Adds the jobs of a committed change set.
    pub(super) fn enqueue(&mut self, tenant: TenantId, at: Timestamp, jobs: &[NewJob]) {
        for new in jobs {
            let row = Row {
                id: new.id,
                tenant,
                kind: new.job.kind(),
                key: new.job.key(),
                payload: serde_json::to_string(&new.job).unwrap_or_default(),
                attempts: 0,
                max_attempts: new.max_attempts,
                run_at: new.run_at,
                first_due: new.run_at,
                last_error: None,
                created_at: at,
                state: State::Ready,
            };
            self.set(new.id, Some(row));
        }
    }

    /// Ends an attempt and returns the row as it was before; `None` when the token is not the current one of a job of
    /// the tenant.
    pub(super) fn finish(&mut self, tenant: TenantId, finish: &JobFinish) -> Option<Row> {
        let held = self.rows.get(&finish.job)?.clone();
        if held.tenant != tenant || !held.is_held_with(finish.token) {
            return None;
        }
        let mut row = held.clone();
        match &finish.outcome {
            JobOutcome::Done => {
                self.set(finish.job, None);
                return Some(held);
            }
            JobOutcome::Retry { at, error } => {
                row.run_at = *at;
                row.last_error = Some(error.clone());
                row.state = if row.attempts < row.max_attempts { State::Ready } else { State::Dead };
            }
            JobOutcome::Snooze { at } => {
                row.run_at = *at;
                row.attempts = row.attempts.saturating_sub(1);
                row.state = State::Ready;
            }
            JobOutcome::Dead { error } => {
                row.last_error = Some(error.clone());
                row.state = State::Dead;
            }
        }
        self.set(finish.job, Some(row));
        Some(held)
    }

    /// Changes a row that is held with the token.
    pub(super) fn change_held(
        &mut self,
        operation: &'static str,
        id: JobId,
        token: LeaseToken,
        change: impl FnOnce(&mut Row),
    ) -> Result<()> {
        let held = self.rows.get(&id).filter(|row| row.is_held_with(token)).cloned();
        let Some(mut row) = held else {
            return Err(Error::new(ErrorKind::Conflict, operation).context(id));
        };
        change(&mut row);
        self.set(id, Some(row));
        Ok(())
    }

    pub(super) fn extend(&mut self, id: JobId, token: LeaseToken, until: Timestamp) -> Result<()> {
        self.change_held("extend", id, token, |row| row.state = State::Leased { token, until })
    }

    pub(super) fn release(&mut self, id: JobId, token: LeaseToken) -> Result<()> {
        self.change_held("release", id, token, |row| {
            row.attempts = row.attempts.saturating_sub(1);
            row.state = State::Ready;
        })
    }

    /// Buries the jobs whose lease ended on their last attempt.
    fn bury_exhausted(&mut self, now: Timestamp) {
        let expired: Vec<JobId> =
            self.leases.iter().take_while(|(until, _)| *until <= now).map(|(_, id)| *id).collect();
        for id in expired {
            let Some(mut row) = self.rows.get(&id).cloned() else { continue };
            if row.attempts >= row.max_attempts {
                row.last_error = Some(EXHAUSTED.to_owned());
                row.state = State::Dead;
                self.set(id, Some(row));
            }
        }
    }

    /// Hands out due fronts and fronts whose lease has ended, those due earliest first.
    pub(super) fn claim(&mut self, request: &ClaimRequest) -> Vec<LeasedJob> {
        self.bury_exhausted(request.now);
        let most = usize::from(request.limit);
        let due = |(at, _): &&(Timestamp, JobId)| *at <= request.now;
        let mut fronts: Vec<(Timestamp, JobId)> =
            self.ready.iter().take_while(due).take(most).copied().collect();
        let expired = self.leases.iter().take_while(due).filter_map(|(_, id)| self.rows.get(id));
        fronts.extend(expired.map(|row| (row.run_at, row.id)));
        fronts.sort_unstable();
        fronts.truncate(most);
        let until = request.now.plus(request.lease);
        fronts.into_iter().filter_map(|(_, id)| self.lease(id, until)).collect()
    }

    fn lease(&mut self, id: JobId, until: Timestamp) -> Option<LeasedJob> {
        let mut row = self.rows.get(&id)?.clone();
        self.last_token += 1;
        let token = LeaseToken::new(self.last_token);
        row.attempts = row.attempts.saturating_add(1);
        row.state = State::Leased { token, until };
        let leased = LeasedJob {
            id,
            tenant: row.tenant,
            work: row.job().map_or(Leased::Undecodable, Leased::Job),
            attempt: row.attempts,
            max_attempts: row.max_attempts,
            token,
            until,
        };
        self.set(id, Some(row));
        Some(leased)
    }

    /// Returns the earliest instant at which the front of a lane may be claimed.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let ready = self.ready.first().map(|(at, _)| *at);
        let lease = self.leases.first().map(|(at, _)| *at);
        ready.into_iter().chain(lease).min()
    }

    pub(super) fn depth(&self, tenant: TenantId, now: Timestamp) -> QueueDepth {
        let mut depth = QueueDepth::default();
        for row in self.rows.values().filter(|row| row.tenant == tenant) {
            match row.state {
                State::Ready if row.run_at <= now => depth.ready += 1,
                State::Ready => depth.scheduled += 1,
                State::Leased { .. } => depth.leased += 1,
                State::Dead => depth.dead += 1,
            }
        }
        depth
    }

    /// Returns the dead jobs of a tenant, newest first.
    pub(super) fn dead(&self, tenant: TenantId) -> impl Iterator<Item = JobRecord> + '_ {
        let rows = self.rows.values().rev();
        rows.filter(move |row| row.tenant == tenant && row.state == State::Dead).map(Row::record)
    }

    pub(super) fn record(&self, tenant: TenantId, id: JobId) -> Option<JobRecord> {
        self.rows.get(&id).filter(|row| row.tenant == tenant).map(Row::record)
    }

    /// Makes a dead job due; `false` unless it is one of the tenant.
    pub(super) fn requeue(&mut self, tenant: TenantId, id: JobId, now: Timestamp) -> bool {
        let dead = self.rows.get(&id).filter(|row| row.tenant == tenant && row.state == State::Dead);
        let Some(mut row) = dead.cloned() else { return false };
        row.attempts = 0;
        row.run_at = now;
        row.state = State::Ready;
        self.set(id, Some(row));
        true
    }

    /// Makes a payload unreadable.
    #[cfg(feature = "testing")]
    pub(super) fn spoil(&mut self, id: JobId) -> bool {
        let Some(row) = self.rows.get_mut(&id) else { return false };
        row.payload = String::from(r#"{"kind":"unknown"}"#);
        true
    }
}
