//! The erasure of a deleted ticket and of everything that hangs on it.

use autocrm_core::error::{Error, Result};
use sqlx::PgConnection;

use crate::{
    column::{Digest, Uid},
    postgres::{failure::During, round::conflict},
};

const COMMIT: &str = "commit";

/// What goes with a ticket by its id alone. Jobs stay: they find nothing to do. Events keep their place.
const BY_TICKET: &[&str] = &[
    "DELETE FROM autocrm.autocrm_participant WHERE tenant = $1 AND ticket = $2",
    "DELETE FROM autocrm.autocrm_ticket_tag WHERE tenant = $1 AND ticket = $2",
    include_str!("sql/erase_feedback.sql"),
    "DELETE FROM autocrm.autocrm_search WHERE tenant = $1 AND ticket = $2",
    "DELETE FROM autocrm.autocrm_message WHERE tenant = $1 AND ticket = $2",
    "DELETE FROM autocrm.autocrm_inbound WHERE tenant = $1 AND ticket = $2",
    "DELETE FROM autocrm.autocrm_outbound WHERE tenant = $1 AND ticket = $2",
    "DELETE FROM autocrm.autocrm_mail_ref WHERE tenant = $1 AND ticket = $2",
    "DELETE FROM autocrm.autocrm_notification WHERE tenant = $1 AND ticket = $2",
    "DELETE FROM autocrm.autocrm_routing WHERE tenant = $1 AND ticket = $2",
    "UPDATE autocrm.autocrm_event SET event = NULL, audience = 1 WHERE tenant = $1 AND ticket = $2",
    "DELETE FROM autocrm.autocrm_ticket WHERE tenant = $1 AND id = $2",
];

/// Erases a ticket. One that is not deleted is refused, and nothing was written; a missing one is nothing to do.
pub(crate) async fn ticket(connection: &mut PgConnection, tenant: Uid, ticket: Uid) -> Result<Option<Error>> {
    let deleted: Option<(bool,)> = sqlx::query_as(
        "SELECT deleted_at IS NOT NULL FROM autocrm.autocrm_ticket WHERE tenant = $1 AND id = $2 FOR UPDATE",
    )
    .bind(tenant)
    .bind(ticket)
    .fetch_optional(&mut *connection)
    .await
    .during(COMMIT)?;
    match deleted {
        None => return Ok(None),
        Some((false,)) => return Ok(Some(conflict(ticket.0))),
        Some((true,)) => {}
    }
    let raws: Vec<Digest> =
        sqlx::query_scalar("SELECT raw FROM autocrm.autocrm_inbound WHERE tenant = $1 AND ticket = $2")
            .bind(tenant)
            .bind(ticket)
            .fetch_all(&mut *connection)
            .await
            .during(COMMIT)?;
    for statement in BY_TICKET {
        sqlx::query(*statement).bind(tenant).bind(ticket).execute(&mut *connection).await.during(COMMIT)?;
    }
    sqlx::query(include_str!("sql/erase_raw.sql"))
        .bind(tenant)
        .bind(raws)
        .execute(connection)
        .await
        .during(COMMIT)?;
    Ok(None)
}
