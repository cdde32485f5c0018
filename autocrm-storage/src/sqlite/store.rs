//! The handle on a database file, and the threads behind it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use async_trait::async_trait;
use autocrm_core::{
    change::{ChangeSet, IdempotencyKey, Receipt},
    error::{Error, ErrorKind, Result},
    port::Committer,
};
use diesel::{SqliteConnection, connection::SimpleConnection};
use tokio::sync::{Notify, oneshot};

use crate::{
    column::Uid,
    finding::Finding,
    migration::{MigrationReport, SchemaStatus},
    plan::{KeyPlan, Plan},
    sqlite::{
        commit,
        config::SqliteConfig,
        doctor,
        failure::During,
        inbox::{Inbox, Refused},
        index, migrate,
        reader::{self, Look},
        receipt,
        writer::{Call, Command, Ledger, Writer},
    },
};

const OPEN: &str = "open a store";

/// A store in one SQLite file: every part of [`Store`](autocrm_core::port::Store). Clones are handles on the same
/// threads, which end with the last of them.
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

struct Shared {
    config: SqliteConfig,
    writes: Arc<Inbox<Command>>,
    reads: Arc<Inbox<Look>>,
    wake: Arc<Notify>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.writes.close();
        self.reads.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A thread that panicked has closed its queue; its callers were told.
            drop(thread.join());
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.shared.config.path).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens a migrated database file and starts its threads: one that writes, `readers` that read.
    ///
    /// # Errors
    /// `SchemaOutdated` when the file or its tables are missing or older than this library, `SchemaTooNew` when they
    /// are newer, `Corrupt` when it is not a database, `Unsupported` when SQLite lacks FTS5, `Invalid` when a number
    /// of the configuration is outside of its range, `Unavailable` when the file cannot be opened.
    pub fn open(config: SqliteConfig) -> Result<Self> {
        config.check()?;
        let mut connection = config.connect_existing()?;
        migrate::require_current(&mut connection)?;
        let shared = Shared {
            writes: Arc::new(Inbox::new(config.queue)),
            reads: Arc::new(Inbox::new(config.queue)),
            wake: Arc::new(Notify::new()),
            threads: Mutex::new(Vec::new()),
            config,
        };
        let (config, inbox, wake) =
            (shared.config.clone(), Arc::clone(&shared.writes), Arc::clone(&shared.wake));
        shared.start("autocrm-writer", move || Writer::new(&config, connection, &inbox, &wake).run())?;
        for _ in 0..shared.config.readers {
            let (mut own, inbox) = (shared.config.connect_existing()?, Arc::clone(&shared.reads));
            own.batch_execute(index::WAITING).during(OPEN)?;
            shared.start("autocrm-reader", move || reader::run(own, &inbox))?;
        }
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Brings the schema of a database file up to this library's; makes the file when it is missing.
    ///
    /// Each migration is one transaction: a process that dies in the middle leaves the schema before or after it.
    ///
    /// # Errors
    /// As [`open`](Self::open), except that a missing or older schema is what this is for.
    pub fn migrate(config: &SqliteConfig) -> Result<MigrationReport> {
        config.check()?;
        migrate::run(&mut config.connect()?)
    }

    /// Returns how the schema of a database file stands towards this library's; changes nothing.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt` when the file exists and cannot be read.
    pub fn schema_status(config: &SqliteConfig) -> Result<SchemaStatus> {
        config.check()?;
        if !config.path.exists() {
            return Ok(migrate::status_of(0));
        }
        migrate::status(&mut config.look_at_existing()?)
    }

    /// Examines a database file and returns what is wrong with it; nothing: all is well. It changes nothing, and works
    /// where [`open`](Self::open) refuses. It reads the whole file.
    pub fn doctor(config: &SqliteConfig) -> Vec<Finding> {
        doctor::examine(config)
    }

    /// Returns the configuration.
    pub fn config(&self) -> &SqliteConfig {
        &self.shared.config
    }

    /// Waits until a commit of this store added jobs.
    pub(crate) async fn wait_for_jobs(&self) {
        self.shared.wake.notified().await;
    }

    /// Has a reader answer.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        look: impl FnOnce(&mut SqliteConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let queued = self.shared.reads.push(Box::new(move |connection: &mut SqliteConnection| {
            if !reply.is_closed() {
                // The caller may go while the answer is made.
                drop(reply.send(look(connection)));
            }
        }));
        settled(operation, queued, answer).await
    }

    /// Has the writer do something for a tenant, and answers after it is durable. The work may be taken back and done
    /// again.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        tenant: Uid,
        work: impl FnMut(&mut SqliteConnection, &mut Ledger) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (call, answer) = Call::new(operation, tenant, work);
        settled(operation, self.shared.writes.push(Box::new(call)), answer).await
    }
}

impl Shared {
    fn start(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
        let started = thread::Builder::new().name(name.to_owned()).spawn(work);
        let thread = started.map_err(|error| Error::new(ErrorKind::Unavailable, OPEN).source(error))?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }
}

async fn settled<T>(
    operation: &'static str,
    queued: std::result::Result<(), Refused>,
    answer: oneshot::Receiver<Result<T>>,
) -> Result<T> {
    match queued {
        Ok(()) => {}
        Err(Refused::Full) => return Err(Error::new(ErrorKind::Overloaded, operation)),
        Err(Refused::Closed) => return Err(ended(operation)),
    }
    match answer.await {
        Ok(outcome) => outcome,
        Err(_) => Err(ended(operation)),
    }
}

fn ended(operation: &'static str) -> Error {
    Error::new(ErrorKind::Internal, operation).context("a thread of the store has ended")
}

#[async_trait]
impl Committer for SqliteStore {
    async fn commit(&self, changes: &ChangeSet) -> Result<Receipt> {
        let mut plan = Plan::of(changes)?;
        let tenant = plan.tenant;
        self.write("commit", tenant, move |connection, ledger| commit::apply(connection, ledger, &mut plan))
            .await
    }

    async fn receipt(&self, key: &IdempotencyKey) -> Result<Option<Receipt>> {
        let sought = KeyPlan::of(key);
        let tenant = Uid::of(key.tenant);
        self.read("receipt", move |connection| {
            let kept = receipt::find(connection, tenant, &sought)?;
            kept.map(|kept| kept.replay(&sought)).transpose()
        })
        .await
    }
}
