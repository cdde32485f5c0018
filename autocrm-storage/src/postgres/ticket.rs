//! Tickets and routing decisions.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use autocrm_core::{
    access::{Scope, View},
    error::Result,
    id::{TicketId, UserId},
    page::{Page, PageRequest},
    port::TicketReader,
    routing::RoutingDecision,
    text::Tag,
    ticket::{Ticket, TicketFilter, TicketNumber},
};
use sqlx::PgConnection;

use crate::{
    column::{Uid, from_json, narrow, number},
    plan::TicketPlan,
    postgres::{
        PostgresStore,
        failure::During,
        list,
        round::conflict,
        rows::{self, Rows},
        session::{Access, Session},
        table,
    },
    record::{RoutingRecord, TicketRecord, TicketRest},
};

const COMMIT: &str = "commit";
const READ: &str = "ticket";

/// Takes ticket numbers of a tenant and returns the one before the first.
pub(crate) async fn take_numbers(connection: &mut PgConnection, tenant: Uid, count: usize) -> Result<i64> {
    if count == 0 {
        return Ok(0);
    }
    let taken = number(count);
    let last: i64 = sqlx::query_scalar(include_str!("sql/take_numbers.sql"))
        .bind(tenant)
        .bind(taken)
        .fetch_one(connection)
        .await
        .during(COMMIT)?;
    Ok(last - taken)
}

/// Who and what is found by other tables, as arrays of columns.
#[derive(Debug, Default)]
struct Repeated<'a> {
    tenants: Vec<Uid>,
    users: Vec<Uid>,
    tickets: Vec<Uid>,
    tag_tenants: Vec<Uid>,
    tags: Vec<&'a str>,
    tag_tickets: Vec<Uid>,
}

impl<'a> Repeated<'a> {
    fn involve(&mut self, record: &TicketRecord, user: Uid) {
        self.tenants.push(record.tenant);
        self.users.push(user);
        self.tickets.push(record.id);
    }

    fn tag(&mut self, record: &TicketRecord, tag: &'a str) {
        self.tag_tenants.push(record.tenant);
        self.tags.push(tag);
        self.tag_tickets.push(record.id);
    }

    async fn run(
        &self,
        connection: &mut PgConnection,
        users: &'static str,
        tags: &'static str,
    ) -> Result<()> {
        if !self.users.is_empty() {
            let statement = sqlx::query(users).bind(&self.tenants).bind(&self.users).bind(&self.tickets);
            statement.execute(&mut *connection).await.during(COMMIT)?;
        }
        if !self.tags.is_empty() {
            let statement =
                sqlx::query(tags).bind(&self.tag_tenants).bind(&self.tags).bind(&self.tag_tickets);
            statement.execute(connection).await.during(COMMIT)?;
        }
        Ok(())
    }
}

/// Inserts tickets, and replaces those that the round has found at the version that was decided upon.
pub(crate) async fn save(
    connection: &mut PgConnection,
    plans: impl Iterator<Item = &TicketPlan>,
) -> Result<()> {
    let (made, changed): (Vec<_>, Vec<_>) = plans.map(|plan| &plan.saved).partition(|saved| saved.from == 0);
    let made: Vec<&TicketRecord> = made.into_iter().map(|saved| &saved.record).collect();
    let changed: Vec<&TicketRecord> = changed.into_iter().map(|saved| &saved.record).collect();
    table::insert(connection, &made).await.during(COMMIT)?;
    let replaced = table::replace(connection, &changed).await.during(COMMIT)?;
    if number(replaced) == number(changed.len()) { Ok(()) } else { Err(conflict("autocrm_ticket")) }
}

/// Stores who and what tickets are found by. It needs no number of theirs, so that it comes before these are taken.
pub(crate) async fn relate(
    connection: &mut PgConnection,
    rows: &Rows,
    plans: impl Iterator<Item = &TicketPlan>,
) -> Result<()> {
    let mut gone_users: Vec<(Uid, Uid, Uid)> = Vec::new();
    let mut gone_tags: Vec<(Uid, String, Uid)> = Vec::new();
    let mut come = Repeated::default();
    for plan in plans {
        let record = &plan.saved.record;
        let (mut users, mut tags) = (BTreeSet::new(), BTreeSet::new());
        if plan.saved.from > 0 {
            let stored = rows.ticket(record.id).ok_or_else(|| conflict(plan.id))?;
            let before: TicketRest = from_json(&stored.rest, READ)?;
            users = before.participants.iter().map(|user| Uid::of(*user)).collect();
            users.insert(stored.requester);
            tags = before.tags;
        }
        for user in &plan.involved {
            if !users.remove(user) {
                come.involve(record, *user);
            }
        }
        for tag in &plan.tags {
            let present = tags.iter().find(|earlier| earlier.as_str() == tag.as_str()).cloned();
            match present {
                Some(earlier) => drop(tags.remove(&earlier)),
                None => come.tag(record, tag),
            }
        }
        gone_users.extend(users.into_iter().map(|user| (record.tenant, user, record.id)));
        gone_tags.extend(tags.into_iter().map(|tag: Tag| (record.tenant, tag.into_string(), record.id)));
    }
    let mut gone = Repeated::default();
    for (tenant, user, ticket) in &gone_users {
        gone.tenants.push(*tenant);
        gone.users.push(*user);
        gone.tickets.push(*ticket);
    }
    for (tenant, tag, ticket) in &gone_tags {
        gone.tag_tenants.push(*tenant);
        gone.tags.push(tag);
        gone.tag_tickets.push(*ticket);
    }
    gone.run(connection, include_str!("sql/drop_participants.sql"), include_str!("sql/drop_tags.sql"))
        .await?;
    come.run(connection, include_str!("sql/add_participants.sql"), include_str!("sql/add_tags.sql")).await
}

/// Stores the latest routing decision on each ticket.
pub(crate) async fn save_routing(connection: &mut PgConnection, records: &[&RoutingRecord]) -> Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    let latest: BTreeMap<Uid, &RoutingRecord> =
        records.iter().map(|record| (record.ticket, *record)).collect();
    let tenants: Vec<Uid> = latest.values().map(|record| record.tenant).collect();
    let tickets: Vec<Uid> = latest.keys().copied().collect();
    let documents: Vec<&str> = latest.values().map(|record| record.document.as_str()).collect();
    sqlx::query(include_str!("sql/save_routing.sql"))
        .bind(tenants)
        .bind(tickets)
        .bind(documents)
        .execute(connection)
        .await
        .during(COMMIT)?;
    Ok(())
}

/// Decodes a ticket if the scope shows it.
pub(crate) fn shown(scope: &Scope, found: Option<TicketRecord>) -> Result<Option<Ticket>> {
    let ticket = found.map(TicketRecord::decode).transpose()?;
    Ok(ticket.filter(|ticket| scope.sees_ticket(&ticket.access())))
}

/// Loads a ticket that is not deleted and that the scope shows.
pub(crate) async fn find(
    connection: &mut PgConnection,
    scope: &Scope,
    id: TicketId,
) -> Result<Option<Ticket>> {
    let found: Option<TicketRecord> = sqlx::query_as(
        "SELECT * FROM autocrm.autocrm_ticket WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL",
    )
    .bind(Uid::of(scope.tenant()))
    .bind(Uid::of(id))
    .fetch_optional(connection)
    .await
    .during(READ)?;
    shown(scope, found)
}

#[async_trait]
impl TicketReader for PostgresStore {
    async fn ticket(&self, scope: &Scope, id: TicketId) -> Result<Option<Ticket>> {
        if matches!(scope.view(), View::Tenant) {
            return shown(scope, self.whole_ticket(READ, scope, id).await?);
        }
        let mut tx = self.keyed(READ, scope).await?;
        find(&mut tx, scope, id).await
    }

    async fn ticket_by_number(&self, scope: &Scope, given: TicketNumber) -> Result<Option<Ticket>> {
        let mut tx = self.keyed(READ, scope).await?;
        let text =
            "SELECT * FROM autocrm.autocrm_ticket WHERE tenant = $1 AND number = $2 AND deleted_at IS NULL";
        let found: Option<TicketRecord> = sqlx::query_as(text)
            .bind(Uid::of(scope.tenant()))
            .bind(number(given.get()))
            .fetch_optional(&mut *tx)
            .await
            .during(READ)?;
        shown(scope, found)
    }

    async fn tickets(
        &self,
        scope: &Scope,
        filter: &TicketFilter,
        page: &PageRequest,
    ) -> Result<Page<Ticket>> {
        let mut tx = self.keyed("tickets", scope).await?;
        list::tickets(&mut tx, scope, filter, page).await
    }

    async fn loads(&self, scope: &Scope, agents: &[UserId]) -> Result<Vec<(UserId, u32)>> {
        if !scope.is_staff() {
            return Ok(Vec::new());
        }
        // The whole tenant is counted, whatever the scope's teams.
        let tenant = Uid::of(scope.tenant());
        let mut tx = self.begin("loads", &Session::system(tenant), Access::Read).await?;
        let asked: Vec<Uid> = agents.iter().map(|agent| Uid::of(*agent)).collect();
        let counted: BTreeMap<Uid, i64> = rows::loads(&mut tx, tenant, &asked).await?.into_iter().collect();
        let mut found = Vec::new();
        for agent in agents {
            if let Some(count) = counted.get(&Uid::of(*agent)) {
                found.push((*agent, narrow(*count, "load")?));
            }
        }
        Ok(found)
    }

    async fn routing(&self, scope: &Scope, ticket: TicketId) -> Result<Option<RoutingDecision>> {
        if !scope.is_staff() {
            return Ok(None);
        }
        let mut tx = self.snapshot("routing", scope).await?;
        if find(&mut tx, scope, ticket).await?.is_none() {
            return Ok(None);
        }
        let text = "SELECT document FROM autocrm.autocrm_routing WHERE tenant = $1 AND ticket = $2";
        let document: Option<String> = sqlx::query_scalar(text)
            .bind(Uid::of(scope.tenant()))
            .bind(Uid::of(ticket))
            .fetch_optional(&mut *tx)
            .await
            .during("routing")?;
        document.map(|text| from_json(&text, "routing")).transpose()
    }

    async fn deleted_ticket(&self, scope: &Scope, id: TicketId) -> Result<Option<Ticket>> {
        if !matches!(scope.view(), View::Tenant) {
            return Ok(None);
        }
        let mut tx = self.keyed("deleted_ticket", scope).await?;
        let text =
            "SELECT * FROM autocrm.autocrm_ticket WHERE tenant = $1 AND id = $2 AND deleted_at IS NOT NULL";
        let found: Option<TicketRecord> = sqlx::query_as(text)
            .bind(Uid::of(scope.tenant()))
            .bind(Uid::of(id))
            .fetch_optional(&mut *tx)
            .await
            .during("deleted_ticket")?;
        found.map(TicketRecord::decode).transpose()
    }
}
