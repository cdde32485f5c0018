//! The assistant: what a ticket is about, what may be answered, and what becomes of the answer.

mod decide;
mod model;

pub use decide::{SendConditions, dispose};
pub use model::{
    Abstention, Analysis, AnswerDraft, AssistEvent, Disposition, MAX_ALTERNATIVES, ReasonCode, Scored,
    SourcePassage,
};
