//! What a customer does.

use crate::{
    access::{Action, Actor, Scope},
    app::{
        ArticleHit, AutoCrm, Conversations, Error, Result, TicketData, TicketProcessor, answer,
        handle::authorise, knowledge,
    },
    conversation::{Message, Reply},
    id::TicketId,
    page::{Page, PageRequest},
    ticket::{Ticket, TicketChange, TicketFilter},
    transition::Version,
};

/// What a customer does: tickets, knowledge base, chat.
#[derive(Debug, Clone)]
pub struct CustomerPortal {
    crm: AutoCrm,
    customer: Actor,
}

impl CustomerPortal {
    pub(super) fn new(crm: AutoCrm, customer: Actor) -> Self {
        Self { crm, customer }
    }

    /// Opens a ticket.
    pub async fn create_ticket(&self, data: &TicketData) -> Result<Ticket> {
        TicketProcessor::new(self.crm.clone()).create(&self.customer, data).await
    }

    /// Returns the customer's tickets.
    pub async fn list_tickets(&self, filter: &TicketFilter, page: &PageRequest) -> Result<Page<Ticket>> {
        Ok(self.crm.store().tickets(&Scope::of(&self.customer), filter, page).await?)
    }

    /// Changes one of the customer's tickets, within what customers may change.
    pub async fn update_ticket(
        &self,
        id: TicketId,
        change: &TicketChange,
        expected: Option<Version>,
    ) -> Result<Ticket> {
        TicketProcessor::new(self.crm.clone()).update(&self.customer, id, change, expected).await
    }

    /// Finds articles by words, best first, at most `limit` (1..=50).
    pub async fn search_knowledge(&self, query: &str, limit: usize) -> Result<Vec<ArticleHit>> {
        self.find(query, limit).await
    }

    /// Suggests articles for what the customer is writing, best first, at most `limit` (1..=50).
    pub async fn suggest_knowledge(&self, context: &str, limit: usize) -> Result<Vec<ArticleHit>> {
        self.find(context, limit).await
    }

    async fn find(&self, text: &str, limit: usize) -> Result<Vec<ArticleHit>> {
        let tenant = crate::access::Resource::Tenant(self.customer.tenant);
        authorise(&self.customer, Action::UseAssistant, &tenant, "tenant")?;
        let language = self.crm.detector().and_then(|detector| detector.detect(text));
        let limit = limit.clamp(1, 50);
        let scope = Scope::of(&self.customer);
        let passages = answer::retrieve(&self.crm, &scope, text, language.as_ref(), limit * 2).await?;
        Ok(knowledge::by_article(passages, limit))
    }

    /// Sends a chat message on one of the customer's tickets.
    pub async fn send_message(&self, ticket: TicketId, reply: &Reply) -> Result<Message> {
        let tenant = self.crm.tenant_of(&self.customer).await?;
        if !tenant.flags.realtime_chat {
            return Err(Error::SwitchedOff { flag: "realtimeChat" });
        }
        Conversations::new(self.crm.clone()).reply(&self.customer, ticket, reply, None).await
    }

    /// Returns the conversation of one of the customer's tickets, first to last.
    pub async fn history(&self, ticket: TicketId, page: &PageRequest) -> Result<Page<Message>> {
        Conversations::new(self.crm.clone()).messages(&self.customer, ticket, page).await
    }
}
