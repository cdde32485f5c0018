//! The erasure of a deleted ticket and of everything that hangs on it.

use autocrm_core::{error::Result, id::TicketId, knowledge::FeedbackTarget};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Binary},
};

use crate::{
    column::{Digest, Uid, from_json, target_columns},
    record::TicketRest,
    schema::autocrm_ticket,
    sqlite::{
        commit::Attempt,
        failure::During,
        index::SearchChange,
        save::{COMMIT, conflict},
        statement::Sql,
    },
};

/// What goes with a ticket by its id alone. Jobs stay: they find nothing to do. Events keep their place.
const BY_TICKET: &[&str] = &[
    "DELETE FROM autocrm_message WHERE tenant = ? AND ticket = ?",
    "DELETE FROM autocrm_inbound WHERE tenant = ? AND ticket = ?",
    "DELETE FROM autocrm_outbound WHERE tenant = ? AND ticket = ?",
    "DELETE FROM autocrm_mail_ref WHERE tenant = ? AND ticket = ?",
    "DELETE FROM autocrm_notification WHERE tenant = ? AND ticket = ?",
    "DELETE FROM autocrm_routing WHERE tenant = ? AND ticket = ?",
    "UPDATE autocrm_event SET event = NULL, audience = 1 WHERE tenant = ? AND ticket = ?",
];

type Stored = (i64, Uid, Option<i64>, String);

/// Erases a ticket. One that is not deleted is a conflict; a missing one is nothing to do.
pub(crate) fn ticket(attempt: &mut Attempt<'_>, id: TicketId) -> Result<()> {
    let (tenant, ticket) = (attempt.tenant, Uid::of(id));
    let stored: Option<Stored> = autocrm_ticket::table
        .filter(autocrm_ticket::tenant.eq(tenant))
        .filter(autocrm_ticket::id.eq(ticket))
        .select((
            autocrm_ticket::row,
            autocrm_ticket::requester,
            autocrm_ticket::deleted_at,
            autocrm_ticket::rest,
        ))
        .get_result(attempt.connection)
        .optional()
        .during(COMMIT)?;
    let Some((row, requester, deleted_at, rest)) = stored else { return Ok(()) };
    if deleted_at.is_none() {
        return Err(conflict(id));
    }
    let rest: TicketRest = from_json(&rest, "ticket")?;
    let involved = rest.participants.iter().map(|user| Uid::of(*user)).chain([requester]);
    for user in involved {
        let text = "DELETE FROM autocrm_participant WHERE tenant = ? AND user = ? AND ticket = ?";
        let gone = Sql::<()>::new(text).uid(tenant).uid(user).uid(ticket);
        gone.execute(attempt.connection).during(COMMIT)?;
    }
    for tag in &rest.tags {
        let text = "DELETE FROM autocrm_ticket_tag WHERE tenant = ? AND tag = ? AND ticket = ?";
        let gone = Sql::<()>::new(text).uid(tenant).text(tag.as_str()).uid(ticket);
        gone.execute(attempt.connection).during(COMMIT)?;
    }
    messages(attempt, ticket)?;
    let raws: Vec<Digest> =
        Sql::<Binary>::new("SELECT raw FROM autocrm_inbound WHERE tenant = ? AND ticket = ?")
            .uid(tenant)
            .uid(ticket)
            .load(attempt.connection)
            .during(COMMIT)?;
    for text in BY_TICKET {
        Sql::<()>::new(*text).uid(tenant).uid(ticket).execute(attempt.connection).during(COMMIT)?;
    }
    for raw in raws {
        unreferenced(attempt, raw)?;
    }
    diesel::delete(autocrm_ticket::table.find(row)).execute(attempt.connection).during(COMMIT)?;
    Ok(())
}

/// Takes the ticket's messages out of the search index, and feedback on them away.
fn messages(attempt: &mut Attempt<'_>, ticket: Uid) -> Result<()> {
    let text = "SELECT row, id FROM autocrm_message WHERE tenant = ? AND ticket = ?";
    let rows: Vec<(i64, Uid)> = Sql::<(BigInt, Binary)>::new(text)
        .uid(attempt.tenant)
        .uid(ticket)
        .load(attempt.connection)
        .during(COMMIT)?;
    for (row, message) in rows {
        attempt.ledger.note_search(SearchChange::Removed { row });
        let (kind, target) = target_columns(FeedbackTarget::Message { message: message.to() });
        Sql::<()>::new("DELETE FROM autocrm_feedback WHERE tenant = ? AND target_kind = ? AND target = ?")
            .uid(attempt.tenant)
            .number(kind)
            .uid(target)
            .execute(attempt.connection)
            .during(COMMIT)?;
    }
    Ok(())
}

/// Removes raw bytes that no mail refers to any more.
fn unreferenced(attempt: &mut Attempt<'_>, raw: Digest) -> Result<()> {
    use crate::schema::{autocrm_inbound, autocrm_raw};

    let referring = autocrm_inbound::table
        .filter(autocrm_inbound::tenant.eq(attempt.tenant))
        .filter(autocrm_inbound::raw.eq(raw));
    let count: i64 = referring.count().get_result(attempt.connection).during(COMMIT)?;
    if count == 0 {
        let gone = autocrm_raw::table.find((attempt.tenant, raw));
        diesel::delete(gone).execute(attempt.connection).during(COMMIT)?;
    }
    Ok(())
}
