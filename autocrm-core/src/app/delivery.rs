//! The way out for mail: handing it to the mailer, and what the mailer said.

use crate::{
    access::{Actor, Scope},
    app::{AutoCrm, Error, Mailbox, Planned, Result, suppression::SUPPRESSED, transact::transact},
    change::{ChangeSet, JobOutcome, LeasedJob},
    error::ErrorKind,
    id::{OutboundId, TenantId},
    mail::{AttemptOutcome, OutboundMail, depart, record_attempt},
};

/// What is recorded of a mail that no mailer took in time.
const OVERDUE: &str = "delivery_horizon";

impl Mailbox {
    /// Hands a mail to the mailer and records what it said; the job ends in the same commit. A failure that may pass is
    /// the job's to retry, as long as the mailer is sure to know the mail again.
    pub(crate) async fn deliver(&self, tenant: TenantId, id: OutboundId, job: &LeasedJob) -> Result<()> {
        let crm = self.crm();
        let scope = Scope::tenant_wide(tenant);
        let mail = depart_now(crm, &scope, id).await?;
        let outcome = if !mail.is_open() {
            None
        } else if job.attempt > 1 && !mail.within_horizon(crm.stamp().at()) {
            Some(AttemptOutcome::Refused { code: OVERDUE.to_owned() })
        } else if self.is_suppressed(tenant, &mail.to).await? {
            Some(AttemptOutcome::Refused { code: SUPPRESSED.to_owned() })
        } else {
            Some(hand_over(crm, &self.without_suppressed_copies(mail).await?).await?)
        };
        let actor = Actor::system(tenant);
        let settled = transact(crm, None, |_| async {
            let stamp = crm.stamp();
            let mut changes = crm.changes(&actor, &stamp);
            if let Some(outcome) = outcome.clone() {
                let mail = load(crm, &scope, id).await?;
                if mail.is_open()
                    && matches!(&outcome, AttemptOutcome::Refused { code } if code == SUPPRESSED)
                {
                    self.tell_unsent(&mail, &stamp, &mut changes).await?;
                }
                changes.outbound(record_attempt(mail, outcome, &stamp), &stamp);
            }
            changes.finish(job, JobOutcome::Done);
            Ok(Planned::new((), changes))
        })
        .await?;
        settled.into_done().map(drop)
    }
}

async fn load(crm: &AutoCrm, scope: &Scope, id: OutboundId) -> Result<OutboundMail> {
    crm.store().outbound(scope, id).await?.ok_or(Error::NotFound { what: "mail" })
}

/// Ends the time in which the mail could be taken back, in a commit of its own if there was one.
async fn depart_now(crm: &AutoCrm, scope: &Scope, id: OutboundId) -> Result<OutboundMail> {
    let actor = Actor::system(scope.tenant());
    let settled = transact(crm, None, |_| async {
        let stamp = crm.stamp();
        let departed = depart(load(crm, scope, id).await?);
        let mail = departed.state.clone();
        let mut changes = ChangeSet::new(&actor, &stamp);
        changes.outbound(departed, &stamp);
        Ok(Planned::new(mail, changes))
    })
    .await?;
    settled.into_done().map(|(mail, _)| mail)
}

async fn hand_over(crm: &AutoCrm, mail: &OutboundMail) -> Result<AttemptOutcome> {
    match crm.mailer()?.send(mail).await {
        Ok(delivery) => Ok(AttemptOutcome::Accepted { provider_id: delivery.provider_id }),
        Err(error) if matches!(error.kind(), ErrorKind::Invalid | ErrorKind::KeyReused) => {
            Ok(AttemptOutcome::Refused { code: error.code().to_owned() })
        }
        Err(error) => Err(error.into()),
    }
}
