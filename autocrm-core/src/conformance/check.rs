//! What of a change set can be read: all of it, or none.

use std::fmt::Debug;

use crate::{
    access::Scope,
    change::{
        ChangeSet, EventRecord, JobOutcome, JobRecord, JobState, NewEvent, NewJob, Position, Receipt, Write,
    },
    page::PageRequest,
    port::Store,
    ticket::{Ticket, TicketNumber},
};

/// A part of a change set and whether the store shows it as it was written.
#[derive(Debug)]
pub(crate) struct Part {
    name: String,
    visible: bool,
    found: String,
}

impl Part {
    fn equal<T: PartialEq + Debug>(name: impl Debug, wanted: &T, found: &T) -> Self {
        Self {
            name: format!("{name:?}"),
            visible: wanted == found,
            found: format!("wanted {wanted:?}, found {found:?}"),
        }
    }
}

/// Asserts that every part of a committed set reads back equal, with the numbers of its receipt.
#[track_caller]
pub(crate) fn assert_all(parts: &[Part], what: &str) {
    for part in parts {
        assert!(part.visible, "{what}: {} does not read back: {}", part.name, part.found);
    }
}

/// Asserts that no part of a refused set is visible.
#[track_caller]
pub(crate) fn assert_none(parts: &[Part], what: &str) {
    for part in parts {
        assert!(!part.visible, "{what}: {} is visible although the set was refused", part.name);
    }
}

/// Returns whether the parts are all visible (`Some(true)`), all invisible (`Some(false)`) or torn (`None`).
pub(crate) fn wholeness(parts: &[Part]) -> Option<bool> {
    let visible = parts.iter().filter(|part| part.visible).count();
    match visible {
        0 => Some(false),
        count if count == parts.len() => Some(true),
        _ => None,
    }
}

/// Returns the names of the parts that are visible and of those that are not.
pub(crate) fn describe(parts: &[Part]) -> (Vec<&str>, Vec<&str>) {
    let (seen, missing): (Vec<&Part>, Vec<&Part>) = parts.iter().partition(|part| part.visible);
    (
        seen.into_iter().map(|part| part.name.as_str()).collect(),
        missing.into_iter().map(|part| part.name.as_str()).collect(),
    )
}

/// Reads all events of a tenant.
pub(crate) async fn all_events(store: &dyn Store, scope: &Scope) -> Vec<EventRecord> {
    let mut events: Vec<EventRecord> = Vec::new();
    loop {
        let after = events.last().map_or(Position::START, |event| event.position);
        let more = store.events(scope, after, 1_000).await.expect("the feed is read");
        if more.is_empty() {
            return events;
        }
        events.extend(more);
    }
}

/// Looks up every part of a set: rows, jobs, events, receipt. `receipt` gives the numbers of new tickets; without one
/// any number counts.
pub(crate) async fn parts(store: &dyn Store, set: &ChangeSet, receipt: Option<&Receipt>) -> Vec<Part> {
    let scope = Scope::tenant_wide(set.tenant_id());
    let mut parts = Vec::new();
    for write in set.writes() {
        parts.extend(written(store, &scope, write, receipt).await);
    }
    let feed = all_events(store, &scope).await;
    for event in set.events() {
        let found = feed.iter().find(|record| record.id == event.id);
        parts.push(Part::equal(event.event.name(), &Some(recorded(set, event)), &found.map(placeless)));
    }
    for job in set.jobs() {
        let found = store.inspect(&scope, job.id).await.expect("a job is inspected");
        parts.push(Part::equal(job.job.kind(), &Some(waiting(set, job)), &found));
    }
    if let Some(key) = set.idempotency() {
        let found = store.receipt(key).await.expect("a receipt is read");
        parts.push(Part {
            name: "receipt".to_owned(),
            visible: found.as_ref().is_some_and(|found| found.replayed && found.answer == set.answer()),
            found: format!("{found:?}"),
        });
    }
    parts
}

fn recorded(set: &ChangeSet, event: &NewEvent) -> EventRecord {
    EventRecord {
        id: event.id,
        tenant: set.tenant_id(),
        position: Position::START,
        at: set.at(),
        actor: set.actor(),
        subject: event.subject,
        version: event.version,
        ticket: event.ticket,
        event: event.event.clone(),
    }
}

fn placeless(record: &EventRecord) -> EventRecord {
    EventRecord { position: Position::START, ..record.clone() }
}

fn waiting(set: &ChangeSet, job: &NewJob) -> JobRecord {
    JobRecord {
        id: job.id,
        tenant: set.tenant_id(),
        kind: job.job.kind().to_owned(),
        job: Some(job.job),
        state: JobState::Ready,
        attempts: 0,
        max_attempts: job.max_attempts,
        run_at: job.run_at,
        last_error: None,
        created_at: set.at(),
    }
}

/// A new ticket's number is known only from the receipt.
fn numbered(row: &Ticket, found: Option<&Ticket>, receipt: Option<&Receipt>) -> Ticket {
    if row.number != TicketNumber::UNASSIGNED {
        return row.clone();
    }
    let given = receipt.map(|receipt| receipt.number(row.id).unwrap_or_default());
    let number = given.or_else(|| found.map(|found| found.number)).unwrap_or_default();
    Ticket { number, ..row.clone() }
}

/// Reads back one write; feedback, which cannot be read by itself, is covered by its totals elsewhere.
async fn written(store: &dyn Store, scope: &Scope, write: &Write, receipt: Option<&Receipt>) -> Option<Part> {
    let part = match write {
        Write::Tenant(save) => {
            Part::equal("tenant", &Some(save.row.clone()), &store.tenant(scope).await.unwrap())
        }
        Write::Scheme(save) => {
            Part::equal("scheme", &Some(save.row.clone()), &store.scheme(scope).await.unwrap())
        }
        Write::User(save) => {
            Part::equal(save.row.id, &Some(save.row.clone()), &store.user(scope, save.row.id).await.unwrap())
        }
        Write::Team(save) => {
            Part::equal(save.row.id, &Some(save.row.clone()), &store.team(scope, save.row.id).await.unwrap())
        }
        Write::Ticket(save) => {
            let id = save.row.id;
            let found = match save.row.deleted_at {
                Some(_) => store.deleted_ticket(scope, id).await.unwrap(),
                None => store.ticket(scope, id).await.unwrap(),
            };
            Part::equal(id, &Some(numbered(&save.row, found.as_ref(), receipt)), &found)
        }
        Write::EraseTicket(id) => Part::equal(id, &None, &store.deleted_ticket(scope, *id).await.unwrap()),
        Write::Message(save) => {
            let found = store.message(scope, save.row.id).await.unwrap();
            Part::equal(save.row.id, &Some(save.row.clone()), &found)
        }
        Write::Template(save) => {
            let found = store.template(scope, save.row.id).await.unwrap();
            Part::equal(save.row.id, &Some(save.row.clone()), &found)
        }
        Write::Routing(decision) => {
            let found = store.routing(scope, decision.ticket).await.unwrap();
            Part::equal("routing", &Some((**decision).clone()), &found)
        }
        Write::Notification(save) => {
            let found = store.notification(scope, save.row.id).await.unwrap();
            Part::equal(save.row.id, &Some(save.row.clone()), &found)
        }
        Write::FinishJob(finish) => {
            let found = store.inspect(scope, finish.job).await.unwrap();
            let state = found.map(|job| (job.state, job.last_error));
            let wanted = match &finish.outcome {
                JobOutcome::Done => None,
                JobOutcome::Retry { error, .. } => Some((JobState::Ready, Some(error.clone()))),
                JobOutcome::Snooze { .. } => Some((JobState::Ready, None)),
                JobOutcome::Dead { error } => Some((JobState::Dead, Some(error.clone()))),
            };
            Part::equal(finish.job, &wanted, &state)
        }
        Write::Article(_) | Write::Revision(_) | Write::Chunks(_) | Write::Feedback(_) => {
            return known(store, scope, write).await;
        }
        Write::Mail(_) | Write::Raw(_) | Write::Outbound(_) | Write::Correspondent(_) | Write::MailRef(_) => {
            return mailed(store, scope, write).await;
        }
    };
    Some(part)
}

async fn known(store: &dyn Store, scope: &Scope, write: &Write) -> Option<Part> {
    let part = match write {
        Write::Article(save) => {
            let found = store.article(scope, save.row.id).await.unwrap();
            Part::equal(save.row.id, &Some(save.row.clone()), &found)
        }
        Write::Revision(revision) => {
            let found = store.revision(scope, revision.article, revision.number).await.unwrap();
            Part::equal("revision", &Some((**revision).clone()), &found)
        }
        Write::Chunks(set) => {
            Part::equal("chunks", &set.chunks, &store.article_chunks(scope, set.article).await.unwrap())
        }
        _ => return None,
    };
    Some(part)
}

async fn mailed(store: &dyn Store, scope: &Scope, write: &Write) -> Option<Part> {
    let part = match write {
        Write::Mail(save) => {
            let found = store.inbound(scope, save.row.id).await.unwrap();
            Part::equal(save.row.id, &Some(save.row.clone()), &found)
        }
        Write::Raw(blob) => {
            Part::equal(blob.hash, &Some(blob.bytes.clone()), &store.raw(scope, blob.hash).await.unwrap())
        }
        Write::Outbound(save) => {
            let found = store.outbound(scope, save.row.id).await.unwrap();
            Part::equal(save.row.id, &Some(save.row.clone()), &found)
        }
        Write::Correspondent(save) => {
            let found = store.correspondent(scope, &save.row.address).await.unwrap();
            Part::equal(save.row.id, &Some(save.row.clone()), &found)
        }
        Write::MailRef(reference) => {
            let found = store.mail_refs(scope, std::slice::from_ref(&reference.message_id)).await.unwrap();
            let own = found.into_iter().find(|found| found.message == reference.message);
            Part::equal("mail ref", &Some((**reference).clone()), &own)
        }
        _ => return None,
    };
    Some(part)
}

/// Returns the first page of everything that an operator can list, to compare two moments of a store.
pub(crate) async fn digest(store: &dyn Store, scope: &Scope) -> Vec<String> {
    let page = PageRequest::first(200);
    vec![
        format!("{:?}", store.tenant(scope).await.unwrap()),
        format!("{:?}", store.scheme(scope).await.unwrap()),
        format!("{:?}", store.users(scope, &crate::user::UserFilter::default(), &page).await.unwrap()),
        format!("{:?}", store.teams(scope).await.unwrap()),
        format!("{:?}", store.tickets(scope, &crate::ticket::TicketFilter::default(), &page).await.unwrap()),
        format!("{:?}", store.templates(scope, &page).await.unwrap()),
        format!(
            "{:?}",
            store.articles(scope, &crate::knowledge::ArticleFilter::default(), &page).await.unwrap()
        ),
        format!("{:?}", store.notifications(scope, &page).await.unwrap()),
        format!("{:?}", store.suppressed(scope, &page).await.unwrap()),
        format!("{:?}", all_events(store, scope).await),
        format!("{:?}", store.head(scope).await.unwrap()),
        format!("{:?}", store.dead(scope, &page).await.unwrap()),
    ]
}
