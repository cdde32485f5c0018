//! The writes of accepted change sets: one statement per table, whatever their number.

use std::collections::{BTreeMap, HashMap};

use autocrm_core::{
    change::Receipt,
    error::{Error, ErrorKind, Result},
    id::TicketId,
    ticket::TicketNumber,
};
use sqlx::PgConnection;

use crate::{
    column::{Uid, number},
    plan::{Plan, Row, TicketPlan},
    postgres::{
        failure::During,
        finish, journal, knowledge,
        receipt::{self, Keeping},
        round::conflict,
        rows::Rows,
        search,
        table::{self, Table},
        ticket,
    },
    record::{MessageRecord, NewJobRecord, Saved, TenantRecord},
};

const COMMIT: &str = "commit";

/// Writes change sets of a tenant, none of which depends on another, and returns the receipt of each.
pub(crate) async fn write(
    connection: &mut PgConnection,
    tenant: Uid,
    rows: &Rows,
    plans: &mut [&mut Plan],
) -> Result<Vec<Receipt>> {
    let (mut finished, mut messages) = (Vec::new(), Vec::new());
    {
        let mut batch = Batch::default();
        for plan in plans.iter() {
            batch.take(plan);
        }
        batch.write(connection, tenant).await?;
        finished.append(&mut batch.finished);
        messages.append(&mut batch.messages);
        save(connection, &messages).await?;
        search::write(connection, tenant, &messages, &batch.subjects).await?;
    }
    finish::write(connection, tenant, rows, &finished).await?;
    let jobs: Vec<&NewJobRecord> = plans.iter().flat_map(|plan| &plan.jobs).collect();
    table::insert(connection, &jobs).await.during(COMMIT)?;
    let events: Vec<_> = plans.iter().flat_map(|plan| &plan.events).collect();
    journal::append(connection, &events).await?;
    let receipts = tickets(connection, tenant, rows, plans).await?;
    let kept: Vec<Keeping<'_>> = plans
        .iter()
        .zip(&receipts)
        .filter_map(|(plan, receipt)| plan.key.as_ref().map(|key| Keeping { key, at: plan.at, receipt }))
        .collect();
    receipt::keep(connection, tenant, &kept).await?;
    Ok(receipts)
}

/// Writes the tickets. The row that counts them is locked last and held for the shortest time: it is the one that all
/// creates of a tenant wait for.
async fn tickets(
    connection: &mut PgConnection,
    tenant: Uid,
    rows: &Rows,
    plans: &mut [&mut Plan],
) -> Result<Vec<Receipt>> {
    let is_new = |row: &&mut Row| matches!(row, Row::Ticket(plan) if plan.saved.from == 0);
    let made = plans.iter_mut().flat_map(|plan| &mut plan.rows).filter(|row| is_new(row)).count();
    ticket::relate(connection, rows, latest(plans)).await?;
    let mut next = ticket::take_numbers(connection, tenant, made).await?;
    let mut receipts = Vec::with_capacity(plans.len());
    for plan in plans.iter_mut() {
        let mut numbers: Vec<(TicketId, TicketNumber)> = Vec::new();
        for row in &mut plan.rows {
            if let Row::Ticket(ticket) = row
                && ticket.saved.from == 0
            {
                next += 1;
                ticket.saved.record.number = next;
                let given = u64::try_from(next).map_err(|error| {
                    Error::new(ErrorKind::Corrupt, COMMIT).context("number").source(error)
                })?;
                numbers.push((ticket.id, TicketNumber::new(given)));
            }
        }
        receipts.push(Receipt { numbers, answer: plan.answer, replayed: false });
    }
    ticket::save(connection, latest(plans)).await?;
    Ok(receipts)
}

/// Returns the last write of each ticket, by id.
fn latest<'a>(plans: &'a [&mut Plan]) -> impl Iterator<Item = &'a TicketPlan> {
    let mut written: BTreeMap<Uid, &TicketPlan> = BTreeMap::new();
    for row in plans.iter().flat_map(|plan| &plan.rows) {
        if let Row::Ticket(plan) = row {
            written.insert(plan.saved.record.id, plan);
        }
    }
    written.into_values()
}

/// The rows of many change sets by table.
#[derive(Default)]
struct Batch<'a> {
    rows: Vec<&'a Row>,
    messages: Vec<&'a Saved<MessageRecord>>,
    finished: Vec<&'a autocrm_core::change::JobFinish>,
    /// The subjects of the tickets that are written.
    subjects: HashMap<Uid, &'a str>,
}

/// Collects the rows of one table.
macro_rules! of {
    ($batch:expr, boxed $variant:ident) => {
        of!($batch, record, Row::$variant(record) => &**record)
    };
    ($batch:expr, $variant:ident) => {
        of!($batch, record, Row::$variant(record) => record)
    };
    ($batch:expr, $record:ident, $pattern:pat => $row:expr) => {
        $batch.rows.iter().filter_map(|row| if let $pattern = row { Some($row) } else { None }).collect::<Vec<_>>()
    };
}

impl<'a> Batch<'a> {
    fn take(&mut self, plan: &'a Plan) {
        for row in &plan.rows {
            match row {
                Row::Message(saved) => self.messages.push(saved),
                Row::FinishJob(finish) => self.finished.push(finish),
                Row::Ticket(ticket) => {
                    self.subjects.insert(ticket.saved.record.id, &ticket.saved.record.subject);
                }
                other => self.rows.push(other),
            }
        }
    }

    /// Writes everything but tickets, messages and the ends of jobs.
    async fn write(&self, connection: &mut PgConnection, tenant: Uid) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let tenants = of!(self, Tenant);
        direct(connection, &tenants).await?;
        save(connection, &tenants).await?;
        save(connection, &of!(self, Scheme)).await?;
        save(connection, &of!(self, User)).await?;
        save(connection, &of!(self, Team)).await?;
        save(connection, &of!(self, Template)).await?;
        save(connection, &of!(self, boxed Article)).await?;
        table::insert(connection, &of!(self, Revision)).await.during(COMMIT)?;
        for row in &self.rows {
            if let Row::Chunks(article, chunks) = row {
                knowledge::replace_chunks(connection, tenant, Uid::of(*article), chunks).await?;
            }
        }
        knowledge::save_feedback(connection, &of!(self, Feedback)).await?;
        save(connection, &of!(self, boxed Inbound)).await?;
        table::add(connection, &of!(self, Raw)).await.during(COMMIT)?;
        save(connection, &of!(self, Outbound)).await?;
        save(connection, &of!(self, Correspondent)).await?;
        table::add(connection, &of!(self, MailRef)).await.during(COMMIT)?;
        save(connection, &of!(self, Notification)).await?;
        ticket::save_routing(connection, &of!(self, Routing)).await
    }
}

/// Inserts rows whose `from` is 0, and replaces the others. Of several writes of one row the last one counts: the
/// earlier ones were compared with the versions before.
async fn save<R: Table>(connection: &mut PgConnection, all: &[&Saved<R>]) -> Result<()> {
    let made: Vec<&R> = all.iter().filter(|saved| saved.from == 0).map(|saved| &saved.record).collect();
    table::insert(connection, &made).await.during(COMMIT)?;
    let changed: Vec<&R> = all.iter().filter(|saved| saved.from > 0).map(|saved| &saved.record).collect();
    let replaced = table::replace(connection, &changed).await.during(COMMIT)?;
    if number(replaced) == number(changed.len()) { Ok(()) } else { Err(conflict(R::NAME)) }
}

/// Keeps the directory of tenants and their addresses.
async fn direct(connection: &mut PgConnection, tenants: &[&Saved<TenantRecord>]) -> Result<()> {
    for saved in tenants {
        sqlx::query(include_str!("sql/direct.sql"))
            .bind(saved.record.tenant)
            .bind(saved.record.support_address.as_deref())
            .execute(&mut *connection)
            .await
            .during(COMMIT)?;
    }
    Ok(())
}
