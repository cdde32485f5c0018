//! What happens to tickets by the passage of time.

use std::time::Duration;

use crate::{
    access::{Actor, Scope},
    app::{AutoCrm, Error, Planned, Result, transact::transact},
    clock::Timestamp,
    id::{TenantId, TicketId},
    page::PageRequest,
    ticket::{StatusCategory, Ticket, TicketFilter, TicketOrder, TicketRefusal, move_to},
};

const DAY: Duration = Duration::from_hours(24);

/// Closes the tenant's tickets that were resolved longer ago than its policy says, each in a commit of its own, and
/// returns how many. A ticket that its customer reopens meanwhile stays open.
pub(crate) async fn close_resolved(crm: &AutoCrm, tenant: TenantId) -> Result<u64> {
    let actor = Actor::system(tenant);
    let days = crm.tenant_of(&actor).await?.policy.close_days;
    if days == 0 {
        return Ok(0);
    }
    let resolved_by = crm.stamp().at().minus(DAY.saturating_mul(u32::from(days)));
    let filter = TicketFilter {
        status: vec![StatusCategory::Resolved],
        order: TicketOrder::Oldest,
        ..TicketFilter::default()
    };
    let scope = Scope::tenant_wide(tenant);
    let mut request = PageRequest::first(200);
    let mut closed = 0;
    loop {
        let page = crm.store().tickets(&scope, &filter, &request).await?;
        for ticket in page.items.iter().filter(|ticket| is_due(ticket, resolved_by)) {
            closed += u64::from(close(crm, &actor, ticket.id, resolved_by).await?);
        }
        match page.next {
            Some(cursor) => request = PageRequest::after(cursor, 200),
            None => return Ok(closed),
        }
    }
}

fn is_due(ticket: &Ticket, resolved_by: Timestamp) -> bool {
    ticket.status.category == StatusCategory::Resolved
        && ticket.resolved_at.is_some_and(|at| at <= resolved_by)
}

async fn close(crm: &AutoCrm, actor: &Actor, id: TicketId, resolved_by: Timestamp) -> Result<bool> {
    let settled = transact(crm, None, |_| async {
        let stamp = crm.stamp();
        let mut changes = crm.changes(actor, &stamp);
        let found = crm.store().ticket(&Scope::of(actor), id).await?;
        let Some(ticket) = found.filter(|ticket| is_due(ticket, resolved_by)) else {
            return Ok(Planned::new(false, changes));
        };
        let scheme = crm.scheme_of(actor.tenant, &stamp).await?;
        let illegal =
            TicketRefusal::IllegalMove { from: StatusCategory::Resolved, to: StatusCategory::Closed };
        let status = scheme.default_status(StatusCategory::Closed).ok_or(Error::Ticket(illegal))?;
        changes.ticket(move_to(ticket, status, &stamp)?, false, &stamp);
        Ok(Planned::new(true, changes))
    });
    settled.await?.into_done().map(|(closed, _)| closed)
}
