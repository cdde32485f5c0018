//! The one writer: takes what is queued, commits all of it durably at once, and answers only then. Each call keeps its
//! own outcome: as soon as one is refused, the batch is begun anew with a savepoint for each.

use std::{
    collections::HashMap,
    sync::{atomic::AtomicBool, mpsc},
    thread,
    time::Duration,
};

use autocrm_core::error::{Error, ErrorKind, Result};
use diesel::{RunQueryDsl, SqliteConnection, connection::SimpleConnection};
use tokio::sync::{Notify, oneshot};

use crate::{
    column::Uid,
    sqlite::{
        checkpoint,
        config::SqliteConfig,
        conversation,
        failure::{During, repeat},
        inbox::{CloseAtEnd, Inbox},
        index::{self, SearchChange},
        journal::{self, Counter},
        receipt::{self, Kept},
        statement::Sql,
    },
};

const BATCH: &str = "commit a batch";

/// What a batch knows beside its transaction: what is written once at its end.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The last number and position of each tenant that the batch concerns.
    counters: HashMap<Uid, Counter>,
    /// The version of each tenant's scheme that was asked for, as it stands in the batch.
    schemes: HashMap<Uid, i64>,
    /// Entries of the search index that change. They wait for the end, because FTS5 writes its pending terms out
    /// whenever a savepoint opens.
    search: Vec<SearchChange>,
    /// The row number of the last message, once a message was added.
    message_row: Option<i64>,
    /// What waits to be taken up by the search index.
    waiting: Waiting,
    /// Who kept a receipt, and when: as many of the oldest are looked at when the batch ends.
    receipts: Vec<Kept>,
    /// Whether workers may find a new job.
    jobs: bool,
    /// Whether the change set that is being applied has written nothing so far, so that its refusal leaves nothing.
    untouched: bool,
}

/// The messages that the search index has not taken up.
#[derive(Debug, Clone, Copy, Default)]
struct Waiting {
    /// Whether there may be any.
    any: bool,
    /// The length of those that are known.
    bytes: usize,
}

/// Where a ledger stood before a change set.
struct Mark {
    tenant: Uid,
    counter: Option<Counter>,
    search: usize,
    receipts: usize,
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

    /// Returns the version of a tenant's scheme, if it is known.
    pub(crate) fn scheme(&self, tenant: Uid) -> Option<i64> {
        self.schemes.get(&tenant).copied()
    }

    /// Notes the version of a tenant's scheme as it was read; `None`: it is being written.
    pub(crate) fn note_scheme(&mut self, tenant: Uid, version: Option<i64>) {
        match version {
            Some(version) => self.schemes.insert(tenant, version),
            None => self.schemes.remove(&tenant),
        };
    }

    /// Notes whether the change set that is being applied has written nothing so far.
    pub(crate) fn note_untouched(&mut self, untouched: bool) {
        self.untouched = untouched;
    }

    /// Notes an entry of the search index.
    pub(crate) fn note_search(&mut self, change: SearchChange) {
        self.search.push(change);
    }

    /// Returns the row number of the next message. One that a refused set has taken stays unused in the batch.
    pub(crate) fn next_message_row(&mut self, connection: &mut SqliteConnection) -> Result<i64> {
        let last = match self.message_row {
            Some(row) => row,
            None => conversation::last_row(connection)?,
        };
        self.message_row = Some(last + 1);
        Ok(last + 1)
    }

    /// Notes how long a new message is.
    pub(crate) fn note_fresh(&mut self, bytes: usize) {
        self.waiting.bytes = self.waiting.bytes.saturating_add(bytes);
    }

    /// Notes that a tenant kept a receipt at a time.
    pub(crate) fn note_receipt(&mut self, tenant: Uid, at: i64) {
        self.receipts.push(Kept { tenant, at });
    }

    /// Notes that jobs were added.
    pub(crate) fn note_jobs(&mut self) {
        self.jobs = true;
    }

    fn mark(&self, tenant: Uid) -> Mark {
        let counter = self.counters.get(&tenant).copied();
        Mark { tenant, counter, search: self.search.len(), receipts: self.receipts.len(), jobs: self.jobs }
    }

    fn take_back(&mut self, mark: &Mark) {
        // A counter that was first read by the refused set is read again: it may hold what that set took.
        match mark.counter {
            Some(counter) => self.counters.insert(mark.tenant, counter),
            None => self.counters.remove(&mark.tenant),
        };
        // What the refused set may have written is read again, too.
        self.schemes.remove(&mark.tenant);
        self.search.truncate(mark.search);
        self.receipts.truncate(mark.receipts);
        self.jobs = mark.jobs;
    }

    /// Writes what waited for the end.
    pub(crate) fn settle(&mut self, connection: &mut SqliteConnection) -> Result<()> {
        for (tenant, counter) in self.counters.drain() {
            journal::write_counter(connection, tenant, counter)?;
        }
        receipt::forget_oldest(connection, &std::mem::take(&mut self.receipts))?;
        index::write(connection, self.search.drain(..))?;
        if let Some(newest) = self.message_row {
            let all = index::take_up_enough(connection, newest, self.waiting.bytes)?;
            self.waiting = if all { Waiting::default() } else { Waiting { any: true, ..self.waiting } };
        }
        Ok(())
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

/// Whether each call of a batch has a savepoint of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// None: the first refusal of a call that has written something ends the batch, which is then begun anew. Savepoints
    /// copy every page that a call is the first to change, which costs a sixth of the throughput where nothing is refused.
    Plain,
    /// Each: what a refused call wrote is taken back, and its neighbours go on.
    Guarded,
}

/// Returns whether a failure concerns the call alone, and not the database.
fn refuses_one(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Conflict | ErrorKind::KeyReused)
}

/// A call that waits for the writer.
pub(crate) trait Task: Send {
    /// Does the work, for a second time when the first attempt was rolled back. An error ends the whole batch; when
    /// guarded, a refusal of this call alone is kept for the answer.
    fn run(&mut self, connection: &mut SqliteConnection, ledger: &mut Ledger, pace: Pace) -> Result<()>;

    /// Answers, after the batch is durable, or with the failure of the batch.
    fn answer(self: Box<Self>, failure: Option<&Error>);
}

/// A queued call.
pub(crate) type Command = Box<dyn Task>;

/// A call with the work it wants done for one tenant.
pub(crate) struct Call<T, F> {
    operation: &'static str,
    tenant: Uid,
    work: F,
    outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Call<T, F> {
    /// Returns a call, and where its answer comes out.
    pub(crate) fn new(operation: &'static str, tenant: Uid, work: F) -> (Self, oneshot::Receiver<Result<T>>) {
        let (reply, answer) = oneshot::channel();
        (Self { operation, tenant, work, outcome: None, reply }, answer)
    }
}

impl<T, F> Task for Call<T, F>
where
    T: Send,
    F: FnMut(&mut SqliteConnection, &mut Ledger) -> Result<T> + Send,
{
    fn run(&mut self, connection: &mut SqliteConnection, ledger: &mut Ledger, pace: Pace) -> Result<()> {
        self.outcome = Some(match pace {
            Pace::Plain => {
                ledger.note_untouched(false);
                match (self.work)(connection, ledger) {
                    Err(error) if !(ledger.untouched && refuses_one(error.kind())) => return Err(error),
                    outcome => outcome,
                }
            }
            Pace::Guarded => in_savepoint(connection, ledger, self.tenant, &mut self.work)?,
        });
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

/// How many batches are guarded after one in which something was refused: refusals come in bursts.
const GUARDED: u32 = 16;

/// From how many answers on they are given by a thread of their own: to wake a caller takes a tenth of the time of
/// writing its rows, yet a lone caller would wait for one more thread to wake.
const MANY: usize = 8;

/// For how long one more call is waited for while fewer have come than the last batch lets expect. Callers who were answered
/// together mostly come back together, and to write the pages of a batch twice costs several times as much.
const PATIENCE: Duration = Duration::from_micros(200);

/// How many batches may wait for their answers to be given.
const AHEAD: usize = 4;

/// For how long nobody calls before the search index takes up what waits.
const IDLE: Duration = Duration::from_millis(20);

/// The calls of a batch that has ended.
struct Answers {
    commands: Vec<Command>,
    failure: Option<Error>,
}

impl Answers {
    fn give(self) {
        for command in self.commands {
            command.answer(self.failure.as_ref());
        }
    }
}

/// The writer's thread.
pub(crate) struct Writer<'a> {
    config: &'a SqliteConfig,
    inbox: &'a Inbox<Command>,
    wake: &'a Notify,
    /// None after a failure, until the file can be opened again.
    connection: Option<SqliteConnection>,
    /// How many batches are still to be guarded.
    guarded: u32,
    /// How many calls there were when the last batch ended, its own included: as many are likely to come again.
    expected: usize,
    /// What waits to be taken up by the search index.
    waiting: Waiting,
}

impl<'a> Writer<'a> {
    /// Returns a writer that takes its calls from a queue and wakes those who wait for jobs.
    pub(crate) fn new(
        config: &'a SqliteConfig,
        connection: SqliteConnection,
        inbox: &'a Inbox<Command>,
        wake: &'a Notify,
    ) -> Self {
        // An earlier process may have ended while messages waited.
        let waiting = Waiting { any: true, bytes: 0 };
        Self { config, inbox, wake, connection: Some(connection), guarded: 0, expected: 0, waiting }
    }

    /// Works until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let _closed = CloseAtEnd(self.inbox);
        let nearly = AtomicBool::new(false);
        thread::scope(|scope| {
            let (checkpoints, checkpointer) = checkpoint::pair(self.config, &nearly);
            let checkpointing = thread::Builder::new().name("autocrm-checkpoint".to_owned());
            if let Err(error) = checkpointing.spawn_scoped(scope, move || checkpointer.run()) {
                tracing::warn!(error = %error, "commits move the log themselves");
            }
            let (answers, answered) = mpsc::sync_channel::<Answers>(AHEAD);
            let answering = thread::Builder::new().name("autocrm-answers".to_owned());
            let answering =
                answering.spawn_scoped(scope, move || answered.into_iter().for_each(Answers::give));
            loop {
                let mut commands = self.next();
                if commands.is_empty() {
                    return;
                }
                let outcome = self.batch(&mut commands);
                self.expected = commands.len() + self.inbox.len();
                match &outcome {
                    Ok(false) => {}
                    Ok(true) => {
                        self.wake.notify_waiters();
                        self.wake.notify_one();
                    }
                    Err(error) => {
                        tracing::warn!(error = %error, calls = commands.len(), "a batch was not committed");
                    }
                }
                let many = commands.len() >= MANY && answering.is_ok();
                let batch = Answers { commands, failure: outcome.err() };
                if !many {
                    batch.give();
                } else if let Err(unsent) = answers.send(batch) {
                    unsent.0.give();
                }
                if let Some(connection) = &mut self.connection {
                    checkpoints.committed(connection);
                }
            }
        });
    }

    /// Waits for calls, and has the search index take up what waits when none comes. Nothing: the queue is closed.
    fn next(&mut self) -> Vec<Command> {
        if self.waiting.any {
            let commands = self.inbox.take_queued(self.config.batch, Some(IDLE));
            if !commands.is_empty() {
                return commands;
            }
            self.waiting = Waiting::default();
            if let Err(error) = self.take_up() {
                tracing::warn!(error = %error, "the search index did not take up what waits");
            }
        }
        self.inbox.take(self.config.batch)
    }

    fn take_up(&mut self) -> Result<()> {
        let Some(mut connection) = self.connection.take() else { return Ok(()) };
        connection.batch_execute("BEGIN IMMEDIATE").during(BATCH)?;
        index::take_up(&mut connection)?;
        connection.batch_execute("COMMIT").during(BATCH)?;
        self.connection = Some(connection);
        Ok(())
    }

    /// Commits the commands and returns whether workers may find a new job.
    fn batch(&mut self, commands: &mut Vec<Command>) -> Result<bool> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.config.connect_existing()?,
        };
        let pace = if self.guarded == 0 { Pace::Plain } else { Pace::Guarded };
        self.guarded = self.guarded.saturating_sub(1);
        let outcome = match self.commit(&mut connection, commands, pace) {
            Err(error) if pace == Pace::Plain && error.kind() != ErrorKind::Unavailable => {
                // Where SQLite has rolled back by itself there is nothing left to end, and the next BEGIN tells the rest.
                drop(connection.batch_execute("ROLLBACK"));
                self.guarded = GUARDED;
                self.commit(&mut connection, commands, Pace::Guarded)
            }
            outcome => outcome,
        };
        // After a failure the connection may still be inside of the transaction: it is dropped, which rolls back.
        if outcome.is_ok() {
            self.connection = Some(connection);
        }
        outcome
    }

    /// Commits the commands, and those that arrive while they are applied or are expected to: each further one shares the
    /// sync at the end.
    fn commit(
        &mut self,
        connection: &mut SqliteConnection,
        commands: &mut Vec<Command>,
        pace: Pace,
    ) -> Result<bool> {
        let mut ledger = Ledger { waiting: self.waiting, ..Ledger::default() };
        connection.batch_execute("BEGIN IMMEDIATE").during(BATCH)?;
        let mut done = 0;
        while done < commands.len() {
            for command in commands.iter_mut().skip(done) {
                command.run(connection, &mut ledger, pace)?;
            }
            done = commands.len();
            let patience = (done < self.expected).then_some(PATIENCE);
            commands.extend(self.inbox.take_queued(self.config.batch.saturating_sub(done), patience));
        }
        ledger.settle(connection)?;
        connection.batch_execute("COMMIT").during(BATCH)?;
        self.waiting = ledger.waiting;
        Ok(ledger.jobs)
    }
}
