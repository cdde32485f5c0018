//! Telling a sender that their mail has arrived (RFC 3834).
//!
//! Fixed words only: nothing of the mail stands in the answer, so that nobody can have the desk say something to somebody
//! else. Whether one is due is decided when the mail is filed; how many there were lately, when it is sent.

use std::time::Duration;

use crate::{
    access::{Actor, Scope},
    app::{
        Error, Mailbox, Planned, Result,
        outgoing::{self, Leaving, compose_mail},
        suppression,
        transact::transact,
    },
    change::{JobOutcome, LeasedJob},
    clock::Stamp,
    id::{MailId, MessageId, TenantId, TicketId},
    mail::{InboundOutcome, MailClass, note_acknowledgement},
    tenant::Tenant,
    text::{Body, EmailAddress, Subject},
    ticket::Ticket,
};

use super::Filing;

/// How many acknowledgements of a tenant leave within a minute.
pub(crate) const ACKNOWLEDGEMENTS_PER_MINUTE: u64 = 60;
const MINUTE: Duration = Duration::from_mins(1);

/// Returns the ticket whose opening may be acknowledged. All of it has to hold: the tenant wants it; the mail opened a
/// ticket that continues no other; a person wrote it, not to a list; the sender is authenticated; and is not of the
/// desk's own domain, whose machines answer each other.
pub(super) fn is_due(filing: &Filing<'_>, outcome: &InboundOutcome) -> Option<TicketId> {
    let InboundOutcome::Opened { ticket, .. } = outcome else { return None };
    let parsed = filing.parsed;
    let by_person = !parsed.is_automatic() && matches!(parsed.class, MailClass::Human | MailClass::Calendar);
    let author = parsed.from.as_ref()?;
    let due = filing.tenant.policy.acknowledge
        && !filing.continues
        && by_person
        && filing.reading.trust.is_authenticated()
        && !is_own(&filing.tenant, author);
    due.then_some(*ticket)
}

fn domain(address: &EmailAddress) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

fn is_own(tenant: &Tenant, author: &EmailAddress) -> bool {
    tenant.support_address.as_ref().is_none_or(|support| domain(support) == domain(author))
}

impl Mailbox {
    /// Acknowledges a mail, unless something speaks against it by now; the job ends in the same commit.
    pub(crate) async fn acknowledge(&self, tenant: TenantId, id: MailId, job: &LeasedJob) -> Result<()> {
        let settled = transact(self.crm(), None, |_| async {
            let mut planned = self.plan_acknowledge(tenant, id).await?;
            planned.changes_mut().finish(job, JobOutcome::Done);
            Ok(planned)
        });
        settled.await?.into_done().map(drop)
    }

    async fn plan_acknowledge(&self, tenant: TenantId, id: MailId) -> Result<Planned<()>> {
        let crm = self.crm();
        let scope = Scope::tenant_wide(tenant);
        let actor = Actor::system(tenant);
        let stamp = crm.stamp();
        let mut changes = crm.changes(&actor, &stamp);
        let mail = crm.store().inbound(&scope, id).await?.ok_or(Error::NotFound { what: "mail" })?;
        let tenant_row = crm.tenant_of(&actor).await?;
        let InboundOutcome::Opened { ticket, message } = mail.outcome else {
            return Ok(Planned::new((), changes));
        };
        let Some((ticket, to)) = self.answerable(&scope, ticket, &tenant_row, &stamp).await? else {
            return Ok(Planned::new((), changes));
        };
        let known = suppression::correspondent(crm, &scope, &to, &stamp).await?;
        if known.suppression.is_some() {
            return Ok(Planned::new((), changes));
        }
        if let Ok(noted) = note_acknowledgement(known, &stamp) {
            changes.correspondent(noted, &stamp);
            let leaving = acknowledgement(&ticket, message, &tenant_row, to)?;
            outgoing::add(compose_mail(crm, &tenant_row, leaving, &stamp).await?, &mut changes, &stamp);
        }
        Ok(Planned::new((), changes))
    }

    /// Returns the ticket and the address to write to: the author's, as long as the tenant still wants it and has not written too much.
    async fn answerable(
        &self,
        scope: &Scope,
        ticket: TicketId,
        tenant: &Tenant,
        stamp: &Stamp<'_>,
    ) -> Result<Option<(Ticket, EmailAddress)>> {
        let crm = self.crm();
        if !tenant.policy.acknowledge {
            return Ok(None);
        }
        let Some(ticket) = crm.store().ticket(scope, ticket).await? else { return Ok(None) };
        let Some(author) = crm.store().user(scope, ticket.requester).await?.and_then(|user| user.email)
        else {
            return Ok(None);
        };
        // Another desk of this store: its own machine would answer ours.
        if crm.store().tenant_by_address(&author).await?.is_some() {
            return Ok(None);
        }
        let since = stamp.at().minus(MINUTE);
        let lately = crm.store().acknowledged_since(scope, since).await?;
        Ok((lately < ACKNOWLEDGEMENTS_PER_MINUTE).then_some((ticket, author)))
    }
}

/// Returns what is said: it answers the one mail that opened the ticket.
fn acknowledgement<'a>(
    ticket: &'a Ticket,
    message: MessageId,
    tenant: &Tenant,
    to: EmailAddress,
) -> Result<Leaving<'a>> {
    Ok(Leaving {
        ticket,
        message,
        to,
        cc: Vec::new(),
        bcc: Vec::new(),
        references: 1,
        user: ticket.requester,
        subject: Subject::new(format!("We have received your message [#{}]", ticket.number))?,
        text: Body::new(words(ticket, tenant))?,
        html: None,
        automatic: true,
        trigger: None,
    })
}

/// The same words for everybody; only the number and the tenant's name are filled in.
fn words(ticket: &Ticket, tenant: &Tenant) -> String {
    format!(
        "We have received your message and will answer as soon as we can.\nIt has the number {}. To add something, \
         answer this mail.\n\n{}\n",
        ticket.number, tenant.name
    )
}
