//! The classifier: training, classification and learning from one more example.

use autocrm_core::error::{Error, ErrorKind, Result};

use super::{
    calibrate::{Scored, Softmax},
    features::Counts,
    label::{Example, LabelScore, LabelText, TrainingOptions, ranked},
    solver::{Shuffler, SolverOptions, separate},
    vocabulary::{SparseVector, Vocabulary},
};

/// The most labels of one classifier.
pub const MAX_LABELS: usize = 1024;

/// The most examples of one training.
pub const MAX_EXAMPLES: usize = 500_000;

/// The most weights (features times labels) of one classifier, 4 bytes each.
pub(crate) const MAX_WEIGHTS: usize = 1 << 28;

/// From this many examples on, a feature must stand in two of them.
const PRUNED_FROM: usize = 1000;

/// Below this many examples nothing can be held back to calibrate on.
pub(crate) const CALIBRATED_FROM: usize = 40;

/// Fitted on label names alone against real questions (Banking77, 77 labels, no examples).
const COSINE_CALIBRATION: Softmax = Softmax { slope: 12.0, none: 2.5 };

/// Fitted on small trainings (Banking77, three examples a label).
const MARGIN_CALIBRATION: Softmax = Softmax { slope: 7.0, none: -4.5 };

/// How far one learned example may move the weights.
const LEARNING_STEP: f32 = 0.5;

/// What the weights stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Basis {
    /// One vector per description; a score is a cosine.
    Descriptions,
    /// One separating plane per label; a score is a margin.
    Margins,
}

/// A linear text classifier over words, pairs of words and pieces of words.
///
/// Scores are one-vs-rest margins of a support vector machine over TF-IDF features, turned into probabilities by a
/// softmax fitted on held-back examples. Without any example a text is compared with the labels' names and
/// descriptions; a text that shares no feature with any of them gets probability 0 for every label.
#[derive(Debug, Clone)]
pub struct LinearClassifier {
    pub(crate) labels: Vec<String>,
    pub(crate) vocabulary: Vocabulary,
    /// Feature by feature, one weight per label: a text touches few features, and all labels of each.
    pub(crate) weights: Vec<f32>,
    pub(crate) biases: Vec<f32>,
    pub(crate) basis: Basis,
    pub(crate) calibration: Softmax,
    pub(crate) examples: u32,
}

impl LinearClassifier {
    /// Trains a classifier for `labels` from their descriptions and from `examples`, of which there may be none.
    ///
    /// # Errors
    ///
    /// `Invalid` without labels, for a label twice, for an example of an unknown label or a cost that is not above
    /// 0; `LimitExceeded` beyond [`MAX_LABELS`], [`MAX_EXAMPLES`] or 2^28 weights.
    pub fn train(labels: &[LabelText], examples: &[Example<'_>], options: &TrainingOptions) -> Result<Self> {
        let targets = check(labels, examples, options)?;
        let set = Prepared::of(labels, examples, &targets)?;
        if examples.is_empty() || labels.len() < 2 {
            return Ok(Self::from_descriptions(labels, set, examples.len()));
        }
        let calibration = calibrate(&set.vectors, &set.members, labels.len(), set.vocabulary.len(), options);
        Ok(Self { calibration, ..Self::from_margins(labels, set, examples.len(), options) })
    }

    /// Trains without holding anything back, for a caller that calibrates the margins itself. Returns the number of each
    /// example's label, too.
    pub(crate) fn train_uncalibrated(
        labels: &[LabelText],
        examples: &[Example<'_>],
        options: &TrainingOptions,
    ) -> Result<(Self, Vec<usize>)> {
        let targets = check(labels, examples, options)?;
        let set = Prepared::of(labels, examples, &targets)?;
        let trained = if examples.is_empty() || labels.len() < 2 {
            Self::from_descriptions(labels, set, examples.len())
        } else {
            Self::from_margins(labels, set, examples.len(), options)
        };
        Ok((trained, targets))
    }

    fn from_margins(labels: &[LabelText], set: Prepared, examples: usize, options: &TrainingOptions) -> Self {
        let (weights, biases) =
            planes(&set.vectors, &set.members, labels.len(), set.vocabulary.len(), options);
        Self {
            labels: labels.iter().map(|label| label.label.clone()).collect(),
            vocabulary: set.vocabulary,
            weights,
            biases,
            basis: Basis::Margins,
            calibration: MARGIN_CALIBRATION,
            examples: u32::try_from(examples).unwrap_or(u32::MAX),
        }
    }

    fn from_descriptions(labels: &[LabelText], set: Prepared, examples: usize) -> Self {
        let Prepared { vocabulary, vectors, .. } = set;
        let mut weights = vec![0.0; vocabulary.len() * labels.len()];
        for (label, vector) in vectors.iter().take(labels.len()).enumerate() {
            let norm = vector.squared_norm().sqrt().max(f32::MIN_POSITIVE);
            for (feature, value) in vector.iter() {
                weights[feature * labels.len() + label] = value / norm;
            }
        }
        Self {
            labels: labels.iter().map(|label| label.label.clone()).collect(),
            vocabulary,
            weights,
            biases: vec![0.0; labels.len()],
            basis: Basis::Descriptions,
            calibration: COSINE_CALIBRATION,
            examples: u32::try_from(examples).unwrap_or(u32::MAX),
        }
    }

    /// Returns the labels, in the order of training.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(String::as_str)
    }

    /// Returns how many examples the classifier has seen, descriptions not counted.
    pub fn examples(&self) -> u32 {
        self.examples
    }

    /// Returns every label with its probability, the likeliest first; labels of equal probability keep the order of
    /// training. Only the first [`MAX_TEXT_BYTES`](super::MAX_TEXT_BYTES) bytes of the text are read.
    pub fn classify(&self, text: &str) -> Vec<LabelScore<'_>> {
        let probabilities = match self.margins(text) {
            Some(scores) => self.calibration.probabilities(&scores),
            None => vec![0.0; self.labels.len()],
        };
        ranked(self.labels(), probabilities)
    }

    /// Returns one score per label, a cosine or a margin; `None` for a text without a known feature.
    pub(crate) fn margins(&self, text: &str) -> Option<Vec<f32>> {
        let vector = self.vocabulary.vector(&Counts::of(text));
        (!vector.is_empty()).then(|| self.scores(&vector))
    }

    /// Moves the classifier towards one more example, without a new training.
    ///
    /// On planes this is a passive-aggressive step (Crammer et al., JMLR 2006, PA-I) per label; on descriptions the
    /// label's vector turns towards the example (Rocchio).
    ///
    /// # Errors
    ///
    /// `Invalid` for a label that the classifier was not trained for.
    pub fn learn(&mut self, example: &Example<'_>) -> Result<()> {
        let Some(target) = self.labels.iter().position(|label| label == example.label) else {
            return Err(Error::new(ErrorKind::Invalid, "classifier.learn").context("unknown label"));
        };
        let counts = Counts::of(example.text);
        if (self.vocabulary.len() + counts.words.len() + counts.pieces.len()) * self.labels.len()
            <= MAX_WEIGHTS
        {
            self.vocabulary.observe(&counts);
        }
        self.weights.resize(self.vocabulary.len() * self.labels.len(), 0.0);
        let vector = self.vocabulary.vector(&counts);
        self.examples = self.examples.saturating_add(1);
        if vector.is_empty() {
            return Ok(());
        }
        match self.basis {
            Basis::Descriptions => self.turn_towards(target, &vector),
            Basis::Margins => self.step_towards(target, &vector),
        }
        Ok(())
    }

    fn step_towards(&mut self, target: usize, vector: &SparseVector) {
        let curvature = vector.squared_norm() + 1.0;
        for (label, score) in self.scores(vector).into_iter().enumerate() {
            let sign = if label == target { 1.0 } else { -1.0 };
            let step = sign * ((1.0 - sign * score).max(0.0) / curvature).min(LEARNING_STEP);
            self.biases[label] += step;
            for (feature, value) in vector.iter() {
                self.weights[feature * self.labels.len() + label] += step * value;
            }
        }
    }

    fn turn_towards(&mut self, target: usize, vector: &SparseVector) {
        let stride = self.labels.len();
        let norm = vector.squared_norm().sqrt();
        for (feature, value) in vector.iter() {
            self.weights[feature * stride + target] += LEARNING_STEP * value / norm;
        }
        let column = || (target..self.weights.len()).step_by(stride);
        let length = column().map(|at| self.weights[at] * self.weights[at]).sum::<f32>().sqrt();
        if length > 0.0 {
            (target..self.weights.len()).step_by(stride).for_each(|at| self.weights[at] /= length);
        }
    }

    /// Returns one score per label: a cosine or a margin.
    fn scores(&self, vector: &SparseVector) -> Vec<f32> {
        let stride = self.labels.len();
        let mut scores = self.biases.clone();
        for (feature, value) in vector.iter() {
            let row = self.weights.get(feature * stride..(feature + 1) * stride).unwrap_or_default();
            for (score, weight) in scores.iter_mut().zip(row) {
                *score += value * weight;
            }
        }
        if self.basis == Basis::Descriptions {
            let norm = vector.squared_norm().sqrt().max(f32::MIN_POSITIVE);
            for score in &mut scores {
                *score /= norm;
            }
        }
        scores
    }
}

fn check(labels: &[LabelText], examples: &[Example<'_>], options: &TrainingOptions) -> Result<Vec<usize>> {
    let refuse = |kind, context: &str| Err(Error::new(kind, "classifier.train").context(context));
    if labels.is_empty() {
        return refuse(ErrorKind::Invalid, "no labels");
    }
    if labels.len() > MAX_LABELS || examples.len() > MAX_EXAMPLES {
        return refuse(ErrorKind::LimitExceeded, "labels or examples");
    }
    if !(options.cost.is_finite() && options.cost > 0.0) {
        return refuse(ErrorKind::Invalid, "cost");
    }
    let mut numbers = std::collections::HashMap::with_capacity(labels.len());
    for (number, label) in labels.iter().enumerate() {
        if numbers.insert(label.label.as_str(), number).is_some() {
            return refuse(ErrorKind::Invalid, "a label stands twice");
        }
    }
    let mut targets = Vec::with_capacity(examples.len());
    for (at, example) in examples.iter().enumerate() {
        let Some(number) = numbers.get(example.label) else {
            return refuse(ErrorKind::Invalid, &format!("example {at} has an unknown label"));
        };
        targets.push(*number);
    }
    Ok(targets)
}

/// Texts as vectors: the labels' own first, then the examples.
struct Prepared {
    vocabulary: Vocabulary,
    vectors: Vec<SparseVector>,
    members: Vec<usize>,
}

impl Prepared {
    fn of(labels: &[LabelText], examples: &[Example<'_>], targets: &[usize]) -> Result<Self> {
        let mut texts: Vec<(Counts, usize)> =
            labels.iter().enumerate().map(|(number, label)| (Counts::of(&label.text()), number)).collect();
        texts.extend(examples.iter().zip(targets).map(|(example, label)| (Counts::of(example.text), *label)));
        let vocabulary = vocabulary_of(&texts, examples.len());
        if vocabulary.len().saturating_mul(labels.len()) > MAX_WEIGHTS {
            return Err(
                Error::new(ErrorKind::LimitExceeded, "classifier.train").context("features times labels")
            );
        }
        let vectors = texts.iter().map(|(counts, _)| vocabulary.vector(counts)).collect();
        let members = texts.into_iter().map(|(_, label)| label).collect();
        Ok(Self { vocabulary, vectors, members })
    }
}

fn vocabulary_of(texts: &[(Counts, usize)], examples: usize) -> Vocabulary {
    let mut vocabulary = Vocabulary::default();
    for (counts, _) in texts {
        vocabulary.observe(counts);
    }
    if examples >= PRUNED_FROM { vocabulary.pruned(2) } else { vocabulary }
}

fn planes(
    vectors: &[SparseVector],
    members: &[usize],
    labels: usize,
    features: usize,
    options: &TrainingOptions,
) -> (Vec<f32>, Vec<f32>) {
    let solver = SolverOptions { cost: options.cost, tolerance: 0.02, max_passes: 200, seed: options.seed };
    let mut weights = vec![0.0; features * labels];
    let mut biases = vec![0.0; labels];
    for label in 0..labels {
        let is_member: Vec<bool> = members.iter().map(|member| *member == label).collect();
        let plane = separate(vectors, &is_member, features, &solver);
        biases[label] = plane.bias;
        for (feature, weight) in plane.weights.into_iter().enumerate() {
            weights[feature * labels + label] = weight;
        }
    }
    (weights, biases)
}

/// Trains on four fifths and fits the softmax to the scores of the last fifth.
fn calibrate(
    vectors: &[SparseVector],
    members: &[usize],
    labels: usize,
    features: usize,
    options: &TrainingOptions,
) -> Softmax {
    if vectors.len() - labels < CALIBRATED_FROM {
        return MARGIN_CALIBRATION;
    }
    // Descriptions always train: they are the only text that some labels have.
    let mut order: Vec<usize> = (labels..vectors.len()).collect();
    Shuffler::new(options.seed).shuffle(&mut order);
    let held_back = order.split_off(order.len() * 4 / 5);
    order.extend(0..labels);
    let train_vectors: Vec<SparseVector> = order.iter().map(|at| vectors[*at].clone()).collect();
    let train_members: Vec<usize> = order.iter().map(|at| members[*at]).collect();
    let (weights, biases) = planes(&train_vectors, &train_members, labels, features, options);
    let mut judged = Vec::with_capacity(held_back.len());
    for at in held_back {
        let mut scores = biases.clone();
        for (feature, value) in vectors[at].iter() {
            for (label, score) in scores.iter_mut().enumerate() {
                *score += value * weights[feature * labels + label];
            }
        }
        judged.push(Scored { scores, right: members[at] });
    }
    Softmax::fit(&judged).unwrap_or(MARGIN_CALIBRATION)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk() -> Vec<LabelText> {
        vec![
            LabelText::new("billing", "invoices, refunds, payment by card, prices"),
            LabelText::new("technical", "errors, crashes, the application does not start, installation"),
            LabelText::new("account", "sign in, password, change the e-mail address, delete an account"),
        ]
    }

    fn train(examples: &[Example<'_>]) -> LinearClassifier {
        LinearClassifier::train(&desk(), examples, &TrainingOptions::default()).unwrap()
    }

    fn repeated() -> Vec<Example<'static>> {
        let texts = [
            ("the parcel never arrived", "billing"),
            ("where is my parcel", "billing"),
            ("parcel lost by the courier", "billing"),
            ("my screen stays black", "technical"),
            ("black screen after the update", "technical"),
            ("the screen flickers", "technical"),
            ("somebody else uses my profile", "account"),
            ("rename my profile", "account"),
            ("profile picture is old", "account"),
        ];
        texts.iter().cycle().take(90).map(|(text, label)| Example { text, label }).collect()
    }

    #[test]
    fn descriptions_alone_classify() {
        let classifier = train(&[]);
        assert_eq!(classifier.classify("I forgot my password")[0].label, "account");
        assert_eq!(classifier.classify("I want a refund for this invoice")[0].label, "billing");
        assert_eq!(classifier.examples(), 0);
    }

    #[test]
    fn a_text_unlike_every_description_is_left_to_people() {
        let classifier = train(&[]);
        for text in ["", "🙂🙂🙂", "\0\0\0", "漢字", "???"] {
            let sum: f64 = classifier.classify(text).iter().map(|score| score.probability).sum();
            assert!(sum < 0.05, "{text:?}: {sum}");
        }
        assert!(classifier.classify("zzyzx qwfp")[0].probability < 0.5);
    }

    #[test]
    fn examples_teach_what_descriptions_do_not_say() {
        let classifier = train(&repeated());
        let best = classifier.classify("parcel is missing");
        assert_eq!(best[0].label, "billing");
        assert!(best[0].probability > 0.5, "{best:?}");
        assert_eq!(classifier.classify("password")[0].label, "account", "descriptions still count");
    }

    #[test]
    fn probabilities_are_sorted_and_sum_to_at_most_one() {
        for classifier in [train(&[]), train(&repeated())] {
            let ranked = classifier.classify("the refund for my screen crashes");
            assert_eq!(ranked.len(), 3);
            assert!(ranked.is_sorted_by(|a, b| a.probability >= b.probability));
            assert!(ranked.iter().map(|score| score.probability).sum::<f64>() <= 1.0 + 1e-9);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        assert_eq!(train(&repeated()).to_bytes(), train(&repeated()).to_bytes());
    }

    #[test]
    fn learning_moves_towards_the_example() {
        for mut classifier in [train(&[]), train(&repeated())] {
            let example = Example { text: "the turbo encabulator squeaks", label: "technical" };
            let probability = |classifier: &LinearClassifier| {
                let ranked = classifier.classify(example.text);
                ranked.iter().find(|score| score.label == "technical").unwrap().probability
            };
            let before = probability(&classifier);
            for _ in 0..5 {
                classifier.learn(&example).unwrap();
            }
            assert!(probability(&classifier) > before + 0.2, "{before} to {}", probability(&classifier));
            assert_eq!(classifier.classify(example.text)[0].label, "technical");
        }
    }

    #[test]
    fn bad_trainings_are_refused_with_a_kind() {
        let kind = |labels: &[LabelText], examples: &[Example<'_>], cost: f32| {
            let options = TrainingOptions { cost, ..TrainingOptions::default() };
            LinearClassifier::train(labels, examples, &options).map(|_| ()).unwrap_err().kind()
        };
        assert_eq!(kind(&[], &[], 1.0), ErrorKind::Invalid);
        assert_eq!(kind(&desk(), &[Example { text: "x", label: "unheard of" }], 1.0), ErrorKind::Invalid);
        assert_eq!(kind(&[LabelText::new("a", ""), LabelText::new("a", "")], &[], 1.0), ErrorKind::Invalid);
        assert_eq!(kind(&desk(), &[], f32::NAN), ErrorKind::Invalid);
        let many: Vec<_> = (0..=MAX_LABELS).map(|at| LabelText::new(at.to_string(), "")).collect();
        assert_eq!(kind(&many, &[], 1.0), ErrorKind::LimitExceeded);
        let mut classifier = train(&[]);
        let unknown = Example { text: "x", label: "unheard of" };
        assert_eq!(classifier.learn(&unknown).unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn huge_texts_are_read_in_part() {
        let classifier = train(&repeated());
        let huge = format!("parcel {}", "x y z ".repeat(1_700_000));
        assert_eq!(classifier.classify(&huge).len(), 3);
    }

    #[test]
    fn one_label_alone_is_not_certain() {
        let classifier = LinearClassifier::train(
            &desk()[..1],
            &[Example { text: "parcel", label: "billing" }],
            &TrainingOptions::default(),
        )
        .unwrap();
        assert!(classifier.classify("漢字")[0].probability < 0.5);
    }
}
