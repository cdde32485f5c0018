//! Receipts, and the keys under which they are replayed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    change::EntityRef,
    id::{TenantId, TicketId},
    mail::BlobHash,
    text::ExternalId,
    ticket::TicketNumber,
};

/// For how long a key replays its receipt.
pub const KEY_RETENTION: Duration = Duration::from_hours(72);

/// The hash of a request, by which a key tells a repetition from another request.
pub type RequestHash = BlobHash;

/// A caller's name for one request, scoped to tenant and principal and kept for [`KEY_RETENTION`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    /// The tenant.
    pub tenant: TenantId,
    /// Who asks: a user's id or `system`.
    pub principal: String,
    /// The caller's name for the request, 1..=200 characters.
    pub key: ExternalId,
    /// The hash of the request.
    pub request: RequestHash,
}

/// What a commit answered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Receipt {
    /// The numbers given to new tickets.
    pub numbers: Vec<(TicketId, TicketNumber)>,
    /// What the command made or changed first; a replay is answered with it.
    pub answer: Option<EntityRef>,
    /// Whether an earlier commit under the same key is being answered again; never stored.
    #[serde(skip)]
    pub replayed: bool,
}

impl Receipt {
    /// Returns the number that the commit gave to a ticket.
    pub fn number(&self, ticket: TicketId) -> Option<TicketNumber> {
        self.numbers.iter().find(|(id, _)| *id == ticket).map(|(_, number)| *number)
    }
}
