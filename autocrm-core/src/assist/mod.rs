//! The assistant: what a ticket is about, what may be answered, and what becomes of the answer.

mod decide;
mod duplicate;
mod fusion;
mod model;

pub use decide::{SendConditions, dispose};
pub use duplicate::Repetitions;
pub use fusion::{Ranked, fuse};
pub use model::{
    Abstention, Analysis, AnswerDraft, AssistEvent, Disposition, MAX_ALTERNATIVES, ReasonCode, Scored,
    SourcePassage,
};
