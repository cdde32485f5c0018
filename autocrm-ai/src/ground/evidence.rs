//! How well passages and sentences fit a question.

use std::collections::{BTreeSet, HashMap};

use autocrm_core::assist::SourcePassage;

use crate::words::{Stemmer, fold, is_code, is_function_word, words};

/// The terms of a text that carry meaning: function words left out, each once.
pub(crate) fn content_terms(text: &str, stemmer: &Stemmer) -> BTreeSet<String> {
    words(text)
        .filter(|word| !is_function_word(&fold(word.text)))
        .map(|word| stemmer.term(word.text))
        .collect()
}

/// The question's terms with their weights against one set of passages.
#[derive(Debug)]
pub(crate) struct Question {
    weights: HashMap<String, f64>,
    total: f64,
}

impl Question {
    /// Weighs the question's terms: the fewer passages hold a term, the more it weighs; codes weigh double.
    #[expect(clippy::cast_precision_loss, reason = "passages are few")]
    pub(crate) fn weigh(terms: BTreeSet<String>, passages: &[BTreeSet<String>]) -> Self {
        let mut weights = HashMap::with_capacity(terms.len());
        let count = passages.len() as f64;
        for term in terms {
            let holding = passages.iter().filter(|passage| passage.contains(&term)).count() as f64;
            let rarity = (1.0 + (count + 1.0) / (holding + 0.5)).ln();
            let weight = if is_code(&term) { 2.0 * rarity } else { rarity };
            weights.insert(term, weight);
        }
        let total = weights.values().sum();
        Self { weights, total }
    }

    /// Returns the share of the question's weight that the terms cover, 0..=1.
    pub(crate) fn coverage(&self, terms: &BTreeSet<String>) -> f64 {
        if self.total <= 0.0 {
            return 0.0;
        }
        // Summed in the order of the set, so that equal input gives equal bits.
        let covered: f64 = terms.iter().filter_map(|term| self.weights.get(term)).sum();
        (covered / self.total).min(1.0)
    }

    /// Returns how well a heading or sentence with these terms matches the question as a whole: the harmonic mean of
    /// the question's share that it covers and of its own share that the question holds, 0..=1.
    pub(crate) fn focus(&self, terms: &BTreeSet<String>) -> f64 {
        let (coverage, precision) = (self.coverage(terms), self.precision(terms));
        if coverage + precision > 0.0 { 2.0 * coverage * precision / (coverage + precision) } else { 0.0 }
    }

    #[expect(clippy::cast_precision_loss, reason = "a heading has few terms")]
    fn precision(&self, terms: &BTreeSet<String>) -> f64 {
        if terms.is_empty() {
            return 0.0;
        }
        let held = terms.iter().filter(|term| self.weights.contains_key(*term)).count();
        held as f64 / terms.len() as f64
    }
}

/// What is known about one passage.
#[derive(Debug)]
pub(crate) struct PassageTerms {
    /// Title and headings.
    pub(crate) heading: BTreeSet<String>,
    /// Title, headings and text.
    pub(crate) all: BTreeSet<String>,
}

impl PassageTerms {
    pub(crate) fn of(passage: &SourcePassage, text: &str, stemmer: &Stemmer) -> Self {
        let mut heading = content_terms(&passage.title, stemmer);
        heading.extend(content_terms(&passage.heading, stemmer));
        let mut all = content_terms(text, stemmer);
        all.extend(heading.iter().cloned());
        Self { heading, all }
    }
}

/// The signals from which the confidence is computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Evidence {
    /// How well the best heading or sentence of the best passage matches, 0..=1.
    pub(crate) focus: f64,
    /// By how much that exceeds the match of any other article, -1..=1.
    pub(crate) focus_lead: f64,
    /// How far the index ranks the best passage above the next article, as a share of its score, 0..=1.
    pub(crate) score_lead: f64,
    /// The same, above the other articles' passages on average, 0..=1.
    pub(crate) mean_lead: f64,
}

/// Fitted by logistic regression on `StackFAQ` (Karan and Šnajder 2018): rephrased questions against a knowledge base
/// with and without the article that answers them, on one half of the articles and tested on the other.
const WEIGHTS: Evidence = Evidence { focus: 5.0, focus_lead: 2.5, score_lead: 3.3, mean_lead: 3.7 };
const OFFSET: f64 = -3.9;

/// What a lead counts when no other article was found: that proves little, least of all in a small knowledge base.
const LEAD_WITHOUT_RIVAL: f64 = 0.25;

impl Evidence {
    /// Gathers the signals for the passage `best`, given how well each passage matches.
    #[expect(clippy::cast_precision_loss, reason = "passages are few")]
    pub(crate) fn of(passages: &[SourcePassage], best: usize, focuses: &[f64]) -> Self {
        let article = passages[best].article;
        let rivals = || passages.iter().zip(focuses).filter(|(passage, _)| passage.article != article);
        let scores: Vec<f64> = rivals().map(|(passage, _)| f64::from(passage.score.max(0.0))).collect();
        let score = f64::from(passages[best].score);
        let lead = |rival: f64| {
            if scores.is_empty() || !score.is_finite() || score <= 0.0 {
                LEAD_WITHOUT_RIVAL
            } else {
                ((score - rival) / score).clamp(0.0, 1.0)
            }
        };
        let mean = scores.iter().sum::<f64>() / (scores.len().max(1) as f64);
        Self {
            focus: focuses[best],
            focus_lead: focuses[best] - rivals().map(|(_, focus)| *focus).fold(0.0, f64::max),
            score_lead: lead(scores.iter().copied().fold(0.0, f64::max)),
            mean_lead: lead(mean),
        }
    }

    /// Returns the chance that the passages answer the question, 0..=1.
    pub(crate) fn confidence(&self) -> f64 {
        let logit = OFFSET
            + WEIGHTS.focus * self.focus
            + WEIGHTS.focus_lead * self.focus_lead
            + WEIGHTS.score_lead * self.score_lead
            + WEIGHTS.mean_lead * self.mean_lead;
        1.0 / (1.0 + (-logit).exp())
    }
}
