//! Jobs.

use autocrm_core::{
    change::{ChangeSet, Job, JobRecord, LeaseToken, Leased, LeasedJob, NewJob},
    error::Result,
};
#[cfg(feature = "sqlite")]
use diesel::prelude::*;

use crate::column::{Code, Uid, narrow, time, to_json};

/// A new row of `autocrm_job`.
#[derive(Debug)]
#[cfg_attr(feature = "sqlite", derive(Insertable))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_job, treat_none_as_default_value = false))]
pub(crate) struct NewJobRecord {
    pub(crate) id: Uid,
    pub(crate) tenant: Uid,
    pub(crate) kind: &'static str,
    pub(crate) payload: String,
    pub(crate) key: Option<Uid>,
    pub(crate) state: i64,
    pub(crate) attempts: i64,
    pub(crate) max_attempts: i64,
    pub(crate) token: i64,
    pub(crate) run_at: i64,
    pub(crate) first_due: i64,
    pub(crate) created_at: i64,
}

impl NewJobRecord {
    /// Encodes a job of a change set.
    pub(crate) fn of(changes: &ChangeSet, new: &NewJob) -> Result<Self> {
        Ok(Self {
            id: Uid::of(new.id),
            tenant: Uid::of(changes.tenant_id()),
            kind: new.job.kind(),
            payload: to_json(&new.job)?,
            key: new.job.key().map(Uid),
            state: 0,
            attempts: 0,
            max_attempts: i64::from(new.max_attempts),
            token: 0,
            run_at: new.run_at.as_micros(),
            first_due: new.run_at.as_micros(),
            created_at: changes.at().as_micros(),
        })
    }
}

/// A row of `autocrm_job`.
#[derive(Debug)]
#[cfg_attr(feature = "sqlite", derive(Queryable, Selectable))]
#[cfg_attr(feature = "postgres", derive(sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_job))]
pub(crate) struct JobRow {
    pub(crate) id: Uid,
    pub(crate) tenant: Uid,
    pub(crate) kind: String,
    pub(crate) payload: String,
    pub(crate) state: i64,
    pub(crate) attempts: i64,
    pub(crate) max_attempts: i64,
    pub(crate) token: i64,
    pub(crate) run_at: i64,
    pub(crate) last_error: Option<String>,
    pub(crate) created_at: i64,
}

impl JobRow {
    fn job(&self) -> Option<Job> {
        serde_json::from_str(&self.payload).ok()
    }

    /// Decodes the job as an operator sees it.
    pub(crate) fn decode(self) -> Result<JobRecord> {
        Ok(JobRecord {
            id: self.id.to(),
            tenant: self.tenant.to(),
            job: self.job(),
            state: Code::decode(self.state)?,
            attempts: narrow(self.attempts, "attempts")?,
            max_attempts: narrow(self.max_attempts, "max_attempts")?,
            run_at: time(self.run_at),
            last_error: self.last_error,
            created_at: time(self.created_at),
            kind: self.kind,
        })
    }

    /// Decodes the job as a worker holds it after a claim.
    pub(crate) fn lease(&self, token: i64, attempt: i64, until: i64) -> Result<LeasedJob> {
        Ok(LeasedJob {
            id: self.id.to(),
            tenant: self.tenant.to(),
            work: self.job().map_or(Leased::Undecodable, Leased::Job),
            attempt: narrow(attempt, "attempts")?,
            max_attempts: narrow(self.max_attempts, "max_attempts")?,
            token: LeaseToken::new(narrow(token, "token")?),
            until: time(until),
        })
    }
}

/// Every column of a row of `autocrm_job`.
#[cfg(all(feature = "sqlite", feature = "postgres"))]
#[derive(Debug, diesel::QueryableByName, sqlx::FromRow)]
#[diesel(table_name = crate::schema::autocrm_job)]
pub(crate) struct WholeJobRecord {
    pub(crate) id: Uid,
    pub(crate) tenant: Uid,
    pub(crate) kind: String,
    pub(crate) payload: String,
    pub(crate) key: Option<Uid>,
    pub(crate) state: i64,
    pub(crate) attempts: i64,
    pub(crate) max_attempts: i64,
    pub(crate) token: i64,
    pub(crate) run_at: i64,
    pub(crate) first_due: i64,
    pub(crate) lease_until: Option<i64>,
    pub(crate) last_error: Option<String>,
    pub(crate) created_at: i64,
}
