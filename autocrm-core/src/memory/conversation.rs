//! Messages and templates.

use std::ops::Bound;

use async_trait::async_trait;
use uuid::Uuid;

use crate::{
    access::Scope,
    conversation::{Message, Template},
    error::Result,
    id::{MessageId, TemplateId, TicketId},
    memory::{
        MemoryStore, page_of,
        world::{Desk, FiledMessage, put},
    },
    page::{Cursor, Page, PageRequest},
    port::ConversationReader,
};

impl Desk {
    /// Puts a message together with what it is found by.
    pub(super) fn file(&self, message: Message) -> FiledMessage {
        let subject = self.tickets.get(&message.ticket).map(|ticket| ticket.subject.clone());
        FiledMessage { message, subject }
    }

    pub(super) fn set_message(&mut self, id: MessageId, row: Option<FiledMessage>) -> Option<FiledMessage> {
        if let Some(before) = self.messages.remove(&id) {
            let place = (before.message.ticket, before.message.sequence, id);
            self.messages_by_ticket.remove(&place);
            self.forget_words(&before);
            return self.place_message(id, row, Some(before));
        }
        self.place_message(id, row, None)
    }

    fn place_message(
        &mut self,
        id: MessageId,
        row: Option<FiledMessage>,
        before: Option<FiledMessage>,
    ) -> Option<FiledMessage> {
        if let Some(filed) = row {
            self.messages_by_ticket.insert((filed.message.ticket, filed.message.sequence, id));
            self.learn_words(&filed);
            self.messages.insert(id, filed);
        }
        before
    }

    pub(super) fn set_template(&mut self, id: TemplateId, row: Option<Template>) -> Option<Template> {
        put(&mut self.templates, id, row)
    }

    /// Returns the ids of a ticket's messages after the place given, by sequence.
    pub(super) fn message_ids(
        &self,
        ticket: TicketId,
        after: (u32, Uuid),
    ) -> impl Iterator<Item = MessageId> + '_ {
        let start = (ticket, after.0, MessageId::from_uuid(after.1));
        let end = (ticket, u32::MAX, MessageId::from_uuid(Uuid::max()));
        let range = (Bound::Excluded(start), Bound::Included(end));
        self.messages_by_ticket.range(range).map(|(_, _, id)| *id)
    }
}

#[async_trait]
impl ConversationReader for MemoryStore {
    async fn message(&self, scope: &Scope, id: MessageId) -> Result<Option<Message>> {
        Ok(self.read(scope, |desk| {
            let message = &desk.messages.get(&id)?.message;
            desk.shown_ticket(scope, message.ticket)?;
            scope.sees_audience(message.audience()).then(|| message.clone())
        }))
    }

    async fn messages(&self, scope: &Scope, ticket: TicketId, page: &PageRequest) -> Result<Page<Message>> {
        Ok(self.read(scope, |desk| {
            if desk.shown_ticket(scope, ticket).is_none() {
                return Page::default();
            }
            let after = page.cursor().map_or((0, Uuid::nil()), |cursor| {
                (u32::try_from(cursor.key.max(0)).unwrap_or(u32::MAX), cursor.id)
            });
            let rows = desk.message_ids(ticket, after).filter_map(|id| desk.messages.get(&id));
            page_of(
                rows.map(|filed| &filed.message),
                |message| scope.sees_audience(message.audience()),
                page,
                |message| Cursor { key: i64::from(message.sequence), id: message.id.as_uuid() },
            )
        }))
    }

    async fn template(&self, scope: &Scope, id: TemplateId) -> Result<Option<Template>> {
        Ok(self.read(scope, |desk| {
            desk.templates.get(&id).filter(|template| scope.sees_template(template.team)).cloned()
        }))
    }

    async fn templates(&self, scope: &Scope, page: &PageRequest) -> Result<Page<Template>> {
        let after = page
            .cursor()
            .map_or(Bound::Unbounded, |cursor| Bound::Excluded(TemplateId::from_uuid(cursor.id)));
        Ok(self.read(scope, |desk| {
            page_of(
                desk.templates.range((after, Bound::Unbounded)).map(|(_, row)| row),
                |template| scope.sees_template(template.team),
                page,
                |template| Cursor { key: 0, id: template.id.as_uuid() },
            )
        }))
    }
}
