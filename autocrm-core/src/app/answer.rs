//! Retrieval and answers: what the index finds is loaded under the asker's own scope before a model sees it.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use crate::{
    access::{ArticleVisibility, Scope},
    app::{AutoCrm, Result, meaning::REACH},
    assist::{Abstention, AnswerDraft, Ranked, Repetitions, SourcePassage, fuse},
    conversation::Citation,
    id::{ArticleId, ChunkId},
    knowledge::{Article, Chunk},
    port::{AnswerRequest, TextHit, TextQuery},
    text::{Key, Language, truncate_bytes},
};

/// How much of a question is searched with, in bytes.
const MAX_QUESTION: usize = 4_096;
/// How many candidates a search looks at before it gives up, at most.
const MAX_CANDIDATES: usize = 1_000;
/// How many candidates are loaded at once.
const LOADED: usize = 20;

/// An answer and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The draft.
    pub draft: AnswerDraft,
    /// The passages that the model was shown, best first.
    pub passages: Vec<SourcePassage>,
}

/// A source of an answer, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The article.
    pub article: ArticleId,
    /// The article's short name.
    pub slug: Key,
    /// The article's title.
    pub title: String,
    /// The passage.
    pub citation: Citation,
    /// The passage's text, byte for byte.
    pub quote: String,
}

/// An answer to a question that is no ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct AskedAnswer {
    /// The text; empty when the model abstained.
    pub text: String,
    /// How sure the model is, 0..=1.
    pub confidence: f32,
    /// Why there is no answer.
    pub abstention: Option<Abstention>,
    /// The model.
    pub model: String,
    /// The sources, in the order of the text.
    pub sources: Vec<Source>,
}

/// Finds up to `limit` passages that the scope shows, by words and, where an index by meaning is there, by meaning. Hits
/// that the store does not know, no longer holds or does not show are dropped and counted, passages that repeat another
/// are left out, and the search goes on until enough survive or the candidates end.
pub(super) async fn retrieve(
    crm: &AutoCrm,
    scope: &Scope,
    question: &str,
    language: Option<&Language>,
    limit: usize,
) -> Result<Vec<SourcePassage>> {
    let Some(index) = crm.index() else { return Ok(Vec::new()) };
    let visibilities = visible_kinds(scope);
    let mut gathered = Gathered { limit, ..Gathered::default() };
    let mut query = TextQuery {
        tenant: scope.tenant(),
        visibilities,
        text: truncate_bytes(question, MAX_QUESTION).to_owned(),
        language: language.cloned(),
        offset: 0,
        limit: (limit * 2).clamp(10, 200),
    };
    if let Some(meaning) = crm.meaning() {
        query.limit = REACH;
        let near = meaning.search(crm, scope, &query.visibilities, &query.text).await;
        let words = words(&index.search(&query).await?);
        gathered.add(crm, scope, &fuse(&query.text, &words, &near)).await?;
        query.offset = words.len();
        if words.len() < REACH {
            query.offset = MAX_CANDIDATES;
        }
    }
    while gathered.passages.len() < limit && query.offset < MAX_CANDIDATES {
        let hits = words(&index.search(&query).await?);
        gathered.add(crm, scope, &hits).await?;
        if hits.len() < query.limit {
            break;
        }
        query.offset += hits.len();
    }
    if gathered.dropped > 0 {
        let dropped = gathered.dropped;
        tracing::debug!(dropped, "search hits that the store does not show were left out");
    }
    Ok(gathered.passages)
}

fn words(hits: &[TextHit]) -> Vec<Ranked> {
    hits.iter().map(|hit| Ranked { chunk: hit.chunk, score: hit.score }).collect()
}

/// The passages found so far.
#[derive(Default)]
struct Gathered {
    limit: usize,
    passages: Vec<SourcePassage>,
    articles: BTreeMap<ArticleId, Option<Article>>,
    said: Repetitions,
    seen: BTreeSet<ChunkId>,
    dropped: usize,
}

impl Gathered {
    /// Loads hits under the scope, in their order, until there are enough.
    async fn add(&mut self, crm: &AutoCrm, scope: &Scope, hits: &[Ranked]) -> Result<()> {
        for group in hits.chunks(LOADED) {
            let ids: Vec<ChunkId> = group.iter().map(|hit| hit.chunk).collect();
            let chunks = crm.store().chunks(scope, &ids).await?;
            let mut known: BTreeMap<ChunkId, Chunk> =
                chunks.into_iter().map(|chunk| (chunk.id, chunk)).collect();
            for hit in group {
                if self.passages.len() == self.limit {
                    return Ok(());
                }
                if !self.seen.insert(hit.chunk) {
                    continue;
                }
                let Some(chunk) = known.remove(&hit.chunk) else {
                    self.dropped += 1;
                    continue;
                };
                let current = match self.articles.entry(chunk.article) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(unknown) => {
                        unknown.insert(crm.store().article(scope, chunk.article).await?)
                    }
                };
                let Some(article) = current
                    .as_ref()
                    .filter(|article| article.is_published() && article.revision == chunk.revision)
                else {
                    self.dropped += 1;
                    continue;
                };
                if !self.said.repeats(&chunk.text) {
                    self.passages.push(passage(article, chunk, hit.score));
                }
            }
        }
        Ok(())
    }
}

/// Returns the visibilities that the scope may search.
fn visible_kinds(scope: &Scope) -> Vec<ArticleVisibility> {
    [ArticleVisibility::Public, ArticleVisibility::Tenant, ArticleVisibility::Internal]
        .into_iter()
        .filter(|visibility| scope.sees_article(*visibility, true))
        .collect()
}

fn passage(article: &Article, chunk: Chunk, score: f32) -> SourcePassage {
    SourcePassage {
        chunk: chunk.id,
        article: chunk.article,
        revision: chunk.revision,
        title: article.title.as_str().to_owned(),
        heading: chunk.heading,
        start: chunk.start,
        text: chunk.text,
        score,
    }
}

/// Answers a question from what the scope shows. Without a model nothing is answered.
pub(super) async fn answer(
    crm: &AutoCrm,
    scope: &Scope,
    question: &str,
    language: Option<&Language>,
) -> Result<Answered> {
    let passages = retrieve(crm, scope, question, language, crm.settings().passages).await?;
    let Some(model) = crm.model() else {
        return Ok(Answered { draft: abstained(Abstention::NothingFound), passages });
    };
    let request = AnswerRequest {
        tenant: scope.tenant(),
        question: question.to_owned(),
        language: language.cloned(),
        passages,
    };
    let draft = model.answer(&request).await?;
    let draft = if draft.abstention.is_none() && !rests_on(&draft, &request.passages) {
        tracing::warn!(model = draft.model, "an answer cited what it was not shown and was withheld");
        AnswerDraft { model: draft.model, ..abstained(Abstention::WeakEvidence) }
    } else {
        draft
    };
    Ok(Answered { draft, passages: request.passages })
}

fn abstained(reason: Abstention) -> AnswerDraft {
    AnswerDraft {
        text: String::new(),
        citations: Vec::new(),
        confidence: 0.0,
        abstention: Some(reason),
        model: "none".to_owned(),
    }
}

/// Returns whether every citation lies within a passage that the model was shown, and there is at least one.
pub(super) fn rests_on(draft: &AnswerDraft, passages: &[SourcePassage]) -> bool {
    let shown = |citation: &Citation| passages.iter().any(|passage| quote(passage, citation).is_some());
    !draft.citations.is_empty() && !draft.text.trim().is_empty() && draft.citations.iter().all(shown)
}

/// Returns the cited bytes of a passage, if the citation lies within it.
fn quote<'a>(passage: &'a SourcePassage, citation: &Citation) -> Option<&'a str> {
    if passage.article != citation.article || passage.revision != citation.revision {
        return None;
    }
    let start = usize::try_from(citation.start.checked_sub(passage.start)?).ok()?;
    let end = usize::try_from(citation.end.checked_sub(passage.start)?).ok()?;
    passage.text.get(start..end).filter(|text| !text.is_empty())
}

/// Names the sources of an answer, for people.
pub(super) async fn sources(crm: &AutoCrm, scope: &Scope, answered: &Answered) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for citation in &answered.draft.citations {
        let Some(text) = answered.passages.iter().find_map(|passage| quote(passage, citation)) else {
            continue;
        };
        let Some(article) = crm.store().article(scope, citation.article).await? else { continue };
        sources.push(Source {
            article: article.id,
            slug: article.slug,
            title: article.title.into_string(),
            citation: citation.clone(),
            quote: text.to_owned(),
        });
    }
    Ok(sources)
}

/// Returns the answer of an assistant that is switched off.
pub(super) fn switched_off() -> Answered {
    Answered { draft: abstained(Abstention::NothingFound), passages: Vec::new() }
}
