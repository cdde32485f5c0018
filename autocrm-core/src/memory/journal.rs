//! The event log.

use async_trait::async_trait;

use crate::{
    access::Scope,
    change::{ChangeSet, Event, EventRecord, Position},
    error::Result,
    id::TicketId,
    memory::{MemoryStore, in_range, world::Desk},
    port::EventReader,
};

const MOST: usize = 1_000;

fn index_of(position: Position) -> usize {
    usize::try_from(position.get()).unwrap_or(usize::MAX)
}

impl Desk {
    fn head(&self) -> Position {
        self.events.last().map_or(Position::START, |record| record.position)
    }

    /// Appends the events of a committed change set at the next positions.
    pub(super) fn append_events(&mut self, changes: &ChangeSet) {
        for event in changes.events() {
            let position = Position::new(self.head().get() + 1);
            self.events_by_id.insert(event.id, position);
            if let Some(ticket) = event.ticket {
                self.events_by_ticket.entry(ticket).or_default().push(position);
            }
            self.events.push(EventRecord {
                id: event.id,
                tenant: changes.tenant_id(),
                position,
                at: changes.at(),
                actor: changes.actor(),
                subject: event.subject,
                version: event.version,
                ticket: event.ticket,
                event: event.event.clone(),
            });
        }
    }

    pub(super) fn set_event(&mut self, position: Position, payload: Event) -> Event {
        match self.events.get_mut(index_of(position).saturating_sub(1)) {
            Some(record) => std::mem::replace(&mut record.event, payload),
            None => payload,
        }
    }

    fn shows_event(&self, scope: &Scope, record: &EventRecord) -> bool {
        if scope.is_tenant_wide() {
            return true;
        }
        let shown = record.ticket.is_some_and(|ticket| self.shown_ticket(scope, ticket).is_some());
        shown && scope.sees_audience(record.event.audience())
    }
}

#[async_trait]
impl EventReader for MemoryStore {
    async fn events(&self, scope: &Scope, after: Position, limit: u16) -> Result<Vec<EventRecord>> {
        let most = in_range("events", usize::from(limit), 1, MOST)?;
        Ok(self.read(scope, |desk| {
            let later = desk.events.get(index_of(after)..).unwrap_or_default();
            later.iter().filter(|record| desk.shows_event(scope, record)).take(most).cloned().collect()
        }))
    }

    async fn head(&self, scope: &Scope) -> Result<Position> {
        Ok(self.read(scope, Desk::head))
    }

    async fn ticket_events(
        &self,
        scope: &Scope,
        ticket: TicketId,
        after: Position,
        limit: u16,
    ) -> Result<Vec<EventRecord>> {
        let most = in_range("ticket_events", usize::from(limit), 1, MOST)?;
        Ok(self.read(scope, |desk| {
            if desk.shown_ticket(scope, ticket).is_none() {
                return Vec::new();
            }
            let positions = desk.events_by_ticket.get(&ticket).into_iter().flatten();
            positions
                .filter(|position| **position > after)
                .filter_map(|position| desk.events.get(index_of(*position).checked_sub(1)?))
                .filter(|record| scope.sees_audience(record.event.audience()))
                .take(most)
                .cloned()
                .collect()
        }))
    }
}
