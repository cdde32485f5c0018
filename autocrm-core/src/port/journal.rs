//! The event log.

use async_trait::async_trait;

use crate::{
    access::Scope,
    change::{EventRecord, Position},
    error::Result,
    id::TicketId,
};

/// Reads the event log.
///
/// # Contract
/// * **E1** Positions of a tenant begin at 1 and have no gaps; a reader that goes on from the last position it saw
///   misses nothing and sees nothing twice.
/// * **E2** Events of one ticket stand in the order of its versions.
/// * **E3** A scope sees events of the tickets that it shows, and of their audience; tenant-wide scopes see all.
/// * **E4** An erased ticket's events keep their place; their payload is gone.
#[async_trait]
pub trait EventReader: Send + Sync {
    /// Returns up to `limit` (1..=1000) events of the tenant after a position, in order. Events that the scope does
    /// not show are left out, so that fewer than `limit` does not mean the end: see [`head`](Self::head).
    async fn events(&self, scope: &Scope, after: Position, limit: u16) -> Result<Vec<EventRecord>>;

    /// Returns the position of the tenant's latest event.
    async fn head(&self, scope: &Scope) -> Result<Position>;

    /// Returns up to `limit` (1..=1000) events of a ticket after a position, in order; nothing if the scope does not
    /// show the ticket.
    async fn ticket_events(
        &self,
        scope: &Scope,
        ticket: TicketId,
        after: Position,
        limit: u16,
    ) -> Result<Vec<EventRecord>>;
}
