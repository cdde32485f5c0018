//! Passages ranked by their words: Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009).

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
    memory::{in_range, lock, search::words},
    port::{IndexChange, IndexedChunk, TextHit, TextIndex, TextQuery},
    text::truncate_bytes,
};

/// How soon a repeated word stops to add to the score.
const SATURATION: f32 = 1.2;
/// How much a long passage is discounted.
const LENGTH_WEIGHT: f32 = 0.75;
/// How many bytes of a query count.
const MAX_QUERY: usize = 4_096;

/// An index in this process. Clones are handles on the same index.
#[derive(Clone, Default)]
pub struct MemoryIndex {
    shelves: Arc<Mutex<BTreeMap<TenantId, Shelf>>>,
}

/// What is searched for a tenant.
#[derive(Default)]
struct Shelf {
    cursor: Position,
    chunks: BTreeMap<ChunkId, Passage>,
    articles: BTreeMap<ArticleId, Vec<ChunkId>>,
    /// How often each word occurs in each passage.
    words: BTreeMap<String, BTreeMap<ChunkId, u32>>,
}

struct Passage {
    article: ArticleId,
    visibility: ArticleVisibility,
    length: u32,
    words: BTreeSet<String>,
}

#[expect(clippy::cast_precision_loss, reason = "a score needs no more than the 24 bits of an f32")]
fn real(count: usize) -> f32 {
    count as f32
}

impl Shelf {
    fn remove(&mut self, article: ArticleId) {
        for chunk in self.articles.remove(&article).unwrap_or_default() {
            let Some(passage) = self.chunks.remove(&chunk) else { continue };
            for word in passage.words {
                if let Some(holders) = self.words.get_mut(&word) {
                    holders.remove(&chunk);
                    if holders.is_empty() {
                        self.words.remove(&word);
                    }
                }
            }
        }
    }

    fn add(&mut self, article: ArticleId, title: &str, visibility: ArticleVisibility, chunk: &IndexedChunk) {
        let mut passage = Passage { article, visibility, length: 0, words: BTreeSet::new() };
        for word in words(title).chain(words(&chunk.heading)).chain(words(&chunk.text)) {
            passage.length = passage.length.saturating_add(1);
            *self.words.entry(word.clone()).or_default().entry(chunk.id).or_default() += 1;
            passage.words.insert(word);
        }
        self.chunks.insert(chunk.id, passage);
        self.articles.entry(article).or_default().push(chunk.id);
    }

    fn change(&mut self, change: &IndexChange) {
        match change {
            IndexChange::Remove { article } => self.remove(*article),
            IndexChange::Replace { article, title, visibility, chunks, .. } => {
                self.remove(*article);
                for chunk in chunks {
                    self.add(*article, title, *visibility, chunk);
                }
            }
        }
    }

    fn ranked(&self, query: &TextQuery) -> Vec<TextHit> {
        let total: u64 = self.chunks.values().map(|passage| u64::from(passage.length)).sum();
        let total = real(usize::try_from(total).unwrap_or(usize::MAX));
        let mean_length = (total / real(self.chunks.len())).max(1.0);
        let mut scores: BTreeMap<ChunkId, f32> = BTreeMap::new();
        let sought: BTreeSet<String> = words(truncate_bytes(&query.text, MAX_QUERY)).collect();
        for holders in sought.iter().filter_map(|word| self.words.get(word)) {
            let (all, having) = (real(self.chunks.len()), real(holders.len()));
            let rarity = (1.0 + (all - having + 0.5) / (having + 0.5)).ln();
            for (chunk, count) in holders {
                let Some(passage) = self.chunks.get(chunk) else { continue };
                if !query.visibilities.contains(&passage.visibility) {
                    continue;
                }
                let count = real(usize::try_from(*count).unwrap_or(usize::MAX));
                let length = real(usize::try_from(passage.length).unwrap_or(usize::MAX)) / mean_length;
                let discount = SATURATION * (1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * length);
                *scores.entry(*chunk).or_default() +=
                    rarity * count * (SATURATION + 1.0) / (count + discount);
            }
        }
        let found = scores.into_iter().filter_map(|(chunk, score)| {
            let article = self.chunks.get(&chunk)?.article;
            Some(TextHit { chunk, article, score })
        });
        let mut hits: Vec<TextHit> = found.collect();
        hits.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.chunk.cmp(&other.chunk)));
        hits
    }
}

impl MemoryIndex {
    /// Returns an empty index.
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for MemoryIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryIndex").field("tenants", &lock(&self.shelves).len()).finish()
    }
}

#[async_trait]
impl TextIndex for MemoryIndex {
    async fn apply(&self, tenant: TenantId, changes: &[IndexChange], upto: Position) -> Result<()> {
        let mut shelves = lock(&self.shelves);
        let own = shelves.entry(tenant).or_default();
        for change in changes {
            own.change(change);
        }
        own.cursor = own.cursor.max(upto);
        Ok(())
    }

    async fn cursor(&self, tenant: TenantId) -> Result<Position> {
        Ok(lock(&self.shelves).get(&tenant).map(|shelf| shelf.cursor).unwrap_or_default())
    }

    async fn search(&self, query: &TextQuery) -> Result<Vec<TextHit>> {
        in_range("search", query.limit, 1, 200)?;
        if query.visibilities.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "search").context("no visibility is given"));
        }
        let shelves = lock(&self.shelves);
        let hits = shelves.get(&query.tenant).map(|shelf| shelf.ranked(query)).unwrap_or_default();
        Ok(hits.into_iter().skip(query.offset).take(query.limit).collect())
    }

    async fn clear(&self) -> Result<()> {
        lock(&self.shelves).clear();
        Ok(())
    }
}
