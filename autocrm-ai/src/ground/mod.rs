//! Answers that quote the knowledge base.

mod answer;
mod evidence;
mod sentence;
#[cfg(test)]
mod tests;

pub use answer::{
    EXTRACTIVE_MODEL, ExtractiveAnswerer, ExtractiveOptions, MAX_PASSAGE_BYTES, MAX_PASSAGES,
    MAX_QUESTION_BYTES,
};
