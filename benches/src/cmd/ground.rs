//! `ground`: whether answers that rest on their sources are told from answers that do not.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    time::Instant,
};

use autocrm_ai::ground::{SUPPORTED_FROM, check_groundedness};
use autocrm_core::port::LanguageDetector as _;
use serde_json::{Map, Value};

use crate::{
    claims::{Case, KINDS, generate},
    cmd::retrieve::documents,
    failure::{Failure, Result},
    input::{self, json_text},
    report::Report,
    stats::{auroc, rate, share},
};

/// Scores answers against their sources.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Cases: JSONL with `question`, `contexts`, `answer` and `supported`; or `generated:FILE`, five equal kinds made from
    /// a corpus in BEIR layout.
    #[arg(long, value_name = "FILE")]
    cases: String,
    /// Generate from the articles for tuning instead of those for the test.
    #[arg(long)]
    tuning: bool,
    /// What the generated cases are drawn from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Report> {
    let (cases, is_generated) = match arguments.cases.strip_prefix("generated:") {
        Some(corpus) => (generate(&documents(Path::new(corpus))?, arguments.tuning, arguments.seed), true),
        None => (read(&PathBuf::from(&arguments.cases))?, false),
    };
    let supported = cases.iter().filter(|case| case.kind == 0).count();
    if supported == 0 || supported == cases.len() {
        return Err(Failure::new(
            "the cases have to hold answers that are supported and answers that are not",
        ));
    }
    let begun = Instant::now();
    let scores: Vec<f64> = cases.iter().map(score).collect();
    let checked = begun.elapsed();
    let overlaps: Vec<f64> = cases.iter().map(overlap).collect();
    let right = cases
        .iter()
        .zip(&scores)
        .filter(|(case, score)| (case.kind == 0) == (**score >= f64::from(SUPPORTED_FROM)));
    let mut report = Report::default();
    report
        .number("auroc", separation(&cases, &scores, None))
        .number("overlap_auroc", separation(&cases, &overlaps, None))
        .number("accuracy", share(right.count(), cases.len()))
        .number("coverage_at_5pct_risk", coverage(&cases, &scores, 0.05))
        .number("per_s", rate(cases.len(), checked))
        .set("cases", cases.len());
    if is_generated {
        let mut per_kind = Map::new();
        let mut overlap_per_kind = Map::new();
        for (kind, name) in KINDS.iter().enumerate().skip(1) {
            per_kind.insert((*name).to_owned(), Value::from(separation(&cases, &scores, Some(kind))));
            overlap_per_kind
                .insert((*name).to_owned(), Value::from(separation(&cases, &overlaps, Some(kind))));
        }
        report.set("auroc_per_kind", per_kind).set("overlap_auroc_per_kind", overlap_per_kind);
    }
    Ok(report)
}

fn read(path: &Path) -> Result<Vec<Case>> {
    let mut found = Vec::new();
    for (line, object) in input::json_lines(path, &input::text_of(path)?)? {
        let wrong = |what: &str| {
            Failure::in_file(path, Some(line), format!("`{what}` is missing or of another type"))
        };
        let contexts = object.get("contexts").and_then(Value::as_array).ok_or_else(|| wrong("contexts"))?;
        let contexts: Option<Vec<String>> =
            contexts.iter().map(|context| context.as_str().map(str::to_owned)).collect();
        let supported = object.get("supported").and_then(Value::as_bool).ok_or_else(|| wrong("supported"))?;
        found.push(Case {
            kind: usize::from(!supported),
            contexts: contexts.ok_or_else(|| wrong("contexts"))?,
            answer: json_text(path, line, &object, "answer")?,
        });
    }
    Ok(found)
}

fn score(case: &Case) -> f64 {
    let contexts: Vec<&str> = case.contexts.iter().map(String::as_str).collect();
    let language = autocrm_ai::language::TrigramDetector.detect(&case.contexts.join("\n"));
    f64::from(check_groundedness(&case.answer, &contexts, language.as_deref()).score)
}

fn bigrams(text: &str) -> HashSet<(String, String)> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

/// The baseline: the share of the answer's pairs of neighbouring words that stand in its sources.
fn overlap(case: &Case) -> f64 {
    let (own, held) = (bigrams(&case.answer), bigrams(&case.contexts.join("\n")));
    share(own.intersection(&held).count(), own.len())
}

/// Returns the chance that a supported answer scores higher than another one, of one kind or of any.
fn separation(cases: &[Case], scores: &[f64], kind: Option<usize>) -> f64 {
    let of = |wanted: &dyn Fn(usize) -> bool| -> Vec<f64> {
        cases.iter().zip(scores).filter(|(case, _)| wanted(case.kind)).map(|(_, score)| *score).collect()
    };
    auroc(&of(&|own| own == 0), &of(&|own| own != 0 && kind.is_none_or(|kind| own == kind)))
}

/// Returns the largest share of cases that can be accepted, best first, while at most `risk` of them are unsupported.
fn coverage(cases: &[Case], scores: &[f64], risk: f64) -> f64 {
    // Ties are accepted together.
    let mut by_score: BTreeMap<u64, (usize, usize)> = BTreeMap::new();
    for (case, score) in cases.iter().zip(scores) {
        let entry = by_score.entry(score.max(0.0).to_bits()).or_default();
        entry.0 += 1;
        entry.1 += usize::from(case.kind != 0);
    }
    let (mut accepted, mut wrong, mut best) = (0, 0, 0);
    for (count, unsupported) in by_score.values().rev() {
        accepted += count;
        wrong += unsupported;
        if share(wrong, accepted) <= risk {
            best = accepted;
        }
    }
    share(best, cases.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(kind: usize) -> Case {
        Case { kind, contexts: vec!["A b c d.".to_owned()], answer: "A b c.".to_owned() }
    }

    #[test]
    fn figures_follow_their_definitions() {
        let cases = [case(0), case(0), case(1), case(2)];
        let scores = [0.9, 0.5, 0.6, 0.1];
        assert!((separation(&cases, &scores, None) - 0.75).abs() < 1e-9);
        assert!((separation(&cases, &scores, Some(2)) - 1.0).abs() < 1e-9);
        assert!((coverage(&cases, &scores, 0.05) - 0.25).abs() < 1e-9);
        assert!((coverage(&cases, &scores, 0.34) - 0.75).abs() < 1e-9);
        assert!((overlap(&cases[0]) - 1.0).abs() < 1e-9);
    }
}
