//! What the scenarios of vector indexes share: a tenant in a space, whose passages lie at known angles to the query.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    access::ArticleVisibility,
    change::Position,
    conformance::{Backend, ids::Ids},
    error::Result,
    id::{ArticleId, ChunkId, TenantId},
    knowledge::{Embedding, EmbeddingSpace, Metric},
    port::{EmbeddedChunk, VectorBatch, VectorChange, VectorHit, VectorIndex, VectorQuery},
    text::{Key, Language, ModelName},
};

pub(crate) type Index = Backend<dyn VectorIndex>;

pub(crate) const ALL: [ArticleVisibility; 3] =
    [ArticleVisibility::Public, ArticleVisibility::Tenant, ArticleVisibility::Internal];

/// How far a score may be from the exact cosine.
pub(crate) const TOLERANCE: f64 = 0.001;

/// The dimensions of the spaces in which angles are chosen.
const DIMENSIONS: usize = 16;

pub(crate) fn space(model: &str, version: &str, dimensions: usize) -> EmbeddingSpace {
    let (model, version) = (ModelName::new(model).unwrap(), Key::new(version).unwrap());
    EmbeddingSpace::new(model, version, dimensions, Metric::Cosine).unwrap()
}

/// Returns the embedding at the given cosine to the query's, which is the first axis.
pub(crate) fn at(space: &EmbeddingSpace, cosine: f32) -> Embedding {
    let mut values = vec![0.0; space.dimensions()];
    values[0] = cosine;
    values[1] = (1.0 - cosine * cosine).max(0.0).sqrt();
    Embedding::new(space, &values).unwrap()
}

/// A tenant of an index, in one of its spaces.
pub(crate) struct Desk {
    pub(crate) index: Arc<dyn VectorIndex>,
    pub(crate) space: EmbeddingSpace,
    pub(crate) tenant: TenantId,
    pub(crate) ids: Arc<Ids>,
}

/// An article and how it is filed.
pub(crate) struct Filed {
    pub(crate) change: VectorChange,
    pub(crate) article: ArticleId,
    pub(crate) chunks: Vec<ChunkId>,
}

impl Desk {
    pub(crate) fn new(backend: &Index) -> Self {
        let ids = Arc::new(Ids::new());
        let space = space("example/sentences", "1", DIMENSIONS);
        Self { index: backend.port(), space, tenant: ids.next(), ids }
    }

    /// Returns another tenant of the same index and space.
    pub(crate) fn neighbour(&self) -> Self {
        Self { tenant: self.ids.next(), ..self.within(&self.space) }
    }

    /// Returns the same tenant in another space of the index.
    pub(crate) fn within(&self, space: &EmbeddingSpace) -> Self {
        let (index, ids) = (Arc::clone(&self.index), Arc::clone(&self.ids));
        Self { index, space: space.clone(), tenant: self.tenant, ids }
    }

    /// Returns the same tenant seen through another handle.
    pub(crate) fn through(&self, index: Arc<dyn VectorIndex>) -> Self {
        Self { index, ..self.within(&self.space) }
    }

    /// Returns a new article with a passage at each of the cosines.
    pub(crate) fn file(&self, visibility: ArticleVisibility, cosines: &[f32]) -> Filed {
        self.refile(self.ids.next(), visibility, None, cosines)
    }

    /// Returns an article's new passages.
    pub(crate) fn refile(
        &self,
        article: ArticleId,
        visibility: ArticleVisibility,
        language: Option<&str>,
        cosines: &[f32],
    ) -> Filed {
        let chunks: Vec<EmbeddedChunk> = cosines
            .iter()
            .map(|cosine| EmbeddedChunk { id: self.ids.next(), embedding: at(&self.space, *cosine) })
            .collect();
        let named = chunks.iter().map(|chunk| chunk.id).collect();
        let language = language.map(|code| Language::new(code).unwrap());
        Filed {
            change: VectorChange::Replace { article, visibility, language, chunks },
            article,
            chunks: named,
        }
    }

    pub(crate) fn batch(&self, after: u64, upto: u64, changes: &[VectorChange]) -> VectorBatch {
        VectorBatch {
            space: self.space.clone(),
            tenant: self.tenant,
            after: Position::new(after),
            upto: Position::new(upto),
            changes: changes.to_vec(),
        }
    }

    pub(crate) async fn apply(&self, after: u64, upto: u64, changes: &[VectorChange]) {
        self.index.apply(&self.batch(after, upto, changes)).await.expect("the batch is sound");
    }

    pub(crate) async fn cursor(&self) -> u64 {
        self.index.cursor(&self.space, self.tenant).await.expect("a cursor is read").get()
    }

    pub(crate) fn query(&self) -> VectorQuery {
        VectorQuery {
            tenant: self.tenant,
            visibilities: ALL.to_vec(),
            language: None,
            embedding: at(&self.space, 1.0),
            offset: 0,
            limit: 200,
        }
    }

    pub(crate) async fn search(&self, query: &VectorQuery) -> Vec<VectorHit> {
        let hits = self.try_search(query).await.expect("the query is sound");
        assert!(hits.len() <= query.limit);
        hits
    }

    pub(crate) async fn try_search(&self, query: &VectorQuery) -> Result<Vec<VectorHit>> {
        self.index.search(query).await
    }

    /// Returns everything that staff find.
    pub(crate) async fn hits(&self) -> Vec<VectorHit> {
        self.search(&self.query()).await
    }

    /// Returns the passages that staff find.
    pub(crate) async fn found(&self) -> BTreeSet<ChunkId> {
        self.hits().await.into_iter().map(|hit| hit.chunk).collect()
    }
}
