//! Search by meaning: the index of vectors, what follows the feed into it, and when it is asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    access::{ArticleVisibility, Scope},
    app::{AutoCrm, Result},
    assist::Ranked,
    change::{EntityRef, Position},
    error::ErrorKind,
    id::{ArticleId, TenantId},
    knowledge::{Article, Embedding, EmbeddingSpace},
    port::{
        EmbeddedChunk, Embedder, MAX_EMBEDDED_TEXTS, VectorBatch, VectorChange, VectorIndex, VectorQuery,
    },
};

/// How many passages are asked for.
pub(super) const REACH: usize = 100;
/// After so many vectors a step is stored, so that little is lost when the process ends.
const STEP_VECTORS: usize = 256;
/// How many events a step reads at most.
const STEP_EVENTS: u16 = 500;

/// The index by meaning with its embedders.
pub(super) struct Meaning {
    vectors: Arc<dyn VectorIndex>,
    embedder: Arc<dyn Embedder>,
    earlier: Option<Arc<dyn Embedder>>,
    /// Tenants whose feed this process has followed to its end in the embedder's space.
    caught_up: Mutex<BTreeSet<TenantId>>,
}

/// What a step is made of.
#[derive(Default)]
struct Step {
    articles: BTreeSet<ArticleId>,
    upto: Option<Position>,
}

impl Meaning {
    pub(super) fn new(
        vectors: Arc<dyn VectorIndex>,
        embedder: Arc<dyn Embedder>,
        earlier: Option<Arc<dyn Embedder>>,
    ) -> Self {
        Self { vectors, embedder, earlier, caught_up: Mutex::default() }
    }

    fn mark(&self, tenant: TenantId, is_caught_up: bool) {
        let mut known = self.caught_up.lock().unwrap_or_else(PoisonError::into_inner);
        if is_caught_up {
            known.insert(tenant);
        } else {
            known.remove(&tenant);
        }
    }

    /// Finds passages by the meaning of a question. Nothing is found while the tenant's flag is off or the space is being
    /// built, unless an earlier one is there, nor when the embedder or the index fails: then words alone are searched,
    /// and the log says so.
    pub(super) async fn search(
        &self,
        crm: &AutoCrm,
        scope: &Scope,
        visibilities: &[ArticleVisibility],
        question: &str,
    ) -> Vec<Ranked> {
        match self.found(crm, scope, visibilities, question).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(code = error.code(), "nothing could be searched by meaning: words alone are");
                Vec::new()
            }
        }
    }

    async fn found(
        &self,
        crm: &AutoCrm,
        scope: &Scope,
        visibilities: &[ArticleVisibility],
        question: &str,
    ) -> Result<Vec<Ranked>> {
        let tenant = scope.tenant();
        if !crm.store().tenant(scope).await?.is_some_and(|found| found.flags.vector_search) {
            return Ok(Vec::new());
        }
        let embedder = if self.is_current(crm, tenant).await? {
            &self.embedder
        } else {
            let Some(earlier) = &self.earlier else { return Ok(Vec::new()) };
            if !self.vectors.spaces().await?.contains(earlier.space()) {
                return Ok(Vec::new());
            }
            earlier
        };
        let Some(embedding) = embedder.embed(&[question]).await?.pop() else { return Ok(Vec::new()) };
        let query = VectorQuery {
            tenant,
            visibilities: visibilities.to_vec(),
            language: None,
            embedding,
            offset: 0,
            limit: REACH,
        };
        match self.vectors.search(&query).await {
            Ok(hits) => Ok(hits.iter().map(|hit| Ranked { chunk: hit.chunk, score: hit.score }).collect()),
            // Nothing was applied yet.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns whether the space knows the tenant's articles: it was followed to its end, or is as far as the index by
    /// words.
    async fn is_current(&self, crm: &AutoCrm, tenant: TenantId) -> Result<bool> {
        if self.caught_up.lock().unwrap_or_else(PoisonError::into_inner).contains(&tenant) {
            return Ok(true);
        }
        let Some(words) = crm.index() else { return Ok(false) };
        let own = self.vectors.cursor(self.embedder.space(), tenant).await?;
        Ok(own >= words.cursor(tenant).await?)
    }

    /// Goes one step towards the end of a tenant's feed. Returns whether there is more to do.
    pub(super) async fn advance(&self, crm: &AutoCrm, tenant: TenantId) -> Result<bool> {
        let (scope, space) = (Scope::tenant_wide(tenant), self.embedder.space().clone());
        let (cursor, head) = (self.vectors.cursor(&space, tenant).await?, crm.store().head(&scope).await?);
        if cursor > head {
            // The database went back in time (a restored backup): what the space knows is no longer true.
            tracing::warn!(%tenant, "the vectors are ahead of the feed and are built anew");
            self.mark(tenant, false);
            self.vectors.drop_space(&space).await?;
            return Ok(true);
        }
        if cursor == head {
            self.mark(tenant, true);
            return Ok(false);
        }
        let (step, texts) = self.step(crm, &scope, cursor).await?;
        let Some(upto) = step.upto else { return Ok(false) };
        let changes = self.embedded(texts, step.articles).await?;
        let batch = VectorBatch { space, tenant, after: cursor, upto, changes };
        match self.vectors.apply(&batch).await {
            // Another node was faster; the next step begins where it ended.
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(true),
            applied => applied.map(|()| true).map_err(Into::into),
        }
    }

    /// Reads events until enough passages have come together, and the articles as they are now.
    async fn step(
        &self,
        crm: &AutoCrm,
        scope: &Scope,
        cursor: Position,
    ) -> Result<(Step, BTreeMap<ArticleId, Texts>)> {
        let (mut step, mut found, mut vectors) = (Step::default(), BTreeMap::new(), 0);
        for event in crm.store().events(scope, cursor, STEP_EVENTS).await? {
            if let EntityRef::Article(article) = event.subject
                && step.articles.insert(article)
                && let Some(texts) = Texts::of(crm, scope, article).await?
            {
                vectors += texts.chunks.len();
                found.insert(article, texts);
            }
            step.upto = Some(event.position);
            if vectors >= STEP_VECTORS {
                break;
            }
        }
        Ok((step, found))
    }

    async fn embedded(
        &self,
        mut texts: BTreeMap<ArticleId, Texts>,
        articles: BTreeSet<ArticleId>,
    ) -> Result<Vec<VectorChange>> {
        let all: Vec<&str> =
            texts.values().flat_map(|own| own.chunks.iter().map(|(_, text)| text.as_str())).collect();
        let mut embeddings: Vec<Embedding> = Vec::with_capacity(all.len());
        for group in all.chunks(MAX_EMBEDDED_TEXTS) {
            embeddings.extend(self.embedder.embed(group).await?);
        }
        // Articles and passages come in the same order as their texts.
        let mut next = embeddings.into_iter();
        let mut changes = Vec::with_capacity(articles.len());
        for article in articles {
            changes.push(match texts.remove(&article) {
                None => VectorChange::Remove { article },
                Some(own) => VectorChange::Replace {
                    article,
                    visibility: own.article.visibility,
                    language: own.article.language,
                    chunks: own
                        .chunks
                        .iter()
                        .zip(&mut next)
                        .map(|((id, _), embedding)| EmbeddedChunk { id: *id, embedding })
                        .collect(),
                },
            });
        }
        Ok(changes)
    }

    /// Drops what earlier models left, once every tenant has caught up.
    pub(super) async fn drop_earlier(&self) -> Result<()> {
        let own = self.embedder.space();
        let spaces: Vec<EmbeddingSpace> = self.vectors.spaces().await?;
        for space in spaces.iter().filter(|space| *space != own && spaces.contains(own)) {
            tracing::info!(%space, "every tenant is embedded anew: the earlier space is dropped");
            self.vectors.drop_space(space).await?;
        }
        Ok(())
    }

    /// Forgets every vector.
    pub(super) async fn clear(&self) -> Result<()> {
        self.caught_up.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(self.vectors.clear().await?)
    }
}

/// A published article and what is embedded of it.
struct Texts {
    article: Article,
    chunks: Vec<(crate::id::ChunkId, String)>,
}

impl Texts {
    /// Reads the article as it is now; `None` if it is not published. A passage is embedded with its title and headings,
    /// without which it may not say what it is about. Of an article its first 3,840 passages are embedded.
    async fn of(crm: &AutoCrm, scope: &Scope, id: ArticleId) -> Result<Option<Self>> {
        let Some(article) = crm.store().article(scope, id).await?.filter(Article::is_published) else {
            return Ok(None);
        };
        let chunks = crm.store().article_chunks(scope, id).await?;
        let title = article.title.as_str();
        let embedded = chunks
            .into_iter()
            .take(VectorBatch::MAX_VECTORS - STEP_VECTORS)
            .map(|chunk| (chunk.id, embedded_text(title, &chunk.heading, &chunk.text)))
            .collect();
        Ok(Some(Self { article, chunks: embedded }))
    }
}

/// Returns the text by which a passage is embedded: title, headings and passage, a line each.
pub fn embedded_text(title: &str, heading: &str, text: &str) -> String {
    let lines = [title, heading, text];
    lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
