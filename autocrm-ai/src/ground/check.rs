//! How well an answer rests on its sources: sentence by sentence, without a model, and the same every time.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
};

use super::{
    claim::{Claim, Token, claim_of},
    sentence::sentences,
};
use crate::words::Stemmer;

/// The most of an answer that is checked, in bytes; what follows counts as resting on nothing.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// The most sources that are read.
pub const MAX_SOURCES: usize = 50;

/// From this score on, an answer counts as resting on its sources.
pub const SUPPORTED_FROM: f32 = 0.5;

/// What remains of a sentence's score for each thing that contradicts its source. Chosen on the tuning half of
/// generated cases (`autocrm-bench ground`), never on the other one.
const NUMBER: f64 = 0.25;
const NEGATION: f64 = 0.35;
const NAME: f64 = 0.5;
const NAME_ELSEWHERE: f64 = 0.7;

/// How steeply words that the source lacks lower the score.
const COVERAGE_POWER: f64 = 1.5;

/// What is wrong with a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroundFinding {
    /// No sentence of the sources says anything like it.
    Unaligned,
    /// It names a number that its source does not.
    Number,
    /// It denies what its source says, or says what its source denies.
    Negation,
    /// It names something that its source does not.
    Name,
}

impl GroundFinding {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unaligned => "ground_unaligned",
            Self::Number => "ground_number",
            Self::Negation => "ground_negation",
            Self::Name => "ground_name",
        }
    }
}

/// A sentence of an answer, and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct GroundedSentence {
    /// The bytes of the answer.
    pub range: Range<usize>,
    /// The source, by its place, and the bytes in it that say most of the sentence; `None` if none does.
    pub source: Option<(usize, Range<usize>)>,
    /// How well the sentence rests on them, 0..=1.
    pub score: f32,
    /// What is wrong, the worst first.
    pub findings: Vec<GroundFinding>,
}

/// How well an answer rests on its sources.
#[derive(Debug, Clone, PartialEq)]
pub struct Groundedness {
    /// The score of the worst sentence, 0..=1; 0 for an answer without one.
    pub score: f32,
    /// The sentences, in order.
    pub sentences: Vec<GroundedSentence>,
}

impl Groundedness {
    /// Returns whether every sentence counts as resting on the sources.
    pub fn is_supported(&self) -> bool {
        self.score >= SUPPORTED_FROM
    }
}

/// A sentence of a source.
struct Line {
    source: usize,
    range: Range<usize>,
    claim: Claim,
}

/// Checks an answer against `sources`, of which the first [`MAX_SOURCES`] are read. `language` is the ISO 639 code of both,
/// if it is known.
///
/// Each sentence is aligned with the sentence of a source, or two neighbouring ones, that holds most of its words, rare ones
/// counting more. What remains is lowered for numbers that the source lacks, for a negation on one side only, and for names
/// and codes that the source lacks.
pub fn check_groundedness(answer: &str, sources: &[&str], language: Option<&str>) -> Groundedness {
    let stemmer = Stemmer::of(language.or(Some("en")));
    let read = autocrm_core::text::truncate_bytes(answer, MAX_ANSWER_BYTES);
    let lines = lines_of(sources, &stemmer);
    let everything: BTreeSet<&str> =
        lines.iter().flat_map(|line| line.claim.tokens.iter().map(|token| token.term.as_str())).collect();
    let rarity = Rarity::of(&lines);
    let mut checked: Vec<GroundedSentence> = sentences(read)
        .into_iter()
        .map(|range| {
            let claim = claim_of(read.get(range.clone()).unwrap_or_default(), &stemmer);
            judge(range, &claim, &lines, &everything, &rarity)
        })
        .collect();
    if read.len() < answer.len() {
        let findings = vec![GroundFinding::Unaligned];
        checked.push(GroundedSentence {
            range: read.len()..answer.len(),
            source: None,
            score: 0.0,
            findings,
        });
    }
    let worst = checked.iter().map(|sentence| sentence.score).fold(f32::INFINITY, f32::min);
    Groundedness { score: if worst.is_finite() { worst } else { 0.0 }, sentences: checked }
}

fn lines_of(sources: &[&str], stemmer: &Stemmer) -> Vec<Line> {
    let mut lines = Vec::new();
    for (source, text) in sources.iter().take(MAX_SOURCES).enumerate() {
        for range in sentences(text) {
            let claim = claim_of(text.get(range.clone()).unwrap_or_default(), stemmer);
            lines.push(Line { source, range, claim });
        }
    }
    lines
}

/// How rare terms are among the sentences of the sources.
struct Rarity {
    lines: f64,
    holding: HashMap<String, f64>,
}

impl Rarity {
    #[expect(clippy::cast_precision_loss, reason = "sources have some thousand sentences")]
    fn of(lines: &[Line]) -> Self {
        let mut holding: HashMap<String, f64> = HashMap::new();
        for line in lines {
            let terms: BTreeSet<&str> = line.claim.tokens.iter().map(|token| token.term.as_str()).collect();
            for term in terms {
                *holding.entry(term.to_owned()).or_default() += 1.0;
            }
        }
        Self { lines: lines.len() as f64, holding }
    }

    fn weight(&self, token: &Token) -> f64 {
        let holding = self.holding.get(&token.term).copied().unwrap_or_default();
        let rarity = (1.0 + (self.lines + 1.0) / (holding + 1.0)).ln();
        if token.is_content { rarity } else { 0.15 * rarity }
    }

    /// Returns the share of a claim that terms cover, each as often as it stands on both sides.
    fn coverage(&self, claim: &Claim, held: &[&Claim]) -> f64 {
        let mut left: BTreeMap<&str, usize> = BTreeMap::new();
        for token in held.iter().flat_map(|claim| &claim.tokens) {
            *left.entry(&token.term).or_default() += 1;
        }
        let (mut covered, mut total) = (0.0, 0.0);
        for token in &claim.tokens {
            let weight = self.weight(token);
            total += weight;
            if let Some(count) = left.get_mut(token.term.as_str()).filter(|count| **count > 0) {
                *count -= 1;
                covered += weight;
            }
        }
        if total > 0.0 { covered / total } else { 0.0 }
    }
}

/// The best alignment of a sentence.
struct Aligned<'a> {
    coverage: f64,
    lines: Vec<&'a Line>,
}

/// What a second sentence must add to be part of the alignment.
const SECOND_ADDS: f64 = 0.12;

fn align<'a>(claim: &Claim, lines: &'a [Line], rarity: &Rarity) -> Option<Aligned<'a>> {
    let mut best: Option<Aligned<'a>> = None;
    for (at, line) in lines.iter().enumerate() {
        let alone = rarity.coverage(claim, &[&line.claim]);
        let mut here = Aligned { coverage: alone, lines: vec![line] };
        if let Some(next) = lines.get(at + 1).filter(|next| next.source == line.source) {
            let both = rarity.coverage(claim, &[&line.claim, &next.claim]);
            let next_alone = rarity.coverage(claim, &[&next.claim]);
            if both >= alone.max(next_alone) + SECOND_ADDS {
                here = Aligned { coverage: both, lines: vec![line, next] };
            }
        }
        if best.as_ref().is_none_or(|known| here.coverage > known.coverage + 1e-9) {
            best = Some(here);
        }
    }
    best.filter(|found| found.coverage > 0.0)
}

fn judge(
    range: Range<usize>,
    claim: &Claim,
    lines: &[Line],
    everything: &BTreeSet<&str>,
    rarity: &Rarity,
) -> GroundedSentence {
    let Some(found) = align(claim, lines, rarity) else {
        return GroundedSentence {
            range,
            source: None,
            score: 0.0,
            findings: vec![GroundFinding::Unaligned],
        };
    };
    let mut score = found.coverage.powf(COVERAGE_POWER);
    let mut findings = Vec::new();
    let held: BTreeSet<&str> = found
        .lines
        .iter()
        .flat_map(|line| line.claim.tokens.iter().map(|token| token.term.as_str()))
        .collect();
    let numbers: BTreeSet<&str> =
        found.lines.iter().flat_map(|line| line.claim.numbers.iter().map(String::as_str)).collect();
    if claim.numbers.iter().any(|number| !numbers.contains(number.as_str())) {
        score *= NUMBER;
        findings.push(GroundFinding::Number);
    }
    let negations: usize = found.lines.iter().map(|line| line.claim.negations_within(claim)).sum();
    if (claim.negations.len() + negations) % 2 == 1 {
        score *= NEGATION;
        findings.push(GroundFinding::Negation);
    }
    for name in claim.tokens.iter().filter(|token| token.is_name && !held.contains(token.term.as_str())) {
        score *= if everything.contains(name.term.as_str()) { NAME_ELSEWHERE } else { NAME };
        if !findings.contains(&GroundFinding::Name) {
            findings.push(GroundFinding::Name);
        }
    }
    if found.coverage < 0.3 {
        findings.push(GroundFinding::Unaligned);
    }
    let source = found.lines.first().zip(found.lines.last());
    let source = source.map(|(first, last)| (first.source, first.range.start..last.range.end));
    #[expect(clippy::cast_possible_truncation, reason = "a score needs no more than seven digits")]
    let score = score.clamp(0.0, 1.0) as f32;
    GroundedSentence { range, source, score, findings }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "A refund takes five days and costs 12 euros. Customers of Premium are not charged. \
        To cancel, write to the support of Utrecht before the 3rd of the month.";

    fn check(answer: &str) -> Groundedness {
        check_groundedness(answer, &["Bread is baked at night.", SOURCE], Some("en"))
    }

    fn findings(answer: &str) -> Vec<GroundFinding> {
        check(answer).sentences.into_iter().flat_map(|sentence| sentence.findings).collect()
    }

    #[test]
    fn what_the_source_says_is_supported_with_its_place() {
        let found = check("A refund takes five days and costs 12 euros.");
        assert!(found.is_supported(), "{found:?}");
        let (source, range) = found.sentences[0].source.clone().unwrap();
        assert_eq!((source, &SOURCE[range]), (1, "A refund takes five days and costs 12 euros."));
        assert!(check("The refund costs 12 euros and takes five days.").is_supported());
        assert!(check("Premium customers aren't charged.").is_supported());
        assert!(findings("Refunds take 5 days.").is_empty(), "words of numbers are numbers");
    }

    #[test]
    fn contradictions_are_named() {
        assert_eq!(findings("A refund takes five days and costs 14 euros."), [GroundFinding::Number]);
        assert_eq!(findings("A refund takes six days and costs 12 euros."), [GroundFinding::Number]);
        assert_eq!(findings("Customers of Premium are charged."), [GroundFinding::Negation]);
        assert_eq!(findings("A refund does not take five days."), [GroundFinding::Negation]);
        assert_eq!(
            findings("To cancel, write to the support of Rotterdam before the 3rd of the month."),
            [GroundFinding::Name]
        );
        assert_eq!(findings("Penguins swim in cold water."), [GroundFinding::Unaligned]);
        for wrong in [
            "A refund takes five days and costs 14 euros.",
            "Customers of Premium are charged.",
            "Penguins swim.",
        ] {
            assert!(!check(wrong).is_supported(), "{wrong}: {:?}", check(wrong));
        }
    }

    #[test]
    fn the_worst_sentence_decides() {
        let found = check("A refund takes five days and costs 12 euros. Penguins swim in cold water.");
        assert_eq!(found.sentences.len(), 2);
        assert!(!found.is_supported() && found.sentences[0].score > 0.9);
    }

    #[test]
    fn strange_texts_are_checked() {
        let endless = "x ".repeat(200_000);
        for answer in ["", "…", "\0\0", "🙂", "漢字かな", endless.as_str()] {
            assert!(!check(answer).is_supported());
            assert!(!check_groundedness(answer, &[], None).is_supported());
        }
        assert_eq!(check(SOURCE), check(SOURCE));
    }
}
