//! The knowledge base: articles with revisions, their passages and embeddings, and feedback.

mod chunk;
mod command;
mod embedding;
mod model;

pub use chunk::{CHUNK_TARGET, Passage, split_markdown};
pub use command::{
    ArticleChange, ArticleEvent, ArticleRefusal, ArticleSpec, change_state, cut, edit, give_feedback,
    roll_back, write,
};
pub use embedding::{Embedding, EmbeddingRefusal, EmbeddingSpace, MAX_DIMENSIONS, Metric};
pub use model::{
    Article, ArticleFilter, ArticleState, Chunk, Feedback, FeedbackEvent, FeedbackTarget, FeedbackTotals,
    Revision,
};
