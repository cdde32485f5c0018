//! Tickets and routing decisions.

use std::collections::BTreeSet;

use async_trait::async_trait;
use autocrm_core::{
    access::{Scope, View},
    error::Result,
    id::{TicketId, UserId},
    page::{Page, PageRequest},
    port::TicketReader,
    routing::RoutingDecision,
    text::Tag,
    ticket::{StatusCategory, Ticket, TicketFilter, TicketNumber},
};
use diesel::{SqliteConnection, prelude::*, upsert::excluded};

use crate::{
    column::{Code, Uid, from_json, narrow, number},
    plan::TicketPlan,
    record::{RoutingRecord, TicketRecord, TicketRest},
    schema::{autocrm_participant, autocrm_routing, autocrm_ticket, autocrm_ticket_tag},
    sqlite::{
        SqliteStore,
        commit::Attempt,
        failure::During,
        index, list,
        reader::snapshot,
        save::{COMMIT, conflict, written},
        statement::Cached,
    },
};

const READ: &str = "ticket";

/// What of a stored ticket an update is compared with.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = autocrm_ticket)]
struct Present {
    row: i64,
    version: i64,
    subject: String,
    requester: Uid,
    rest: String,
}

/// Inserts a ticket, or replaces the one with the version that was decided upon.
pub(crate) fn save(attempt: &mut Attempt<'_>, plan: &mut TicketPlan) -> Result<()> {
    let TicketPlan { id, saved, involved, tags } = plan;
    let (id, record) = (*id, &mut saved.record);
    if saved.from == 0 {
        attempt.next_number(id, record)?;
        let inserted =
            diesel::insert_into(autocrm_ticket::table).values(&*record).execute(attempt.connection);
        written(inserted, "autocrm_ticket")?;
        for user in involved {
            involve(attempt.connection, record, *user)?;
        }
        for tag in tags {
            add_tag(attempt.connection, record, tag)?;
        }
    } else {
        let present: Option<Present> = autocrm_ticket::table
            .filter(autocrm_ticket::tenant.eq(record.tenant))
            .filter(autocrm_ticket::id.eq(record.id))
            .select(Present::as_select())
            .get_result(attempt.connection)
            .optional()
            .during(COMMIT)?;
        let Some(present) = present.filter(|present| present.version == saved.from) else {
            return Err(conflict(id));
        };
        if present.subject != record.subject {
            // Messages are found under the subject that they were written under.
            index::take_up(attempt.connection)?;
        }
        let target = autocrm_ticket::table.find(present.row);
        let updated = Cached(diesel::update(target).set(&*record)).execute(attempt.connection);
        written(updated, "autocrm_ticket")?;
        if present.rest != record.rest || present.requester != record.requester {
            repeat(attempt.connection, &present, record, involved, tags)?;
        }
    }
    Ok(())
}

/// Brings the tables that repeat a ticket up to its new row.
fn repeat(
    connection: &mut SqliteConnection,
    present: &Present,
    record: &TicketRecord,
    involved: &[Uid],
    tags: &[String],
) -> Result<()> {
    let before: TicketRest = from_json(&present.rest, READ)?;
    let mut earlier: BTreeSet<Uid> = before.participants.iter().map(|user| Uid::of(*user)).collect();
    earlier.insert(present.requester);
    for user in involved {
        if !earlier.remove(user) {
            involve(connection, record, *user)?;
        }
    }
    for user in earlier {
        let gone = autocrm_participant::table.find((record.tenant, user, record.id));
        diesel::delete(gone).execute(connection).during(COMMIT)?;
    }
    let mut earlier_tags: BTreeSet<&str> = before.tags.iter().map(Tag::as_str).collect();
    for tag in tags {
        if !earlier_tags.remove(tag.as_str()) {
            add_tag(connection, record, tag)?;
        }
    }
    for tag in earlier_tags {
        let gone = autocrm_ticket_tag::table.find((record.tenant, tag, record.id));
        diesel::delete(gone).execute(connection).during(COMMIT)?;
    }
    Ok(())
}

fn involve(connection: &mut SqliteConnection, record: &TicketRecord, user: Uid) -> Result<()> {
    let row = (
        autocrm_participant::tenant.eq(record.tenant),
        autocrm_participant::user.eq(user),
        autocrm_participant::ticket.eq(record.id),
    );
    diesel::insert_into(autocrm_participant::table).values(row).execute(connection).during(COMMIT)?;
    Ok(())
}

fn add_tag(connection: &mut SqliteConnection, record: &TicketRecord, tag: &str) -> Result<()> {
    let row = (
        autocrm_ticket_tag::tenant.eq(record.tenant),
        autocrm_ticket_tag::tag.eq(tag),
        autocrm_ticket_tag::ticket.eq(record.id),
    );
    diesel::insert_into(autocrm_ticket_tag::table).values(row).execute(connection).during(COMMIT)?;
    Ok(())
}

/// Stores the latest routing decision on a ticket.
pub(crate) fn save_routing(connection: &mut SqliteConnection, record: &RoutingRecord) -> Result<()> {
    let saved = diesel::insert_into(autocrm_routing::table)
        .values(record)
        .on_conflict((autocrm_routing::tenant, autocrm_routing::ticket))
        .do_update()
        .set(autocrm_routing::document.eq(excluded(autocrm_routing::document)));
    Cached(saved).execute(connection).during(COMMIT)?;
    Ok(())
}

/// Returns the number of live tickets of an agent.
pub(crate) fn load(connection: &mut SqliteConnection, tenant: Uid, agent: Uid) -> Result<i64> {
    let last_live = StatusCategory::OnHold.code();
    let live = autocrm_ticket::table
        .filter(autocrm_ticket::tenant.eq(tenant))
        .filter(autocrm_ticket::assignee.eq(agent))
        .filter(autocrm_ticket::status.le(last_live))
        .filter(autocrm_ticket::deleted_at.is_null());
    live.count().get_result(connection).during("loads")
}

/// Loads a ticket that is not deleted and that the scope shows.
pub(crate) fn find(connection: &mut SqliteConnection, scope: &Scope, id: TicketId) -> Result<Option<Ticket>> {
    let found = autocrm_ticket::table
        .filter(autocrm_ticket::tenant.eq(Uid::of(scope.tenant())))
        .filter(autocrm_ticket::id.eq(Uid::of(id)))
        .filter(autocrm_ticket::deleted_at.is_null())
        .select(TicketRecord::as_select())
        .get_result(connection)
        .optional()
        .during(READ)?;
    shown(scope, found)
}

fn shown(scope: &Scope, found: Option<TicketRecord>) -> Result<Option<Ticket>> {
    let ticket = found.map(TicketRecord::decode).transpose()?;
    Ok(ticket.filter(|ticket| scope.sees_ticket(&ticket.access())))
}

#[async_trait]
impl TicketReader for SqliteStore {
    async fn ticket(&self, scope: &Scope, id: TicketId) -> Result<Option<Ticket>> {
        let scope = scope.clone();
        self.read(READ, move |connection| find(connection, &scope, id)).await
    }

    async fn ticket_by_number(&self, scope: &Scope, given: TicketNumber) -> Result<Option<Ticket>> {
        let scope = scope.clone();
        self.read(READ, move |connection| {
            let found = autocrm_ticket::table
                .filter(autocrm_ticket::tenant.eq(Uid::of(scope.tenant())))
                .filter(autocrm_ticket::number.eq(number(given.get())))
                .filter(autocrm_ticket::deleted_at.is_null())
                .select(TicketRecord::as_select())
                .get_result(connection)
                .optional()
                .during(READ)?;
            shown(&scope, found)
        })
        .await
    }

    async fn tickets(
        &self,
        scope: &Scope,
        filter: &TicketFilter,
        page: &PageRequest,
    ) -> Result<Page<Ticket>> {
        let (scope, filter, page) = (scope.clone(), filter.clone(), *page);
        self.read("tickets", move |connection| {
            snapshot(connection, |connection| list::tickets(connection, &scope, &filter, &page))
        })
        .await
    }

    async fn loads(&self, scope: &Scope, agents: &[UserId]) -> Result<Vec<(UserId, u32)>> {
        if !scope.is_staff() {
            return Ok(Vec::new());
        }
        let tenant = Uid::of(scope.tenant());
        let asked = agents.to_vec();
        self.read("loads", move |connection| {
            snapshot(connection, |connection| {
                let mut loads = Vec::new();
                for agent in asked {
                    let count = load(connection, tenant, Uid::of(agent))?;
                    if count > 0 {
                        loads.push((agent, narrow(count, "load")?));
                    }
                }
                Ok(loads)
            })
        })
        .await
    }

    async fn routing(&self, scope: &Scope, ticket: TicketId) -> Result<Option<RoutingDecision>> {
        if !scope.is_staff() {
            return Ok(None);
        }
        let scope = scope.clone();
        self.read("routing", move |connection| {
            snapshot(connection, |connection| {
                if find(connection, &scope, ticket)?.is_none() {
                    return Ok(None);
                }
                let document: Option<String> = autocrm_routing::table
                    .find((Uid::of(scope.tenant()), Uid::of(ticket)))
                    .select(autocrm_routing::document)
                    .get_result(connection)
                    .optional()
                    .during("routing")?;
                document.map(|text| from_json(&text, "routing")).transpose()
            })
        })
        .await
    }

    async fn deleted_ticket(&self, scope: &Scope, id: TicketId) -> Result<Option<Ticket>> {
        if !matches!(scope.view(), View::Tenant) {
            return Ok(None);
        }
        let tenant = Uid::of(scope.tenant());
        self.read("deleted_ticket", move |connection| {
            let found: Option<TicketRecord> = autocrm_ticket::table
                .filter(autocrm_ticket::tenant.eq(tenant))
                .filter(autocrm_ticket::id.eq(Uid::of(id)))
                .filter(autocrm_ticket::deleted_at.is_not_null())
                .select(TicketRecord::as_select())
                .get_result(connection)
                .optional()
                .during(READ)?;
            found.map(TicketRecord::decode).transpose()
        })
        .await
    }
}
