//! Articles, revisions, passages and feedback.

use async_trait::async_trait;
use autocrm_core::{
    access::{ArticleVisibility, Scope},
    error::Result,
    id::{ArticleId, ChunkId},
    knowledge::{Article, ArticleFilter, ArticleState, Chunk, FeedbackTarget, FeedbackTotals, Revision},
    page::{Cursor, Page, PageRequest},
    port::KnowledgeReader,
    text::Key,
};
use diesel::{SqliteConnection, prelude::*, sqlite::Sqlite};

use crate::{
    column::{Code, Uid, from_json, number, target_columns},
    record::{ChunkRecord, FeedbackRecord, RevisionRecord},
    schema::{autocrm_article, autocrm_chunk, autocrm_feedback, autocrm_revision},
    sqlite::{
        SqliteStore,
        failure::During,
        reader::snapshot,
        save::{COMMIT, written},
    },
};

/// Adds a revision.
pub(crate) fn add_revision(connection: &mut SqliteConnection, record: &RevisionRecord) -> Result<()> {
    let inserted = diesel::insert_into(autocrm_revision::table).values(record).execute(connection);
    written(inserted, "autocrm_revision")
}

/// Replaces the passages of an article.
pub(crate) fn replace_chunks(
    connection: &mut SqliteConnection,
    tenant: Uid,
    article: Uid,
    chunks: &[ChunkRecord],
) -> Result<()> {
    let earlier = autocrm_chunk::table
        .filter(autocrm_chunk::tenant.eq(tenant))
        .filter(autocrm_chunk::article.eq(article));
    diesel::delete(earlier).execute(connection).during(COMMIT)?;
    for chunk in chunks {
        let inserted = diesel::insert_into(autocrm_chunk::table).values(chunk).execute(connection);
        written(inserted, "autocrm_chunk")?;
    }
    Ok(())
}

/// Stores feedback in place of what the user said of the target before.
pub(crate) fn save_feedback(connection: &mut SqliteConnection, record: &FeedbackRecord) -> Result<()> {
    let earlier = autocrm_feedback::table
        .filter(autocrm_feedback::tenant.eq(record.tenant))
        .filter(autocrm_feedback::target_kind.eq(record.target_kind))
        .filter(autocrm_feedback::target.eq(record.target))
        .filter(autocrm_feedback::user.eq(record.user));
    diesel::delete(earlier).execute(connection).during(COMMIT)?;
    let inserted = diesel::insert_into(autocrm_feedback::table).values(record).execute(connection);
    written(inserted, "autocrm_feedback")
}

type Selection = autocrm_article::BoxedQuery<'static, Sqlite, diesel::sql_types::Text>;

/// Begins a selection of the articles that a scope shows.
fn shown(scope: &Scope) -> Selection {
    let articles = autocrm_article::table
        .filter(autocrm_article::tenant.eq(Uid::of(scope.tenant())))
        .select(autocrm_article::document)
        .into_boxed();
    if scope.is_staff() {
        return articles;
    }
    articles
        .filter(autocrm_article::state.eq(ArticleState::Published.code()))
        .filter(autocrm_article::visibility.ne(ArticleVisibility::Internal.code()))
}

fn decode_article(text: &str) -> Result<Article> {
    from_json(text, "article")
}

fn find(connection: &mut SqliteConnection, scope: &Scope, id: ArticleId) -> Result<Option<Article>> {
    let one = shown(scope).filter(autocrm_article::id.eq(Uid::of(id)));
    let document: Option<String> = one.get_result(connection).optional().during("article")?;
    document.as_deref().map(decode_article).transpose()
}

fn page_of_articles(
    connection: &mut SqliteConnection,
    scope: &Scope,
    filter: &ArticleFilter,
    page: &PageRequest,
) -> Result<Page<Article>> {
    let mut articles = shown(scope).order(autocrm_article::id.desc()).limit(number(page.limit() + 1));
    if let Some(state) = filter.state {
        articles = articles.filter(autocrm_article::state.eq(state.code()));
    }
    if let Some(category) = &filter.category {
        articles = articles.filter(autocrm_article::category.eq(category.as_str().to_owned()));
    }
    if let Some(language) = &filter.language {
        articles = articles.filter(autocrm_article::language.eq(language.as_str().to_owned()));
    }
    if let Some(cursor) = page.cursor() {
        articles = articles.filter(autocrm_article::id.lt(Uid(cursor.id)));
    }
    let documents: Vec<String> = articles.load(connection).during("articles")?;
    let found = documents.iter().map(|text| decode_article(text)).collect::<Result<_>>()?;
    Ok(Page::from_overfetch(found, page.limit(), |article: &Article| Cursor {
        key: 0,
        id: article.id.as_uuid(),
    }))
}

fn find_chunks(connection: &mut SqliteConnection, scope: &Scope, ids: &[ChunkId]) -> Result<Vec<Chunk>> {
    let mut chunks = Vec::with_capacity(ids.len());
    for id in ids {
        let document: Option<String> = autocrm_chunk::table
            .find((Uid::of(scope.tenant()), Uid::of(*id)))
            .select(autocrm_chunk::document)
            .get_result(connection)
            .optional()
            .during("chunks")?;
        let Some(text) = document else { continue };
        let chunk: Chunk = from_json(&text, "chunk")?;
        if find(connection, scope, chunk.article)?.is_some() {
            chunks.push(chunk);
        }
    }
    Ok(chunks)
}

#[async_trait]
impl KnowledgeReader for SqliteStore {
    async fn article(&self, scope: &Scope, id: ArticleId) -> Result<Option<Article>> {
        let scope = scope.clone();
        self.read("article", move |connection| find(connection, &scope, id)).await
    }

    async fn article_by_slug(&self, scope: &Scope, slug: &Key) -> Result<Option<Article>> {
        let one = shown(scope).filter(autocrm_article::slug.eq(slug.as_str().to_owned()));
        self.read("article_by_slug", move |connection| {
            let document: Option<String> = one.get_result(connection).optional().during("article_by_slug")?;
            document.as_deref().map(decode_article).transpose()
        })
        .await
    }

    async fn articles(
        &self,
        scope: &Scope,
        filter: &ArticleFilter,
        page: &PageRequest,
    ) -> Result<Page<Article>> {
        let (scope, filter, page) = (scope.clone(), filter.clone(), *page);
        self.read("articles", move |connection| page_of_articles(connection, &scope, &filter, &page)).await
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
        let (tenant, page) = (Uid::of(scope.tenant()), *page);
        self.read("revisions", move |connection| {
            let after = page.cursor().map_or(0, |cursor| cursor.key);
            let documents: Vec<String> = autocrm_revision::table
                .filter(autocrm_revision::tenant.eq(tenant))
                .filter(autocrm_revision::article.eq(Uid::of(article)))
                .filter(autocrm_revision::number.gt(after))
                .order(autocrm_revision::number.asc())
                .limit(number(page.limit() + 1))
                .select(autocrm_revision::document)
                .load(connection)
                .during("revisions")?;
            let found = documents.iter().map(|text| from_json(text, "revision")).collect::<Result<_>>()?;
            Ok(Page::from_overfetch(found, page.limit(), |revision: &Revision| Cursor {
                key: i64::from(revision.number),
                id: article.as_uuid(),
            }))
        })
        .await
    }

    async fn revision(&self, scope: &Scope, article: ArticleId, given: u32) -> Result<Option<Revision>> {
        if !scope.is_staff() {
            return Ok(None);
        }
        let key = (Uid::of(scope.tenant()), Uid::of(article), i64::from(given));
        self.read("revision", move |connection| {
            let document: Option<String> = autocrm_revision::table
                .find(key)
                .select(autocrm_revision::document)
                .get_result(connection)
                .optional()
                .during("revision")?;
            document.map(|text| from_json(&text, "revision")).transpose()
        })
        .await
    }

    async fn chunks(&self, scope: &Scope, ids: &[ChunkId]) -> Result<Vec<Chunk>> {
        let (scope, asked) = (scope.clone(), ids.to_vec());
        self.read("chunks", move |connection| {
            snapshot(connection, |connection| find_chunks(connection, &scope, &asked))
        })
        .await
    }

    async fn article_chunks(&self, scope: &Scope, article: ArticleId) -> Result<Vec<Chunk>> {
        let scope = scope.clone();
        self.read("article_chunks", move |connection| {
            snapshot(connection, |connection| {
                if find(connection, &scope, article)?.is_none() {
                    return Ok(Vec::new());
                }
                let documents: Vec<String> = autocrm_chunk::table
                    .filter(autocrm_chunk::tenant.eq(Uid::of(scope.tenant())))
                    .filter(autocrm_chunk::article.eq(Uid::of(article)))
                    .order(autocrm_chunk::ordinal.asc())
                    .select(autocrm_chunk::document)
                    .load(connection)
                    .during("article_chunks")?;
                documents.iter().map(|text| from_json(text, "chunk")).collect()
            })
        })
        .await
    }

    async fn feedback(&self, scope: &Scope, target: FeedbackTarget) -> Result<FeedbackTotals> {
        if !scope.is_staff() {
            return Ok(FeedbackTotals::default());
        }
        let (tenant, (kind, id)) = (Uid::of(scope.tenant()), target_columns(target));
        self.read("feedback", move |connection| {
            let counts: Vec<(i64, i64)> = autocrm_feedback::table
                .filter(autocrm_feedback::tenant.eq(tenant))
                .filter(autocrm_feedback::target_kind.eq(kind))
                .filter(autocrm_feedback::target.eq(id))
                .group_by(autocrm_feedback::helpful)
                .select((autocrm_feedback::helpful, diesel::dsl::count_star()))
                .load(connection)
                .during("feedback")?;
            let mut totals = FeedbackTotals::default();
            for (helpful, said) in counts {
                let count = u64::try_from(said).unwrap_or(0);
                if helpful == 0 {
                    totals.unhelpful += count;
                } else {
                    totals.helpful += count;
                }
            }
            Ok(totals)
        })
        .await
    }
}
