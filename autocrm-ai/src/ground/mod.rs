//! Answers that quote the knowledge base, and a check of what answers rest on.

mod answer;
mod check;
mod claim;
mod evidence;
mod sentence;
#[cfg(test)]
mod tests;

pub use answer::{
    EXTRACTIVE_MODEL, ExtractiveAnswerer, ExtractiveOptions, MAX_PASSAGE_BYTES, MAX_PASSAGES,
    MAX_QUESTION_BYTES,
};
pub use check::{
    GroundFinding, GroundedSentence, Groundedness, MAX_ANSWER_BYTES, MAX_SOURCES, SUPPORTED_FROM,
    check_groundedness,
};
