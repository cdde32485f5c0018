//! Full-text search over tickets, by the words of subject and messages.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::{
    access::{MessageAudience, Scope},
    error::Result,
    id::{MessageId, TicketId},
    memory::{
        MemoryStore,
        world::{Desk, FiledMessage},
    },
    page::{Cursor, Page, PageRequest},
    port::{TicketHit, TicketIndex},
    text::Subject,
    ticket::TicketQuery,
};

/// The longest query that counts, in characters.
const MAX_QUERY: usize = 500;

/// Splits a text into lower-cased runs of letters and digits.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn words_of(filed: &FiledMessage) -> BTreeSet<String> {
    let subject = filed.subject.as_ref().map(Subject::as_str).unwrap_or_default();
    words(&filed.message.body).chain(words(subject)).collect()
}

impl Desk {
    pub(super) fn learn_words(&mut self, filed: &FiledMessage) {
        for word in words_of(filed) {
            self.words.entry(word).or_default().insert(filed.message.id);
        }
    }

    pub(super) fn forget_words(&mut self, filed: &FiledMessage) {
        for word in words_of(filed) {
            if let Some(messages) = self.words.get_mut(&word) {
                messages.remove(&filed.message.id);
                if messages.is_empty() {
                    self.words.remove(&word);
                }
            }
        }
    }

    /// Returns the ticket of a message that the query may find in the scope.
    fn findable(&self, scope: &Scope, notes: bool, id: MessageId) -> Option<TicketId> {
        let message = &self.messages.get(&id)?.message;
        let audience = message.audience();
        let searched = audience == MessageAudience::Public || (notes && scope.sees_audience(audience));
        let ticket = self.shown_ticket(scope, message.ticket)?;
        searched.then_some(ticket.id)
    }

    fn search(&self, scope: &Scope, query: &TicketQuery, page: &PageRequest) -> Page<TicketHit> {
        let text: String = query.text.chars().take(MAX_QUERY).collect();
        let sought: BTreeSet<String> = words(&text).collect();
        let holders: Option<Vec<&BTreeSet<MessageId>>> =
            sought.iter().map(|word| self.words.get(word)).collect();
        let Some(holders) = holders else { return Page::default() };
        let Some(rarest) = holders.iter().min_by_key(|messages| messages.len()) else {
            return Page::default();
        };
        let before = page.cursor().map(|cursor| MessageId::from_uuid(cursor.id));
        let mut seen = BTreeSet::new();
        let mut found = Page::default();
        let mut last = None;
        for message in rarest.iter().rev().filter(|id| before.is_none_or(|before| **id < before)) {
            if !holders.iter().all(|messages| messages.contains(message)) {
                continue;
            }
            let Some(ticket) = self.findable(scope, query.notes, *message) else { continue };
            if !seen.contains(&ticket) {
                if found.items.len() == page.limit() {
                    found.next = last.map(|id: MessageId| Cursor { key: 0, id: id.as_uuid() });
                    break;
                }
                seen.insert(ticket);
                found.items.push(TicketHit { ticket, message: *message });
            }
            last = Some(*message);
        }
        found
    }
}

#[async_trait]
impl TicketIndex for MemoryStore {
    async fn search_tickets(
        &self,
        scope: &Scope,
        query: &TicketQuery,
        page: &PageRequest,
    ) -> Result<Page<TicketHit>> {
        Ok(self.read(scope, |desk| desk.search(scope, query, page)))
    }
}
