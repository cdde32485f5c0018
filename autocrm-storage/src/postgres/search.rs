//! Full-text search over tickets, by the words of subject and messages.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use autocrm_core::{
    access::{MessageAudience, Scope},
    error::Result,
    id::{MessageId, TicketId},
    page::{Cursor, Page, PageRequest},
    port::{TicketHit, TicketIndex},
    ticket::TicketQuery,
};
use sqlx::PgConnection;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};
use uuid::Uuid;

use crate::{
    column::{Uid, number},
    postgres::{
        PostgresStore,
        failure::During,
        session::{Access, SEARCHER, Session, eyes},
    },
    record::{MessageRecord, Saved},
};

const COMMIT: &str = "commit";
const SEARCH: &str = "search_tickets";
/// The longest query that counts, in characters.
const MAX_QUERY: usize = 500;
/// The longest word that counts, in characters: a longer one is found by its beginning.
const MAX_WORD: usize = 200;
/// How many bytes of distinct words of one message are found; a server takes one MiB of them.
const MAX_WORDS: usize = 512 * 1_024;
/// How many of the latest messages are looked at before the index is asked. What is found among them is what a page needs
/// when a word is common, and then the index would name half of all messages.
const LATEST: i64 = 2_000;
/// How many hits are read at a time.
const CHUNK: i64 = 500;

/// Returns the words of a text in order: runs of letters and digits, in lower case, without marks.
pub(crate) fn runs(text: &str) -> Vec<String> {
    let plain: String = text.nfd().filter(|c| !is_combining_mark(*c)).collect();
    let found = plain.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty());
    found.map(|run| run.to_lowercase().chars().take(MAX_WORD).collect()).collect()
}

/// Returns the distinct words of texts.
fn words(texts: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut bytes = 0;
    for text in texts {
        for word in runs(text) {
            bytes += word.len();
            if bytes > MAX_WORDS {
                return found;
            }
            found.insert(word);
        }
    }
    found
}

/// Writes words as PostgreSQL reads them. They hold letters and digits only, so that nothing needs to be quoted.
fn quoted(words: &BTreeSet<String>, between: &str) -> String {
    let all: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    all.join(between)
}

/// Writes the words under which messages are found.
pub(crate) async fn write(
    connection: &mut PgConnection,
    tenant: Uid,
    messages: &[&Saved<MessageRecord>],
    subjects: &HashMap<Uid, &str>,
) -> Result<()> {
    if messages.is_empty() {
        return Ok(());
    }
    let elsewhere: BTreeSet<Uid> =
        messages.iter().map(|saved| saved.record.ticket).filter(|id| !subjects.contains_key(id)).collect();
    let stored = stored_subjects(connection, tenant, elsewhere.into_iter().collect()).await?;
    let mut latest: HashMap<Uid, &MessageRecord> = HashMap::new();
    for saved in messages {
        latest.insert(saved.record.id, &saved.record);
    }
    let (mut ids, mut tickets, mut audiences, mut lists) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (id, record) in latest {
        let own = subjects.get(&record.ticket).copied();
        let subject = own.or_else(|| stored.get(&record.ticket).map(String::as_str)).unwrap_or_default();
        ids.push(id);
        tickets.push(record.ticket);
        audiences.push(record.audience);
        lists.push(quoted(&words(&[subject, &record.body]), " "));
    }
    sqlx::query(include_str!("sql/save_words.sql"))
        .bind(tenant)
        .bind(ids)
        .bind(tickets)
        .bind(audiences)
        .bind(lists)
        .execute(connection)
        .await
        .during(COMMIT)?;
    Ok(())
}

async fn stored_subjects(
    connection: &mut PgConnection,
    tenant: Uid,
    tickets: Vec<Uid>,
) -> Result<HashMap<Uid, String>> {
    if tickets.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(Uid, String)> = sqlx::query_as(
        "SELECT id, subject FROM autocrm.autocrm_ticket WHERE tenant = $1 AND id = ANY ($2::uuid[])",
    )
    .bind(tenant)
    .bind(tickets)
    .fetch_all(connection)
    .await
    .during(COMMIT)?;
    Ok(found.into_iter().collect())
}

/// A page being filled with the tickets of hits, newest message first.
struct Gathering<'a> {
    page: &'a PageRequest,
    seen: BTreeSet<Uid>,
    found: Page<TicketHit>,
    last: Option<Uuid>,
}

impl Gathering<'_> {
    /// Takes a hit and returns whether the page is complete.
    fn take(&mut self, message: Uid, ticket: Uid) -> bool {
        if !self.seen.contains(&ticket) {
            if self.found.items.len() == self.page.limit() {
                self.found.next = self.last.map(|id| Cursor { key: 0, id });
                return true;
            }
            self.seen.insert(ticket);
            self.found
                .items
                .push(TicketHit { ticket: ticket.to::<TicketId>(), message: message.to::<MessageId>() });
        }
        self.last = Some(message.0);
        false
    }
}

/// A search that is walked from the newest message to the oldest.
struct Search<'a> {
    scope: &'a Scope,
    expression: String,
    notes: bool,
}

impl Search<'_> {
    /// Returns hits with ids below one and not below the other, newest first.
    async fn hits(&self, connection: &mut PgConnection, below: Uid, from: Uid) -> Result<Vec<(Uid, Uid)>> {
        let (customer, teams) = eyes(self.scope);
        sqlx::query_as(include_str!("sql/search.sql"))
            .bind(Uid::of(self.scope.tenant()))
            .bind(below)
            .bind(from)
            .bind(self.notes)
            .bind(customer)
            .bind(teams)
            .bind(CHUNK)
            .fetch_all(connection)
            .await
            .during(SEARCH)
    }

    /// Takes hits of a range until it ends or the page is complete; returns whether it is.
    async fn walk(
        &self,
        connection: &mut PgConnection,
        gathering: &mut Gathering<'_>,
        mut below: Uid,
        from: Uid,
    ) -> Result<bool> {
        loop {
            let hits = self.hits(connection, below, from).await?;
            let is_last = number(hits.len()) < CHUNK;
            for (message, ticket) in hits {
                if gathering.take(message, ticket) {
                    return Ok(true);
                }
                below = message;
            }
            if is_last {
                return Ok(false);
            }
        }
    }
}

#[async_trait]
impl TicketIndex for PostgresStore {
    async fn search_tickets(
        &self,
        scope: &Scope,
        query: &TicketQuery,
        page: &PageRequest,
    ) -> Result<Page<TicketHit>> {
        let counted: String = query.text.chars().take(MAX_QUERY).collect();
        let sought = words(&[&counted]);
        if sought.is_empty() {
            return Ok(Page::default());
        }
        let notes = query.notes && scope.sees_audience(MessageAudience::Internal);
        let search = Search { scope, expression: quoted(&sought, " & "), notes };
        let below = Uid(page.cursor().map_or(Uuid::max(), |cursor| cursor.id));
        let latest = self.latest(Uid::of(scope.tenant()), below).await?;
        let session = Session::of(scope);
        let mut tx = self.shared.begin(SEARCH, &session, Access::Snapshot, SEARCHER).await?;
        sqlx::query("SELECT set_config('autocrm.query', $1, true)")
            .bind(&search.expression)
            .execute(&mut *tx)
            .await
            .during(SEARCH)?;
        let mut gathering = Gathering { page, seen: BTreeSet::new(), found: Page::default(), last: None };
        let is_complete = search.walk(&mut tx, &mut gathering, below, latest).await?;
        if !is_complete && latest.0 != Uuid::nil() {
            search.walk(&mut tx, &mut gathering, latest, Uid(Uuid::nil())).await?;
        }
        Ok(gathering.found)
    }
}

impl PostgresStore {
    /// Returns the id at which the latest messages of a tenant below another one begin; the least id when there are few.
    async fn latest(&self, tenant: Uid, below: Uid) -> Result<Uid> {
        let mut tx = self.begin(SEARCH, &Session::system(tenant), Access::Read).await?;
        let first: Option<Uid> = sqlx::query_scalar(include_str!("sql/latest.sql"))
            .bind(tenant)
            .bind(below)
            .bind(LATEST)
            .fetch_optional(&mut *tx)
            .await
            .during(SEARCH)?;
        Ok(first.unwrap_or(Uid(Uuid::nil())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_become_words_and_marks_vanish() {
        let found = words(&["NOT a* 'b' | Zürich:c"]);
        assert_eq!(quoted(&found, " & "), "'a' & 'b' & 'c' & 'not' & 'zurich'");
        assert!(words(&[" '*' "]).is_empty());
    }

    #[test]
    fn words_are_bounded() {
        let long = "x".repeat(5_000);
        assert_eq!(words(&[&long]).into_iter().next().map(|word| word.len()), Some(MAX_WORD));
        let many: Vec<String> = (0..200_000).map(|count| format!("word{count}")).collect();
        assert!(words(&[&many.join(" ")]).iter().map(String::len).sum::<usize>() <= MAX_WORDS);
    }
}
