//! The handle on a database, and how transactions on it begin.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use autocrm_core::{
    access::Scope,
    change::{ChangeSet, IdempotencyKey, Receipt},
    error::{Error, ErrorKind, Result},
    port::Committer,
};
use sqlx::{PgPool, Postgres, SqlStr, Transaction, postgres::PgListener};
use tokio::sync::{Mutex as AsyncMutex, Notify, oneshot};

use crate::{
    column::Uid,
    migration::{MigrationReport, SchemaStatus},
    plan::{KeyPlan, Plan},
    postgres::{
        committer::Waiting,
        config::PostgresConfig,
        failure::During,
        gate::Gate,
        lookup::Asked,
        migrate, receipt, roles,
        sealer::Trace,
        session::{Access, RUNTIME, Session},
    },
};

/// A transaction on a connection of the pool. Dropped, it is rolled back.
pub(crate) type Tx = Transaction<'static, Postgres>;

/// A store in a PostgreSQL database: every part of [`Store`](autocrm_core::port::Store). Clones are handles on the same
/// pool and the same queue of commits.
#[derive(Clone)]
pub struct PostgresStore {
    pub(crate) shared: Arc<Shared>,
}

/// What all handles share.
pub(crate) struct Shared {
    pub(crate) pool: PgPool,
    pub(crate) config: PostgresConfig,
    /// Change sets that wait to be committed.
    pub(crate) commits: Arc<Gate<Waiting>>,
    /// Commits that wait to be followed up.
    pub(crate) traces: Arc<Gate<Trace>>,
    /// Documents that wait to be read.
    pub(crate) lookups: Arc<Gate<Asked>>,
    /// Told when this process committed jobs.
    pub(crate) jobs: Notify,
    /// The connection that listens for jobs of other processes, once somebody waits for them.
    pub(crate) listener: AsyncMutex<Option<PgListener>>,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Opens a migrated database through the host's pool. It starts no thread and no task.
    ///
    /// The pool's user owns the tables or is a member of the role `autocrm_runtime`, which every transaction changes to.
    ///
    /// # Errors
    /// `SchemaOutdated` when the tables are missing or older than this library, `SchemaTooNew` when they are newer,
    /// `Unsupported` when the server is older than PostgreSQL 15, its encoding is not UTF-8, or a role could pass by
    /// row-level security, `Invalid` when a number of the configuration is outside of its range, `Unavailable` when
    /// the server cannot be reached or a copy of another desk into the database has not ended.
    pub async fn open(pool: PgPool, config: PostgresConfig) -> Result<Self> {
        config.check()?;
        migrate::require_current(&pool).await?;
        migrate::require_whole(&pool).await?;
        roles::require_safe(&pool).await?;
        Ok(Self::over(pool, config))
    }

    /// Returns a store over a database that has been looked at.
    pub(crate) fn over(pool: PgPool, config: PostgresConfig) -> Self {
        let shared = Shared {
            commits: Arc::default(),
            traces: Arc::default(),
            lookups: Arc::default(),
            jobs: Notify::new(),
            listener: AsyncMutex::new(None),
            pool,
            config,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Brings the schema of a database up to this library's. The pool's user owns the database or may create a schema in
    /// it; it makes the roles `autocrm_runtime` and `autocrm_search` unless an administrator has made them before.
    ///
    /// Each migration is one transaction under an advisory lock: of many processes that migrate at once, one does.
    ///
    /// # Errors
    /// As [`open`](Self::open), except that a missing or older schema is what this is for.
    pub async fn migrate(pool: &PgPool) -> Result<MigrationReport> {
        migrate::run(pool).await
    }

    /// Returns how the schema of a database stands towards this library's; changes nothing.
    ///
    /// # Errors
    /// `Unavailable` when the server cannot be reached.
    pub async fn schema_status(pool: &PgPool) -> Result<SchemaStatus> {
        migrate::status(pool).await
    }

    /// Returns the configuration.
    pub fn config(&self) -> &PostgresConfig {
        &self.shared.config
    }

    /// Returns the pool.
    pub fn pool(&self) -> &PgPool {
        &self.shared.pool
    }

    /// Begins a transaction for one statement that reads for a scope. Dropping it ends it.
    pub(crate) async fn read(&self, operation: &'static str, scope: &Scope) -> Result<Tx> {
        self.shared.begin(operation, &Session::of(scope), Access::Read, RUNTIME).await
    }

    /// Begins a transaction for one statement that reads by keys or in the order of an index, for a scope.
    pub(crate) async fn keyed(&self, operation: &'static str, scope: &Scope) -> Result<Tx> {
        self.shared.begin(operation, &Session::of(scope), Access::Keyed, RUNTIME).await
    }

    /// Begins a transaction in which several statements read one state of the database for a scope.
    pub(crate) async fn snapshot(&self, operation: &'static str, scope: &Scope) -> Result<Tx> {
        self.shared.begin(operation, &Session::of(scope), Access::Snapshot, RUNTIME).await
    }

    /// Begins a transaction for a session.
    pub(crate) async fn begin(
        &self,
        operation: &'static str,
        session: &Session,
        access: Access,
    ) -> Result<Tx> {
        self.shared.begin(operation, session, access, RUNTIME).await
    }
}

impl Shared {
    /// Begins a transaction for a session, as a role.
    pub(crate) async fn begin(
        &self,
        operation: &'static str,
        session: &Session,
        access: Access,
        role: &'static str,
    ) -> Result<Tx> {
        begin_on(&self.pool, operation, session.begin(access, role, &self.config)).await
    }

    /// Refuses an instant that is too far from the clock of the database.
    pub(crate) fn too_far(&self, decided: i64, now: i64) -> bool {
        let tolerance = i64::try_from(self.config.clock_tolerance.as_micros()).unwrap_or(i64::MAX);
        decided.abs_diff(now) > tolerance.unsigned_abs()
    }
}

/// Begins a transaction with a statement: the only place where one begins on the pool.
///
/// The driver can leave a connection inside of a transaction when the future that begins it is dropped; the next
/// borrower's writes would then be part of a transaction that nobody commits. A task of its own runs the beginning
/// to its end, whoever still waits for it; a transaction that nobody waits for any more is rolled back.
pub(crate) async fn begin_on(pool: &PgPool, operation: &'static str, statement: SqlStr) -> Result<Tx> {
    let pool = pool.clone();
    let (reply, begun) = oneshot::channel();
    #[expect(clippy::disallowed_methods, reason = "the shield: a beginning always runs to its end")]
    tokio::spawn(async move {
        #[expect(clippy::disallowed_methods, reason = "the one place where a transaction begins on the pool")]
        let outcome = pool.begin_with(statement).await;
        drop(reply.send(outcome));
    });
    match begun.await {
        Ok(outcome) => outcome.during(operation),
        Err(_) => Err(Error::new(ErrorKind::Unavailable, operation).context("the runtime is shutting down")),
    }
}

#[async_trait]
impl Committer for PostgresStore {
    async fn commit(&self, changes: &ChangeSet) -> Result<Receipt> {
        self.queue_commit(Plan::of(changes)?).await
    }

    async fn receipt(&self, key: &IdempotencyKey) -> Result<Option<Receipt>> {
        let sought = KeyPlan::of(key);
        let mut tx = self.begin("receipt", &Session::system(Uid::of(key.tenant)), Access::Read).await?;
        let kept = receipt::find(&mut tx, Uid::of(key.tenant), &[&sought]).await?;
        kept.into_iter().next().map(|kept| kept.replay(&sought)).transpose()
    }
}
