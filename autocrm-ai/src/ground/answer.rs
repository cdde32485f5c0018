//! The answerer that quotes: it picks sentences of the passages and adds no word of its own.

use std::{collections::BTreeSet, ops::Range};

use async_trait::async_trait;
use autocrm_core::{
    assist::{Abstention, AnswerDraft, SourcePassage},
    conversation::Citation,
    error::{Error, ErrorKind, Result},
    port::{AnswerRequest, LanguageModel},
    text::truncate_bytes,
};

use super::{
    evidence::{Evidence, PassageTerms, Question, content_terms},
    sentence::sentences,
};
use crate::words::Stemmer;

/// The name under which extractive answers are recorded.
pub const EXTRACTIVE_MODEL: &str = "extractive";

/// The most of a question that is read, in bytes.
pub const MAX_QUESTION_BYTES: usize = 16 * 1024;

/// The most of one passage that is read, in bytes.
pub const MAX_PASSAGE_BYTES: usize = 64 * 1024;

/// The most passages that are read; further ones are ignored.
pub const MAX_PASSAGES: usize = 50;

/// How much the index's ranking counts against coverage when passages are compared.
const RETRIEVAL_WEIGHT: f64 = 1.0;

/// What the first sentence of a passage gains over later ones; it fades by 0.7 per sentence.
const LEAD_BONUS: f64 = 0.2;

/// The share of the question that a sentence of another passage must add to be quoted too.
const ADDITION_FROM: f64 = 0.25;

/// How well that sentence must match the question as a whole.
const ADDITION_FOCUS: f64 = 0.35;

/// How much and how surely an answer is quoted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExtractiveOptions {
    /// Below this confidence, 0..=1, the answerer abstains.
    pub threshold: f32,
    /// The most sentences quoted, at least 1.
    pub max_sentences: usize,
    /// The most bytes quoted; one sentence is quoted even if it is longer.
    pub max_bytes: usize,
}

impl Default for ExtractiveOptions {
    fn default() -> Self {
        Self { threshold: 0.45, max_sentences: 4, max_bytes: 900 }
    }
}

/// Answers a question by quoting sentences of the passages found, or abstains and says why.
///
/// It needs no model file and no network, and cannot say anything that no article says. The text of an answer is its
/// quotes, separated by blank lines, and the bytes of each quote are the bytes of its citation's range in the article.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExtractiveAnswerer {
    options: ExtractiveOptions,
}

/// A sentence that may be quoted.
struct Candidate {
    range: Range<usize>,
    terms: BTreeSet<String>,
    score: f64,
}

impl ExtractiveAnswerer {
    /// Returns an answerer with the given options.
    pub fn new(options: ExtractiveOptions) -> Self {
        Self { options }
    }

    /// Answers `question` (in `language`, an ISO 639 code, if it is known) from `passages`, the best first.
    ///
    /// Only the first [`MAX_QUESTION_BYTES`] of the question, [`MAX_PASSAGES`] passages and [`MAX_PASSAGE_BYTES`] of
    /// each are read.
    pub fn quote(&self, question: &str, language: Option<&str>, passages: &[SourcePassage]) -> AnswerDraft {
        // Endings are cut the same way on both sides, so a wrong guess costs little.
        let stemmer = Stemmer::of(language.or(Some("en")));
        let asked = content_terms(truncate_bytes(question, MAX_QUESTION_BYTES), &stemmer);
        if asked.is_empty() {
            return abstain(Abstention::UnclearQuestion, 0.0);
        }
        let read = passages.get(..MAX_PASSAGES).unwrap_or(passages);
        if read.is_empty() {
            return abstain(Abstention::NothingFound, 0.0);
        }
        let known: Vec<PassageTerms> =
            read.iter().map(|passage| PassageTerms::of(passage, readable(passage), &stemmer)).collect();
        let all: Vec<BTreeSet<String>> = known.iter().map(|terms| terms.all.clone()).collect();
        let weighed = Question::weigh(asked, &all);
        let best = best_passage(&weighed, read, &known);
        let candidates = candidates(&weighed, readable(&read[best]), &stemmer);
        let evidence = Evidence::of(read, best, &focuses(&weighed, read, &known, &stemmer));
        let covers_nothing = weighed.coverage(&known[best].all) <= 0.0;
        #[expect(clippy::cast_possible_truncation, reason = "a probability needs no more than seven digits")]
        let confidence = if covers_nothing { 0.0 } else { evidence.confidence() as f32 };
        if candidates.is_empty() || confidence < self.options.threshold {
            return abstain(Abstention::WeakEvidence, confidence);
        }
        let mut quotes = vec![(best, self.window(&candidates))];
        quotes.extend(self.addition(&weighed, read, &known, best, &stemmer));
        // Reading order: by place within an article; another article's quote comes after.
        quotes.sort_by_key(|(at, range)| {
            (read[*at].article != read[best].article, read[*at].start, range.start)
        });
        compose(read, &quotes, confidence)
    }

    /// Returns the range of the best sentence and of those that follow it, while there is room.
    fn window(&self, candidates: &[Candidate]) -> Range<usize> {
        // The first of equals, because articles answer before they elaborate.
        let first =
            (0..candidates.len()).rev().max_by(|a, b| candidates[*a].score.total_cmp(&candidates[*b].score));
        let begin = first.unwrap_or(0);
        let mut range = candidates[begin].range.clone();
        // One sentence of the allowance is kept for what another passage may add.
        for next in candidates.iter().skip(begin + 1).take(self.options.max_sentences.saturating_sub(2)) {
            if next.range.end - range.start > self.options.max_bytes {
                break;
            }
            range.end = next.range.end;
        }
        range
    }

    /// Finds a sentence of another passage that speaks of what the best passage leaves out.
    fn addition(
        &self,
        question: &Question,
        passages: &[SourcePassage],
        known: &[PassageTerms],
        best: usize,
        stemmer: &Stemmer,
    ) -> Option<(usize, Range<usize>)> {
        if self.options.max_sentences < 2 {
            return None;
        }
        let covered = &known[best].all;
        let mut found: Option<(f64, usize, Range<usize>)> = None;
        for (at, passage) in passages.iter().enumerate() {
            let missing: BTreeSet<String> = known[at].all.difference(covered).cloned().collect();
            if at == best || question.coverage(&missing) < ADDITION_FROM {
                continue;
            }
            for candidate in candidates(question, readable(passage), stemmer) {
                let adds: BTreeSet<String> = candidate.terms.difference(covered).cloned().collect();
                let gain = question.coverage(&adds);
                let is_apt = question.focus(&candidate.terms) >= ADDITION_FOCUS;
                let is_better = found.as_ref().is_none_or(|(most, ..)| gain > *most);
                if is_apt
                    && gain >= ADDITION_FROM
                    && is_better
                    && candidate.range.len() <= self.options.max_bytes
                {
                    found = Some((gain, at, candidate.range));
                }
            }
        }
        found.map(|(_, at, range)| (at, range))
    }
}

fn abstain(reason: Abstention, confidence: f32) -> AnswerDraft {
    AnswerDraft {
        text: String::new(),
        citations: Vec::new(),
        confidence,
        abstention: Some(reason),
        model: EXTRACTIVE_MODEL.to_owned(),
    }
}

fn readable(passage: &SourcePassage) -> &str {
    truncate_bytes(&passage.text, MAX_PASSAGE_BYTES)
}

/// Returns the passage that covers most of the question; of equals the one that the index ranked higher.
fn best_passage(question: &Question, passages: &[SourcePassage], known: &[PassageTerms]) -> usize {
    let top = passages.iter().map(|passage| passage.score).fold(f32::MIN_POSITIVE, f32::max);
    let fit = |at: usize| {
        let retrieval = f64::from((passages[at].score / top).clamp(0.0, 1.0));
        question.coverage(&known[at].all) + RETRIEVAL_WEIGHT * retrieval
    };
    (0..passages.len()).rev().max_by(|a, b| fit(*a).total_cmp(&fit(*b))).unwrap_or(0)
}

fn candidates(question: &Question, text: &str, stemmer: &Stemmer) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut bonus = LEAD_BONUS;
    for range in sentences(text) {
        let terms = content_terms(text.get(range.clone()).unwrap_or_default(), stemmer);
        let coverage = question.coverage(&terms);
        found.push(Candidate { range, terms, score: coverage + bonus });
        bonus *= 0.7;
    }
    found
}

/// Returns for each passage how well its best heading or sentence matches the question.
fn focuses(
    question: &Question,
    passages: &[SourcePassage],
    known: &[PassageTerms],
    stemmer: &Stemmer,
) -> Vec<f64> {
    let mut focuses = Vec::with_capacity(passages.len());
    for (passage, terms) in passages.iter().zip(known) {
        let mut focus = question.focus(&terms.heading);
        for range in sentences(readable(passage)) {
            let sentence = readable(passage).get(range).unwrap_or_default();
            focus = focus.max(question.focus(&content_terms(sentence, stemmer)));
        }
        focuses.push(focus);
    }
    focuses
}

fn compose(passages: &[SourcePassage], quotes: &[(usize, Range<usize>)], confidence: f32) -> AnswerDraft {
    let mut parts: Vec<&str> = Vec::with_capacity(quotes.len());
    let mut citations = Vec::with_capacity(quotes.len());
    for (at, range) in quotes {
        let passage = &passages[*at];
        let place = |at: usize| u32::try_from(at).ok().and_then(|at| passage.start.checked_add(at));
        // A passage that claims to lie beyond 4 GiB of its article is no passage that can be cited.
        if let (Some(quote), Some(start), Some(end)) =
            (passage.text.get(range.clone()), place(range.start), place(range.end))
        {
            parts.push(quote);
            citations.push(Citation { article: passage.article, revision: passage.revision, start, end });
        }
    }
    if parts.is_empty() {
        return abstain(Abstention::WeakEvidence, confidence);
    }
    let text = parts.join("\n\n");
    AnswerDraft { text, citations, confidence, abstention: None, model: EXTRACTIVE_MODEL.to_owned() }
}

#[async_trait]
impl LanguageModel for ExtractiveAnswerer {
    async fn answer(&self, request: &AnswerRequest) -> Result<AnswerDraft> {
        let (answerer, owned) = (*self, request.clone());
        let language = owned.language.clone();
        // Fifty long passages take tens of milliseconds, which an async thread should not be held for.
        let quoting = tokio::task::spawn_blocking(move || {
            answerer.quote(&owned.question, language.as_deref(), &owned.passages)
        });
        quoting.await.map_err(|source| Error::new(ErrorKind::Internal, "extractive.answer").source(source))
    }
}
