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
use diesel::{
    SqliteConnection,
    prelude::*,
    sql_types::{BigInt, Nullable},
};

use crate::{
    column::{Code, Uid, from_json, number},
    record::{MessageRecord, Saved},
    schema::{autocrm_message, autocrm_template},
    sqlite::{
        SqliteStore,
        commit::Attempt,
        failure::During,
        index::SearchChange,
        reader::snapshot,
        save::{COMMIT, save, written},
        statement::Sql,
        ticket,
    },
};

const READ: &str = "message";

/// Writes a message and notes that its words have changed.
pub(crate) fn save(attempt: &mut Attempt<'_>, saved: &Saved<MessageRecord>) -> Result<()> {
    if saved.from == 0 {
        let row = attempt.ledger.next_message_row(attempt.connection)?;
        let numbered = (autocrm_message::row.eq(row), &saved.record);
        let inserted =
            diesel::insert_into(autocrm_message::table).values(numbered).execute(attempt.connection);
        written(inserted, "autocrm_message")?;
        attempt.ledger.note_fresh(saved.record.body.len());
    } else {
        save!(attempt.connection, saved, autocrm_message by tenant, id)?;
        let row = autocrm_message::table
            .filter(autocrm_message::tenant.eq(saved.record.tenant))
            .filter(autocrm_message::id.eq(saved.record.id))
            .select(autocrm_message::row)
            .get_result(attempt.connection)
            .during(COMMIT)?;
        attempt.ledger.note_search(SearchChange::Rewritten { row });
    }
    Ok(())
}

/// Returns the largest row number of a message, 0 when there is none.
pub(crate) fn last_row(connection: &mut SqliteConnection) -> Result<i64> {
    let last = Sql::<Nullable<BigInt>>::new("SELECT max(row) FROM autocrm_message");
    Ok(last.get_result::<Option<i64>>(connection).during(COMMIT)?.unwrap_or(0))
}

fn messages_of(
    connection: &mut SqliteConnection,
    scope: &Scope,
    ticket: TicketId,
    page: &PageRequest,
) -> Result<Page<Message>> {
    if ticket::find(connection, scope, ticket)?.is_none() {
        return Ok(Page::default());
    }
    let mut messages = autocrm_message::table
        .filter(autocrm_message::tenant.eq(Uid::of(scope.tenant())))
        .filter(autocrm_message::ticket.eq(Uid::of(ticket)))
        .order((autocrm_message::sequence.asc(), autocrm_message::id.asc()))
        .select(MessageRecord::as_select())
        .into_boxed();
    if !scope.sees_audience(MessageAudience::Internal) {
        messages = messages.filter(autocrm_message::audience.eq(MessageAudience::Public.code()));
    }
    if let Some(cursor) = page.cursor() {
        let later = autocrm_message::sequence.gt(cursor.key).or(autocrm_message::id.gt(Uid(cursor.id)));
        messages = messages.filter(autocrm_message::sequence.ge(cursor.key)).filter(later);
    }
    let records = messages.load_iter::<MessageRecord, _>(connection).during("messages")?;
    let found: Vec<Message> = records
        .take(page.limit() + 1)
        .map(|record| record.during("messages")?.decode())
        .collect::<Result<_>>()?;
    Ok(Page::from_overfetch(found, page.limit(), |message| Cursor {
        key: i64::from(message.sequence),
        id: message.id.as_uuid(),
    }))
}

#[async_trait]
impl ConversationReader for SqliteStore {
    async fn message(&self, scope: &Scope, id: MessageId) -> Result<Option<Message>> {
        let scope = scope.clone();
        self.read(READ, move |connection| {
            snapshot(connection, |connection| {
                let found = autocrm_message::table
                    .filter(autocrm_message::tenant.eq(Uid::of(scope.tenant())))
                    .filter(autocrm_message::id.eq(Uid::of(id)))
                    .select(MessageRecord::as_select())
                    .get_result(connection)
                    .optional()
                    .during(READ)?;
                let Some(message) = found.map(MessageRecord::decode).transpose()? else { return Ok(None) };
                let shown = scope.sees_audience(message.audience())
                    && ticket::find(connection, &scope, message.ticket)?.is_some();
                Ok(shown.then_some(message))
            })
        })
        .await
    }

    async fn messages(&self, scope: &Scope, ticket: TicketId, page: &PageRequest) -> Result<Page<Message>> {
        let (scope, page) = (scope.clone(), *page);
        self.read("messages", move |connection| {
            snapshot(connection, |connection| messages_of(connection, &scope, ticket, &page))
        })
        .await
    }

    async fn template(&self, scope: &Scope, id: TemplateId) -> Result<Option<Template>> {
        let scope = scope.clone();
        self.read("template", move |connection| {
            let document: Option<String> = autocrm_template::table
                .find((Uid::of(scope.tenant()), Uid::of(id)))
                .select(autocrm_template::document)
                .get_result(connection)
                .optional()
                .during("template")?;
            let template: Option<Template> = document.map(|text| from_json(&text, "template")).transpose()?;
            Ok(template.filter(|template| scope.sees_template(template.team)))
        })
        .await
    }

    async fn templates(&self, scope: &Scope, page: &PageRequest) -> Result<Page<Template>> {
        let (scope, page) = (scope.clone(), *page);
        self.read("templates", move |connection| templates_of(connection, &scope, &page)).await
    }
}

fn templates_of(
    connection: &mut SqliteConnection,
    scope: &Scope,
    page: &PageRequest,
) -> Result<Page<Template>> {
    let mut templates = autocrm_template::table
        .filter(autocrm_template::tenant.eq(Uid::of(scope.tenant())))
        .order(autocrm_template::id.asc())
        .limit(number(page.limit() + 1))
        .select(autocrm_template::document)
        .into_boxed();
    match scope.view() {
        View::Customer(_) => return Ok(Page::default()),
        View::Agent { teams, .. } => {
            let own: Vec<Uid> = teams.iter().map(|team| Uid::of(*team)).collect();
            let shown =
                autocrm_template::team.is_null().or(autocrm_template::team.eq_any(own).assume_not_null());
            templates = templates.filter(shown);
        }
        View::Tenant => {}
    }
    if let Some(cursor) = page.cursor() {
        templates = templates.filter(autocrm_template::id.gt(Uid(cursor.id)));
    }
    let documents: Vec<String> = templates.load(connection).during("templates")?;
    let found = documents.iter().map(|text| from_json(text, "template")).collect::<Result<_>>()?;
    Ok(Page::from_overfetch(found, page.limit(), |template: &Template| Cursor {
        key: 0,
        id: template.id.as_uuid(),
    }))
}
