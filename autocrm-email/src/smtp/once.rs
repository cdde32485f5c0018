//! Which mails this process has handed over: SMTP knows no idempotency key.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use autocrm_core::{id::OutboundId, mail::BlobHash, port::Delivery};
use tokio::sync::Mutex as Turn;

/// How many mails are remembered, the latest.
const REMEMBERED: usize = 10_000;

/// What was handed over under an id.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) content: BlobHash,
    pub(super) delivery: Delivery,
}

/// The place of one mail. Who holds it may send; the next one sees what came of it.
pub(super) type Place = Arc<Turn<Option<Taken>>>;

/// The places of the latest mails.
#[derive(Debug, Default)]
pub(super) struct Once(Mutex<Places>);

#[derive(Debug, Default)]
struct Places {
    by_id: HashMap<OutboundId, Place>,
    order: VecDeque<OutboundId>,
}

impl Once {
    /// Returns the place of a mail.
    pub(super) fn place(&self, id: OutboundId) -> Place {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.by_id.get(&id) {
            return Arc::clone(place);
        }
        while places.order.len() >= REMEMBERED {
            let Some(oldest) = places.order.pop_front() else { break };
            places.by_id.remove(&oldest);
        }
        let place = Place::default();
        places.by_id.insert(id, Arc::clone(&place));
        places.order.push_back(id);
        place
    }
}
