//! Articles, revisions, passages and feedback.

use std::ops::Bound;

use async_trait::async_trait;

use crate::{
    access::Scope,
    error::Result,
    id::{ArticleId, ChunkId, FeedbackId, UserId},
    knowledge::{Article, ArticleFilter, Chunk, Feedback, FeedbackTarget, FeedbackTotals, Revision},
    memory::{
        MemoryStore, page_of,
        world::{Desk, put},
    },
    page::{Cursor, Page, PageRequest},
    port::KnowledgeReader,
    text::Key,
};

impl Desk {
    pub(super) fn set_article(&mut self, id: ArticleId, row: Option<Article>) -> Option<Article> {
        if let Some(before) = self.articles.get(&id) {
            self.articles_by_slug.remove(&before.slug);
        }
        if let Some(article) = &row {
            self.articles_by_slug.insert(article.slug.clone(), id);
        }
        put(&mut self.articles, id, row)
    }

    pub(super) fn set_revision(&mut self, key: (ArticleId, u32), row: Option<Revision>) -> Option<Revision> {
        put(&mut self.revisions, key, row)
    }

    pub(super) fn set_chunks(&mut self, article: ArticleId, row: Option<Vec<Chunk>>) -> Option<Vec<Chunk>> {
        for chunk in self.chunks.get(&article).into_iter().flatten() {
            self.articles_by_chunk.remove(&chunk.id);
        }
        for chunk in row.iter().flatten() {
            self.articles_by_chunk.insert(chunk.id, article);
        }
        put(&mut self.chunks, article, row)
    }

    pub(super) fn set_feedback(&mut self, id: FeedbackId, row: Option<Feedback>) -> Option<Feedback> {
        put(&mut self.feedback, id, row)
    }

    /// Returns what the user said of the target before.
    pub(super) fn feedback_by(&self, user: UserId, target: FeedbackTarget) -> Vec<FeedbackId> {
        let earlier = self.feedback.values().filter(|said| said.user == user && said.target == target);
        earlier.map(|said| said.id).collect()
    }

    fn shown_article(&self, scope: &Scope, id: ArticleId) -> Option<&Article> {
        self.articles.get(&id).filter(|article| shows(scope, article))
    }

    fn shown_chunk(&self, scope: &Scope, id: ChunkId) -> Option<Chunk> {
        let article = *self.articles_by_chunk.get(&id)?;
        self.shown_article(scope, article)?;
        self.chunks.get(&article)?.iter().find(|chunk| chunk.id == id).cloned()
    }
}

fn shows(scope: &Scope, article: &Article) -> bool {
    scope.sees_article(article.visibility, article.is_published())
}

fn wants(filter: &ArticleFilter, article: &Article) -> bool {
    filter.state.is_none_or(|state| state == article.state)
        && (filter.category.is_none() || filter.category == article.category)
        && (filter.language.is_none() || filter.language == article.language)
}

#[async_trait]
impl KnowledgeReader for MemoryStore {
    async fn article(&self, scope: &Scope, id: ArticleId) -> Result<Option<Article>> {
        Ok(self.read(scope, |desk| desk.shown_article(scope, id).cloned()))
    }

    async fn article_by_slug(&self, scope: &Scope, slug: &Key) -> Result<Option<Article>> {
        Ok(self.read(scope, |desk| {
            let id = desk.articles_by_slug.get(slug)?;
            desk.shown_article(scope, *id).cloned()
        }))
    }

    async fn articles(
        &self,
        scope: &Scope,
        filter: &ArticleFilter,
        page: &PageRequest,
    ) -> Result<Page<Article>> {
        let before =
            page.cursor().map_or(Bound::Unbounded, |cursor| Bound::Excluded(ArticleId::from_uuid(cursor.id)));
        Ok(self.read(scope, |desk| {
            page_of(
                desk.articles.range((Bound::Unbounded, before)).rev().map(|(_, row)| row),
                |article| shows(scope, article) && wants(filter, article),
                page,
                |article| Cursor { key: 0, id: article.id.as_uuid() },
            )
        }))
    }

    async fn revisions(
        &self,
        scope: &Scope,
        article: ArticleId,
        page: &PageRequest,
    ) -> Result<Page<Revision>> {
        let after = page.cursor().map_or(0, |cursor| u32::try_from(cursor.key.max(0)).unwrap_or(u32::MAX));
        let range = (Bound::Excluded((article, after)), Bound::Included((article, u32::MAX)));
        Ok(self.read(scope, |desk| {
            page_of(
                desk.revisions.range(range).map(|(_, row)| row),
                |_| scope.is_staff(),
                page,
                |revision| Cursor { key: i64::from(revision.number), id: article.as_uuid() },
            )
        }))
    }

    async fn revision(&self, scope: &Scope, article: ArticleId, number: u32) -> Result<Option<Revision>> {
        Ok(self
            .read(scope, |desk| desk.revisions.get(&(article, number)).filter(|_| scope.is_staff()).cloned()))
    }

    async fn chunks(&self, scope: &Scope, ids: &[ChunkId]) -> Result<Vec<Chunk>> {
        Ok(self.read(scope, |desk| ids.iter().filter_map(|id| desk.shown_chunk(scope, *id)).collect()))
    }

    async fn article_chunks(&self, scope: &Scope, article: ArticleId) -> Result<Vec<Chunk>> {
        Ok(self.read(scope, |desk| {
            let Some(article) = desk.shown_article(scope, article) else { return Vec::new() };
            let mut chunks = desk.chunks.get(&article.id).cloned().unwrap_or_default();
            chunks.sort_by_key(|chunk| chunk.ordinal);
            chunks
        }))
    }

    async fn feedback(&self, scope: &Scope, target: FeedbackTarget) -> Result<FeedbackTotals> {
        if !scope.is_staff() {
            return Ok(FeedbackTotals::default());
        }
        Ok(self.read(scope, |desk| {
            let mut totals = FeedbackTotals::default();
            for said in desk.feedback.values().filter(|said| said.target == target) {
                if said.helpful {
                    totals.helpful += 1;
                } else {
                    totals.unhelpful += 1;
                }
            }
            totals
        }))
    }
}
