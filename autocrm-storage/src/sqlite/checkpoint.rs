//! Moving the write-ahead log into the database file beside the writer, so that callers do not wait for it.
//!
//! A log starts over only when all of it was moved before a write begins, which a thread beside a busy writer never reaches.
//! It moves the bulk, and then, right after commits, the rest, until a pass has seen the end of the log: only such a pass
//! syncs the file. The writer then moves and syncs the few pages that came meanwhile.

use std::sync::{
    atomic::{AtomicBool, Ordering},
    mpsc::{Receiver, SyncSender, sync_channel},
};

use autocrm_core::error::Result;
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection, sql_query, sql_types::Integer};

use crate::sqlite::{config::SqliteConfig, failure::During};

const CHECKPOINT: &str = "checkpoint";

/// From how many pages on the log is moved. The two syncs of that are paid once for all of them.
const LONG: i32 = 16_000;
/// How many passes try to see the end of the log.
const PASSES: u32 = 16;

/// What SQLite says of its log.
#[derive(Debug, QueryableByName)]
struct Log {
    /// Pages in the log, -1 without one.
    #[diesel(sql_type = Integer)]
    log: i32,
    /// How many of them were moved.
    #[diesel(sql_type = Integer)]
    checkpointed: i32,
}

/// Asks for the state of the log and leaves it as it is. A SQLite before 3.51 does not know the word, and moves the log.
fn state(connection: &mut SqliteConnection) -> Result<Log> {
    sql_query("PRAGMA wal_checkpoint(NOOP)").get_result(connection).during(CHECKPOINT)
}

/// Moves what nobody reads or writes at this moment.
fn advance(connection: &mut SqliteConnection) -> Result<()> {
    // Its answer knows the log as it was when the pass began.
    let _begun: Log =
        sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result(connection).during(CHECKPOINT)?;
    Ok(())
}

/// The writer's side.
#[derive(Debug)]
pub(crate) struct Checkpoints<'a> {
    commits: SyncSender<()>,
    nearly: &'a AtomicBool,
}

/// The side of the thread that moves the log.
#[derive(Debug)]
pub(crate) struct Checkpointer<'a> {
    config: &'a SqliteConfig,
    commits: Receiver<()>,
    nearly: &'a AtomicBool,
}

/// Returns both sides; `nearly` says that little is left to move.
pub(crate) fn pair<'a>(
    config: &'a SqliteConfig,
    nearly: &'a AtomicBool,
) -> (Checkpoints<'a>, Checkpointer<'a>) {
    let (sender, commits) = sync_channel(1);
    (Checkpoints { commits: sender, nearly }, Checkpointer { config, commits, nearly })
}

impl Checkpoints<'_> {
    /// Tells of a commit, and moves the rest of the log when most of it was moved.
    pub(crate) fn committed(&self, connection: &mut SqliteConnection) {
        if self.nearly.swap(false, Ordering::AcqRel)
            && let Err(error) = advance(connection)
        {
            tracing::warn!(error = %error, "the end of the log was not moved");
        }
        // It is told already, or it has ended: then the log is moved by the commit that finds it twice as long.
        let _unheard = self.commits.try_send(());
    }
}

impl Checkpointer<'_> {
    /// Works until the writer ends.
    pub(crate) fn run(self) {
        let mut connection = None;
        while self.commits.recv().is_ok() {
            if let Err(error) = self.look(&mut connection) {
                tracing::warn!(error = %error, "the log was not moved");
                connection = None;
            }
        }
    }

    fn look(&self, kept: &mut Option<SqliteConnection>) -> Result<()> {
        let connection = match kept {
            Some(connection) => connection,
            None => kept.insert(self.config.connect_existing()?),
        };
        if self.nearly.load(Ordering::Acquire) || state(connection)?.log < LONG {
            return Ok(());
        }
        for _ in 0..PASSES {
            advance(connection)?;
            let now = state(connection)?;
            if now.checkpointed >= now.log || self.commits.recv().is_err() {
                break;
            }
        }
        self.nearly.store(true, Ordering::Release);
        Ok(())
    }
}
