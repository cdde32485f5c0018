//! What changes the index: steps of a feed, and erasures.

use autocrm_core::{
    access::ArticleVisibility,
    change::Position,
    error::{Error, ErrorKind, Result},
    id::{ArticleId, TenantId},
    knowledge::{Embedding, EmbeddingSpace},
    port::{VectorBatch, VectorChange},
    text::Language,
};
use sqlx::PgConnection;

use super::{PostgresVectorIndex, Shelf, of_space, search::EXACT, spaces};
use crate::{
    column::{Code as _, Uid, narrow, number},
    postgres::{
        failure::During,
        fold::Fold,
        session::{Access, Session},
    },
};

const APPLY: &str = "vector_index.apply";
const ERASE: &str = "vector_index.erase";
/// How many vectors are written by one statement: 4 MB at 2,000 dimensions.
const GROUP: usize = 512;

/// A passage to be stored.
struct Row<'a> {
    visibility: ArticleVisibility,
    language: Option<&'a Language>,
    embedding: &'a Embedding,
}

fn folded(changes: &[VectorChange]) -> Fold<Row<'_>> {
    let mut fold = Fold::new();
    for change in changes {
        match change {
            VectorChange::Remove { article } => fold.replace(Uid::of(*article), std::iter::empty()),
            VectorChange::Replace { article, visibility, language, chunks } => {
                let row = |embedding| Row { visibility: *visibility, language: language.as_ref(), embedding };
                let rows = chunks.iter().map(|chunk| (Uid::of(chunk.id), row(&chunk.embedding)));
                fold.replace(Uid::of(*article), rows);
            }
        }
    }
    fold
}

impl Shelf {
    /// Counts passages that come or, with a negative number, go.
    fn count(&mut self, visibility: i64, change: i64) {
        let place = usize::try_from(visibility).unwrap_or(usize::MAX);
        if let Some(passages) = self.passages.get_mut(place) {
            *passages += change;
        }
    }

    async fn forget(
        &mut self,
        connection: &mut PgConnection,
        operation: &'static str,
        tenant: Uid,
        (articles, chunks): (Vec<Uid>, Vec<Uid>),
    ) -> Result<()> {
        let gone: Vec<(i64, i64)> =
            sqlx::query_as(of_space(include_str!("../sql/vector_forget.sql"), self.space))
                .bind(tenant)
                .bind(articles)
                .bind(chunks)
                .fetch_all(connection)
                .await
                .during(operation)?;
        for (visibility, passages) in gone {
            self.count(visibility, -passages);
        }
        Ok(())
    }

    async fn keep(
        &mut self,
        connection: &mut PgConnection,
        tenant: Uid,
        rows: &[(Uid, (Uid, Row<'_>))],
    ) -> Result<()> {
        let (mut chunks, mut articles, mut visibilities) = (Vec::new(), Vec::new(), Vec::new());
        let (mut languages, mut values, mut dimensions) = (Vec::new(), Vec::new(), 0);
        for (chunk, (article, row)) in rows {
            chunks.push(*chunk);
            articles.push(*article);
            visibilities.push(row.visibility.code());
            languages.push(row.language.map(Language::as_str));
            values.extend_from_slice(row.embedding.values());
            dimensions = row.embedding.values().len();
            self.count(row.visibility.code(), 1);
        }
        sqlx::query(of_space(include_str!("../sql/vector_keep.sql"), self.space))
            .bind(tenant)
            .bind(chunks)
            .bind(articles)
            .bind(visibilities)
            .bind(languages)
            .bind(values)
            .bind(number(dimensions))
            .execute(connection)
            .await
            .during(APPLY)?;
        Ok(())
    }

    /// Waits until nobody else changes what the tenant has in the space, and reads it.
    async fn lock(
        connection: &mut PgConnection,
        operation: &'static str,
        space: i64,
        tenant: Uid,
    ) -> Result<Option<Self>> {
        let row: Option<(i64, Vec<i64>, bool)> = sqlx::query_as(
            "SELECT position, passages, indexed FROM autocrm.autocrm_vector_cursor
             WHERE space = $1 AND tenant = $2 FOR UPDATE",
        )
        .bind(space)
        .bind(tenant)
        .fetch_optional(connection)
        .await
        .during(operation)?;
        Ok(row.map(|(position, passages, indexed)| Self { space, position, passages, indexed }))
    }

    async fn save(&self, connection: &mut PgConnection, operation: &'static str, tenant: Uid) -> Result<()> {
        sqlx::query(
            "UPDATE autocrm.autocrm_vector_cursor SET position = $3, passages = $4, indexed = $5
             WHERE space = $1 AND tenant = $2",
        )
        .bind(self.space)
        .bind(tenant)
        .bind(self.position)
        .bind(&self.passages)
        .bind(self.indexed)
        .execute(connection)
        .await
        .during(operation)?;
        Ok(())
    }

    /// Makes the tenant's index of neighbours. Nothing of the space was written before in this transaction, so that two of
    /// them never wait for each other.
    async fn index(&mut self, connection: &mut PgConnection, tenant: Uid) -> Result<()> {
        sqlx::query("SELECT set_config('statement_timeout', '0', true)")
            .execute(&mut *connection)
            .await
            .during(APPLY)?;
        sqlx::query("SELECT autocrm.index_space($1, $2)")
            .bind(self.space)
            .bind(tenant)
            .execute(connection)
            .await
            .during(APPLY)?;
        self.indexed = true;
        Ok(())
    }
}

/// Keeps a space from being dropped until the end of the transaction, and returns its number; `None`: it is not held.
async fn hold(connection: &mut PgConnection, space: &EmbeddingSpace) -> Result<Option<i64>> {
    sqlx::query_scalar(
        "SELECT space FROM autocrm.autocrm_vector_space
         WHERE model = $1 AND version = $2 AND dimensions = $3 AND metric = $4 FOR KEY SHARE",
    )
    .bind(space.model().as_str())
    .bind(space.version().as_str())
    .bind(number(space.dimensions()))
    .bind(space.metric().as_str())
    .fetch_optional(connection)
    .await
    .during(APPLY)
}

/// Makes a space unless it is held, and keeps it from being dropped.
async fn make(connection: &mut PgConnection, space: &EmbeddingSpace) -> Result<i64> {
    sqlx::query("SELECT autocrm.hold_space($1, $2, $3, $4)")
        .bind(space.model().as_str())
        .bind(space.version().as_str())
        .bind(number(space.dimensions()))
        .bind(space.metric().as_str())
        .execute(&mut *connection)
        .await
        .during(APPLY)?;
    let dropped = || Error::new(ErrorKind::Conflict, APPLY).context("the space is being dropped");
    hold(connection, space).await?.ok_or_else(dropped)
}

impl PostgresVectorIndex {
    pub(super) async fn apply_batch(&self, batch: &VectorBatch) -> Result<()> {
        batch.check()?;
        let tenant = Uid::of(batch.tenant);
        let mut tx = self.begin(APPLY, &Session::system(tenant), Access::Write).await?;
        let space = if let Some(space) = hold(&mut tx, &batch.space).await? {
            space
        } else {
            batch.follows(Position::START)?;
            make(&mut tx, &batch.space).await?
        };
        let missing = "INSERT INTO autocrm.autocrm_vector_cursor (space, tenant) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        sqlx::query(missing).bind(space).bind(tenant).execute(&mut *tx).await.during(APPLY)?;
        let lost = || Error::new(ErrorKind::Internal, APPLY).context("a cursor that was made is missing");
        let mut kept = Shelf::lock(&mut tx, APPLY, space, tenant).await?.ok_or_else(lost)?;
        if !batch.follows(Position::new(narrow(kept.position, "position")?))? {
            return Ok(());
        }
        if !kept.indexed && kept.passages.iter().sum::<i64>() >= EXACT {
            kept.index(&mut tx, tenant).await?;
        }
        let fold = folded(&batch.changes);
        if !fold.articles.is_empty() {
            kept.forget(&mut tx, APPLY, tenant, fold.gone()).await?;
        }
        let rows: Vec<(Uid, (Uid, Row<'_>))> = fold.rows.into_iter().collect();
        for group in rows.chunks(GROUP) {
            kept.keep(&mut tx, tenant, group).await?;
        }
        kept.position = number(batch.upto.get());
        kept.save(&mut tx, APPLY, tenant).await?;
        tx.commit().await.during(APPLY)
    }

    pub(super) async fn erase_article(&self, tenant: TenantId, article: ArticleId) -> Result<()> {
        let own = Uid::of(tenant);
        let mut tx = self.begin(ERASE, &Session::system(own), Access::Write).await?;
        let mut held: Vec<i64> =
            spaces(&mut tx, ERASE).await?.into_iter().map(|(_, number)| number).collect();
        held.sort_unstable();
        for space in held {
            // Without a cursor the tenant has nothing in the space, or the space was dropped meanwhile.
            if let Some(mut kept) = Shelf::lock(&mut tx, ERASE, space, own).await? {
                kept.forget(&mut tx, ERASE, own, (vec![Uid::of(article)], Vec::new())).await?;
                kept.save(&mut tx, ERASE, own).await?;
            }
        }
        tx.commit().await.during(ERASE)
    }
}
