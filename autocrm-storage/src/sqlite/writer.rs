//! The one writer: takes what is queued, applies each change set in a savepoint, commits all of them durably at once,
//! and answers only then.

use std::{collections::HashMap, sync::Arc};

use autocrm_core::error::{Error, ErrorKind, Result};
use diesel::{RunQueryDsl, SqliteConnection, connection::SimpleConnection};
use tokio::sync::{Notify, oneshot};

use crate::{
    column::Uid,
    sqlite::{
        config::SqliteConfig,
        failure::{During, repeat},
        inbox::{CloseAtEnd, Inbox},
        journal::{self, Counter},
        search::{self, SearchChange},
        statement::Sql,
    },
};

const BATCH: &str = "commit a batch";

/// What a batch knows beside its transaction: what is written once at its end.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The last number and position of each tenant that the batch concerns.
    counters: HashMap<Uid, Counter>,
    /// Entries of the search index. They wait for the end, because FTS5 writes its pending terms out whenever a
    /// savepoint opens, and one segment per change set would cost more than all its rows.
    search: Vec<SearchChange>,
    /// Whether workers may find a new job.
    jobs: bool,
}

/// Where a ledger stood before a change set.
struct Mark {
    tenant: Uid,
    counter: Option<Counter>,
    search: usize,
    jobs: bool,
}

impl Ledger {
    /// Returns the counters of a tenant.
    pub(crate) fn counter(&mut self, connection: &mut SqliteConnection, tenant: Uid) -> Result<&mut Counter> {
        match self.counters.entry(tenant) {
            std::collections::hash_map::Entry::Occupied(known) => Ok(known.into_mut()),
            std::collections::hash_map::Entry::Vacant(unknown) => {
                Ok(unknown.insert(journal::read_counter(connection, tenant)?))
            }
        }
    }

    /// Notes an entry of the search index.
    pub(crate) fn note_search(&mut self, change: SearchChange) {
        self.search.push(change);
    }

    /// Notes that jobs were added.
    pub(crate) fn note_jobs(&mut self) {
        self.jobs = true;
    }

    fn mark(&self, tenant: Uid) -> Mark {
        let counter = self.counters.get(&tenant).copied();
        Mark { tenant, counter, search: self.search.len(), jobs: self.jobs }
    }

    fn take_back(&mut self, mark: &Mark) {
        // A counter that was first read by the refused set is read again: it may hold what that set took.
        match mark.counter {
            Some(counter) => self.counters.insert(mark.tenant, counter),
            None => self.counters.remove(&mark.tenant),
        };
        self.search.truncate(mark.search);
        self.jobs = mark.jobs;
    }

    /// Writes what waited for the end.
    pub(crate) fn settle(&mut self, connection: &mut SqliteConnection) -> Result<()> {
        for (tenant, counter) in self.counters.drain() {
            journal::write_counter(connection, tenant, counter)?;
        }
        search::write(connection, self.search.drain(..))
    }
}

/// Applies `work` in a savepoint. A failure of the work alone is the inner one: nothing of it remains, in the database
/// or in the ledger, and the transaction goes on. The outer failure says that the transaction is lost.
pub(crate) fn in_savepoint<T>(
    connection: &mut SqliteConnection,
    ledger: &mut Ledger,
    tenant: Uid,
    work: impl FnOnce(&mut SqliteConnection, &mut Ledger) -> Result<T>,
) -> Result<Result<T>> {
    let mark = ledger.mark(tenant);
    Sql::<()>::new("SAVEPOINT autocrm_set").execute(connection).during(BATCH)?;
    let error = match work(connection, ledger) {
        Ok(value) => {
            Sql::<()>::new("RELEASE autocrm_set").execute(connection).during(BATCH)?;
            return Ok(Ok(value));
        }
        Err(error) => error,
    };
    ledger.take_back(&mark);
    let undone = connection.batch_execute("ROLLBACK TO autocrm_set; RELEASE autocrm_set");
    // A full disk and its like concern everybody, and may have ended the transaction already.
    if undone.is_err() || error.kind() == ErrorKind::Unavailable { Err(error) } else { Ok(Err(error)) }
}

/// A call that waits for the writer.
pub(crate) trait Task: Send {
    /// Does the work. An error ends the whole batch; a refusal of this call alone is kept for the answer.
    fn run(&mut self, connection: &mut SqliteConnection, ledger: &mut Ledger) -> Result<()>;

    /// Answers, after the batch is durable, or with the failure of the batch.
    fn answer(self: Box<Self>, failure: Option<&Error>);
}

/// A queued call.
pub(crate) type Command = Box<dyn Task>;

/// A call with the work it wants done for one tenant.
pub(crate) struct Call<T, F> {
    operation: &'static str,
    tenant: Uid,
    work: Option<F>,
    outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Call<T, F> {
    /// Returns a call, and where its answer comes out.
    pub(crate) fn new(operation: &'static str, tenant: Uid, work: F) -> (Self, oneshot::Receiver<Result<T>>) {
        let (reply, answer) = oneshot::channel();
        (Self { operation, tenant, work: Some(work), outcome: None, reply }, answer)
    }
}

impl<T, F> Task for Call<T, F>
where
    T: Send,
    F: FnOnce(&mut SqliteConnection, &mut Ledger) -> Result<T> + Send,
{
    fn run(&mut self, connection: &mut SqliteConnection, ledger: &mut Ledger) -> Result<()> {
        let Some(work) = self.work.take() else { return Ok(()) };
        self.outcome = Some(in_savepoint(connection, ledger, self.tenant, work)?);
        Ok(())
    }

    fn answer(self: Box<Self>, failure: Option<&Error>) {
        let outcome = match (failure, self.outcome) {
            (None, Some(outcome)) => outcome,
            (Some(cause), _) => Err(repeat(cause, self.operation)),
            (None, None) => return,
        };
        // The caller may have gone; the work is done all the same.
        drop(self.reply.send(outcome));
    }
}

/// Works until the queue is closed and empty.
pub(crate) fn run(
    config: &SqliteConfig,
    connection: SqliteConnection,
    inbox: &Inbox<Command>,
    wake: &Arc<Notify>,
) {
    let _closed = CloseAtEnd(inbox);
    let mut current = Some(connection);
    loop {
        let mut commands = inbox.take(config.batch);
        if commands.is_empty() {
            return;
        }
        let mut ledger = Ledger::default();
        let outcome = match current.take() {
            Some(connection) => Ok(connection),
            None => config.connect_existing(),
        }
        .and_then(|mut connection| {
            let arriving = |done: usize| inbox.take_queued(config.batch.saturating_sub(done));
            commit(&mut connection, &mut ledger, &mut commands, arriving)?;
            Ok(connection)
        });
        // After a failure the connection may still be inside of the transaction: it is dropped, which rolls back.
        let failure = match outcome {
            Ok(connection) => {
                current = Some(connection);
                None
            }
            Err(error) => {
                tracing::warn!(error = %error, calls = commands.len(), "a batch was not committed");
                Some(error)
            }
        };
        if failure.is_none() && ledger.jobs {
            wake.notify_waiters();
            wake.notify_one();
        }
        for command in commands {
            command.answer(failure.as_ref());
        }
    }
}

/// Commits the commands, and those that arrive while they are applied: each further one shares the sync at the end.
fn commit(
    connection: &mut SqliteConnection,
    ledger: &mut Ledger,
    commands: &mut Vec<Command>,
    arriving: impl Fn(usize) -> Vec<Command>,
) -> Result<()> {
    connection.batch_execute("BEGIN IMMEDIATE").during(BATCH)?;
    let mut done = 0;
    while done < commands.len() {
        for command in commands.iter_mut().skip(done) {
            command.run(connection, ledger)?;
        }
        done = commands.len();
        commands.extend(arriving(done));
    }
    ledger.settle(connection)?;
    connection.batch_execute("COMMIT").during(BATCH)
}
