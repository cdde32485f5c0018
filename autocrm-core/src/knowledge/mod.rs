//! The knowledge base: articles with revisions, their passages, and feedback.

mod chunk;
mod command;
mod model;

pub use chunk::{CHUNK_TARGET, Passage, split_markdown};
pub use command::{
    ArticleChange, ArticleEvent, ArticleRefusal, ArticleSpec, change_state, cut, edit, give_feedback,
    roll_back, write,
};
pub use model::{
    Article, ArticleFilter, ArticleState, Chunk, Feedback, FeedbackEvent, FeedbackTarget, FeedbackTotals,
    Revision,
};
