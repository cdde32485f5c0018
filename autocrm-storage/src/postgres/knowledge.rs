//! Articles, revisions, passages and feedback.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use autocrm_core::{
    access::Scope,
    error::Result,
    id::{ArticleId, ChunkId},
    knowledge::{Article, ArticleFilter, Chunk, FeedbackTarget, FeedbackTotals, Revision},
    page::{Cursor, Page, PageRequest},
    port::KnowledgeReader,
    text::Key,
};
use sqlx::{PgConnection, query_scalar};

use crate::{
    column::{Code, Uid, number, target_columns},
    postgres::{
        PostgresStore,
        document::{self, before},
        failure::During,
        table,
    },
    record::{ChunkRecord, FeedbackRecord},
};

const COMMIT: &str = "commit";

/// Replaces the passages of an article.
pub(crate) async fn replace_chunks(
    connection: &mut PgConnection,
    tenant: Uid,
    article: Uid,
    chunks: &[ChunkRecord],
) -> Result<()> {
    sqlx::query("DELETE FROM autocrm.autocrm_chunk WHERE tenant = $1 AND article = $2")
        .bind(tenant)
        .bind(article)
        .execute(&mut *connection)
        .await
        .during(COMMIT)?;
    let all: Vec<&ChunkRecord> = chunks.iter().collect();
    table::insert(connection, &all).await.during(COMMIT)
}

/// Stores feedback in place of what the same users said of the same targets before. Of several words of one user on one
/// target the last one counts.
pub(crate) async fn save_feedback(connection: &mut PgConnection, records: &[&FeedbackRecord]) -> Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    let spoken = |record: &FeedbackRecord| (record.tenant, record.target_kind, record.target, record.user);
    let latest: BTreeMap<_, &FeedbackRecord> =
        records.iter().map(|record| (spoken(record), *record)).collect();
    let latest: Vec<&FeedbackRecord> = latest.into_values().collect();
    let tenants: Vec<Uid> = latest.iter().map(|record| record.tenant).collect();
    let kinds: Vec<i64> = latest.iter().map(|record| record.target_kind).collect();
    let targets: Vec<Uid> = latest.iter().map(|record| record.target).collect();
    let users: Vec<Uid> = latest.iter().map(|record| record.user).collect();
    sqlx::query(include_str!("sql/replace_feedback.sql"))
        .bind(tenants)
        .bind(kinds)
        .bind(targets)
        .bind(users)
        .execute(&mut *connection)
        .await
        .during(COMMIT)?;
    table::insert(connection, &latest).await.during(COMMIT)
}

async fn find(connection: &mut PgConnection, scope: &Scope, id: ArticleId) -> Result<Option<Article>> {
    let statement = query_scalar(include_str!("sql/article.sql"))
        .bind(Uid::of(scope.tenant()))
        .bind(scope.is_staff())
        .bind(Uid::of(id));
    document::one(connection, "article", statement).await
}

#[async_trait]
impl KnowledgeReader for PostgresStore {
    async fn article(&self, scope: &Scope, id: ArticleId) -> Result<Option<Article>> {
        let mut tx = self.read("article", scope).await?;
        find(&mut tx, scope, id).await
    }

    async fn article_by_slug(&self, scope: &Scope, slug: &Key) -> Result<Option<Article>> {
        let statement = query_scalar(include_str!("sql/article_by_slug.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(scope.is_staff())
            .bind(slug.as_str().to_owned());
        let mut tx = self.read("article_by_slug", scope).await?;
        document::one(&mut tx, "article", statement).await
    }

    async fn articles(
        &self,
        scope: &Scope,
        filter: &ArticleFilter,
        page: &PageRequest,
    ) -> Result<Page<Article>> {
        let statement = query_scalar(include_str!("sql/articles.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(scope.is_staff())
            .bind(before(page))
            .bind(filter.state.map(Code::code))
            .bind(filter.category.as_ref().map(|category| category.as_str().to_owned()))
            .bind(filter.language.as_ref().map(|language| language.as_str().to_owned()))
            .bind(number(page.limit() + 1));
        let mut tx = self.read("articles", scope).await?;
        document::page(&mut tx, "articles", statement, page, |article: &Article| article.id.as_uuid()).await
    }

    async fn revisions(
        &self,
        scope: &Scope,
        article: ArticleId,
        page: &PageRequest,
    ) -> Result<Page<Revision>> {
        if !scope.is_staff() {
            return Ok(Page::default());
        }
        let statement = query_scalar(include_str!("sql/revisions.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(Uid::of(article))
            .bind(page.cursor().map_or(0, |cursor| cursor.key))
            .bind(number(page.limit() + 1));
        let mut tx = self.read("revisions", scope).await?;
        let found = document::all(&mut tx, "revisions", statement).await?;
        Ok(Page::from_overfetch(found, page.limit(), |revision: &Revision| Cursor {
            key: i64::from(revision.number),
            id: article.as_uuid(),
        }))
    }

    async fn revision(&self, scope: &Scope, article: ArticleId, given: u32) -> Result<Option<Revision>> {
        if !scope.is_staff() {
            return Ok(None);
        }
        let statement = query_scalar(include_str!("sql/revision.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(Uid::of(article))
            .bind(i64::from(given));
        let mut tx = self.read("revision", scope).await?;
        document::one(&mut tx, "revision", statement).await
    }

    async fn chunks(&self, scope: &Scope, ids: &[ChunkId]) -> Result<Vec<Chunk>> {
        let asked: Vec<Uid> = ids.iter().map(|id| Uid::of(*id)).collect();
        let statement = query_scalar(include_str!("sql/chunks.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(scope.is_staff())
            .bind(asked);
        let mut tx = self.read("chunks", scope).await?;
        let found: Vec<Chunk> = document::all(&mut tx, "chunks", statement).await?;
        let known: HashMap<ChunkId, Chunk> = found.into_iter().map(|chunk| (chunk.id, chunk)).collect();
        Ok(ids.iter().filter_map(|id| known.get(id)).cloned().collect())
    }

    async fn article_chunks(&self, scope: &Scope, article: ArticleId) -> Result<Vec<Chunk>> {
        let mut tx = self.snapshot("article_chunks", scope).await?;
        if find(&mut tx, scope, article).await?.is_none() {
            return Ok(Vec::new());
        }
        let statement = query_scalar(include_str!("sql/article_chunks.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(Uid::of(article));
        document::all(&mut tx, "article_chunks", statement).await
    }

    async fn feedback(&self, scope: &Scope, target: FeedbackTarget) -> Result<FeedbackTotals> {
        if !scope.is_staff() {
            return Ok(FeedbackTotals::default());
        }
        let (kind, id) = target_columns(target);
        let mut tx = self.read("feedback", scope).await?;
        let (helpful, unhelpful): (i64, i64) = sqlx::query_as(include_str!("sql/feedback.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(kind)
            .bind(id)
            .fetch_one(&mut *tx)
            .await
            .during("feedback")?;
        let count = |said: i64| u64::try_from(said).unwrap_or(0);
        Ok(FeedbackTotals { helpful: count(helpful), unhelpful: count(unhelpful) })
    }
}
