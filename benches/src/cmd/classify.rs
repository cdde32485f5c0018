//! `classify`: accuracy of the text classifier.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Instant,
};

use autocrm_ai::{
    classify::{
        BlendedClassifier, EmbeddedExample, Example, LabelScore, LabelText, LinearClassifier,
        MeaningClassifier, TrainingOptions,
    },
    embed::OnnxEmbedder,
};
use autocrm_core::{knowledge::Embedding, port::Embedder as _};

use crate::{
    failure::{Failure, Result},
    input::{self, Labelled},
    models::ModelArguments,
    progress::Progress,
    random::Random,
    report::Report,
    stats::{self, auroc, rate, share},
};

/// Trains on one file and tests on another.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Training texts: CSV with the columns `text` and `label`, or JSONL with these keys.
    #[arg(long, value_name = "FILE")]
    train: PathBuf,
    /// Test texts, in the same form.
    #[arg(long, value_name = "FILE")]
    test: PathBuf,
    /// The label of texts that belong to no class; they are left out of training.
    #[arg(long, value_name = "LABEL")]
    out_of_scope: Option<String>,
    /// Train on this many examples of each label, drawn at random.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    shots: Option<u32>,
    /// Seed of the draw and of the training.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    model: ModelArguments,
}

/// What was trained.
enum Trained {
    Words(LinearClassifier),
    Both(Box<BlendedClassifier>),
}

/// How many texts are embedded at once.
const GROUP: usize = 512;

struct Guess {
    truth: String,
    label: String,
    confidence: f64,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Report> {
    let outside = arguments.out_of_scope.as_deref();
    let mut train = input::labelled(&arguments.train)?;
    train.retain(|example| Some(example.label.as_str()) != outside);
    if let Some(shots) = arguments.shots {
        train = draw(train, shots as usize, arguments.seed);
    }
    let test = input::labelled(&arguments.test)?;
    let known: BTreeSet<&str> = train.iter().map(|example| example.label.as_str()).collect();
    if known.is_empty() {
        return Err(Failure::in_file(&arguments.train, None, "there are no examples inside of the scope"));
    }
    if let Some(label) = outside.filter(|label| !test.iter().any(|example| example.label == **label)) {
        return Err(Failure::in_file(&arguments.test, None, format!("no text has the label `{label}`")));
    }
    let labels: Vec<LabelText> = known.iter().map(|label| LabelText::new(*label, "")).collect();
    let examples: Vec<Example<'_>> =
        train.iter().map(|example| Example { text: &example.text, label: &example.label }).collect();
    let options = TrainingOptions { seed: arguments.seed, ..TrainingOptions::default() };

    let embedder = arguments.model.open()?;
    let (mut train_embeddings, mut test_embeddings, mut described) = (Vec::new(), Vec::new(), Vec::new());
    let embedding = Instant::now();
    if let Some(embedder) = &embedder {
        let texts: Vec<&str> = train.iter().map(|example| example.text.as_str()).collect();
        train_embeddings = embed(embedder, &texts).await?;
        let texts: Vec<&str> = test.iter().map(|example| example.text.as_str()).collect();
        test_embeddings = embed(embedder, &texts).await?;
        let texts: Vec<String> = labels.iter().map(LabelText::text).collect();
        described = embed(embedder, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    }
    let spent = embedding.elapsed();
    let with_embeddings: Vec<EmbeddedExample<'_>> = examples
        .iter()
        .zip(&train_embeddings)
        .map(|(example, embedding)| EmbeddedExample { example: *example, embedding })
        .collect();

    let begun = Instant::now();
    let classifier = if embedder.is_some() {
        let trained = BlendedClassifier::train(&labels, &described, &with_embeddings, &options)?;
        Trained::Both(Box::new(trained))
    } else {
        Trained::Words(LinearClassifier::train(&labels, &examples, &options)?)
    };
    let trained = begun.elapsed();
    let tested = Instant::now();
    let guesses: Vec<Guess> = test
        .iter()
        .enumerate()
        .map(|(at, example)| guess(&classifier, example, test_embeddings.get(at)))
        .collect();
    let predicted = tested.elapsed();
    let names: Vec<&str> = labels.iter().map(|label| label.label.as_str()).collect();
    let baseline = if embedder.is_some() {
        let alone = MeaningClassifier::train(&names, &with_embeddings)?;
        let judged =
            test.iter().zip(&test_embeddings).filter(|(example, _)| Some(example.label.as_str()) != outside);
        let right: Vec<bool> = judged
            .map(|(example, embedding)| alone.best(embedding) == Some(example.label.as_str()))
            .collect();
        Some(share(right.iter().filter(|right| **right).count(), right.len()))
    } else {
        None
    };

    let (inside, beyond): (Vec<&Guess>, Vec<&Guess>) =
        guesses.iter().partition(|guess| Some(guess.truth.as_str()) != outside);
    let mut report = Report::default();
    report
        .number("accuracy", accuracy(&inside))
        .number("macro_f1", macro_f1(&inside))
        .number("train_s", trained.as_secs_f64())
        .number("predict_per_s", rate(test.len(), predicted))
        .set("classes", known.len())
        .set("train", train.len())
        .set("test", test.len())
        .set("baseline_accuracy", serde_json::Value::Null);
    if let Some(baseline) = baseline {
        report.number("baseline_accuracy", baseline).number("embed_s", spent.as_secs_f64());
    }
    if outside.is_some() {
        report
            .number("in_scope_accuracy", accuracy(&inside))
            .number("oos_recall", recall_at_95(&inside, &beyond))
            .number("oos_auroc", auroc(&confidences(&inside), &confidences(&beyond)));
    }
    Ok(report)
}

fn draw(examples: Vec<Labelled>, shots: usize, seed: u64) -> Vec<Labelled> {
    let mut by_label: BTreeMap<String, Vec<Labelled>> = BTreeMap::new();
    for example in examples {
        by_label.entry(example.label.clone()).or_default().push(example);
    }
    let mut random = Random::new(seed);
    let mut drawn = Vec::new();
    for mut members in by_label.into_values() {
        random.shuffle(&mut members);
        members.truncate(shots);
        drawn.extend(members);
    }
    drawn
}

async fn embed(embedder: &OnnxEmbedder, texts: &[&str]) -> Result<Vec<Embedding>> {
    let progress = Progress::new("embeddings", texts.len());
    let mut found = Vec::with_capacity(texts.len());
    for group in texts.chunks(GROUP) {
        found.extend(embedder.embed(group).await?);
        for _ in group {
            progress.tick();
        }
    }
    Ok(found)
}

fn guess(classifier: &Trained, example: &Labelled, embedding: Option<&Embedding>) -> Guess {
    let ranked: Vec<LabelScore<'_>> = match (classifier, embedding) {
        (Trained::Words(words), _) => words.classify(&example.text),
        (Trained::Both(both), Some(embedding)) => both.classify(&example.text, embedding),
        (Trained::Both(_), None) => Vec::new(),
    };
    let (label, confidence) =
        ranked.first().map_or((String::new(), 0.0), |best| (best.label.to_owned(), best.probability));
    Guess { truth: example.label.clone(), label, confidence }
}

fn confidences(guesses: &[&Guess]) -> Vec<f64> {
    guesses.iter().map(|guess| guess.confidence).collect()
}

fn accuracy(guesses: &[&Guess]) -> f64 {
    share(guesses.iter().filter(|guess| guess.label == guess.truth).count(), guesses.len())
}

fn macro_f1(guesses: &[&Guess]) -> f64 {
    let pairs: Vec<_> = guesses.iter().map(|guess| (guess.truth.as_str(), guess.label.as_str())).collect();
    stats::macro_f1(&pairs)
}

/// Returns the share of texts beyond the scope that fall below the confidence that keeps 95 % of those inside.
fn recall_at_95(inside: &[&Guess], beyond: &[&Guess]) -> f64 {
    let mut kept: Vec<f64> = inside.iter().map(|guess| guess.confidence).collect();
    kept.sort_by(f64::total_cmp);
    let threshold = kept.get(kept.len() / 20).copied().unwrap_or_default();
    share(beyond.iter().filter(|guess| guess.confidence < threshold).count(), beyond.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(truth: &str, label: &str, confidence: f64) -> Guess {
        Guess { truth: truth.to_owned(), label: label.to_owned(), confidence }
    }

    #[test]
    fn figures_follow_their_definitions() {
        let guesses = [made("a", "a", 0.9), made("a", "b", 0.8), made("b", "b", 0.7)];
        let inside: Vec<&Guess> = guesses.iter().collect();
        assert!((accuracy(&inside) - 2.0 / 3.0).abs() < 1e-9);
        assert!((macro_f1(&inside) - 2.0 / 3.0).abs() < 1e-9);
        let strange = [made("x", "a", 0.1), made("x", "a", 0.8)];
        let beyond: Vec<&Guess> = strange.iter().collect();
        assert!((auroc(&confidences(&inside), &confidences(&beyond)) - 4.5 / 6.0).abs() < 1e-9);
        assert!((recall_at_95(&inside, &beyond) - 0.5).abs() < 1e-9);
    }
}
