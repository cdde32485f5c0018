//! Passages by their words, on PostgreSQL's own full-text search.

mod apply;
mod search;
mod words;

use std::fmt;

use async_trait::async_trait;
use autocrm_core::{
    change::Position,
    error::{ErrorKind, Result},
    id::TenantId,
    port::{IndexChange, TextHit, TextIndex, TextQuery},
};
use sqlx::{AssertSqlSafe, PgPool, SqlSafeStr as _};

use crate::{
    column::{Uid, narrow},
    migration::{Migration, MigrationReport},
    postgres::{
        PostgresStore,
        component::Component,
        failure::During,
        session::{Access, RUNTIME, Session},
        store::{Tx, begin_on},
    },
};

const CURSOR: &str = "text_index.cursor";
const CLEAR: &str = "text_index.clear";

const COMPONENT: Component = Component {
    name: "passages",
    migrations: &[Migration {
        name: "passages_0001",
        sql: include_str!("../../../migrations/passages_0001/postgres.sql"),
    }],
    extension: None,
};

/// What a server with the extension `pg_trgm` has besides.
const TRIGRAMS: Component = Component {
    name: "trigrams",
    migrations: &[Migration {
        name: "trigrams_0001",
        sql: include_str!("../../../migrations/trigrams_0001/postgres.sql"),
    }],
    extension: Some(("pg_trgm", (1, 3))),
};

/// A text index in a PostgreSQL database. Clones are handles on the same index; any number of nodes may follow it, a step
/// that another node has overtaken is passed over.
///
/// Words are stemmed by the rules that PostgreSQL has for the language of their article, and compared without marks. A
/// passage is found by any of the sought words and ranked by Okapi BM25 within its tenant; words of the title and of
/// headings weigh more. A word that stands in more than a fifth of a tenant's passages (and in more than 1,000) ranks
/// passages, but finds none where a rarer word is sought too. Where none of the words occurs and the extension `pg_trgm`
/// is there, words that look like them are sought instead.
#[derive(Clone)]
pub struct PostgresTextIndex {
    store: PostgresStore,
    /// The settings of every transaction.
    settings: String,
    /// Whether mistyped words are looked up.
    corrects: bool,
}

impl fmt::Debug for PostgresTextIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresTextIndex").field("corrects", &self.corrects).finish_non_exhaustive()
    }
}

impl PostgresTextIndex {
    /// Makes the tables of the index, and what mistyped words need where the extension `pg_trgm` is there or can be made.
    /// The store is migrated first; the pool's user owns its tables. It may be run again at any time, by many processes at
    /// once.
    ///
    /// # Errors
    /// `SchemaOutdated` when the store is not migrated; `SchemaTooNew` when the tables are newer than this library;
    /// `Unavailable` when the server cannot be reached.
    pub async fn migrate(pool: &PgPool) -> Result<MigrationReport> {
        let mut report = COMPONENT.install(pool).await?;
        match TRIGRAMS.install(pool).await {
            Ok(more) => report.applied.extend(more.applied),
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                tracing::info!(%error, "mistyped words are not looked up");
            }
            Err(error) => return Err(error),
        }
        Ok(report)
    }

    /// Opens the index in a store's database, on the store's pool.
    ///
    /// # Errors
    /// `SchemaOutdated` when [`migrate`](Self::migrate) has to be run first; `SchemaTooNew` when the tables are newer than
    /// this library; `Unsupported` when row-level security cannot be relied on; `Unavailable` when the server cannot be
    /// reached.
    pub async fn open(store: &PostgresStore) -> Result<Self> {
        COMPONENT.require(store.pool()).await?;
        let (settings, corrects) = match TRIGRAMS.require(store.pool()).await {
            Ok(extension) => {
                let home = extension.map(|found| found.schema).unwrap_or_default();
                let search = format!("; SET LOCAL search_path = pg_catalog, {home}");
                (format!("{search}; SET LOCAL pg_trgm.similarity_threshold = 0.3"), true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::SchemaOutdated) => {
                ("; SET LOCAL search_path = pg_catalog".to_owned(), false)
            }
            Err(error) => return Err(error),
        };
        Ok(Self { store: store.clone(), settings, corrects })
    }

    /// Returns whether mistyped words are looked up: `pg_trgm` was there at the last migration.
    pub fn corrects(&self) -> bool {
        self.corrects
    }

    async fn begin(&self, operation: &'static str, session: &Session, access: Access) -> Result<Tx> {
        let mut text = session.begin(access, RUNTIME, self.store.config()).as_str().to_owned();
        text.push_str(&self.settings);
        begin_on(self.store.pool(), operation, AssertSqlSafe(text).into_sql_str()).await
    }
}

#[async_trait]
impl TextIndex for PostgresTextIndex {
    async fn apply(&self, tenant: TenantId, changes: &[IndexChange], upto: Position) -> Result<()> {
        self.apply_changes(Uid::of(tenant), changes, upto).await
    }

    async fn cursor(&self, tenant: TenantId) -> Result<Position> {
        let own = Uid::of(tenant);
        let mut tx = self.begin(CURSOR, &Session::system(own), Access::Read).await?;
        let position: Option<i64> =
            sqlx::query_scalar("SELECT position FROM autocrm.autocrm_passage_cursor WHERE tenant = $1")
                .bind(own)
                .fetch_optional(&mut *tx)
                .await
                .during(CURSOR)?;
        Ok(Position::new(narrow(position.unwrap_or(0), "position")?))
    }

    async fn search(&self, query: &TextQuery) -> Result<Vec<TextHit>> {
        self.search_passages(query).await
    }

    async fn clear(&self) -> Result<()> {
        let mut tx = self.begin(CLEAR, &Session::worker(), Access::Write).await?;
        sqlx::query("SELECT autocrm.clear_passages()").execute(&mut *tx).await.during(CLEAR)?;
        tx.commit().await.during(CLEAR)
    }
}
