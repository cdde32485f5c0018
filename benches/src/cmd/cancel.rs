//! `cancel`: what is left behind when callers go away, and connections break, in the middle of their calls.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use autocrm_core::{
    access::Actor,
    app,
    conversation::Reply,
    page::PageRequest,
    text::Body,
    ticket::{TicketFilter, TicketQuery},
};
use autocrm_email::MimeParser;
use sqlx::{PgConnection, PgPool};
use tokio::task::JoinSet;

use crate::{
    callers::{self, Until},
    crash::{Acknowledged, Verdict, look, subject, texts},
    desk::{self, Desk},
    failure::{Failure, Result},
    progress::{Progress, say},
    random::Random,
    report::Report,
    store::{Choice, StoreKind},
};

/// How long a call may take before its caller goes away, in microseconds.
const LONGEST: usize = 12_000;
/// How long the store has to come to rest after the last call.
const REST: Duration = Duration::from_secs(1);
/// A connection that is not given back for so long is lost.
const RETURN: Duration = Duration::from_secs(10);

/// Drops calls, and breaks connections, at random moments, then looks for what they left behind.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    store: Choice,
    /// Calls, of which some two thirds are dropped.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    operations: u32,
    /// Concurrent callers.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    clients: u16,
    /// Seed of the calls and their moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What a call does.
#[derive(Debug, Clone, Copy)]
enum Call {
    Create,
    Reply,
    Get,
    List,
    Search,
}

/// What became of the calls so far.
#[derive(Debug, Default)]
struct Tally {
    acknowledged: Mutex<Acknowledged>,
    /// Creates that were begun.
    begun: Mutex<Vec<usize>>,
    dropped: AtomicUsize,
    failed: AtomicUsize,
    terminated: AtomicUsize,
}

impl Tally {
    fn acknowledged(&self) -> std::sync::MutexGuard<'_, Acknowledged> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Report> {
    let clients = usize::from(arguments.clients);
    let place = arguments.store.place(clients).await?;
    let (crm, pool) = if arguments.store.kind == StoreKind::Postgres {
        let store = place.database()?.store(clients).await?;
        let pool = store.pool().clone();
        (desk::assemble(store, MimeParser::default(), None, &place.file("outbox"))?, Some(pool))
    } else {
        (desk::open(arguments.store.kind, &place, MimeParser::default(), None).await?, None)
    };
    let desk = desk::found(crm, 100).await?;
    let tally = Arc::new(Tally::default());
    let mut breaker = JoinSet::new();
    if pool.is_some() {
        let connection = place.database()?.connect().await?;
        breaker.spawn(break_connections(connection, arguments.seed, Arc::clone(&tally)));
    }
    call(arguments, &desk, &tally).await?;
    breaker.shutdown().await;

    say("what is left");
    tokio::time::sleep(REST).await;
    let stuck = match &pool {
        Some(_) => stuck(&mut place.database()?.connect().await?).await?,
        None => 0,
    };
    let leaked = match &pool {
        Some(pool) => leaked_connections(pool).await?,
        None => unanswered(&desk, clients).await?,
    };
    repeat(&desk, &tally).await?;
    let mut verdict = Verdict::default();
    let acknowledged = std::mem::take(&mut *tally.acknowledged());
    verdict.duplicated += acknowledged.changed;
    look(&desk.crm, &desk.admin, &acknowledged, &mut verdict).await?;
    let mut report = Report::default();
    report
        .set("operations", arguments.operations)
        .set("dropped", tally.dropped.load(Ordering::Relaxed))
        .set("failed", tally.failed.load(Ordering::Relaxed))
        .set("broken_connections", tally.terminated.load(Ordering::Relaxed))
        .set("acknowledged", acknowledged.count())
        .set("stuck_transactions", stuck)
        .set("lost", verdict.lost)
        .set("leaked", leaked)
        .set("duplicated", verdict.duplicated)
        .set("orphans", verdict.orphans)
        .set("torn", verdict.torn)
        .set("tickets", verdict.tickets)
        .set("details", verdict.details);
    Ok(report)
}

/// Makes the calls.
async fn call(arguments: &Arguments, desk: &Desk, tally: &Arc<Tally>) -> Result<()> {
    let operations = arguments.operations as usize;
    let progress = Arc::new(Progress::new("calls", operations));
    let (seed, shared, desk) = (arguments.seed, Arc::clone(tally), desk.clone());
    callers::run(usize::from(arguments.clients), Until::Calls(operations), move |number| {
        let (desk, tally, progress) = (desk.clone(), Arc::clone(&shared), Arc::clone(&progress));
        async move {
            let mut random = Random::new(seed ^ (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let patience = Duration::from_micros(random.below(LONGEST) as u64);
            let one = perform(&desk, &tally, number, &mut random);
            // A third of the callers wait for their answer.
            let answer = if number % 3 == 0 {
                Some(one.await)
            } else {
                tokio::time::timeout(patience, one).await.ok()
            };
            match answer {
                None => drop(tally.dropped.fetch_add(1, Ordering::Relaxed)),
                Some(Ok(())) => {}
                Some(Err(Fault::Call(error))) if error.is_retryable() => {
                    tally.failed.fetch_add(1, Ordering::Relaxed);
                }
                Some(Err(Fault::Call(error))) => return Err(error.into()),
                Some(Err(Fault::Bench(error))) => return Err(error),
            }
            progress.tick();
            Ok(())
        }
    })
    .await?;
    Ok(())
}

/// Why a call failed: by its answer, or by the bench's own fault.
enum Fault {
    Call(app::Error),
    Bench(Failure),
}

impl From<app::Error> for Fault {
    fn from(error: app::Error) -> Self {
        Self::Call(error)
    }
}

impl From<Failure> for Fault {
    fn from(error: Failure) -> Self {
        Self::Bench(error)
    }
}

async fn perform(
    desk: &Desk,
    tally: &Tally,
    number: usize,
    random: &mut Random,
) -> std::result::Result<(), Fault> {
    let calls = [
        Call::Create,
        Call::Create,
        Call::Create,
        Call::Reply,
        Call::Reply,
        Call::Get,
        Call::List,
        Call::Search,
    ];
    let known = {
        let acknowledged = tally.acknowledged();
        let first = random.below(number.max(1));
        acknowledged.tickets.range(first..).next().map(|(at, (id, _))| (*at, *id))
    };
    let call = random.pick(&calls).copied().unwrap_or(Call::Create);
    match (call, known) {
        (Call::Create, _) | (_, None) => {
            tally.begun.lock().unwrap_or_else(PoisonError::into_inner).push(number);
            create(desk, tally, number).await?;
        }
        (Call::Reply, Some((at, id))) => {
            let reply = Reply { body: body(&texts(at)[1])?, internal: false };
            let key = desk::request(&format!("reply-{at}"))?;
            let written =
                desk.crm.conversations().keyed(key).reply(desk.customer(at), id, &reply, None).await?;
            let mut acknowledged = tally.acknowledged();
            let before = acknowledged.replies.insert(at, written.id);
            acknowledged.changed += usize::from(before.is_some_and(|before| before != written.id));
        }
        (Call::Get, Some((_, id))) => drop(desk.crm.tickets().get(&desk.admin, id).await?),
        (Call::List, Some(_)) => {
            let page = PageRequest::first(50);
            desk.crm.tickets().list(&desk.agent, &TicketFilter::default(), &page).await?;
        }
        (Call::Search, Some((at, _))) => {
            let query = TicketQuery { text: format!("a{at}z"), notes: false };
            desk.crm.tickets().search(&desk.admin, &query, &PageRequest::first(50)).await?;
        }
    }
    Ok(())
}

async fn create(desk: &Desk, tally: &Tally, number: usize) -> std::result::Result<(), Fault> {
    let opening = desk::data(&subject(number), &texts(number)[0])?;
    let key = desk::request(&format!("ticket-{number}"))?;
    let writer: &Actor = desk.customer(number);
    let opened = desk.crm.processor().keyed(key).create(writer, &opening).await?;
    let mut acknowledged = tally.acknowledged();
    let ticket = (opened.id, opened.number);
    let before = acknowledged.tickets.insert(number, ticket);
    acknowledged.changed += usize::from(before.is_some_and(|before| before != ticket));
    Ok(())
}

fn body(text: &str) -> Result<Body> {
    Ok(Body::new(text)?)
}

/// Repeats every create whose answer nobody saw, under its own key: each ticket then exists, once.
async fn repeat(desk: &Desk, tally: &Tally) -> Result<()> {
    let begun = std::mem::take(&mut *tally.begun.lock().unwrap_or_else(PoisonError::into_inner));
    for number in begun {
        let is_known = tally.acknowledged().tickets.contains_key(&number);
        // A connection that was broken while it rested is met by the first call that borrows it.
        for attempt in 0.. {
            match create(desk, tally, number).await {
                _ if is_known => break,
                Ok(()) => break,
                Err(Fault::Call(error)) if error.is_retryable() && attempt < 100 => {}
                Err(Fault::Call(error)) => return Err(error.into()),
                Err(Fault::Bench(error)) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Ends one of the other sessions of the database every few milliseconds, until it is stopped.
async fn break_connections(mut connection: PgConnection, seed: u64, tally: Arc<Tally>) -> Result<()> {
    let mut random = Random::new(seed);
    loop {
        tokio::time::sleep(Duration::from_millis(20 + random.below(100) as u64)).await;
        let ended: Option<bool> = sqlx::query_scalar(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1",
        )
        .fetch_optional(&mut connection)
        .await?;
        tally.terminated.fetch_add(usize::from(ended == Some(true)), Ordering::Relaxed);
    }
}

/// Counts the sessions that rest inside of a transaction.
async fn stuck(connection: &mut PgConnection) -> Result<i64> {
    let count = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'",
    );
    Ok(count.fetch_one(connection).await?)
}

/// Borrows every connection of the pool at once; counts those that do not come, and those that still say for whom they
/// worked, or as which role.
async fn leaked_connections(pool: &PgPool) -> Result<usize> {
    let most = pool.options().get_max_connections();
    let (mut held, mut leaked) = (Vec::new(), 0);
    for _ in 0..most {
        let Ok(Ok(mut connection)) = tokio::time::timeout(RETURN, pool.acquire()).await else {
            leaked += 1;
            continue;
        };
        let asked = sqlx::query_scalar::<_, bool>(
            "SELECT current_user <> session_user OR EXISTS (
                 SELECT 1 FROM unnest(ARRAY['tenant', 'kind', 'actor', 'teams', 'query']) AS name
                 WHERE coalesce(current_setting('autocrm.' || name, true), '') <> '')",
        );
        match asked.fetch_one(&mut *connection).await {
            Ok(has_settings) => leaked += usize::from(has_settings),
            // Broken while it rested: the pool puts another one in its place.
            Err(sqlx::Error::Io(_) | sqlx::Error::Database(_)) => {}
            Err(error) => return Err(error.into()),
        }
        held.push(connection);
    }
    Ok(leaked)
}

/// Counts the callers that get no answer when all of them read at once.
async fn unanswered(desk: &Desk, clients: usize) -> Result<usize> {
    let mut readers = JoinSet::new();
    for _ in 0..clients {
        let desk = desk.clone();
        readers.spawn(async move {
            let page = PageRequest::first(1);
            let filter = TicketFilter::default();
            let tickets = desk.crm.tickets();
            tokio::time::timeout(RETURN, tickets.list(&desk.admin, &filter, &page)).await.is_err()
        });
    }
    let mut silent = 0;
    while let Some(reader) = readers.join_next().await {
        silent += usize::from(reader?);
    }
    Ok(silent)
}
