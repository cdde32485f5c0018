//! Messages and templates.

use async_trait::async_trait;
use autocrm_core::{
    access::{MessageAudience, Scope, View},
    conversation::{Message, Template},
    error::Result,
    id::{MessageId, TemplateId, TicketId},
    page::{Cursor, Page, PageRequest},
    port::ConversationReader,
};
use sqlx::query_scalar;
use uuid::Uuid;

use crate::{
    column::{Uid, number},
    postgres::{
        PostgresStore,
        document::{self, after},
        failure::During,
        session::eyes,
        ticket,
    },
    record::MessageRecord,
};

const READ: &str = "message";

#[async_trait]
impl ConversationReader for PostgresStore {
    async fn message(&self, scope: &Scope, id: MessageId) -> Result<Option<Message>> {
        let mut tx = self.snapshot(READ, scope).await?;
        let found: Option<MessageRecord> =
            sqlx::query_as("SELECT * FROM autocrm.autocrm_message WHERE tenant = $1 AND id = $2")
                .bind(Uid::of(scope.tenant()))
                .bind(Uid::of(id))
                .fetch_optional(&mut *tx)
                .await
                .during(READ)?;
        let Some(message) = found.map(MessageRecord::decode).transpose()? else { return Ok(None) };
        let is_shown = scope.sees_audience(message.audience())
            && ticket::find(&mut tx, scope, message.ticket).await?.is_some();
        Ok(is_shown.then_some(message))
    }

    async fn messages(&self, scope: &Scope, ticket: TicketId, page: &PageRequest) -> Result<Page<Message>> {
        let mut tx = self.snapshot("messages", scope).await?;
        if ticket::find(&mut tx, scope, ticket).await?.is_none() {
            return Ok(Page::default());
        }
        let begin = page.cursor().unwrap_or(Cursor { key: -1, id: Uuid::nil() });
        let records: Vec<MessageRecord> = sqlx::query_as(include_str!("sql/messages.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(Uid::of(ticket))
            .bind(scope.sees_audience(MessageAudience::Internal))
            .bind(begin.key)
            .bind(Uid(begin.id))
            .bind(number(page.limit() + 1))
            .fetch_all(&mut *tx)
            .await
            .during("messages")?;
        let found = records.into_iter().map(MessageRecord::decode).collect::<Result<_>>()?;
        Ok(Page::from_overfetch(found, page.limit(), |message: &Message| Cursor {
            key: i64::from(message.sequence),
            id: message.id.as_uuid(),
        }))
    }

    async fn template(&self, scope: &Scope, id: TemplateId) -> Result<Option<Template>> {
        let text = "SELECT document FROM autocrm.autocrm_template WHERE tenant = $1 AND id = $2";
        let statement = query_scalar(text).bind(Uid::of(scope.tenant())).bind(Uid::of(id));
        let mut tx = self.read("template", scope).await?;
        let template: Option<Template> = document::one(&mut tx, "template", statement).await?;
        Ok(template.filter(|template| scope.sees_template(template.team)))
    }

    async fn templates(&self, scope: &Scope, page: &PageRequest) -> Result<Page<Template>> {
        if matches!(scope.view(), View::Customer(_)) {
            return Ok(Page::default());
        }
        let (_, teams) = eyes(scope);
        let statement = query_scalar(include_str!("sql/templates.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(teams)
            .bind(after(page))
            .bind(number(page.limit() + 1));
        let mut tx = self.read("templates", scope).await?;
        document::page(&mut tx, "templates", statement, page, |template: &Template| template.id.as_uuid())
            .await
    }
}
