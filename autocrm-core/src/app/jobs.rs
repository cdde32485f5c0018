//! The operator's view of the job queue.

use crate::{
    access::{Action, Actor, Resource, Scope},
    app::{AutoCrm, Error, Result, handle::authorise},
    change::JobRecord,
    id::JobId,
    page::{Page, PageRequest},
    port::QueueDepth,
};

/// The operator's view of the job queue; administrators only.
#[derive(Debug, Clone)]
pub struct Jobs {
    crm: AutoCrm,
}

impl Jobs {
    pub(super) fn new(crm: AutoCrm) -> Self {
        Self { crm }
    }

    /// Returns how much waits.
    pub async fn depth(&self, actor: &Actor) -> Result<QueueDepth> {
        allow(actor)?;
        Ok(self.crm.store().depth(&Scope::of(actor), self.crm.stamp().at()).await?)
    }

    /// Returns the dead letters, newest first.
    pub async fn dead(&self, actor: &Actor, page: &PageRequest) -> Result<Page<JobRecord>> {
        allow(actor)?;
        Ok(self.crm.store().dead(&Scope::of(actor), page).await?)
    }

    /// Returns a job that is not done.
    pub async fn inspect(&self, actor: &Actor, id: JobId) -> Result<JobRecord> {
        allow(actor)?;
        let found = self.crm.store().inspect(&Scope::of(actor), id).await?;
        found.ok_or(Error::NotFound { what: "job" })
    }

    /// Makes a dead job due now, with no attempts used.
    pub async fn requeue(&self, actor: &Actor, id: JobId) -> Result<()> {
        allow(actor)?;
        match self.crm.store().requeue(&Scope::of(actor), id, self.crm.stamp().at()).await {
            Err(error) if error.kind() == crate::error::ErrorKind::NotFound => {
                Err(Error::NotFound { what: "dead job" })
            }
            other => Ok(other?),
        }
    }
}

fn allow(actor: &Actor) -> Result<()> {
    authorise(actor, Action::ManageJobs, &Resource::Tenant(actor.tenant), "tenant")
}
