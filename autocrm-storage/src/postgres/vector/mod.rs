//! Passages by their embeddings, on pgvector.

mod apply;
mod search;

use std::fmt;

use async_trait::async_trait;
use autocrm_core::{
    change::Position,
    error::Result,
    id::{ArticleId, TenantId},
    knowledge::{EmbeddingSpace, Metric},
    port::{VectorBatch, VectorHit, VectorIndex, VectorQuery},
    text::{Key, ModelName},
};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, SqlSafeStr as _, SqlStr};

use crate::{
    column::{Uid, corrupt, narrow, number},
    migration::{Migration, MigrationReport},
    postgres::{
        PostgresStore,
        component::Component,
        failure::During,
        session::{Access, RUNTIME, Session},
        store::{Tx, begin_on},
    },
};

const CURSOR: &str = "vector_index.cursor";
const SPACES: &str = "vector_index.spaces";
const DROP: &str = "vector_index.drop_space";
const CLEAR: &str = "vector_index.clear";

/// Iterative scans, which go on until enough passages pass the filter, came with pgvector 0.8.
const COMPONENT: Component = Component {
    name: "vectors",
    migrations: &[Migration {
        name: "vectors_0001",
        sql: include_str!("../../../migrations/vectors_0001/postgres.sql"),
    }],
    extension: Some(("vector", (0, 8))),
};

/// How many neighbours a walk through the index keeps in sight.
const SIGHT: u32 = 200;
/// How many vectors a walk through the index looks at, at most.
const WALK: u32 = 20_000;

/// A vector index in a PostgreSQL database, on the extension pgvector (0.8 or newer). Clones are handles on the same
/// index.
///
/// As long as at most 20,000 of a tenant's passages in a space have the visibilities of a query, all of them are compared
/// and nothing is missed. Beyond, the tenant's own HNSW index is walked: at least 95 of 100 of the ten nearest are found.
/// The walk looks at some 20,000 vectors at most; where it ends before a page is full, as behind a narrow language, the
/// rest of the page comes from an exact comparison of all that pass the filter.
///
/// The HNSW index of a tenant is made by the first `apply` after it has 20,000 passages in a space; it keeps other writers
/// of the space waiting for some seconds.
#[derive(Clone)]
pub struct PostgresVectorIndex {
    store: PostgresStore,
    /// The settings of every transaction: where the extension is, and how its index is walked.
    settings: String,
}

impl fmt::Debug for PostgresVectorIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresVectorIndex").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A space that is held, and what a tenant has in it.
struct Shelf {
    space: i64,
    position: i64,
    /// The passages by visibility.
    passages: Vec<i64>,
    indexed: bool,
}

impl PostgresVectorIndex {
    /// Makes the extension unless it is there, and the tables of the index. The store is migrated first; the pool's user
    /// owns its tables. It may be run again at any time, by many processes at once.
    ///
    /// # Errors
    /// `Unsupported` when the extension `vector` is missing and the user may not make it, or is older than 0.8;
    /// `SchemaOutdated` when the store is not migrated; `SchemaTooNew` when the tables are newer than this library;
    /// `Unavailable` when the server cannot be reached.
    pub async fn migrate(pool: &PgPool) -> Result<MigrationReport> {
        COMPONENT.install(pool).await
    }

    /// Opens the index in a store's database, on the store's pool.
    ///
    /// # Errors
    /// `Unsupported` when the extension `vector` is missing or too old, or row-level security cannot be relied on;
    /// `SchemaOutdated` when [`migrate`](Self::migrate) has to be run first; `SchemaTooNew` when the tables are newer than
    /// this library; `Unavailable` when the server cannot be reached.
    pub async fn open(store: &PostgresStore) -> Result<Self> {
        let extension = COMPONENT.require(store.pool()).await?;
        let home = extension.map(|found| found.schema).unwrap_or_default();
        let settings = format!(
            "; SET LOCAL search_path = pg_catalog, {home}; SET LOCAL plan_cache_mode = force_custom_plan; \
             SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL hnsw.iterative_scan = strict_order; \
             SET LOCAL hnsw.ef_search = {SIGHT}; SET LOCAL hnsw.max_scan_tuples = {WALK}"
        );
        Ok(Self { store: store.clone(), settings })
    }

    async fn begin(&self, operation: &'static str, session: &Session, access: Access) -> Result<Tx> {
        let mut text = session.begin(access, RUNTIME, self.store.config()).as_str().to_owned();
        text.push_str(&self.settings);
        begin_on(self.store.pool(), operation, AssertSqlSafe(text).into_sql_str()).await
    }
}

/// Puts the number of a space into a statement about its table.
fn of_space(statement: &str, space: i64) -> SqlStr {
    AssertSqlSafe(statement.replace("{space}", &space.to_string())).into_sql_str()
}

/// Returns a space and what a tenant has in it; `None`: the space is not held.
async fn shelf(
    connection: &mut PgConnection,
    operation: &'static str,
    space: &EmbeddingSpace,
    tenant: Uid,
) -> Result<Option<Shelf>> {
    type Row = (i64, Option<i64>, Option<Vec<i64>>, Option<bool>);
    let row: Option<Row> = sqlx::query_as(include_str!("../sql/vector_shelf.sql"))
        .bind(space.model().as_str())
        .bind(space.version().as_str())
        .bind(number(space.dimensions()))
        .bind(space.metric().as_str())
        .bind(tenant)
        .fetch_optional(connection)
        .await
        .during(operation)?;
    Ok(row.map(|(space, position, passages, indexed)| Shelf {
        space,
        position: position.unwrap_or(0),
        passages: passages.unwrap_or_default(),
        indexed: indexed.unwrap_or(false),
    }))
}

/// Returns every space with its number, in the order of the spaces.
async fn spaces(
    connection: &mut PgConnection,
    operation: &'static str,
) -> Result<Vec<(EmbeddingSpace, i64)>> {
    let rows: Vec<(i64, String, String, i64, String)> = sqlx::query_as(
        "SELECT space, model, version, dimensions, metric FROM autocrm.autocrm_vector_space ORDER BY space",
    )
    .fetch_all(connection)
    .await
    .during(operation)?;
    let mut found = Vec::with_capacity(rows.len());
    for (space, model, version, dimensions, metric) in rows {
        let lost = || corrupt("EmbeddingSpace");
        if metric != Metric::Cosine.as_str() {
            return Err(lost());
        }
        let (model, version) =
            (ModelName::new(&model).map_err(|_| lost())?, Key::new(&version).map_err(|_| lost())?);
        let dimensions = narrow(dimensions, "dimensions")?;
        let known = EmbeddingSpace::new(model, version, dimensions, Metric::Cosine).map_err(|_| lost())?;
        found.push((known, space));
    }
    found.sort();
    Ok(found)
}

#[async_trait]
impl VectorIndex for PostgresVectorIndex {
    async fn apply(&self, batch: &VectorBatch) -> Result<()> {
        self.apply_batch(batch).await
    }

    async fn cursor(&self, space: &EmbeddingSpace, tenant: TenantId) -> Result<Position> {
        let own = Uid::of(tenant);
        let mut tx = self.begin(CURSOR, &Session::system(own), Access::Read).await?;
        let found = shelf(&mut tx, CURSOR, space, own).await?;
        Ok(Position::new(narrow(found.map_or(0, |shelf| shelf.position), "position")?))
    }

    async fn search(&self, query: &VectorQuery) -> Result<Vec<VectorHit>> {
        self.search_space(query).await
    }

    async fn erase(&self, tenant: TenantId, article: ArticleId) -> Result<()> {
        self.erase_article(tenant, article).await
    }

    async fn spaces(&self) -> Result<Vec<EmbeddingSpace>> {
        let mut tx = self.begin(SPACES, &Session::worker(), Access::Read).await?;
        Ok(spaces(&mut tx, SPACES).await?.into_iter().map(|(space, _)| space).collect())
    }

    async fn drop_space(&self, space: &EmbeddingSpace) -> Result<()> {
        self.drop_where(DROP, |held| held == space).await
    }

    async fn clear(&self) -> Result<()> {
        self.drop_where(CLEAR, |_| true).await
    }
}

impl PostgresVectorIndex {
    async fn drop_where(
        &self,
        operation: &'static str,
        goes: impl Fn(&EmbeddingSpace) -> bool + Send,
    ) -> Result<()> {
        let mut tx = self.begin(operation, &Session::worker(), Access::Write).await?;
        let held = spaces(&mut tx, operation).await?;
        let gone: Vec<i64> =
            held.into_iter().filter(|(space, _)| goes(space)).map(|(_, number)| number).collect();
        if gone.is_empty() {
            return Ok(());
        }
        sqlx::query("SELECT autocrm.drop_space(gone) FROM unnest($1::int8[]) AS gone ORDER BY gone")
            .bind(gone)
            .execute(&mut *tx)
            .await
            .during(operation)?;
        tx.commit().await.during(operation)
    }
}
