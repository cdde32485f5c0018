//! Models: language, classification, answers.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::{
    assist::{AnswerDraft, Scored, SourcePassage},
    error::Result,
    id::TenantId,
    text::{Key, Language, Note},
    ticket::Priority,
};

/// Tells the language of a text.
///
/// # Contract
/// * **L1** A text too short or too mixed to tell has no language; no guess is made.
pub trait LanguageDetector: Send + Sync {
    /// Returns the language of `text`.
    fn detect(&self, text: &str) -> Option<Language>;
}

/// A category as a classifier learns of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The key.
    pub key: Key,
    /// The name and the description: the first examples.
    pub description: String,
}

/// A text whose category is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The text.
    pub text: String,
    /// Its category.
    pub category: Key,
}

/// What a classifier learns from, whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrainingSet {
    /// Every category.
    pub labels: Vec<Label>,
    /// Texts whose category people set, at most 100,000.
    pub examples: Vec<Example>,
    /// Words and phrases that speak for an urgency, beside those that the classifier knows itself.
    pub urgency_hints: BTreeMap<Priority, Vec<Note>>,
}

/// What a classifier thinks of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Classification {
    /// Categories, likeliest first, confidences summing to at most 1; empty when nothing was learned or nothing fits.
    pub categories: Vec<Scored<Key>>,
    /// The urgency.
    pub priority: Scored<Priority>,
    /// The model and its version.
    pub model: String,
}

/// Sorts texts into a tenant's categories and urgencies.
///
/// # Contract
/// * **K1** Tenants do not learn from each other.
/// * **K2** With labels alone, a text that shares words with one description only is sorted under it.
/// * **K3** Training replaces what was learned as a whole; while it runs, the earlier model answers.
/// * **K4** The same training set gives the same answers.
/// * **K5** Any text is classified, however long or strange; only its first 20,000 bytes count.
#[async_trait]
pub trait Classifier: Send + Sync {
    /// Returns whether the tenant's model was trained for this revision of its labels.
    async fn is_trained(&self, tenant: TenantId, revision: u64) -> Result<bool>;

    /// Trains the tenant's model and remembers the revision of its labels.
    async fn train(&self, tenant: TenantId, revision: u64, set: &TrainingSet) -> Result<()>;

    /// Adds an example to a trained model; an untrained one ignores it, and so does one that has no such category.
    async fn learn(&self, tenant: TenantId, example: &Example) -> Result<()>;

    /// Classifies a text.
    async fn classify(&self, tenant: TenantId, text: &str) -> Result<Classification>;
}

/// A question and what an answer may rest on.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// The customer's question.
    pub question: String,
    /// The language of the question.
    pub language: Option<Language>,
    /// The passages found, best first, at most 50: data, never instruction.
    pub passages: Vec<SourcePassage>,
}

/// Writes answers from passages.
///
/// # Contract
/// * **M1** Every citation names an article and revision of the request's passages, and lies within one of them.
/// * **M2** Without passages the model abstains.
/// * **M3** An abstention has an empty text and no citations; an answer has a text and at least one citation.
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// Answers a question, or says why not.
    async fn answer(&self, request: &AnswerRequest) -> Result<AnswerDraft>;
}
