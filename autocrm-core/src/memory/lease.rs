//! The job queue's port.

use async_trait::async_trait;

use crate::{
    access::Scope,
    change::{JobRecord, LeaseToken, LeasedJob},
    clock::Timestamp,
    error::{Error, ErrorKind, Result},
    id::JobId,
    memory::{MemoryStore, in_range},
    page::{Cursor, Page, PageRequest},
    port::{ClaimRequest, JobQueue, QueueDepth},
};

#[async_trait]
impl JobQueue for MemoryStore {
    async fn claim(&self, request: &ClaimRequest) -> Result<Vec<LeasedJob>> {
        in_range("claim", usize::from(request.limit), 1, 1_000)?;
        Ok(self.world().queue.claim(request))
    }

    async fn extend(&self, job: JobId, token: LeaseToken, until: Timestamp) -> Result<()> {
        self.world().queue.extend(job, token, until)
    }

    async fn release(&self, job: JobId, token: LeaseToken) -> Result<()> {
        self.world().queue.release(job, token)?;
        self.wake();
        Ok(())
    }

    async fn changed(&self) {
        self.shared.wake.notified().await;
    }

    async fn next_due(&self) -> Result<Option<Timestamp>> {
        Ok(self.world().queue.next_due())
    }

    async fn depth(&self, scope: &Scope, now: Timestamp) -> Result<QueueDepth> {
        if !scope.is_tenant_wide() {
            return Ok(QueueDepth::default());
        }
        Ok(self.world().queue.depth(scope.tenant(), now))
    }

    async fn dead(&self, scope: &Scope, page: &PageRequest) -> Result<Page<JobRecord>> {
        if !scope.is_tenant_wide() {
            return Ok(Page::default());
        }
        let before = page.cursor().map(|cursor| JobId::from_uuid(cursor.id));
        let world = self.world();
        let rows = world.queue.dead(scope.tenant()).filter(|job| before.is_none_or(|before| job.id < before));
        let found = rows.take(page.limit() + 1).collect();
        Ok(Page::from_overfetch(found, page.limit(), |job| Cursor { key: 0, id: job.id.as_uuid() }))
    }

    async fn inspect(&self, scope: &Scope, id: JobId) -> Result<Option<JobRecord>> {
        if !scope.is_tenant_wide() {
            return Ok(None);
        }
        Ok(self.world().queue.record(scope.tenant(), id))
    }

    async fn requeue(&self, scope: &Scope, id: JobId, now: Timestamp) -> Result<()> {
        if !scope.is_tenant_wide() || !self.world().queue.requeue(scope.tenant(), id, now) {
            return Err(Error::new(ErrorKind::NotFound, "requeue").context(id));
        }
        self.wake();
        Ok(())
    }
}
