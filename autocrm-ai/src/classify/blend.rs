//! Words and meaning together: the classifier over both families of features.

use autocrm_core::{
    error::{Error, ErrorKind, Result},
    knowledge::Embedding,
};

use super::{
    calibrate::{Scored, Softmax},
    label::{Example, LabelScore, LabelText, TrainingOptions, ranked},
    logistic::{Logistic, log_softmax},
    model::{CALIBRATED_FROM, LinearClassifier},
    solver::Shuffler,
};

/// What an unlikely example costs against the length of the weights.
const COST: f32 = 10.0;

/// How much a margin of words counts against the logarithm of a probability of meaning. Chosen on Banking77, where every
/// weight from 0.5 to 2 is better than meaning alone.
const WORDS: f32 = 1.0;

/// Taken where nothing can be held back to calibrate on.
const UNCALIBRATED: Softmax = Softmax { slope: 1.0, none: -1.5 };

/// A classifier over words, pieces of words, and embeddings.
///
/// Two models of one family each are trained and their evidence is added: the margins of [`LinearClassifier`], which know
/// names and codes, and a logistic regression over embeddings, which knows paraphrases. A label's name and description are
/// an example of both. Probabilities come from a softmax fitted on held-back examples, with one more outcome for texts that
/// belong to no label.
#[derive(Debug, Clone)]
pub struct BlendedClassifier {
    words: LinearClassifier,
    meaning: Logistic,
    calibration: Softmax,
}

/// An example with its embedding.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedExample<'a> {
    /// The text and its label.
    pub example: Example<'a>,
    /// The text's embedding.
    pub embedding: &'a Embedding,
}

impl BlendedClassifier {
    /// Trains a classifier for `labels`. `described` holds the embedding of each label's [`LabelText::text`], in their
    /// order; all embeddings lie in one space.
    ///
    /// # Errors
    ///
    /// As [`LinearClassifier::train`]; besides `Invalid` for another number of label embeddings than labels, or embeddings of
    /// different spaces.
    pub fn train(
        labels: &[LabelText],
        described: &[Embedding],
        examples: &[EmbeddedExample<'_>],
        options: &TrainingOptions,
    ) -> Result<Self> {
        let refuse = |what: &str| Err(Error::new(ErrorKind::Invalid, "classifier.train").context(what));
        if described.len() != labels.len() {
            return refuse("a label without an embedding");
        }
        let spaces = described.iter().chain(examples.iter().map(|own| own.embedding)).map(Embedding::space);
        if spaces.clone().zip(spaces.skip(1)).any(|(one, next)| one != next) {
            return refuse("embeddings of different spaces");
        }
        let mut trained = Self::uncalibrated(labels, described, examples, options)?;
        if examples.len() >= CALIBRATED_FROM {
            let mut order: Vec<usize> = (0..examples.len()).collect();
            Shuffler::new(options.seed).shuffle(&mut order);
            let held_back = order.split_off(order.len() * 4 / 5);
            let kept: Vec<EmbeddedExample<'_>> = order.iter().map(|at| examples[*at]).collect();
            let partial = Self::uncalibrated(labels, described, &kept, options)?;
            let mut judged = Vec::with_capacity(held_back.len());
            for own in held_back.iter().map(|at| &examples[*at]) {
                if let Some(right) = labels.iter().position(|label| label.label == own.example.label) {
                    judged.push(Scored { scores: partial.scores(own.example.text, own.embedding), right });
                }
            }
            trained.calibration = Softmax::fit(&judged).unwrap_or(UNCALIBRATED);
        }
        Ok(trained)
    }

    fn uncalibrated(
        labels: &[LabelText],
        described: &[Embedding],
        examples: &[EmbeddedExample<'_>],
        options: &TrainingOptions,
    ) -> Result<Self> {
        let texts: Vec<Example<'_>> = examples.iter().map(|own| own.example).collect();
        let (words, targets) = LinearClassifier::train_uncalibrated(labels, &texts, options)?;
        let rows: Vec<&[f32]> =
            described.iter().chain(examples.iter().map(|own| own.embedding)).map(Embedding::values).collect();
        let members: Vec<usize> = (0..labels.len()).chain(targets).collect();
        let width = rows.first().map_or(0, |row| row.len());
        let meaning = Logistic::fit(&rows, &members, labels.len(), width, COST);
        Ok(Self { words, meaning, calibration: UNCALIBRATED })
    }

    /// Returns every label with its probability, the likeliest first. The embedding is that of the text, in the space of the
    /// training.
    pub fn classify(&self, text: &str, embedding: &Embedding) -> Vec<LabelScore<'_>> {
        let probabilities = self.calibration.probabilities(&self.scores(text, embedding));
        ranked(self.words.labels(), probabilities)
    }

    fn scores(&self, text: &str, embedding: &Embedding) -> Vec<f32> {
        let mut scores = self.meaning.scores(embedding.values());
        log_softmax(&mut scores);
        if let Some(margins) = self.words.margins(text) {
            for (score, margin) in scores.iter_mut().zip(margins) {
                *score += WORDS * margin;
            }
        }
        scores
    }
}

/// A classifier over embeddings alone: what the blend has to beat.
#[derive(Debug, Clone)]
pub struct MeaningClassifier {
    labels: Vec<String>,
    meaning: Logistic,
}

impl MeaningClassifier {
    /// Trains a logistic regression on the examples' embeddings, all of one space.
    ///
    /// # Errors
    ///
    /// `Invalid` for an example of an unknown label.
    pub fn train(labels: &[&str], examples: &[EmbeddedExample<'_>]) -> Result<Self> {
        let mut members = Vec::with_capacity(examples.len());
        for own in examples {
            let known = labels.iter().position(|label| *label == own.example.label);
            members.push(known.ok_or_else(|| {
                Error::new(ErrorKind::Invalid, "classifier.train").context("an example has an unknown label")
            })?);
        }
        let rows: Vec<&[f32]> = examples.iter().map(|own| own.embedding.values()).collect();
        let width = rows.first().map_or(0, |row| row.len());
        let meaning = Logistic::fit(&rows, &members, labels.len(), width, COST);
        Ok(Self { labels: labels.iter().map(|label| (*label).to_owned()).collect(), meaning })
    }

    /// Returns the likeliest label.
    pub fn best(&self, embedding: &Embedding) -> Option<&str> {
        let scores = self.meaning.scores(embedding.values());
        let best = (0..scores.len()).rev().max_by(|one, other| scores[*one].total_cmp(&scores[*other]))?;
        self.labels.get(best).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use autocrm_core::{port::Embedder as _, testing::WordEmbedder};

    use super::*;

    async fn embedded(texts: &[&str]) -> Vec<Embedding> {
        WordEmbedder::new("1").embed(texts).await.unwrap()
    }

    fn labels() -> Vec<LabelText> {
        vec![LabelText::new("billing", "invoice, refund"), LabelText::new("login", "password, sign in")]
    }

    #[tokio::test]
    async fn both_families_are_learned_from() {
        let texts: Vec<String> = (0..30)
            .flat_map(|at| [format!("my invoice {at} is wrong"), format!("the password {at} is gone")])
            .collect();
        let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
        let embeddings = embedded(&borrowed).await;
        let examples: Vec<EmbeddedExample<'_>> = borrowed
            .iter()
            .zip(&embeddings)
            .enumerate()
            .map(|(at, (text, embedding))| {
                let label = if at.is_multiple_of(2) { "billing" } else { "login" };
                EmbeddedExample { example: Example { text, label }, embedding }
            })
            .collect();
        let own: Vec<String> = labels().iter().map(LabelText::text).collect();
        let described = embedded(&own.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let options = TrainingOptions::default();
        let trained = BlendedClassifier::train(&labels(), &described, &examples, &options).unwrap();
        let asked = embedded(&["another invoice"]).await;
        let ranked = trained.classify("another invoice", &asked[0]);
        assert_eq!(ranked[0].label, "billing");
        assert!(ranked.iter().map(|score| score.probability).sum::<f64>() <= 1.0 + 1e-9);
        let alone = MeaningClassifier::train(&["billing", "login"], &examples).unwrap();
        assert_eq!(alone.best(&asked[0]), Some("billing"));
        let missing = BlendedClassifier::train(&labels(), &described[..1], &examples, &options).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::Invalid);
        let other = WordEmbedder::new("2").embed(&["x", "y"]).await.unwrap();
        let mixed = BlendedClassifier::train(&labels(), &other, &examples, &options).unwrap_err();
        assert_eq!(mixed.kind(), ErrorKind::Invalid);
    }
}
