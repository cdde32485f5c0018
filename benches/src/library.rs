//! A corpus in the indexes, by words and by meaning, searched as the desk searches them.

use std::collections::HashMap;

use autocrm_ai::{
    embed::OnnxEmbedder, language::TrigramDetector, lexical::LexicalIndex, vectors::FlatVectorIndex,
};
use autocrm_core::{
    access::ArticleVisibility,
    app::embedded_text,
    assist::{Ranked, fuse},
    change::Position,
    clock::{Clock as _, SystemClock},
    id::{ArticleId, ChunkId, IdSource as _, RandomIds, TenantId},
    knowledge::{Embedding, split_markdown},
    port::{
        EmbeddedChunk, Embedder as _, IndexChange, IndexedChunk, LanguageDetector as _, TextIndex as _,
        TextQuery, VectorBatch, VectorChange, VectorIndex as _, VectorQuery,
    },
};

use crate::{
    cmd::retrieve::{DEPTH, Document, Mode},
    failure::{Failure, Result},
    progress::Progress,
};

/// How many hits of each list are merged, as in the desk.
const REACH: usize = 100;
/// The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher, 2009).
const RANK_OFFSET: f32 = 60.0;
/// How many articles are applied at once.
const BATCH: usize = 200;

/// The indexes of one corpus.
pub(crate) struct Library {
    tenant: TenantId,
    words: LexicalIndex,
    meaning: Option<Meaning>,
    /// Which document each passage belongs to.
    documents: HashMap<ChunkId, String>,
}

struct Meaning {
    embedder: OnnxEmbedder,
    vectors: FlatVectorIndex,
    _folder: tempfile::TempDir,
}

impl Library {
    /// Indexes the documents as articles, cut into passages as the knowledge base cuts them.
    pub(crate) async fn fill(embedder: Option<OnnxEmbedder>, documents: &[Document]) -> Result<Self> {
        let now = SystemClock.now();
        let meaning = match embedder {
            None => None,
            Some(embedder) => {
                let folder = tempfile::tempdir()?;
                let vectors = FlatVectorIndex::open(folder.path())?;
                Some(Meaning { embedder, vectors, _folder: folder })
            }
        };
        let mut library = Self {
            tenant: TenantId::from_uuid(RandomIds.uuid(now)),
            words: LexicalIndex::in_memory()?,
            meaning,
            documents: HashMap::new(),
        };
        let progress = Progress::new("documents", documents.len());
        for (at, group) in documents.chunks(BATCH).enumerate() {
            library.add(at as u64, group).await?;
            for _ in group {
                progress.tick();
            }
        }
        Ok(library)
    }

    async fn add(&mut self, after: u64, documents: &[Document]) -> Result<()> {
        let now = SystemClock.now();
        let (mut changes, mut texts) = (Vec::new(), Vec::new());
        for document in documents {
            let mut chunks = Vec::new();
            for passage in split_markdown(&document.text) {
                let text = document.text.get(passage.range).unwrap_or_default().to_owned();
                chunks.push(IndexedChunk {
                    id: ChunkId::from_uuid(RandomIds.uuid(now)),
                    heading: passage.heading,
                    text,
                });
            }
            if chunks.is_empty() {
                let id = ChunkId::from_uuid(RandomIds.uuid(now));
                chunks.push(IndexedChunk { id, heading: String::new(), text: String::new() });
            }
            for chunk in &chunks {
                self.documents.insert(chunk.id, document.id.clone());
                texts.push(embedded_text(&document.title, &chunk.heading, &chunk.text));
            }
            changes.push(IndexChange::Replace {
                article: ArticleId::from_uuid(RandomIds.uuid(now)),
                title: document.title.clone(),
                visibility: ArticleVisibility::Public,
                language: TrigramDetector.detect(&format!("{}\n{}", document.title, document.text)),
                chunks,
            });
        }
        let upto = Position::new(after + 1);
        self.words.apply(self.tenant, &changes, upto).await?;
        let Some(meaning) = &self.meaning else { return Ok(()) };
        let mut embeddings = Vec::with_capacity(texts.len());
        for group in texts.chunks(512) {
            let borrowed: Vec<&str> = group.iter().map(String::as_str).collect();
            embeddings.extend(meaning.embedder.embed(&borrowed).await?);
        }
        let mut next = embeddings.into_iter();
        let embedded = changes
            .into_iter()
            .filter_map(|change| match change {
                IndexChange::Remove { .. } => None,
                IndexChange::Replace { article, visibility, language, chunks, .. } => {
                    Some(VectorChange::Replace {
                        article,
                        visibility,
                        language,
                        chunks: chunks
                            .iter()
                            .zip(&mut next)
                            .map(|(chunk, embedding)| EmbeddedChunk { id: chunk.id, embedding })
                            .collect(),
                    })
                }
            })
            .collect();
        let (space, after) = (meaning.embedder.space().clone(), Position::new(after));
        let batch = VectorBatch { space, tenant: self.tenant, after, upto, changes: embedded };
        Ok(meaning.vectors.apply(&batch).await?)
    }

    pub(crate) fn passages(&self) -> usize {
        self.documents.len()
    }

    /// Embeds a question, where there is a model.
    pub(crate) async fn embedding(&self, text: &str) -> Result<Option<Embedding>> {
        let Some(meaning) = &self.meaning else { return Ok(None) };
        Ok(meaning.embedder.embed(&[text]).await?.pop())
    }

    /// Returns the ids of the best documents, each once, by its best passage.
    pub(crate) async fn search(
        &self,
        mode: Mode,
        text: &str,
        embedding: Option<&Embedding>,
    ) -> Result<Vec<&str>> {
        let ranked = match mode {
            Mode::Lexical => self.by_words(text).await?,
            Mode::Vector => self.by_meaning(embedding).await?,
            Mode::Rrf => reciprocal(&self.by_words(text).await?, &self.by_meaning(embedding).await?),
            Mode::Hybrid => fuse(text, &self.by_words(text).await?, &self.by_meaning(embedding).await?),
            Mode::Rerank => return Err(Failure::new("this build has no reranker")),
        };
        let mut found: Vec<&str> = Vec::with_capacity(DEPTH);
        for document in ranked.iter().filter_map(|hit| self.documents.get(&hit.chunk)) {
            if found.len() < DEPTH && !found.contains(&document.as_str()) {
                found.push(document);
            }
        }
        Ok(found)
    }

    async fn by_words(&self, text: &str) -> Result<Vec<Ranked>> {
        let query = TextQuery {
            tenant: self.tenant,
            visibilities: vec![ArticleVisibility::Public],
            text: text.to_owned(),
            language: TrigramDetector.detect(text),
            offset: 0,
            limit: REACH,
        };
        let hits = self.words.search(&query).await?;
        Ok(hits.iter().map(|hit| Ranked { chunk: hit.chunk, score: hit.score }).collect())
    }

    async fn by_meaning(&self, embedding: Option<&Embedding>) -> Result<Vec<Ranked>> {
        let (Some(meaning), Some(embedding)) = (&self.meaning, embedding) else { return Ok(Vec::new()) };
        let query = VectorQuery {
            tenant: self.tenant,
            visibilities: vec![ArticleVisibility::Public],
            language: None,
            embedding: embedding.clone(),
            offset: 0,
            limit: REACH,
        };
        let hits = meaning.vectors.search(&query).await?;
        Ok(hits.iter().map(|hit| Ranked { chunk: hit.chunk, score: hit.score }).collect())
    }
}

/// Merges by reciprocal ranks, to compare with.
fn reciprocal(one: &[Ranked], other: &[Ranked]) -> Vec<Ranked> {
    let mut summed: HashMap<ChunkId, f32> = HashMap::new();
    for list in [one, other] {
        for (rank, hit) in list.iter().enumerate() {
            *summed.entry(hit.chunk).or_default() += 1.0 / (RANK_OFFSET + 1.0 + rank as f32);
        }
    }
    let mut ranked: Vec<Ranked> = summed.into_iter().map(|(chunk, score)| Ranked { chunk, score }).collect();
    ranked.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.chunk.cmp(&other.chunk)));
    ranked
}
