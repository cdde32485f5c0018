//! The commit of one change set, inside of the transaction of its batch.

use autocrm_core::{
    change::{EntityRef, Receipt, Requirement},
    error::{Error, ErrorKind, Result},
    id::TicketId,
    ticket::TicketNumber,
};
use diesel::{SqliteConnection, prelude::*};

use crate::{
    column::{Uid, number},
    plan::{Plan, Row},
    record::TicketRecord,
    schema::{
        autocrm_article, autocrm_correspondent, autocrm_feedback, autocrm_inbound, autocrm_message,
        autocrm_notification, autocrm_outbound, autocrm_scheme, autocrm_team, autocrm_template,
        autocrm_tenant, autocrm_ticket, autocrm_user,
    },
    sqlite::{
        conversation, erase,
        failure::During,
        journal, knowledge, mail, queue, receipt,
        save::{COMMIT, conflict, save},
        ticket, user,
        writer::Ledger,
    },
};

/// A change set being applied.
pub(crate) struct Attempt<'a> {
    pub(crate) connection: &'a mut SqliteConnection,
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) tenant: Uid,
    /// The numbers given to new tickets.
    numbers: Vec<(TicketId, TicketNumber)>,
}

/// Applies a change set. On an error the caller takes everything back that was written; the plan can be applied again.
pub(crate) fn apply(
    connection: &mut SqliteConnection,
    ledger: &mut Ledger,
    plan: &mut Plan,
) -> Result<Receipt> {
    ledger.note_untouched(true);
    if let Some(key) = &plan.key
        && let Some(kept) = receipt::find(connection, plan.tenant, key)?
    {
        if kept.counts_at(plan.at) {
            return kept.replay(key);
        }
        ledger.note_untouched(false);
        kept.forget(connection)?;
    }
    let mut attempt = Attempt { connection, ledger, tenant: plan.tenant, numbers: Vec::new() };
    for requirement in &plan.requirements {
        attempt.require(*requirement)?;
    }
    attempt.ledger.note_untouched(false);
    for row in &mut plan.rows {
        attempt.write(row)?;
    }
    let receipt = Receipt { numbers: attempt.numbers, answer: plan.answer, replayed: false };
    journal::append(connection, ledger, plan.tenant, &mut plan.events)?;
    queue::enqueue(connection, ledger, &plan.jobs)?;
    if let Some(key) = &plan.key {
        receipt::keep(connection, ledger, plan, key, &receipt)?;
    }
    Ok(receipt)
}

/// Returns the version of a row of the tenant.
macro_rules! version {
    ($attempt:expr, $table:ident, $id:expr) => {
        $table::table
            .filter($table::tenant.eq($attempt.tenant))
            .filter($table::id.eq(Uid::of($id)))
            .select($table::version)
            .get_result::<i64>($attempt.connection)
            .optional()
    };
}

impl Attempt<'_> {
    fn require(&mut self, requirement: Requirement) -> Result<()> {
        let holds = match requirement {
            Requirement::Unchanged { entity: EntityRef::Scheme, version } => {
                self.scheme_version()? == number(version.get())
            }
            Requirement::Unchanged { entity, version } => self.version(entity)? == number(version.get()),
            Requirement::ActiveUser { user } => user::is_active(self.connection, self.tenant, Uid::of(user))?,
            Requirement::LoadBelow { agent, limit } => {
                ticket::load(self.connection, self.tenant, Uid::of(agent))? < i64::from(limit)
            }
        };
        if holds { Ok(()) } else { Err(conflict(format_args!("{requirement:?}"))) }
    }

    /// Returns the version of the scheme, 0 when there is none. It is read once for each batch that does not write it.
    fn scheme_version(&mut self) -> Result<i64> {
        if let Some(known) = self.ledger.scheme(self.tenant) {
            return Ok(known);
        }
        let version = self.version(EntityRef::Scheme)?;
        self.ledger.note_scheme(self.tenant, Some(version));
        Ok(version)
    }

    /// Returns the version of a row, 0 when it does not exist.
    fn version(&mut self, entity: EntityRef) -> Result<i64> {
        let version = match entity {
            EntityRef::Article(id) => version!(self, autocrm_article, id),
            EntityRef::Correspondent(id) => version!(self, autocrm_correspondent, id),
            EntityRef::Feedback(id) => {
                let said = autocrm_feedback::table.find((self.tenant, Uid::of(id)));
                let count = said.count().get_result::<i64>(self.connection);
                count.map(Some)
            }
            EntityRef::Mail(id) => version!(self, autocrm_inbound, id),
            EntityRef::Message(id) => version!(self, autocrm_message, id),
            EntityRef::Notification(id) => version!(self, autocrm_notification, id),
            EntityRef::Outbound(id) => version!(self, autocrm_outbound, id),
            EntityRef::Scheme => {
                let scheme = autocrm_scheme::table.find(self.tenant).select(autocrm_scheme::version);
                scheme.get_result(self.connection).optional()
            }
            EntityRef::Team(id) => version!(self, autocrm_team, id),
            EntityRef::Template(id) => version!(self, autocrm_template, id),
            EntityRef::Tenant => {
                let tenant = autocrm_tenant::table.find(self.tenant).select(autocrm_tenant::version);
                tenant.get_result(self.connection).optional()
            }
            EntityRef::Ticket(id) => version!(self, autocrm_ticket, id),
            EntityRef::User(id) => version!(self, autocrm_user, id),
        };
        Ok(version.during(COMMIT)?.unwrap_or(0))
    }

    /// Takes the next ticket number of the tenant.
    pub(crate) fn next_number(&mut self, id: TicketId, record: &mut TicketRecord) -> Result<()> {
        let counter = self.ledger.counter(self.connection, self.tenant)?;
        counter.number += 1;
        record.number = counter.number;
        let given = u64::try_from(counter.number)
            .map_err(|error| Error::new(ErrorKind::Corrupt, COMMIT).context("number").source(error))?;
        self.numbers.push((id, TicketNumber::new(given)));
        Ok(())
    }

    fn write(&mut self, row: &mut Row) -> Result<()> {
        match row {
            Row::Tenant(saved) => save!(self.connection, saved, autocrm_tenant by tenant),
            Row::Scheme(saved) => {
                self.ledger.note_scheme(self.tenant, None);
                save!(self.connection, saved, autocrm_scheme by tenant)
            }
            Row::User(saved) => save!(self.connection, saved, autocrm_user by tenant, id),
            Row::Team(saved) => save!(self.connection, saved, autocrm_team by tenant, id),
            Row::Ticket(plan) => ticket::save(self, plan),
            Row::EraseTicket(id) => erase::ticket(self, *id),
            Row::Message(saved) => conversation::save(self, saved),
            Row::Template(saved) => save!(self.connection, saved, autocrm_template by tenant, id),
            Row::Routing(decision) => ticket::save_routing(self.connection, decision),
            Row::Article(saved) => save!(self.connection, saved, autocrm_article by tenant, id),
            Row::Revision(revision) => knowledge::add_revision(self.connection, revision),
            Row::Chunks(article, chunks) => {
                knowledge::replace_chunks(self.connection, self.tenant, Uid::of(*article), chunks)
            }
            Row::Feedback(feedback) => knowledge::save_feedback(self.connection, feedback),
            Row::Inbound(saved) => save!(self.connection, saved, autocrm_inbound by tenant, id),
            Row::Raw(raw) => mail::add_raw(self.connection, raw),
            Row::Outbound(saved) => save!(self.connection, saved, autocrm_outbound by tenant, id),
            Row::Correspondent(saved) => save!(self.connection, saved, autocrm_correspondent by tenant, id),
            Row::MailRef(reference) => mail::add_reference(self.connection, reference),
            Row::Notification(saved) => save!(self.connection, saved, autocrm_notification by tenant, id),
            Row::FinishJob(finish) => queue::finish(self.connection, self.tenant, finish),
        }
    }
}
