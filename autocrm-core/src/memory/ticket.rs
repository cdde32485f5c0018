//! Tickets, with the indexes that keep lists and counts from reading every row.

use std::ops::Bound;

use async_trait::async_trait;
use uuid::Uuid;

use crate::{
    access::Scope,
    error::Result,
    id::{TicketId, UserId},
    memory::{
        MemoryStore, page_of,
        world::{Desk, put},
    },
    page::{Cursor, Page, PageRequest},
    port::TicketReader,
    routing::RoutingDecision,
    ticket::{CategorySource, Ticket, TicketFilter, TicketNumber, TicketOrder},
};

fn is_live(ticket: &Ticket) -> bool {
    ticket.deleted_at.is_none() && ticket.status.category.is_live()
}

impl Desk {
    pub(super) fn set_ticket(&mut self, id: TicketId, row: Option<Ticket>) -> Option<Ticket> {
        if let Some(before) = self.tickets.get(&id) {
            self.tickets_by_number.remove(&before.number);
            self.tickets_by_update.remove(&(before.updated_at.as_micros(), id));
            self.tickets_by_urgency.remove(&(-i64::from(before.priority.rank()), id));
            if let Some(agent) = before.assignee {
                self.live_tickets.remove(&(agent, id));
            }
        }
        if let Some(ticket) = &row {
            self.tickets_by_number.insert(ticket.number, id);
            self.tickets_by_update.insert((ticket.updated_at.as_micros(), id));
            self.tickets_by_urgency.insert((-i64::from(ticket.priority.rank()), id));
            self.live_tickets.extend(ticket.assignee.filter(|_| is_live(ticket)).map(|agent| (agent, id)));
        }
        put(&mut self.tickets, id, row)
    }

    pub(super) fn set_routing(
        &mut self,
        ticket: TicketId,
        row: Option<RoutingDecision>,
    ) -> Option<RoutingDecision> {
        put(&mut self.routing, ticket, row)
    }

    /// Returns how many live tickets the agent has.
    pub(super) fn load(&self, agent: UserId) -> u32 {
        let first = TicketId::from_uuid(Uuid::nil());
        let last = TicketId::from_uuid(Uuid::max());
        let count = self.live_tickets.range((agent, first)..=(agent, last)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Returns a ticket that is not deleted, if the scope shows it.
    pub(super) fn shown_ticket(&self, scope: &Scope, id: TicketId) -> Option<&Ticket> {
        self.tickets.get(&id).filter(|ticket| shows(scope, ticket))
    }

    fn listed(&self, scope: &Scope, filter: &TicketFilter, page: &PageRequest) -> Page<Ticket> {
        let shown = |ticket: &Ticket| shows(scope, ticket) && wants(filter, ticket);
        let after = page.cursor().map(|cursor| (cursor.key, TicketId::from_uuid(cursor.id)));
        let below = after.map_or(Bound::Unbounded, |(_, id)| Bound::Excluded(id));
        let row = |(_, id): &(i64, TicketId)| self.tickets.get(id);
        let by_id = |ticket: &Ticket| Cursor { key: 0, id: ticket.id.as_uuid() };
        match filter.order {
            TicketOrder::Newest => {
                let rows = self.tickets.range((Bound::Unbounded, below)).rev().map(|(_, row)| row);
                page_of(rows, shown, page, by_id)
            }
            TicketOrder::Oldest => {
                let rows = self.tickets.range((below, Bound::Unbounded)).map(|(_, row)| row);
                page_of(rows, shown, page, by_id)
            }
            TicketOrder::RecentlyUpdated => {
                let end = after.map_or(Bound::Unbounded, Bound::Excluded);
                let rows = self.tickets_by_update.range((Bound::Unbounded, end)).rev().filter_map(row);
                page_of(rows, shown, page, |ticket| Cursor {
                    key: ticket.updated_at.as_micros(),
                    id: ticket.id.as_uuid(),
                })
            }
            TicketOrder::Queue => {
                let start = after.map_or(Bound::Unbounded, |(rank, id)| {
                    Bound::Excluded((rank.checked_neg().unwrap_or(i64::MAX), id))
                });
                let rows = self.tickets_by_urgency.range((start, Bound::Unbounded)).filter_map(row);
                page_of(rows, shown, page, |ticket| Cursor {
                    key: i64::from(ticket.priority.rank()),
                    id: ticket.id.as_uuid(),
                })
            }
        }
    }
}

fn shows(scope: &Scope, ticket: &Ticket) -> bool {
    ticket.deleted_at.is_none() && scope.sees_ticket(&ticket.access())
}

fn wants(filter: &TicketFilter, ticket: &Ticket) -> bool {
    let by_person = ticket.category_source == Some(CategorySource::Person);
    (filter.status.is_empty() || filter.status.contains(&ticket.status.category))
        && filter.status_key.as_ref().is_none_or(|key| *key == ticket.status.key)
        && filter.priority.is_none_or(|priority| priority == ticket.priority)
        && (filter.category.is_none() || filter.category == ticket.category)
        && (by_person || !filter.categorised_by_person)
        && filter.team.is_none_or(|team| team == ticket.team)
        && filter.assignee.is_none_or(|assignee| assignee == ticket.assignee)
        && filter.requester.is_none_or(|requester| requester == ticket.requester)
        && filter.tag.as_ref().is_none_or(|tag| ticket.tags.contains(tag))
        && filter.channel.is_none_or(|channel| channel == ticket.channel)
        && filter.updated_since.is_none_or(|since| ticket.updated_at >= since)
}

#[async_trait]
impl TicketReader for MemoryStore {
    async fn ticket(&self, scope: &Scope, id: TicketId) -> Result<Option<Ticket>> {
        Ok(self.read(scope, |desk| desk.shown_ticket(scope, id).cloned()))
    }

    async fn ticket_by_number(&self, scope: &Scope, number: TicketNumber) -> Result<Option<Ticket>> {
        Ok(self.read(scope, |desk| {
            let id = desk.tickets_by_number.get(&number)?;
            desk.shown_ticket(scope, *id).cloned()
        }))
    }

    async fn tickets(
        &self,
        scope: &Scope,
        filter: &TicketFilter,
        page: &PageRequest,
    ) -> Result<Page<Ticket>> {
        Ok(self.read(scope, |desk| desk.listed(scope, filter, page)))
    }

    async fn loads(&self, scope: &Scope, agents: &[UserId]) -> Result<Vec<(UserId, u32)>> {
        if !scope.is_staff() {
            return Ok(Vec::new());
        }
        Ok(self.read(scope, |desk| {
            let loads = agents.iter().map(|agent| (*agent, desk.load(*agent)));
            loads.filter(|(_, load)| *load > 0).collect()
        }))
    }

    async fn routing(&self, scope: &Scope, ticket: TicketId) -> Result<Option<RoutingDecision>> {
        if !scope.is_staff() {
            return Ok(None);
        }
        Ok(self.read(scope, |desk| {
            desk.shown_ticket(scope, ticket)?;
            desk.routing.get(&ticket).cloned()
        }))
    }

    async fn deleted_ticket(&self, scope: &Scope, id: TicketId) -> Result<Option<Ticket>> {
        if !scope.is_tenant_wide() {
            return Ok(None);
        }
        Ok(self
            .read(scope, |desk| desk.tickets.get(&id).filter(|ticket| ticket.deleted_at.is_some()).cloned()))
    }
}
