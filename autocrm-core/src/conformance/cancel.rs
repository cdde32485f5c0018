//! Dropped futures: every operation is polled k times and dropped, for k from 1 until it completes. What it was to
//! change is then whole or absent on every handle, and the connection stays usable.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use crate::{
    change::{ChangeSet, JobOutcome, JobState, LeasedJob, Position, Receipt},
    clock::Timestamp,
    conformance::{
        Backend,
        check::{assert_all, describe, parts, wholeness},
        commit::plan_user,
        queue::{LEASE, MICRO, claim, enqueue_one, finish},
        rich::rich,
        world::World,
    },
    error::ErrorKind,
    id::{JobId, UserId},
    knowledge::{ArticleFilter, FeedbackTarget},
    metrics::TimeFrame,
    page::PageRequest,
    port::{ClaimRequest, Store},
    text::{EmailAddress, ExternalId, Key},
    ticket::{TicketFilter, TicketNumber, TicketQuery},
    user::UserFilter,
};

/// No operation is polled more often than this before it completes.
const MOST_POLLS: usize = 10_000;

/// How many rounds may complete at once before a backend counts as one that never suspends.
const PATIENCE: usize = 100;

/// Polls a future until it completes or was polled `polls` times, and drops it; `None`: it was dropped half-way.
pub(crate) async fn drop_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|context| {
        polled += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending if polled >= polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// The rounds of a cancellation: in each an operation is polled once more than before, until it completes. Futures
/// have to be dropped half-way exactly on backends whose operations suspend.
#[derive(Debug)]
pub(crate) struct Drops {
    what: &'static str,
    suspends: bool,
    round: usize,
    dropped: usize,
}

impl Drops {
    pub(crate) fn of<P: ?Sized>(backend: &Backend<P>, what: &'static str) -> Self {
        Self { what, suspends: backend.capabilities().suspends, round: 0, dropped: 0 }
    }

    /// Returns the number of the round, from 0.
    pub(crate) fn round(&self) -> usize {
        self.round
    }

    /// Returns how often the operation is polled in this round.
    pub(crate) fn polls(&self) -> usize {
        self.dropped + 1
    }

    /// Takes note of how the operation ended and returns whether another round follows.
    pub(crate) fn goes_on(&mut self, completed: bool) -> bool {
        self.round += 1;
        if completed {
            // A backend with threads of its own now and then completes within the first poll.
            let pending = self.suspends && self.dropped == 0;
            assert!(!pending || self.round < PATIENCE, "{}: no future was dropped half-way", self.what);
            return pending;
        }
        self.dropped += 1;
        assert!(self.suspends, "{}: the backend states that its operations never suspend", self.what);
        assert!(self.dropped < MOST_POLLS, "{}: the operation never completes", self.what);
        true
    }
}

/// Waits until a dropped commit has come to its end, which it may do on its own, and asserts that it is whole.
async fn assert_whole(store: &dyn Store, set: &ChangeSet, what: &str) -> bool {
    for _ in 0..200 {
        if let Some(applied) = wholeness(&parts(store, set, None).await) {
            return applied;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let torn = parts(store, set, None).await;
    let (seen, missing) = describe(&torn);
    assert!(torn.is_empty(), "{what} is torn: {seen:?} are visible, {missing:?} are not");
    false
}

/// C7, C4, C6: a dropped commit is applied or not, never partly, and the handle goes on to commit and to read.
pub async fn c7_a_dropped_commit_is_whole_or_absent(backend: Backend) {
    let world = World::open(&backend).await;
    let mut drops = Drops::of(&backend, "commit");
    loop {
        let (round, polls) = (drops.round(), drops.polls());
        let job = enqueue_one(&world, 5).await;
        // A set that was dropped and applied all the same has left jobs of its own.
        let due = claim(&**world.store, world.tick(), 1_000).await;
        let held = due.into_iter().find(|held| held.id == job).expect("the job is handed out");
        let mut set = rich(&world, &format!("k{round}"));
        set.finish(&held, JobOutcome::Done);
        let answer: Option<Receipt> = drop_after(polls, world.store.commit(&set))
            .await
            .map(|answer| answer.expect("the set is applied"));
        // The handle is used at once, before the dropped commit may have come to its end.
        let next = plan_user(&world, None);
        let receipt = world.store.commit(&next).await.expect("the handle commits");
        assert_all(&parts(&*backend.other(), &next, Some(&receipt)).await, "the commit after a dropped one");
        let what = format!("a commit dropped after {polls} polls");
        let here = assert_whole(&*backend.store(), &set, &what).await;
        let there = assert_whole(&*backend.other(), &set, &what).await;
        assert!(here <= there, "{what}: what one handle saw, the other one sees later");
        if let Some(receipt) = &answer {
            assert_all(&parts(&*backend.other(), &set, Some(receipt)).await, "a completed commit");
        }
        if !there {
            // It may still come to its end, or be applied now; twice it cannot be.
            let late = world.store.commit(&set).await;
            assert!(late.is_ok() || late.is_err_and(|error| error.kind() == ErrorKind::Conflict));
            assert!(assert_whole(&*backend.other(), &set, &what).await, "{what}, then committed");
        }
        if !drops.goes_on(answer.is_some()) {
            return;
        }
    }
}

/// C7: dropped claims, extensions, releases and requeues have happened or not; no job is lost, and the queue goes on.
pub async fn c7_dropped_queue_operations_lose_no_job(backend: Backend) {
    let world = World::open(&backend).await;
    let mut drops = Drops::of(&backend, "the queue");
    loop {
        let polls = drops.polls();
        let mut completed = true;
        let id = enqueue_one(&world, 1_000).await;
        let now = world.tick();
        let request = ClaimRequest { now, lease: LEASE, limit: 10 };
        completed &= drop_after(polls, world.store.claim(&request)).await.is_some();
        let late = world.pass(LEASE).plus(MICRO);
        let held = claim_in_time(&*backend.other(), late, id).await;

        let until = held.until.plus(LEASE);
        completed &= drop_after(polls, world.store.extend(id, held.token, until)).await.is_some();
        world.store.extend(id, held.token, until).await.expect("the lease is still held");

        completed &= drop_after(polls, world.store.release(id, held.token)).await.is_some();
        let again = world.store.release(id, held.token).await;
        assert!(again.is_ok() || again.is_err_and(|error| error.kind() == ErrorKind::Conflict));
        let held = claim_in_time(&**world.store, world.tick(), id).await;

        let error = "x".to_owned();
        finish(&world, &held, JobOutcome::Dead { error }).await.expect("the attempt ends");
        let now = world.now();
        completed &= drop_after(polls, world.store.requeue(&world.wide(), id, now)).await.is_some();
        let again = world.store.requeue(&world.wide(), id, now).await;
        assert!(again.is_ok() || again.is_err_and(|error| error.kind() == ErrorKind::NotFound));
        let job = backend.other().inspect(&world.wide(), id).await.unwrap().expect("the job is kept");
        assert_eq!((job.state, job.attempts), (JobState::Ready, 0));
        let held = claim_in_time(&**world.store, world.tick(), id).await;
        finish(&world, &held, JobOutcome::Done).await.expect("the attempt ends");
        if !drops.goes_on(completed) {
            return;
        }
    }
}

/// Claims a job that is due. A dropped operation may hold it for the moment that its end takes.
async fn claim_in_time(store: &dyn Store, now: Timestamp, id: JobId) -> LeasedJob {
    let mut held = None;
    for _ in 0..500 {
        held = claim(store, now, 10).await.into_iter().find(|job| job.id == id);
        if held.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    held.expect("a dropped operation loses no job")
}

/// Drops a read half-way again and again; afterwards it answers as it did before, on every handle.
macro_rules! dropped_reads {
    ($backend:expr, $dropped:ident, $store:ident, $($read:expr,)+) => {$({
        let $store = $backend.store();
        let expected = $read.await.expect("a read");
        for polls in 1..MOST_POLLS {
            let answer = drop_after(polls, $read).await;
            let done = answer.is_some();
            if let Some(answer) = answer {
                assert_eq!(answer.expect("a read"), expected);
            }
            for $store in [$backend.store(), $backend.other()] {
                assert_eq!($read.await.expect("a read after a dropped one"), expected, stringify!($read));
            }
            if done {
                break;
            }
            $dropped += 1;
        }
    })+};
}

/// C7: dropped reads harm nothing: every reader answers as before, and commits go on.
pub async fn c7_dropped_reads_harm_nothing(backend: Backend) {
    let world = World::open(&backend).await;
    let set = rich(&world, "one");
    world.store.commit(&set).await.expect("the set is applied");
    let scope = world.wide();
    let page = PageRequest::first(10);
    let start = Position::START;
    let ticket = set.events().iter().find_map(|event| event.ticket).expect("the set has a ticket");
    let (id, now): (uuid::Uuid, _) = (ticket.as_uuid(), world.now());
    let user = UserId::from_uuid(id);
    let text = ExternalId::new("x").unwrap();
    let key = Key::new("slug-one").unwrap();
    let address = EmailAddress::new("help@acme.example").unwrap();
    let query = TicketQuery { text: "line".to_owned(), notes: true };
    let target = FeedbackTarget::Article { article: id.into() };
    let hash = crate::mail::BlobHash::of(b"x");
    let mut dropped = 0;
    dropped_reads!(
        backend,
        dropped,
        store,
        store.tenant(&scope),
        store.scheme(&scope),
        store.tenants(None, 10),
        store.tenant_by_address(&address),
        store.user(&scope, user),
        store.user_by_email(&scope, &address),
        store.user_by_external_id(&scope, &text),
        store.users(&scope, &UserFilter::default(), &page),
        store.team(&scope, id.into()),
        store.teams(&scope),
        store.ticket(&scope, ticket),
        store.ticket_by_number(&scope, TicketNumber::new(1)),
        store.tickets(&scope, &TicketFilter::default(), &page),
        store.loads(&scope, &[user]),
        store.routing(&scope, ticket),
        store.deleted_ticket(&scope, ticket),
        store.message(&scope, id.into()),
        store.messages(&scope, ticket, &page),
        store.template(&scope, id.into()),
        store.templates(&scope, &page),
        store.article(&scope, id.into()),
        store.article_by_slug(&scope, &key),
        store.articles(&scope, &ArticleFilter::default(), &page),
        store.revisions(&scope, id.into(), &page),
        store.revision(&scope, id.into(), 1),
        store.chunks(&scope, &[id.into()]),
        store.article_chunks(&scope, id.into()),
        store.feedback(&scope, target),
        store.inbound(&scope, id.into()),
        store.inbound_by_raw(&scope, &address, hash),
        store.inbound_by_provider(&scope, &text),
        store.outbound(&scope, id.into()),
        store.mail_refs(&scope, &[]),
        store.ticket_mail_refs(&scope, ticket, 5),
        store.outlying_raws(&scope, ticket),
        store.raw(&scope, hash),
        store.correspondent(&scope, &address),
        store.suppressed(&scope, &page),
        store.acknowledged_since(&scope, now),
        store.notification(&scope, id.into()),
        store.notifications(&scope, &page),
        store.agent_stats(&scope, user, TimeFrame::ALL),
        store.events(&scope, start, 10),
        store.head(&scope),
        store.ticket_events(&scope, ticket, start, 10),
        store.search_tickets(&scope, &query, &page),
        store.next_due(),
        store.depth(&scope, now),
        store.dead(&scope, &page),
        store.inspect(&scope, id.into()),
    );
    // Waiting for jobs is a read that may well be pending everywhere.
    drop_after(1, world.store.changed()).await;
    for store in [backend.store(), backend.other()] {
        let next = plan_user(&world, None);
        let receipt = store.commit(&next).await.expect("the handle commits");
        assert_all(&parts(&*store, &next, Some(&receipt)).await, "a commit after dropped reads");
    }
    assert_eq!(
        dropped > 0,
        backend.capabilities().suspends,
        "reads are pending exactly where the backend says so"
    );
}
