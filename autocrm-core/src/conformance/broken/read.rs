//! Stores whose reads and queue break a clause.

use std::{sync::Mutex, time::Duration};

use async_trait::async_trait;

use crate::{
    access::Scope,
    change::{
        ChangeSet, Event, EventRecord, Job, JobOutcome, JobRecord, LeaseToken, Leased, LeasedJob, NewJob,
        Position, Receipt,
    },
    clock::{Stamp, Timestamp},
    conformance::broken::twin::Fault,
    conversation::Message,
    error::{Error, ErrorKind, Result},
    id::{JobId, RandomIds, TenantId, TicketId},
    knowledge::Chunk,
    page::{Page, PageRequest},
    port::{ClaimRequest, Store, TicketHit},
    ticket::{Ticket, TicketFilter, TicketOrder, TicketQuery},
};

/// R1: shows deleted tickets.
pub(crate) struct DeletedShown;

#[async_trait]
impl Fault for DeletedShown {
    async fn ticket(&self, store: &dyn Store, scope: &Scope, id: TicketId) -> Result<Option<Ticket>> {
        match store.ticket(scope, id).await? {
            None => store.deleted_ticket(scope, id).await,
            found => Ok(found),
        }
    }
}

/// R2: begins a page with the last item of the one before.
pub(crate) struct PagesOverlap;

#[async_trait]
impl Fault for PagesOverlap {
    async fn messages(
        &self,
        store: &dyn Store,
        scope: &Scope,
        ticket: TicketId,
        page: &PageRequest,
    ) -> Result<Page<Message>> {
        let mut found = store.messages(scope, ticket, page).await?;
        if let Some(next) = &mut found.next {
            next.key -= 1;
        }
        Ok(found)
    }
}

/// R2: orders tickets otherwise than asked.
pub(crate) struct OrderIgnored(pub(crate) TicketOrder);

#[async_trait]
impl Fault for OrderIgnored {
    async fn tickets(
        &self,
        store: &dyn Store,
        scope: &Scope,
        filter: &TicketFilter,
        page: &PageRequest,
    ) -> Result<Page<Ticket>> {
        let order = if filter.order == self.0 { TicketOrder::Oldest } else { filter.order };
        store.tickets(scope, &TicketFilter { order, ..filter.clone() }, page).await
    }
}

/// R2: filters by no tag.
pub(crate) struct TagIgnored;

#[async_trait]
impl Fault for TagIgnored {
    async fn tickets(
        &self,
        store: &dyn Store,
        scope: &Scope,
        filter: &TicketFilter,
        page: &PageRequest,
    ) -> Result<Page<Ticket>> {
        store.tickets(scope, &TicketFilter { tag: None, ..filter.clone() }, page).await
    }
}

/// R2: returns chunks in an order of its own.
pub(crate) struct ChunksSorted;

#[async_trait]
impl Fault for ChunksSorted {
    async fn chunks(
        &self,
        store: &dyn Store,
        scope: &Scope,
        ids: &[crate::id::ChunkId],
    ) -> Result<Vec<Chunk>> {
        let mut found = store.chunks(scope, ids).await?;
        found.sort_by_key(|chunk| chunk.id);
        Ok(found)
    }
}

/// E1, E2, E4: changes what the feed shows.
pub(crate) enum FeedChanged {
    /// The first event after a position is passed over.
    Skipped,
    /// Events are read twice.
    Repeated,
    /// Events of a ticket come newest first.
    Reversed,
    /// Erased events are gone with their places.
    ErasedRemoved,
}

#[async_trait]
impl Fault for FeedChanged {
    async fn events(
        &self,
        store: &dyn Store,
        scope: &Scope,
        after: Position,
        limit: u16,
    ) -> Result<Vec<EventRecord>> {
        let after = match self {
            Self::Skipped if after != Position::START => Position::new(after.get() + 1),
            Self::Repeated => Position::new(after.get().saturating_sub(1)),
            _ => after,
        };
        let mut events = store.events(scope, after, limit).await?;
        if matches!(self, Self::ErasedRemoved) {
            events.retain(|event| event.event != Event::Erased);
        }
        if matches!(self, Self::Repeated) && events.len() == 1 {
            events.clear();
        }
        Ok(events)
    }

    async fn ticket_events(
        &self,
        store: &dyn Store,
        scope: &Scope,
        ticket: TicketId,
        after: Position,
        limit: u16,
    ) -> Result<Vec<EventRecord>> {
        let mut events = store.ticket_events(scope, ticket, after, limit).await?;
        if matches!(self, Self::Reversed) {
            let last = events.pop();
            events.reverse();
            events.extend(last);
        }
        Ok(events)
    }
}

/// S1 to S4: searches for something else.
pub(crate) enum SearchChanged {
    /// One word is enough.
    AnyWord,
    /// Notes are always searched.
    NotesToo,
    /// A ticket occurs with each of its messages.
    Repeated,
    /// Operators mean something.
    Operators,
    /// The first page is shown for every cursor.
    Stuck,
}

#[async_trait]
impl Fault for SearchChanged {
    async fn search_tickets(
        &self,
        store: &dyn Store,
        scope: &Scope,
        query: &TicketQuery,
        page: &PageRequest,
    ) -> Result<Page<TicketHit>> {
        let mut query = query.clone();
        let mut request = *page;
        match self {
            Self::AnyWord => query.text = query.text.split(' ').next().unwrap_or_default().to_owned(),
            Self::NotesToo => query.notes = true,
            Self::Operators if query.text.contains(['"', '(', '*', ':']) => {
                return Err(Error::new(ErrorKind::Invalid, "search_tickets"));
            }
            Self::Stuck => request = PageRequest::first(u16::try_from(page.limit()).unwrap_or(1)),
            Self::Repeated | Self::Operators => {}
        }
        let mut found = store.search_tickets(scope, &query, &request).await?;
        if matches!(self, Self::Repeated) {
            let again = found.items.first().copied();
            found.items.extend(again);
        }
        Ok(found)
    }
}

/// Changes what a claim hands out.
pub(crate) enum ClaimChanged {
    /// Q2: jobs that are held are handed out again.
    Twice(Mutex<Vec<LeasedJob>>),
    /// Q3: every token is the same.
    SameToken,
    /// Q7: jobs run a moment early.
    Early,
    /// Q9: what cannot be read stays in the way.
    UndecodableKept,
    /// Q10: a job is gone once it was handed out.
    Lost,
    /// Q12: the latest first.
    LatestFirst,
    /// Q12: more than asked for.
    LimitIgnored,
}

#[async_trait]
impl Fault for ClaimChanged {
    async fn claim(&self, store: &dyn Store, request: &ClaimRequest) -> Result<Vec<LeasedJob>> {
        let mut asked = *request;
        match self {
            Self::Early => asked.now = request.now.plus(Duration::from_micros(1)),
            Self::LimitIgnored => asked.limit = 1_000,
            _ => {}
        }
        let mut held = store.claim(&asked).await?;
        match self {
            Self::Twice(earlier) => {
                let mut earlier = earlier.lock().expect("no panic under the lock");
                let fresh = held.clone();
                held.extend(earlier.iter().filter(|job| job.until > request.now).cloned());
                held.truncate(usize::from(request.limit));
                *earlier = fresh;
            }
            Self::SameToken => held.iter_mut().for_each(|job| job.token = LeaseToken::new(1)),
            Self::UndecodableKept => held.retain(|job| job.work != Leased::Undecodable),
            Self::Lost => {
                for job in &held {
                    forget(store, job).await?;
                }
            }
            Self::LatestFirst => held.reverse(),
            Self::Early | Self::LimitIgnored => {}
        }
        Ok(held)
    }
}

fn set_of(tenant: TenantId) -> ChangeSet {
    let stamp = Stamp::new(Timestamp::EPOCH, &RandomIds);
    ChangeSet::new(&crate::access::Actor::system(tenant), &stamp)
}

async fn forget(store: &dyn Store, job: &LeasedJob) -> Result<Receipt> {
    let mut set = set_of(job.tenant);
    set.finish(job, JobOutcome::Done);
    store.commit(&set).await
}

/// Q8: a release uses up the attempt.
#[derive(Default)]
pub(crate) struct ReleaseCounts {
    held: Mutex<Vec<LeasedJob>>,
}

#[async_trait]
impl Fault for ReleaseCounts {
    async fn claim(&self, store: &dyn Store, request: &ClaimRequest) -> Result<Vec<LeasedJob>> {
        let held = store.claim(request).await?;
        self.held.lock().expect("no panic under the lock").extend(held.iter().cloned());
        Ok(held)
    }

    async fn release(&self, store: &dyn Store, job: JobId, token: LeaseToken) -> Result<()> {
        let held = self.held.lock().expect("no panic under the lock").clone();
        let Some(held) = held.into_iter().find(|held| (held.id, held.token) == (job, token)) else {
            return store.release(job, token).await;
        };
        let mut set = set_of(held.tenant);
        set.finish(&held, JobOutcome::Retry { at: Timestamp::EPOCH, error: "released".to_owned() });
        store.commit(&set).await.map(drop)
    }
}

/// Q11: gives every job a key of its own.
pub(crate) struct KeysIgnored;

#[async_trait]
impl Fault for KeysIgnored {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let stamp = Stamp::new(changes.at(), &RandomIds);
        let apart = |job: &NewJob| {
            let job_apart = match job.job {
                Job::ProcessTicket { message, .. } => Job::ProcessTicket { ticket: stamp.id(), message },
                Job::WakeTicket { .. } => Job::WakeTicket { ticket: stamp.id() },
                Job::EraseTicket { .. } => Job::EraseTicket { ticket: stamp.id() },
                other => other,
            };
            NewJob { job: job_apart, ..job.clone() }
        };
        let jobs = changes.jobs().iter().map(apart).collect();
        store.commit(&changes.clone().with_jobs(jobs)).await
    }
}

/// Q6: changes what operators do with dead jobs.
pub(crate) enum DeadChanged {
    /// The oldest come first.
    OldestFirst,
    /// Any job is requeued without complaint.
    AnyRequeued,
    /// A dead job is due later than asked.
    RequeuedLate,
}

#[async_trait]
impl Fault for DeadChanged {
    async fn dead(&self, store: &dyn Store, scope: &Scope, page: &PageRequest) -> Result<Page<JobRecord>> {
        let mut found = store.dead(scope, page).await?;
        if matches!(self, Self::OldestFirst) {
            found.items.reverse();
        }
        Ok(found)
    }

    async fn requeue(&self, store: &dyn Store, scope: &Scope, id: JobId, now: Timestamp) -> Result<()> {
        match self {
            Self::OldestFirst => store.requeue(scope, id, now).await,
            Self::AnyRequeued => store.requeue(scope, id, now).await.or(Ok(())),
            Self::RequeuedLate => store.requeue(scope, id, now.plus(Duration::from_hours(1))).await,
        }
    }
}

/// No fault: pauses before and after each commit and claim, as a store behind a network does. It passes the suite.
pub(crate) struct Slow;

#[async_trait]
impl Fault for Slow {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        tokio::task::yield_now().await;
        let answer = store.commit(changes).await;
        tokio::task::yield_now().await;
        answer
    }

    async fn claim(&self, store: &dyn Store, request: &ClaimRequest) -> Result<Vec<LeasedJob>> {
        tokio::task::yield_now().await;
        let answer = store.claim(request).await;
        tokio::task::yield_now().await;
        answer
    }

    async fn head(&self, store: &dyn Store, scope: &Scope) -> Result<Position> {
        tokio::task::yield_now().await;
        store.head(scope).await
    }
}
