//! Full-text search over tickets (FTS5), in the database itself.

use std::collections::BTreeSet;

use async_trait::async_trait;
use autocrm_core::{
    access::{MessageAudience, Scope, View},
    error::Result,
    id::{MessageId, TicketId},
    page::{Cursor, Page, PageRequest},
    port::{TicketHit, TicketIndex},
    ticket::TicketQuery,
};
use diesel::{
    SqliteConnection,
    prelude::*,
    sql_types::{BigInt, Binary},
};
use uuid::Uuid;

use crate::{
    column::Uid,
    schema::autocrm_message,
    sqlite::{SqliteStore, failure::During, index, reader::snapshot, statement::Sql},
};

const SEARCH: &str = "search_tickets";
/// The longest query that counts, in characters.
const MAX_QUERY: usize = 500;

/// A customer with more messages than this is searched for like staff, by a walk over all hits of the tenant.
const LOOKED_UP: i64 = 500;
/// How many hits are walked before the messages of a customer that are older than those are looked up one by one. A
/// step of the walk takes less than a microsecond and a lookup some 80, yet a word that everybody uses has hits in all
/// messages of the tenant.
const WALKED: usize = 2_000;

/// The tenant as one word of the index.
fn word_of(tenant: Uid) -> String {
    tenant.0.simple().to_string()
}

/// Builds an FTS5 query of quoted words, in which no operator has a meaning; `None` without words.
fn expression(tenant: Uid, text: &str, notes: bool) -> Option<String> {
    let counted: String = text.chars().take(MAX_QUERY).collect();
    let words: BTreeSet<&str> =
        counted.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return None;
    }
    let quoted: Vec<String> = words.into_iter().map(|word| format!("\"{word}\"")).collect();
    let columns = if notes { "{open inner}" } else { "open" };
    Some(format!("tenant : \"{}\" AND {columns} : ({})", word_of(tenant), quoted.join(" AND ")))
}

/// Returns the row before which the page begins: that of the cursor's message, or where it would stand.
fn start(connection: &mut SqliteConnection, tenant: Uid, page: &PageRequest) -> Result<i64> {
    let Some(cursor) = page.cursor() else { return Ok(i64::MAX) };
    let found: Option<(i64, Uid)> = autocrm_message::table
        .filter(autocrm_message::tenant.eq(tenant))
        .filter(autocrm_message::id.le(Uid(cursor.id)))
        .order(autocrm_message::id.desc())
        .select((autocrm_message::row, autocrm_message::id))
        .get_result(connection)
        .optional()
        .during(SEARCH)?;
    Ok(match found {
        Some((row, id)) if id.0 == cursor.id => row,
        Some((row, _)) => row + 1,
        None => 0,
    })
}

type Hit = (i64, Uid, Uid);

/// The index, and that of the messages which wait to be taken up by it.
const INDEX: &str = "autocrm_search";
const WAITING: &str = "autocrm_waiting";

fn statement(table: &str, scope: &Scope, expression: &str, before: i64) -> Sql<(BigInt, Binary, Binary)> {
    let tenant = Uid::of(scope.tenant());
    let mut text = format!(
        "SELECT m.row, m.id, m.ticket FROM {table} s \
        CROSS JOIN autocrm_message m ON m.row = s.rowid \
        CROSS JOIN autocrm_ticket t ON t.tenant = m.tenant AND t.id = m.ticket \
        WHERE s.{table} MATCH ? AND s.rowid < ? AND m.tenant = ? AND t.deleted_at IS NULL"
    );
    let mut users: Vec<Uid> = Vec::new();
    match scope.view() {
        View::Tenant => {}
        View::Agent { teams, .. } => {
            text.push_str(" AND (t.team IS NULL OR t.team IN (");
            text.push_str(&vec!["?"; teams.len()].join(", "));
            text.push_str("))");
            users.extend(teams.iter().map(|team| Uid::of(*team)));
        }
        View::Customer(user) => {
            text.push_str(
                " AND EXISTS (SELECT 1 FROM autocrm_participant p \
                WHERE p.tenant = t.tenant AND p.user = ? AND p.ticket = t.id)",
            );
            users.push(Uid::of(*user));
        }
    }
    text.push_str(" ORDER BY s.rowid DESC");
    let begun = Sql::new(text).text(expression.to_owned()).number(before).uid(tenant);
    users.into_iter().fold(begun, Sql::uid)
}

fn search(
    connection: &mut SqliteConnection,
    scope: &Scope,
    query: &TicketQuery,
    page: &PageRequest,
) -> Result<Page<TicketHit>> {
    let tenant = Uid::of(scope.tenant());
    let notes = query.notes && scope.sees_audience(MessageAudience::Internal);
    let Some(expression) = expression(tenant, &query.text, notes) else { return Ok(Page::default()) };
    let before = start(connection, tenant, page)?;
    let last = index::last_row(connection)?;
    let waiting = index::waiting(connection, tenant, last)? > 0;
    if let View::Customer(user) = scope.view() {
        let own = own_messages(connection, tenant, Uid::of(*user), before)?;
        if i64::try_from(own.len()).is_ok_and(|count| count <= LOOKED_UP) {
            let fresh = if waiting {
                latest_hits(WAITING, connection, &expression, before)?
            } else {
                BTreeSet::new()
            };
            let latest = latest_hits(INDEX, connection, &expression, before)?;
            let end = if latest.len() < WALKED { None } else { latest.first().copied() };
            let mut held = |hit: Hit| {
                let walked = end.is_none_or(|end| hit.0 >= end);
                let found = if hit.0 > last {
                    Ok(fresh.contains(&hit.0))
                } else if walked {
                    Ok(latest.contains(&hit.0))
                } else {
                    matches(connection, &expression, hit.0)
                };
                found.map(|holds| holds.then_some(hit))
            };
            return gather(own.into_iter().filter_map(move |hit| held(hit).transpose()), page);
        }
    }
    let fresh: Vec<Hit> = if waiting {
        statement(WAITING, scope, &expression, before).load(connection).during(SEARCH)?
    } else {
        Vec::new()
    };
    let hits = statement(INDEX, scope, &expression, before).load_iter::<Hit, _>(connection).during(SEARCH)?;
    gather(fresh.into_iter().map(Ok).chain(hits.map(|hit| hit.during(SEARCH))), page)
}

/// Returns the public messages of a customer's tickets, newest first, up to one more than are looked up.
fn own_messages(connection: &mut SqliteConnection, tenant: Uid, user: Uid, before: i64) -> Result<Vec<Hit>> {
    let text = format!(
        "SELECT m.row, m.id, m.ticket FROM autocrm_participant p \
        CROSS JOIN autocrm_ticket t ON t.tenant = p.tenant AND t.id = p.ticket \
        CROSS JOIN autocrm_message m ON m.tenant = t.tenant AND m.ticket = t.id \
        WHERE p.tenant = ? AND p.user = ? AND t.deleted_at IS NULL AND m.audience = 0 AND m.row < ? LIMIT {}",
        LOOKED_UP + 1
    );
    let mut own: Vec<Hit> = Sql::<(BigInt, Binary, Binary)>::new(text)
        .uid(tenant)
        .uid(user)
        .number(before)
        .load(connection)
        .during(SEARCH)?;
    own.sort_unstable_by_key(|(row, _, _)| std::cmp::Reverse(*row));
    Ok(own)
}

/// Returns the rows of the latest hits, at most [`WALKED`].
fn latest_hits(
    table: &str,
    connection: &mut SqliteConnection,
    expression: &str,
    before: i64,
) -> Result<BTreeSet<i64>> {
    let text = format!(
        "SELECT rowid FROM {table} WHERE {table} MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT {WALKED}"
    );
    let rows: Vec<i64> =
        Sql::<BigInt>::new(text).text(expression).number(before).load(connection).during(SEARCH)?;
    Ok(rows.into_iter().collect())
}

/// Returns whether the entry of a row matches.
fn matches(connection: &mut SqliteConnection, expression: &str, row: i64) -> Result<bool> {
    let text = "SELECT rowid FROM autocrm_search WHERE autocrm_search MATCH ? AND rowid = ?";
    let entry = Sql::<BigInt>::new(text).text(expression).number(row);
    Ok(entry.get_result::<i64>(connection).optional().during(SEARCH)?.is_some())
}

/// Fills a page with the tickets of hits, newest message first.
fn gather(hits: impl Iterator<Item = Result<Hit>>, page: &PageRequest) -> Result<Page<TicketHit>> {
    let mut seen = BTreeSet::new();
    let mut found = Page::default();
    let mut last: Option<Uuid> = None;
    for hit in hits {
        let (_, message, ticket) = hit?;
        if !seen.contains(&ticket) {
            if found.items.len() == page.limit() {
                found.next = last.map(|id| Cursor { key: 0, id });
                break;
            }
            seen.insert(ticket);
            found
                .items
                .push(TicketHit { ticket: ticket.to::<TicketId>(), message: message.to::<MessageId>() });
        }
        last = Some(message.0);
    }
    Ok(found)
}

#[async_trait]
impl TicketIndex for SqliteStore {
    async fn search_tickets(
        &self,
        scope: &Scope,
        query: &TicketQuery,
        page: &PageRequest,
    ) -> Result<Page<TicketHit>> {
        let (scope, query, page) = (scope.clone(), query.clone(), *page);
        self.read(SEARCH, move |connection| {
            snapshot(connection, |connection| search(connection, &scope, &query, &page))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_become_words_and_quotes_vanish() {
        let tenant = Uid(Uuid::nil());
        let text = expression(tenant, "NOT a* \"b\" OR (tenant:c) NEAR", false).unwrap();
        assert_eq!(
            text,
            "tenant : \"00000000000000000000000000000000\" AND \
             open : (\"NEAR\" AND \"NOT\" AND \"OR\" AND \"a\" AND \"b\" AND \"c\" AND \"tenant\")"
        );
        assert_eq!(expression(tenant, " \"*\" ", true), None);
    }
}
