//! Passages ranked by the cosine of their embeddings: an exact scan.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;

use crate::{
    access::ArticleVisibility,
    change::Position,
    error::{Error, ErrorKind, Result},
    id::{ArticleId, ChunkId, TenantId},
    knowledge::{Embedding, EmbeddingSpace},
    memory::lock,
    port::{VectorBatch, VectorChange, VectorHit, VectorIndex, VectorQuery},
    text::Language,
};

/// A vector index in this process. A search looks at every vector of its tenant in its space once, so nothing better is
/// ever missed. Clones are handles on the same index.
#[derive(Clone, Default)]
pub struct MemoryVectorIndex {
    spaces: Arc<Mutex<BTreeMap<EmbeddingSpace, BTreeMap<TenantId, Shelf>>>>,
}

/// What is searched for a tenant in a space.
#[derive(Default)]
struct Shelf {
    cursor: Position,
    chunks: BTreeMap<ChunkId, Passage>,
    articles: BTreeMap<ArticleId, BTreeSet<ChunkId>>,
}

struct Passage {
    article: ArticleId,
    visibility: ArticleVisibility,
    language: Option<Language>,
    embedding: Embedding,
}

impl Shelf {
    fn remove(&mut self, article: ArticleId) {
        for chunk in self.articles.remove(&article).unwrap_or_default() {
            self.chunks.remove(&chunk);
        }
    }

    fn add(&mut self, id: ChunkId, passage: Passage) {
        let article = passage.article;
        if let Some(earlier) = self.chunks.insert(id, passage)
            && let Some(chunks) = self.articles.get_mut(&earlier.article)
        {
            chunks.remove(&id);
        }
        self.articles.entry(article).or_default().insert(id);
    }

    fn change(&mut self, change: &VectorChange) {
        match change {
            VectorChange::Remove { article } => self.remove(*article),
            VectorChange::Replace { article, visibility, language, chunks } => {
                self.remove(*article);
                for chunk in chunks {
                    let (language, embedding) = (language.clone(), chunk.embedding.clone());
                    let passage = Passage { article: *article, visibility: *visibility, language, embedding };
                    self.add(chunk.id, passage);
                }
            }
        }
    }

    fn ranked(&self, query: &VectorQuery) -> Vec<VectorHit> {
        let shown = |passage: &Passage| {
            query.visibilities.contains(&passage.visibility)
                && (query.language.is_none() || query.language == passage.language)
        };
        let found =
            self.chunks.iter().filter(|(_, passage)| shown(passage)).filter_map(|(chunk, passage)| {
                // A shelf holds vectors of its own space only, so none is passed over here.
                let score = passage.embedding.similarity(&query.embedding).ok()?;
                Some(VectorHit { chunk: *chunk, article: passage.article, score })
            });
        let mut hits: Vec<VectorHit> = found.collect();
        hits.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.chunk.cmp(&other.chunk)));
        hits
    }
}

impl MemoryVectorIndex {
    /// Returns an empty index.
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for MemoryVectorIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryVectorIndex").field("spaces", &lock(&self.spaces).len()).finish()
    }
}

#[async_trait]
impl VectorIndex for MemoryVectorIndex {
    async fn apply(&self, batch: &VectorBatch) -> Result<()> {
        batch.check()?;
        let mut spaces = lock(&self.spaces);
        let held = spaces.get(&batch.space).and_then(|tenants| tenants.get(&batch.tenant));
        if !batch.follows(held.map(|shelf| shelf.cursor).unwrap_or_default())? {
            return Ok(());
        }
        let own = spaces.entry(batch.space.clone()).or_default().entry(batch.tenant).or_default();
        for change in &batch.changes {
            own.change(change);
        }
        own.cursor = batch.upto;
        Ok(())
    }

    async fn cursor(&self, space: &EmbeddingSpace, tenant: TenantId) -> Result<Position> {
        let spaces = lock(&self.spaces);
        let held = spaces.get(space).and_then(|tenants| tenants.get(&tenant));
        Ok(held.map(|shelf| shelf.cursor).unwrap_or_default())
    }

    async fn search(&self, query: &VectorQuery) -> Result<Vec<VectorHit>> {
        query.check()?;
        let spaces = lock(&self.spaces);
        let Some(tenants) = spaces.get(query.embedding.space()) else {
            return Err(Error::new(ErrorKind::NotFound, "vector_index.search")
                .context(format!("no space {}", query.embedding.space())));
        };
        let hits = tenants.get(&query.tenant).map(|shelf| shelf.ranked(query)).unwrap_or_default();
        Ok(hits.into_iter().skip(query.offset).take(query.limit).collect())
    }

    async fn erase(&self, tenant: TenantId, article: ArticleId) -> Result<()> {
        for tenants in lock(&self.spaces).values_mut() {
            if let Some(shelf) = tenants.get_mut(&tenant) {
                shelf.remove(article);
            }
        }
        Ok(())
    }

    async fn spaces(&self) -> Result<Vec<EmbeddingSpace>> {
        Ok(lock(&self.spaces).keys().cloned().collect())
    }

    async fn drop_space(&self, space: &EmbeddingSpace) -> Result<()> {
        lock(&self.spaces).remove(space);
        Ok(())
    }

    async fn clear(&self) -> Result<()> {
        lock(&self.spaces).clear();
        Ok(())
    }
}
