//! The assistant on the wire.

use std::collections::BTreeMap;

use autocrm_core::{
    app::{ArticleHit, AskedAnswer, Source},
    assist::{Abstention, Analysis, Scored},
    text::Key,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A text, or a ticket of which the customer's latest message is the text: exactly one of them.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnalyzeRequest {
    /// At most 1,048,576 bytes; the first 20,000 count.
    pub(crate) text: Option<String>,
    pub(crate) ticket_id: Option<Uuid>,
}

/// A text, or a ticket of which the customer's latest message is the text: exactly one of them.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuggestRequest {
    /// At most 1,048,576 bytes.
    pub(crate) text: Option<String>,
    pub(crate) ticket_id: Option<Uuid>,
    /// How many articles at most, 1..=50, 5 unless given.
    pub(crate) articles: Option<usize>,
}

/// A value and how sure the model is of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ScoredView {
    value: String,
    /// 0..=1.
    confidence: f32,
}

impl ScoredView {
    fn of(scored: &Scored<Key>) -> Self {
        Self { value: scored.value.to_string(), confidence: scored.confidence }
    }
}

/// What a text is about.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AnalysisView {
    /// Absent when the text is too short to tell.
    language: Option<String>,
    /// Absent when nothing fits well enough.
    category: Option<ScoredView>,
    alternatives: Vec<ScoredView>,
    priority: ScoredView,
    model: String,
}

impl AnalysisView {
    pub(crate) fn of(analysis: &Analysis) -> Self {
        Self {
            language: analysis.language.as_ref().map(ToString::to_string),
            category: analysis.category.as_ref().map(ScoredView::of),
            alternatives: analysis.alternatives.iter().map(ScoredView::of).collect(),
            priority: ScoredView {
                value: analysis.priority.value.as_str().to_owned(),
                confidence: analysis.priority.confidence,
            },
            model: analysis.model.clone(),
        }
    }
}

/// A passage that an answer rests on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SourceView {
    article: Uuid,
    slug: String,
    title: String,
    revision: u32,
    /// The first byte of the passage in that revision.
    start: u32,
    /// The byte after the passage.
    end: u32,
    /// The passage, byte for byte.
    quote: String,
}

impl SourceView {
    fn of(source: &Source) -> Self {
        Self {
            article: source.article.as_uuid(),
            slug: source.slug.to_string(),
            title: source.title.clone(),
            revision: source.citation.revision,
            start: source.citation.start,
            end: source.citation.end,
            quote: source.quote.clone(),
        }
    }
}

/// An article on the subject.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ArticleView {
    article: Uuid,
    title: String,
    /// The headings above the passage.
    heading: String,
    /// The passage that matches best.
    passage: String,
}

impl ArticleView {
    fn of(hit: &ArticleHit) -> Self {
        Self {
            article: hit.article.as_uuid(),
            title: hit.title.clone(),
            heading: hit.heading.clone(),
            passage: hit.passage.clone(),
        }
    }
}

/// An answer to start from, and articles on the subject, from what the caller may read.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SuggestionView {
    /// Empty when the model abstains.
    text: String,
    /// 0..=1.
    confidence: f32,
    /// Why there is no answer: `nothing_found`, `weak_evidence` or `unclear_question`.
    #[serde(skip_serializing_if = "Option::is_none")]
    abstention: Option<&'static str>,
    model: String,
    sources: Vec<SourceView>,
    /// Best first.
    articles: Vec<ArticleView>,
}

impl SuggestionView {
    pub(crate) fn of(answer: &AskedAnswer, articles: &[ArticleHit]) -> Self {
        Self {
            text: answer.text.clone(),
            confidence: answer.confidence,
            abstention: answer.abstention.map(|reason| match reason {
                Abstention::NothingFound => "nothing_found",
                Abstention::WeakEvidence => "weak_evidence",
                Abstention::UnclearQuestion => "unclear_question",
            }),
            model: answer.model.clone(),
            sources: answer.sources.iter().map(SourceView::of).collect(),
            articles: articles.iter().map(ArticleView::of).collect(),
        }
    }
}

/// How far the knowledge index has followed the feed of the caller's tenant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct IndexHealth {
    /// The position up to which events were applied.
    pub(crate) cursor: u64,
    /// The position of the latest event.
    pub(crate) head: u64,
    /// Events not yet applied.
    pub(crate) lag: u64,
}

/// Whether the assistant works.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AiHealthView {
    /// `ok`, or `degraded` when an adapter is missing.
    pub(crate) status: &'static str,
    /// The adapters by port; only for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) adapters: Option<BTreeMap<&'static str, String>>,
    /// Only for staff, and only with an index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) index: Option<IndexHealth>,
}
