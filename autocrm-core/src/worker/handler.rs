//! What each kind of job does.

use crate::{
    access::{Actor, Scope},
    app::{AutoCrm, Error, Planned, Result, close_resolved, learn_from, send_notices, transact},
    change::{CLOSING_PERIOD, ChangeSet, Job, JobOutcome, LeasedJob},
    id::{TenantId, TicketId},
    notify,
    ticket::wake,
};

/// Runs a job; its end is part of the commit of its effects. A job about a ticket that is gone has nothing left to do.
pub(super) async fn handle(crm: &AutoCrm, leased: &LeasedJob, job: Job) -> Result<()> {
    match attempt(crm, leased, job).await {
        Err(Error::NotFound { what: "ticket" | "message" }) => finish(crm, leased, JobOutcome::Done).await,
        other => other,
    }
}

async fn attempt(crm: &AutoCrm, leased: &LeasedJob, job: Job) -> Result<()> {
    let tenant = leased.tenant;
    match job {
        Job::FileMail { mail } => crm.mailbox().file(tenant, mail, leased).await.map(drop),
        Job::DeliverMail { mail } => crm.mailbox().deliver(tenant, mail, leased).await,
        Job::AcknowledgeMail { mail } => crm.mailbox().acknowledge(tenant, mail, leased).await,
        Job::ProcessTicket { ticket, message } => {
            let system = Actor::system(tenant);
            crm.agent().process(&system, ticket, Some(message), Some(leased)).await.map(drop)
        }
        Job::Notify { recipient, notification, ticket } => {
            let settled = transact(crm, None, |_| async {
                let stamp = crm.stamp();
                let raised = notify::raise(tenant, recipient, notification, ticket, &stamp);
                Ok(done(crm, leased, |changes| {
                    changes.notification(raised, &stamp);
                }))
            });
            settled.await?.into_done().map(drop)
        }
        Job::WakeTicket { ticket } => wake_ticket(crm, tenant, ticket, leased).await,
        Job::EraseTicket { ticket } => erase_ticket(crm, tenant, ticket, leased).await,
        Job::CloseResolved => {
            close_resolved(crm, tenant).await?;
            let at = crm.stamp().at().plus(CLOSING_PERIOD);
            finish(crm, leased, JobOutcome::Snooze { at }).await
        }
        Job::SendNotices { ticket, trigger, message } => {
            send_notices(crm, trigger, ticket, message, leased).await
        }
        Job::LearnCategory { ticket } => {
            learn_from(crm, &Scope::tenant_wide(tenant), ticket).await?;
            finish(crm, leased, JobOutcome::Done).await
        }
    }
}

async fn wake_ticket(crm: &AutoCrm, tenant: TenantId, id: TicketId, leased: &LeasedJob) -> Result<()> {
    let settled = transact(crm, None, |_| async {
        let stamp = crm.stamp();
        let found = crm.store().ticket(&Scope::tenant_wide(tenant), id).await?;
        let ticket = found.ok_or(Error::NotFound { what: "ticket" })?;
        let scheme = crm.scheme_of(tenant, &stamp).await?;
        let woken = wake(ticket, &scheme, &stamp)?;
        Ok(done(crm, leased, |changes| {
            changes.ticket(woken, false, &stamp);
        }))
    });
    settled.await?.into_done().map(drop)
}

async fn erase_ticket(crm: &AutoCrm, tenant: TenantId, id: TicketId, leased: &LeasedJob) -> Result<()> {
    // Large raw mails go first: when the process dies in between, the job runs again and finds the rest.
    if let Some(blobs) = crm.blobs() {
        let scope = Scope::tenant_wide(tenant);
        if crm.store().deleted_ticket(&scope, id).await?.is_some() {
            for hash in crm.store().outlying_raws(&scope, id).await? {
                blobs.delete(tenant, hash).await?;
            }
        }
    }
    let settled = transact(crm, None, |_| async {
        let deleted = crm.store().deleted_ticket(&Scope::tenant_wide(tenant), id).await?;
        Ok(done(crm, leased, |changes| {
            if deleted.is_some() {
                changes.erase_ticket(id);
            }
        }))
    });
    settled.await?.into_done().map(drop)
}

/// Ends an attempt that has no further effect.
async fn finish(crm: &AutoCrm, leased: &LeasedJob, outcome: JobOutcome) -> Result<()> {
    let settled = transact(crm, None, |_| async { Ok(plan(crm, leased, outcome.clone(), |_| {})) });
    settled.await?.into_done().map(drop)
}

/// Plans the effects of a job that is then done.
fn done(crm: &AutoCrm, leased: &LeasedJob, effects: impl FnOnce(&mut ChangeSet)) -> Planned<()> {
    plan(crm, leased, JobOutcome::Done, effects)
}

/// Plans the effects of an attempt together with its end.
fn plan(
    crm: &AutoCrm,
    leased: &LeasedJob,
    outcome: JobOutcome,
    effects: impl FnOnce(&mut ChangeSet),
) -> Planned<()> {
    let mut changes = ChangeSet::new(&Actor::system(leased.tenant), &crm.stamp());
    effects(&mut changes);
    changes.finish(leased, outcome);
    Planned::new((), changes)
}
