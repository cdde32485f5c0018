//! Analyses, drafts and dispositions.

use serde::{Deserialize, Serialize};

use crate::{
    conversation::Citation,
    id::{ArticleId, ChunkId, MessageId, TicketId},
    text::{Key, Language},
    ticket::Priority,
};

/// The largest number of alternatives that an analysis lists.
pub const MAX_ALTERNATIVES: usize = 5;

/// A value and how sure a model is of it, 0..=1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored<T> {
    /// The value.
    pub value: T,
    /// How sure the model is, 0..=1.
    pub confidence: f32,
}

/// What a text is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// The language; `None`: too short to tell.
    pub language: Option<Language>,
    /// The category; `None`: nothing fits well enough.
    pub category: Option<Scored<Key>>,
    /// Other categories, likeliest first, at most [`MAX_ALTERNATIVES`].
    pub alternatives: Vec<Scored<Key>>,
    /// The urgency.
    pub priority: Scored<Priority>,
    /// The model that says so.
    pub model: String,
}

/// A passage that an answer may rest on, loaded from the store under the requester's scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourcePassage {
    /// The chunk.
    pub chunk: ChunkId,
    /// The article.
    pub article: ArticleId,
    /// The revision of the article.
    pub revision: u32,
    /// The article's title.
    pub title: String,
    /// The headings above the passage.
    pub heading: String,
    /// The first byte in the revision's body.
    pub start: u32,
    /// The passage.
    pub text: String,
    /// The score of the index, higher is better; comparable within one search only.
    pub score: f32,
}

/// An answer that a model wrote, or why it wrote none.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerDraft {
    /// The text; empty when the model abstains.
    pub text: String,
    /// The passages that the text rests on, in the order of the text.
    pub citations: Vec<Citation>,
    /// How sure the model is, 0..=1.
    pub confidence: f32,
    /// Why there is no answer.
    pub abstention: Option<Abstention>,
    /// The model, such as `extractive`.
    pub model: String,
}

/// Why a model wrote no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Abstention {
    /// Nothing was found.
    NothingFound,
    /// What was found does not answer the question.
    WeakEvidence,
    /// The question cannot be understood: too short, or in no known language.
    UnclearQuestion,
}

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// It is sent to the customer.
    Send,
    /// It is proposed to the agents.
    Suggest,
    /// There is none: people take over.
    HandOff,
}

/// Why an answer was not sent by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// `aiResponses` is off.
    FlagOff,
    /// The model abstained.
    Abstained,
    /// The ticket's category is unknown or does not allow it.
    CategoryNotAllowed,
    /// The confidence is below the threshold.
    LowConfidence,
    /// A sentence rests on no passage.
    Uncited,
    /// The sender is not known to be who they say.
    SenderUnverified,
    /// An agent already takes part in the conversation.
    PersonInvolved,
    /// The mail that came in was itself automatic.
    AutomaticMail,
}

/// What happened with the assistant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AssistEvent {
    /// A ticket was analysed, and what became of its answer.
    Processed {
        /// The ticket.
        ticket: TicketId,
        /// The customer's message.
        message: MessageId,
        /// What it is about.
        analysis: Analysis,
        /// What became of the answer.
        disposition: Disposition,
        /// Why it was not sent by itself.
        reasons: Vec<ReasonCode>,
        /// The answer, if one was stored.
        answer: Option<MessageId>,
    },
}
