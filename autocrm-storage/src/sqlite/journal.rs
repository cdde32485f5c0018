//! The event log, and the counters that order it.

use async_trait::async_trait;
use autocrm_core::{
    access::{MessageAudience, Scope},
    change::{EventRecord, Position},
    error::Result,
    id::TicketId,
    port::EventReader,
};
use diesel::{SqliteConnection, prelude::*, sqlite::Sqlite};

use crate::{
    column::{Code, Uid, narrow, number},
    range::in_range,
    record::EventRow,
    schema::{autocrm_counter, autocrm_event},
    sqlite::{
        SqliteStore, failure::During, reader::snapshot, save::COMMIT, statement::Sql, ticket, writer::Ledger,
    },
};

const EVENTS: &str = "events";
const MOST: usize = 1_000;

/// The last number and position given.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counter {
    pub(crate) number: i64,
    pub(crate) position: i64,
}

/// Reads the counters of a tenant.
pub(crate) fn read_counter(connection: &mut SqliteConnection, tenant: Uid) -> Result<Counter> {
    let found: Option<(i64, i64)> = autocrm_counter::table
        .find(tenant)
        .select((autocrm_counter::number, autocrm_counter::position))
        .get_result(connection)
        .optional()
        .during(COMMIT)?;
    Ok(found.map_or_else(Counter::default, |(number, position)| Counter { number, position }))
}

/// Writes the counters of a tenant.
pub(crate) fn write_counter(connection: &mut SqliteConnection, tenant: Uid, counter: Counter) -> Result<()> {
    Sql::<()>::new("INSERT OR REPLACE INTO autocrm_counter (tenant, number, position) VALUES (?, ?, ?)")
        .uid(tenant)
        .number(counter.number)
        .number(counter.position)
        .execute(connection)
        .during(COMMIT)?;
    Ok(())
}

/// Appends events at the next positions of their tenant.
pub(crate) fn append(
    connection: &mut SqliteConnection,
    ledger: &mut Ledger,
    tenant: Uid,
    events: &mut [EventRow],
) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let counter = ledger.counter(connection, tenant)?;
    for event in events {
        counter.position += 1;
        event.position = counter.position;
        diesel::insert_into(autocrm_event::table).values(&*event).execute(connection).during(COMMIT)?;
    }
    Ok(())
}

fn after(position: Position) -> i64 {
    number(position.get())
}

fn decode(rows: Vec<EventRow>) -> Result<Vec<EventRecord>> {
    rows.into_iter().map(EventRow::decode).collect()
}

type Selection = autocrm_event::BoxedQuery<'static, Sqlite>;

/// Begins a selection of events that a scope shows, ticket visibility apart.
fn of_audience(scope: &Scope, position: Position) -> Selection {
    let events = autocrm_event::table
        .filter(autocrm_event::tenant.eq(Uid::of(scope.tenant())))
        .filter(autocrm_event::position.gt(after(position)))
        .order(autocrm_event::position.asc())
        .into_boxed();
    if scope.sees_audience(MessageAudience::Internal) {
        return events;
    }
    events.filter(autocrm_event::audience.eq(MessageAudience::Public.code()))
}

#[async_trait]
impl EventReader for SqliteStore {
    async fn events(&self, scope: &Scope, position: Position, limit: u16) -> Result<Vec<EventRecord>> {
        let most = in_range(EVENTS, usize::from(limit), 1, MOST)?;
        let scope = scope.clone();
        self.read(EVENTS, move |connection| {
            if scope.is_tenant_wide() {
                let rows = of_audience(&scope, position).limit(number(most)).select(EventRow::as_select());
                return decode(rows.load(connection).during(EVENTS)?);
            }
            snapshot(connection, |connection| shown_events(connection, &scope, position, most))
        })
        .await
    }

    async fn head(&self, scope: &Scope) -> Result<Position> {
        let tenant = Uid::of(scope.tenant());
        self.read("head", move |connection| {
            let position = read_counter(connection, tenant)?.position;
            Ok(Position::new(narrow(position, "position")?))
        })
        .await
    }

    async fn ticket_events(
        &self,
        scope: &Scope,
        ticket: TicketId,
        position: Position,
        limit: u16,
    ) -> Result<Vec<EventRecord>> {
        let most = in_range("ticket_events", usize::from(limit), 1, MOST)?;
        let scope = scope.clone();
        self.read(EVENTS, move |connection| {
            snapshot(connection, |connection| {
                if ticket::find(connection, &scope, ticket)?.is_none() {
                    return Ok(Vec::new());
                }
                let rows = of_audience(&scope, position)
                    .filter(autocrm_event::ticket.eq(Uid::of(ticket)))
                    .limit(number(most))
                    .select(EventRow::as_select());
                decode(rows.load(connection).during(EVENTS)?)
            })
        })
        .await
    }
}

/// Walks the feed and leaves out events of tickets that the scope does not show.
fn shown_events(
    connection: &mut SqliteConnection,
    scope: &Scope,
    position: Position,
    most: usize,
) -> Result<Vec<EventRecord>> {
    let mut shown = Vec::new();
    let mut last = position;
    loop {
        let rows = of_audience(scope, last)
            .filter(autocrm_event::ticket.is_not_null())
            .limit(number(MOST))
            .select(EventRow::as_select());
        let records = decode(rows.load(connection).during(EVENTS)?)?;
        let complete = records.len() < MOST;
        for record in records {
            last = record.position;
            let Some(id) = record.ticket else { continue };
            if ticket::find(connection, scope, id)?.is_none() {
                continue;
            }
            shown.push(record);
            if shown.len() == most {
                return Ok(shown);
            }
        }
        if complete {
            return Ok(shown);
        }
    }
}
