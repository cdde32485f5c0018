//! Reads of tickets.

use crate::{
    access::{Action, Actor, Resource, Scope},
    app::{AutoCrm, Error, Result, handle::authorise},
    change::{EventRecord, Position},
    id::TicketId,
    page::{Page, PageRequest},
    port::TicketHit,
    routing::RoutingDecision,
    ticket::{Ticket, TicketFilter, TicketNumber, TicketQuery},
};

/// Reads of tickets, routing decisions and timelines, under the reader's scope.
#[derive(Debug, Clone)]
pub struct Tickets {
    crm: AutoCrm,
}

impl Tickets {
    pub(super) fn new(crm: AutoCrm) -> Self {
        Self { crm }
    }

    /// Returns a ticket.
    pub async fn get(&self, actor: &Actor, id: TicketId) -> Result<Ticket> {
        let found = self.crm.store().ticket(&Scope::of(actor), id).await?;
        found.ok_or(Error::NotFound { what: "ticket" })
    }

    /// Returns the ticket with the number.
    pub async fn by_number(&self, actor: &Actor, number: TicketNumber) -> Result<Ticket> {
        let found = self.crm.store().ticket_by_number(&Scope::of(actor), number).await?;
        found.ok_or(Error::NotFound { what: "ticket" })
    }

    /// Returns tickets in the order of the filter.
    pub async fn list(
        &self,
        actor: &Actor,
        filter: &TicketFilter,
        page: &PageRequest,
    ) -> Result<Page<Ticket>> {
        Ok(self.crm.store().tickets(&Scope::of(actor), filter, page).await?)
    }

    /// Finds tickets by the words of subject and messages, newest first.
    pub async fn search(
        &self,
        actor: &Actor,
        query: &TicketQuery,
        page: &PageRequest,
    ) -> Result<Page<TicketHit>> {
        Ok(self.crm.store().search_tickets(&Scope::of(actor), query, page).await?)
    }

    /// Returns the latest routing decision on a ticket, with every candidate and why not; staff only.
    pub async fn explain(&self, actor: &Actor, id: TicketId) -> Result<RoutingDecision> {
        let ticket = self.get(actor, id).await?;
        authorise(actor, Action::AssignTicket, &ticket.resource(), "ticket")?;
        let decision = self.crm.store().routing(&Scope::of(actor), id).await?;
        decision.ok_or(Error::NotFound { what: "routing decision" })
    }

    /// Returns up to `limit` (1..=1000) events of a ticket after a position.
    pub async fn timeline(
        &self,
        actor: &Actor,
        id: TicketId,
        after: Position,
        limit: u16,
    ) -> Result<Vec<EventRecord>> {
        self.get(actor, id).await?;
        Ok(self.crm.store().ticket_events(&Scope::of(actor), id, after, limit).await?)
    }

    /// Returns whether the actor may work in the tenant at all.
    pub fn authorise(&self, actor: &Actor, action: Action) -> Result<()> {
        authorise(actor, action, &Resource::Tenant(actor.tenant), "tenant")
    }
}
