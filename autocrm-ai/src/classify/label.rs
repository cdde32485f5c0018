//! Labels, examples, and how likely labels are.

/// A label and what it means in words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LabelText {
    /// The label that predictions name.
    pub label: String,
    /// What belongs under the label, in the words of its users; may be empty.
    pub description: String,
}

impl LabelText {
    /// Returns a label with its description.
    pub fn new(label: impl Into<String>, description: impl Into<String>) -> Self {
        Self { label: label.into(), description: description.into() }
    }

    /// Returns the text that stands for the label: its name in words, and the description.
    pub fn text(&self) -> String {
        let spoken: String = self.label.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
        format!("{spoken} {}", self.description)
    }
}

/// A text and the label that a person gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example<'a> {
    /// The text; only its first [`MAX_TEXT_BYTES`](super::MAX_TEXT_BYTES) bytes are read.
    pub text: &'a str,
    /// One of the labels trained for.
    pub label: &'a str,
}

/// How a training runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingOptions {
    /// Where the order of the examples starts from; the same seed gives the same classifier.
    pub seed: u64,
    /// What a training error costs, above 0; larger fits the examples closer.
    pub cost: f32,
}

impl Default for TrainingOptions {
    fn default() -> Self {
        Self { seed: 1, cost: 1.0 }
    }
}

/// A label and how likely it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelScore<'a> {
    /// The label.
    pub label: &'a str,
    /// The probability, 0..=1. All labels together sum to at most 1; what is missing is the chance that none fits.
    pub probability: f64,
}

/// Puts labels with their probabilities in order, the likeliest first; equal ones keep their order.
pub(crate) fn ranked<'a>(
    labels: impl Iterator<Item = &'a str>,
    probabilities: Vec<f64>,
) -> Vec<LabelScore<'a>> {
    let mut scores: Vec<LabelScore<'a>> =
        labels.zip(probabilities).map(|(label, probability)| LabelScore { label, probability }).collect();
    scores.sort_by(|one, other| other.probability.total_cmp(&one.probability));
    scores
}
