//! Reads of a loaded desk: get, list, search.

use std::sync::{Arc, Mutex, PoisonError};

use autocrm_core::{
    clock::Timestamp,
    id::TicketId,
    page::{Cursor, PageRequest},
    ticket::{StatusCategory, Ticket, TicketFilter, TicketOrder, TicketQuery},
};

use crate::{
    desk::Desk,
    failure::{Failure, Result},
    random::Random,
    words::{Vocabulary, WORDS},
};

/// The kinds of lists; each is a page of 50.
pub(crate) const LISTS: [&str; 4] = ["by_status", "queue", "deep_page", "agent"];
/// The kinds of searches.
pub(crate) const SEARCHES: [&str; 3] = ["rare", "common", "two_terms"];

const PAGE: u16 = 50;

/// What is read, and by whom.
#[derive(Debug)]
pub(crate) struct Reads {
    desk: Desk,
    vocabulary: Arc<Vocabulary>,
    seed: u64,
    tickets: Mutex<Vec<(TicketId, Timestamp)>>,
}

impl Reads {
    pub(crate) fn new(desk: Desk, vocabulary: Arc<Vocabulary>, seed: u64) -> Self {
        Self { desk, vocabulary, seed, tickets: Mutex::new(Vec::new()) }
    }

    /// Remembers a ticket, to be read later.
    pub(crate) fn remember(&self, ticket: &Ticket) {
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.push((ticket.id, ticket.updated_at));
    }

    /// Returns ticket `number` of those remembered, beginning anew after the last.
    pub(crate) fn ticket(&self, number: usize) -> Result<(TicketId, Timestamp)> {
        let tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        let place = number % tickets.len().max(1);
        tickets.get(place).copied().ok_or_else(|| Failure::new("there is no ticket to read"))
    }

    fn random(&self, number: usize) -> Random {
        Random::new(self.seed ^ (number as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    /// Reads a ticket drawn at random.
    pub(crate) async fn get(&self, number: usize) -> Result<()> {
        let (id, _) = self.ticket(self.random(number).next() as usize)?;
        self.desk.crm.tickets().get(&self.desk.admin, id).await?;
        Ok(())
    }

    /// Reads a page of one of [`LISTS`].
    pub(crate) async fn list(&self, kind: usize, number: usize) -> Result<()> {
        let mut filter = TicketFilter { status: vec![StatusCategory::New], ..TicketFilter::default() };
        let mut page = PageRequest::first(PAGE);
        let mut actor = &self.desk.admin;
        match kind {
            0 => {}
            1 => {
                filter.assignee = Some(None);
                filter.order = TicketOrder::Queue;
            }
            2 => {
                let (id, updated_at) = self.ticket(self.random(number).next() as usize)?;
                filter = TicketFilter { order: TicketOrder::RecentlyUpdated, ..TicketFilter::default() };
                page = PageRequest::after(Cursor { key: updated_at.as_micros(), id: id.as_uuid() }, PAGE);
            }
            _ => actor = &self.desk.agent,
        }
        let found = self.desk.crm.tickets().list(actor, &filter, &page).await?;
        if found.items.is_empty() && kind != 2 {
            return Err(Failure::new("a list is empty"));
        }
        Ok(())
    }

    /// Searches in one of the ways of [`SEARCHES`]; returns how many tickets were found.
    pub(crate) async fn search(&self, kind: usize, number: usize) -> Result<usize> {
        let mut random = self.random(number);
        let text = match kind {
            0 => self.vocabulary.word(WORDS * 3 / 5 + random.below(WORDS * 2 / 5)).to_owned(),
            1 => self.vocabulary.word(random.below(60)).to_owned(),
            _ => {
                let (one, other) = (40 + random.below(60), 100 + random.below(300));
                format!("{} {}", self.vocabulary.word(one), self.vocabulary.word(other))
            }
        };
        let query = TicketQuery { text, notes: false };
        let page = PageRequest::first(PAGE);
        let found = self.desk.crm.tickets().search(&self.desk.admin, &query, &page).await?;
        Ok(found.items.len())
    }
}
