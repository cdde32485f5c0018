//! The event log, and the sealer that gives its events their positions.

use std::sync::LazyLock;

use async_trait::async_trait;
use autocrm_core::{
    access::Scope,
    change::{EventRecord, Position},
    error::Result,
    id::TicketId,
    port::EventReader,
};
use sqlx::PgConnection;

use crate::{
    column::{Uid, narrow, number},
    postgres::{
        PostgresStore,
        failure::During,
        session::{Access, RUNTIME, Session, eyes},
        store::Shared,
        table::Table as _,
        ticket,
    },
    range::in_range,
    record::EventRow,
};

const COMMIT: &str = "commit";
const EVENTS: &str = "events";
const SEAL: &str = "seal";
const MOST: usize = 1_000;
/// The advisory lock of the sealer.
const LOCK: i64 = 0x6175_746f_6372_6d03;

/// The statement that writes events and the rows of their order. Both parts number their parameters alike: the first two
/// columns of an event are its tenant and its id.
static APPEND: LazyLock<String> = LazyLock::new(|| {
    format!("WITH written AS ({}) {}", EventRow::insertion(), include_str!("sql/await_seal.sql"))
});

/// Appends events. They have no position until their transaction has committed and [`seal`] has seen them.
pub(crate) async fn append(connection: &mut PgConnection, events: &[&EventRow]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let arrays = EventRow::arrays(events).during(COMMIT)?;
    sqlx::query_with(APPEND.as_str(), arrays).execute(connection).await.during(COMMIT)?;
    Ok(())
}

/// Gives every committed event without a position the next one of its tenant, in the order in which they were written.
/// One sealer works at a time, in any process: another one that comes meanwhile finds its work done.
pub(crate) async fn seal(shared: &Shared) -> Result<()> {
    let mut tx = shared.begin(SEAL, &Session::worker(), Access::Write, RUNTIME).await?;
    // The lock is taken by a statement of its own: what follows then sees all that the last sealer wrote.
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await.during(SEAL)?;
    sqlx::query(include_str!("sql/seal.sql")).execute(&mut *tx).await.during(SEAL)?;
    tx.commit().await.during(SEAL)
}

impl PostgresStore {
    /// Seals what a tenant's last commits wrote, unless that has been done: whoever reads the feed sees every commit.
    async fn sealed(&self, scope: &Scope) -> Result<()> {
        let tenant = Uid::of(scope.tenant());
        let mut tx = self.begin(EVENTS, &Session::system(tenant), Access::Read).await?;
        let waits: bool = sqlx::query_scalar(include_str!("sql/awaits_seal.sql"))
            .bind(tenant)
            .fetch_one(&mut *tx)
            .await
            .during(EVENTS)?;
        drop(tx);
        if waits { seal(&self.shared).await } else { Ok(()) }
    }

    /// Reads events of a ticket, or of all, after a position, as far as the scope shows them.
    async fn feed(
        &self,
        scope: &Scope,
        ticket: Option<TicketId>,
        after: Position,
        most: usize,
    ) -> Result<Vec<EventRecord>> {
        self.sealed(scope).await?;
        let mut tx = self.snapshot(EVENTS, scope).await?;
        let tenant = Uid::of(scope.tenant());
        let (after, most) = (number(after.get()), number(most));
        let rows: Vec<EventRow> = if let Some(id) = ticket {
            if ticket::find(&mut tx, scope, id).await?.is_none() {
                return Ok(Vec::new());
            }
            let events =
                sqlx::query_as(include_str!("sql/ticket_events.sql")).bind(tenant).bind(after).bind(most);
            events.bind(scope.is_staff()).bind(Uid::of(id)).fetch_all(&mut *tx).await
        } else if scope.is_tenant_wide() {
            let events = sqlx::query_as(include_str!("sql/events.sql")).bind(tenant).bind(after).bind(most);
            events.fetch_all(&mut *tx).await
        } else {
            let (customer, teams) = eyes(scope);
            let events =
                sqlx::query_as(include_str!("sql/shown_events.sql")).bind(tenant).bind(after).bind(most);
            events.bind(scope.is_staff()).bind(customer).bind(teams).fetch_all(&mut *tx).await
        }
        .during(EVENTS)?;
        rows.into_iter().map(EventRow::decode).collect()
    }
}

#[async_trait]
impl EventReader for PostgresStore {
    async fn events(&self, scope: &Scope, position: Position, limit: u16) -> Result<Vec<EventRecord>> {
        let most = in_range(EVENTS, usize::from(limit), 1, MOST)?;
        self.feed(scope, None, position, most).await
    }

    async fn head(&self, scope: &Scope) -> Result<Position> {
        self.sealed(scope).await?;
        let tenant = Uid::of(scope.tenant());
        let mut tx = self.begin("head", &Session::system(tenant), Access::Read).await?;
        let last: i64 = sqlx::query_scalar(include_str!("sql/head.sql"))
            .bind(tenant)
            .fetch_one(&mut *tx)
            .await
            .during("head")?;
        Ok(Position::new(narrow(last, "position")?))
    }

    async fn ticket_events(
        &self,
        scope: &Scope,
        ticket: TicketId,
        position: Position,
        limit: u16,
    ) -> Result<Vec<EventRecord>> {
        let most = in_range("ticket_events", usize::from(limit), 1, MOST)?;
        self.feed(scope, Some(ticket), position, most).await
    }
}
