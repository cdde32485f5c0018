//! Search by meaning: passages of the knowledge base as vectors.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::{
    access::ArticleVisibility,
    change::Position,
    error::{Error, ErrorKind, Result},
    id::{ArticleId, ChunkId, TenantId},
    knowledge::{Embedding, EmbeddingRefusal, EmbeddingSpace},
    text::Language,
};

/// A passage as a vector index keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddedChunk {
    /// The chunk.
    pub id: ChunkId,
    /// The passage's embedding, in the space of its batch.
    pub embedding: Embedding,
}

/// What a vector index follows.
#[derive(Debug, Clone, PartialEq)]
pub enum VectorChange {
    /// These are now the article's passages in the space; all earlier ones go.
    Replace {
        /// The article.
        article: ArticleId,
        /// Who reads it.
        visibility: ArticleVisibility,
        /// The language of the text, where known.
        language: Option<Language>,
        /// The passages, each named once.
        chunks: Vec<EmbeddedChunk>,
    },
    /// The article is no longer searched in the space.
    Remove {
        /// The article.
        article: ArticleId,
    },
}

impl VectorChange {
    /// Returns the passages that the article has from now on.
    pub fn chunks(&self) -> &[EmbeddedChunk] {
        match self {
            Self::Replace { chunks, .. } => chunks,
            Self::Remove { .. } => &[],
        }
    }
}

/// A step of a tenant's feed in a space: what became of the articles that its events touch.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorBatch {
    /// The space.
    pub space: EmbeddingSpace,
    /// The tenant.
    pub tenant: TenantId,
    /// The position after which the step begins: the cursor from which it was made.
    pub after: Position,
    /// The position with which the step ends, not before `after`.
    pub upto: Position,
    /// The changes, in order; each tells the article's state at `upto` or later.
    pub changes: Vec<VectorChange>,
}

impl VectorBatch {
    /// The largest number of changes in a batch.
    pub const MAX_CHANGES: usize = 1_000;
    /// The largest number of vectors in a batch: 32 MB at 2,000 dimensions.
    pub const MAX_VECTORS: usize = 4_096;

    /// Refuses what no index applies; every adapter asks this first.
    ///
    /// # Errors
    ///
    /// `LimitExceeded` for too many changes or vectors. `Invalid` for a batch that ends before it begins, a chunk that
    /// a change names twice, or an embedding of another space, with [`EmbeddingRefusal::OtherSpace`] as its source.
    pub fn check(&self) -> Result<()> {
        let refused = |kind| Error::new(kind, "vector_index.apply");
        let vectors: usize = self.changes.iter().map(|change| change.chunks().len()).sum();
        for (number, most, what) in
            [(self.changes.len(), Self::MAX_CHANGES, "changes"), (vectors, Self::MAX_VECTORS, "vectors")]
        {
            if number > most {
                let context = format!("{number} {what}, the limit is {most}");
                return Err(refused(ErrorKind::LimitExceeded).context(context));
            }
        }
        if self.upto < self.after {
            return Err(refused(ErrorKind::Invalid).context("the batch ends before it begins"));
        }
        for change in &self.changes {
            let mut named = BTreeSet::new();
            for chunk in change.chunks() {
                if *chunk.embedding.space() != self.space {
                    let error = refused(ErrorKind::Invalid).context(format!("chunk {}", chunk.id));
                    return Err(error.source(EmbeddingRefusal::OtherSpace));
                }
                if !named.insert(chunk.id) {
                    let context = format!("chunk {} is named twice", chunk.id);
                    return Err(refused(ErrorKind::Invalid).context(context));
                }
            }
        }
        Ok(())
    }

    /// Tells what to do with a batch when the space's cursor stands at `cursor`: whether it is applied (`true`) or was
    /// overtaken and is passed over (`false`).
    ///
    /// # Errors
    ///
    /// `Conflict` if the cursor is before the batch, so that a step is missing: read the cursor and begin there.
    pub fn follows(&self, cursor: Position) -> Result<bool> {
        if cursor < self.after {
            let context =
                format!("the cursor is at {}, the batch begins after {}", cursor.get(), self.after.get());
            return Err(Error::new(ErrorKind::Conflict, "vector_index.apply").context(context));
        }
        Ok(cursor <= self.upto)
    }
}

/// A search for passages by meaning, in the space of its embedding.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorQuery {
    /// The tenant: a mandatory part of the query itself.
    pub tenant: TenantId,
    /// Any of these visibilities, not empty: a mandatory part of the query itself.
    pub visibilities: Vec<ArticleVisibility>,
    /// Only passages of articles in this language; `None`: in any, and those whose language is not known.
    pub language: Option<Language>,
    /// What is sought; its space is the one that is searched.
    pub embedding: Embedding,
    /// How many hits to pass over; with `limit` at most 1,000.
    pub offset: usize,
    /// The largest number of hits, 1..=200.
    pub limit: usize,
}

impl VectorQuery {
    /// The largest number of hits.
    pub const MAX_LIMIT: usize = 200;
    /// The largest sum of `offset` and `limit`.
    pub const MAX_REACH: usize = 1_000;

    /// Refuses what no index searches for; every adapter asks this first.
    ///
    /// # Errors
    ///
    /// `Invalid` without a visibility and for a number outside of its range.
    pub fn check(&self) -> Result<()> {
        let reach = self.offset.saturating_add(self.limit);
        let problem = if self.visibilities.is_empty() {
            "no visibility is given".to_owned()
        } else if !(1..=Self::MAX_LIMIT).contains(&self.limit) {
            format!("a limit of {} is not within 1..={}", self.limit, Self::MAX_LIMIT)
        } else if reach > Self::MAX_REACH {
            format!("offset and limit reach to {reach}, at most to {}", Self::MAX_REACH)
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Invalid, "vector_index.search").context(problem))
    }
}

/// A passage found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VectorHit {
    /// The chunk.
    pub chunk: ChunkId,
    /// The article.
    pub article: ArticleId,
    /// The cosine similarity, -1..=1, higher is closer.
    pub score: f32,
}

/// Finds passages by their embeddings. An index is derived: it follows the event feed, in each space with a cursor of
/// its own, and can be rebuilt. It returns ids and scores, never text or vectors; hits are checked against the store
/// under the caller's scope. Embeddings of a new model are built in a space beside the old one, which is dropped when
/// the new one has caught up.
///
/// # Contract
/// * **V1** A search returns passages of the query's tenant, visibilities, language (where one is given) and space only.
/// * **V2** Best first, ties by chunk id. A score is the cosine similarity, exact to 0.001 and within -1..=1. In a
///   tenant of at most 1,000 passages in the space nothing better is missed; beyond, the adapter states its recall.
/// * **V3** The filter is part of the search: `limit` hits come, or all that pass it where they are fewer, also when the
///   tenant is a small part of the index or the filter leaves one in a hundred of its passages. The adapter states how
///   many vectors a search looks at, at most.
/// * **V4** `offset` and `limit` walk one ranked list without gaps or repetitions while nothing is applied, as far as
///   1,000.
/// * **V5** `apply` stores changes and cursor together or not at all, also when its future is dropped: after a crash the
///   cursor names exactly what is searched.
/// * **V6** After `apply` returned, searches on every handle see its changes. An article's new vectors replace all its
///   earlier ones in the space, with visibility and language; a chunk belongs to the article that named it last.
/// * **V7** The cursor never goes back. The same batch again changes nothing observable, one that ends before the cursor
///   changes nothing, and one that begins after the cursor is a `Conflict`: followers on many nodes converge.
/// * **V8** Spaces are apart. A space is held from its first `apply` until it is dropped; in one that is not held the
///   cursor is at the start and a search is `NotFound`. Dropping a space leaves all others; one not held may be dropped.
/// * **V9** What [`VectorBatch::check`] and [`VectorQuery::check`] refuse is refused as they say and changes nothing:
///   never skipped, cut or clamped.
/// * **V10** After `erase`, no space holds a vector of the article. Other articles and all cursors stay; erasing what is
///   not there succeeds.
/// * **V11** After `clear`, no space is held.
#[async_trait]
pub trait VectorIndex: Send + Sync {
    /// Applies a step of a tenant's feed in a space.
    async fn apply(&self, batch: &VectorBatch) -> Result<()>;

    /// Returns the position up to which a tenant's feed was applied in a space.
    async fn cursor(&self, space: &EmbeddingSpace, tenant: TenantId) -> Result<Position>;

    /// Finds passages in the space of the query's embedding.
    async fn search(&self, query: &VectorQuery) -> Result<Vec<VectorHit>>;

    /// Removes an article that is gone for good from every space of its tenant, without waiting for the feed. A batch
    /// read before the erasure may still bring it back; the erasure's own event then removes it again.
    async fn erase(&self, tenant: TenantId, article: ArticleId) -> Result<()>;

    /// Returns the spaces that are held, in their order.
    async fn spaces(&self) -> Result<Vec<EmbeddingSpace>>;

    /// Forgets a space with its vectors and cursors, of every tenant.
    async fn drop_space(&self, space: &EmbeddingSpace) -> Result<()>;

    /// Forgets everything; the follower then builds a space anew from the feed.
    async fn clear(&self) -> Result<()>;
}
