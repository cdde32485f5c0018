//! Broken vector indexes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{
    access::ArticleVisibility,
    change::Position,
    error::{ErrorKind, Result},
    id::{ArticleId, ChunkId, TenantId},
    knowledge::{Embedding, EmbeddingSpace},
    port::{VectorBatch, VectorChange, VectorHit, VectorIndex, VectorQuery},
    text::{Key, Language},
};

/// How a vector index is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VectorFault {
    /// V1: every visibility is searched.
    VisibilityIgnored,
    /// V1: all tenants share one shelf.
    TenantsMixed,
    /// V1: every language is searched.
    LanguageIgnored,
    /// V2: the worst come first.
    WorstFirst,
    /// V2: ties come in the opposite order.
    TiesReversed,
    /// V2: the score is the distance.
    Distance,
    /// V2: scores are as coarse as a few bits.
    Coarse,
    /// V2: some of the best are missed.
    BestMissed,
    /// V3: visibility and language are sieved from what is nearest.
    Sieved,
    /// V3: so is the tenant.
    TenantSieved,
    /// V4: offsets are ignored.
    OffsetIgnored,
    /// V5: the cursor moves before the changes are stored.
    CursorFirst,
    /// V5: the cursor stays where it was without changes.
    CursorStays,
    /// V6: changes are seen one `apply` late.
    SeenLate,
    /// V6: earlier vectors of an article stay.
    NothingReplaced,
    /// V6: a chunk stays with the article that named it first.
    ChunkStays,
    /// V7: a batch that was overtaken is applied.
    OvertakenApplied,
    /// V7: a gap is not seen.
    GapAccepted,
    /// V8: the versions of a model share a space.
    VersionsMixed,
    /// V8: the cursors of a tenant are one.
    CursorsMixed,
    /// V8: a space that is not held is searched in vain.
    UnknownSilent,
    /// V8: dropping a space forgets nothing.
    DropForgotten,
    /// V8: dropping a space drops all.
    AllDropped,
    /// V9: embeddings of another space are skipped.
    OthersSkipped,
    /// V9: a refused batch moves the cursor.
    RefusedMoves,
    /// V9: what is beyond the limits of a batch is cut off.
    Cut,
    /// V9: the numbers of a query are clamped.
    Clamped,
    /// V10: erasing does nothing.
    ErasedInVain,
    /// V10: erasing reaches one space only.
    ErasedInOne,
    /// V10: erasing an article erases the tenant's others.
    TooMuchErased,
    /// V11: nothing is cleared.
    ClearedInVain,
    /// V11: cursors outlive a clearance.
    CursorKept,
}

/// How a passage was filed.
type Label = (TenantId, ArticleId, ArticleVisibility, Option<Language>);

#[derive(Default)]
struct Memory {
    late: Vec<VectorBatch>,
    labels: BTreeMap<ChunkId, Label>,
    cursors: BTreeMap<(EmbeddingSpace, TenantId), Position>,
}

pub(crate) struct BrokenVectors {
    index: Arc<dyn VectorIndex>,
    fault: VectorFault,
    memory: Mutex<Memory>,
}

impl BrokenVectors {
    pub(crate) fn new(index: Arc<dyn VectorIndex>, fault: VectorFault) -> Self {
        Self { index, fault, memory: Mutex::default() }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shelf(&self, tenant: TenantId) -> TenantId {
        let mixed = matches!(self.fault, VectorFault::TenantsMixed | VectorFault::TenantSieved);
        if mixed { TenantId::from_uuid(uuid::Uuid::nil()) } else { tenant }
    }

    /// Returns the space itself, or the one in which all versions of its model meet.
    fn room(&self, space: &EmbeddingSpace) -> EmbeddingSpace {
        if self.fault != VectorFault::VersionsMixed {
            return space.clone();
        }
        let version = Key::new("any").expect("it is a key");
        EmbeddingSpace::new(space.model().clone(), version, space.dimensions(), space.metric())
            .expect("it has as many dimensions")
    }

    fn moved(&self, embedding: &Embedding) -> Embedding {
        Embedding::new(&self.room(embedding.space()), embedding.values()).expect("it has a direction")
    }

    /// Takes note of how the passages are filed.
    fn label(&self, batch: &VectorBatch) {
        let mut memory = self.memory();
        for change in &batch.changes {
            let VectorChange::Replace { article, visibility, language, chunks } = change else { continue };
            for chunk in chunks {
                let label = (batch.tenant, *article, *visibility, language.clone());
                memory.labels.entry(chunk.id).or_insert(label);
            }
        }
    }

    /// Returns the batch as the fault makes it.
    fn spoiled(&self, batch: &VectorBatch) -> VectorBatch {
        let mut spoiled = batch.clone();
        spoiled.tenant = self.shelf(batch.tenant);
        spoiled.space = self.room(&batch.space);
        for change in &mut spoiled.changes {
            let VectorChange::Replace { article, chunks, .. } = change else { continue };
            match self.fault {
                VectorFault::VersionsMixed => {
                    for chunk in chunks {
                        chunk.embedding = self.moved(&chunk.embedding);
                    }
                }
                VectorFault::OthersSkipped => {
                    chunks.retain(|chunk| *chunk.embedding.space() == batch.space);
                }
                VectorFault::NothingReplaced => {
                    if let Some(first) = chunks.first() {
                        *article = ArticleId::from_uuid(first.id.as_uuid());
                    }
                }
                VectorFault::ChunkStays => {
                    let memory = self.memory();
                    let stays =
                        |id: &ChunkId| memory.labels.get(id).is_some_and(|(_, first, ..)| *first != *article);
                    chunks.retain(|chunk| !stays(&chunk.id));
                }
                VectorFault::Cut => chunks.truncate(VectorBatch::MAX_VECTORS / 2),
                _ => {}
            }
        }
        if self.fault == VectorFault::Cut {
            spoiled.changes.truncate(VectorBatch::MAX_CHANGES);
        }
        spoiled
    }

    /// Keeps of what is nearest in the whole shelf what passes the filter.
    async fn sieve(&self, query: &VectorQuery) -> Result<Vec<VectorHit>> {
        let mut wide = query.clone();
        wide.tenant = self.shelf(query.tenant);
        if self.fault == VectorFault::Sieved {
            wide.visibilities =
                vec![ArticleVisibility::Public, ArticleVisibility::Tenant, ArticleVisibility::Internal];
            wide.language = None;
        }
        wide.limit = VectorQuery::MAX_LIMIT;
        let mut hits = self.index.search(&wide).await?;
        let memory = self.memory();
        hits.retain(|hit| {
            memory.labels.get(&hit.chunk).is_some_and(|(tenant, _, visibility, language)| {
                *tenant == query.tenant
                    && query.visibilities.contains(visibility)
                    && (query.language.is_none() || query.language == *language)
            })
        });
        hits.truncate(query.limit);
        Ok(hits)
    }
}

#[async_trait]
impl VectorIndex for BrokenVectors {
    async fn apply(&self, batch: &VectorBatch) -> Result<()> {
        self.label(batch);
        let mut spoiled = self.spoiled(batch);
        let cursor = self.index.cursor(&spoiled.space, spoiled.tenant).await?;
        match self.fault {
            VectorFault::CursorFirst => {
                self.index.apply(&VectorBatch { changes: Vec::new(), ..spoiled.clone() }).await?;
                tokio::task::yield_now().await;
            }
            VectorFault::CursorStays if batch.changes.is_empty() => return Ok(()),
            VectorFault::SeenLate => {
                let late = std::mem::take(&mut self.memory().late);
                for earlier in late {
                    let after = self.index.cursor(&earlier.space, earlier.tenant).await?;
                    self.index.apply(&VectorBatch { after, upto: after, ..earlier }).await?;
                }
                self.memory().late.push(spoiled.clone());
                spoiled.changes.clear();
            }
            VectorFault::OvertakenApplied => spoiled.upto = spoiled.upto.max(cursor),
            VectorFault::GapAccepted => spoiled.after = Position::START,
            VectorFault::CursorKept | VectorFault::CursorsMixed => {
                let key = (spoiled.space.clone(), spoiled.tenant);
                self.memory().cursors.insert(key, spoiled.upto);
            }
            VectorFault::RefusedMoves => {
                let applied = self.index.apply(&spoiled).await;
                if applied.is_err() {
                    let empty = VectorBatch { after: cursor, changes: Vec::new(), ..spoiled };
                    let _still_refused = self.index.apply(&empty).await;
                }
                return applied;
            }
            _ => {}
        }
        self.index.apply(&spoiled).await
    }

    async fn cursor(&self, space: &EmbeddingSpace, tenant: TenantId) -> Result<Position> {
        let kept = {
            let memory = self.memory();
            let of = |(own, desk): &(EmbeddingSpace, TenantId)| match self.fault {
                VectorFault::CursorsMixed => *desk == tenant,
                _ => own == space && *desk == tenant,
            };
            memory.cursors.iter().filter(|(key, _)| of(key)).map(|(_, position)| *position).max()
        };
        match kept {
            Some(position) => Ok(position),
            None => self.index.cursor(&self.room(space), self.shelf(tenant)).await,
        }
    }

    async fn search(&self, query: &VectorQuery) -> Result<Vec<VectorHit>> {
        let mut asked = query.clone();
        asked.tenant = self.shelf(query.tenant);
        asked.embedding = self.moved(&query.embedding);
        match self.fault {
            VectorFault::VisibilityIgnored => {
                asked.visibilities =
                    vec![ArticleVisibility::Public, ArticleVisibility::Tenant, ArticleVisibility::Internal];
            }
            VectorFault::LanguageIgnored => asked.language = None,
            VectorFault::OffsetIgnored if asked.offset < 100 => asked.offset = 0,
            VectorFault::Sieved | VectorFault::TenantSieved => return self.sieve(query).await,
            VectorFault::Clamped => {
                asked.limit = asked.limit.clamp(1, VectorQuery::MAX_LIMIT);
                asked.offset = asked.offset.min(VectorQuery::MAX_REACH - asked.limit);
            }
            _ => {}
        }
        let found = self.index.search(&asked).await;
        if self.fault == VectorFault::UnknownSilent
            && found.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound)
        {
            return Ok(Vec::new());
        }
        let mut hits = found?;
        match self.fault {
            VectorFault::WorstFirst => hits.reverse(),
            VectorFault::TiesReversed => {
                hits.sort_by(|one, other| {
                    other.score.total_cmp(&one.score).then(other.chunk.cmp(&one.chunk))
                });
            }
            VectorFault::Distance => {
                for hit in &mut hits {
                    hit.score = 1.0 - hit.score;
                }
            }
            VectorFault::Coarse => {
                for hit in &mut hits {
                    hit.score = (hit.score * 16.0).round() / 16.0;
                }
            }
            VectorFault::BestMissed if hits.len() == VectorQuery::MAX_LIMIT => {
                asked.offset = hits.len();
                asked.limit = 10;
                let worse = self.index.search(&asked).await?;
                hits.drain(10..10 + worse.len());
                hits.extend(worse);
            }
            _ => {}
        }
        Ok(hits)
    }

    async fn erase(&self, tenant: TenantId, article: ArticleId) -> Result<()> {
        match self.fault {
            VectorFault::ErasedInVain => Ok(()),
            VectorFault::ErasedInOne => {
                let Some(space) = self.index.spaces().await?.into_iter().next() else { return Ok(()) };
                let after = self.index.cursor(&space, tenant).await?;
                let changes = vec![VectorChange::Remove { article }];
                self.index.apply(&VectorBatch { space, tenant, after, upto: after, changes }).await
            }
            VectorFault::TooMuchErased => {
                let articles: Vec<ArticleId> =
                    self.memory().labels.values().map(|(_, article, ..)| *article).collect();
                for article in articles {
                    self.index.erase(tenant, article).await?;
                }
                Ok(())
            }
            _ => self.index.erase(tenant, article).await,
        }
    }

    async fn spaces(&self) -> Result<Vec<EmbeddingSpace>> {
        self.index.spaces().await
    }

    async fn drop_space(&self, space: &EmbeddingSpace) -> Result<()> {
        match self.fault {
            VectorFault::DropForgotten => Ok(()),
            VectorFault::AllDropped => self.index.clear().await,
            _ => self.index.drop_space(&self.room(space)).await,
        }
    }

    async fn clear(&self) -> Result<()> {
        if self.fault == VectorFault::ClearedInVain { Ok(()) } else { self.index.clear().await }
    }
}
