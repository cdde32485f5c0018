//! Turns the scores of all labels into probabilities: a softmax with one more outcome, "none of them".

/// How much a made-up text outside all labels counts against a held-back example when fitting: one such text in
/// eleven is what a desk can expect.
const OUTSIDE_WEIGHT: f64 = 0.1;

/// The probability of label `i` is `exp(slope · sᵢ) / (exp(none) + Σⱼ exp(slope · sⱼ))`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Softmax {
    pub(crate) slope: f64,
    pub(crate) none: f64,
}

/// The scores of one held-back example, and which label is right.
#[derive(Debug, Clone)]
pub(crate) struct Scored {
    pub(crate) scores: Vec<f32>,
    pub(crate) right: usize,
}

/// Value, gradient and curvature of the loss.
#[derive(Debug, Clone, Copy, Default)]
struct Local {
    loss: f64,
    gradient: [f64; 2],
    curvature: [f64; 3],
}

impl Softmax {
    /// Returns one probability per score; they sum to less than 1.
    pub(crate) fn probabilities(self, scores: &[f32]) -> Vec<f64> {
        let logits: Vec<f64> = scores.iter().map(|score| self.slope * f64::from(*score)).collect();
        let largest = logits.iter().copied().fold(self.none, f64::max);
        let mut shares: Vec<f64> = logits.into_iter().map(|logit| (logit - largest).exp()).collect();
        let sum = shares.iter().sum::<f64>() + (self.none - largest).exp();
        for share in &mut shares {
            *share /= sum;
        }
        shares
    }

    /// Fits slope and the chance of "none" to held-back examples by Newton's method. Each example serves twice: as it
    /// is, and with the right label's score taken away, as a text that belongs to none of the labels left. Returns
    /// `None` when there is too little to fit or the right labels did not score higher.
    pub(crate) fn fit(held_back: &[Scored]) -> Option<Self> {
        if held_back.is_empty() || held_back.iter().any(|example| example.scores.len() < 2) {
            return None;
        }
        let mut fitted = Self { slope: 1.0, none: 0.0 };
        let mut here = fitted.local(held_back);
        for _ in 0..50 {
            let [slope_gradient, none_gradient] = here.gradient;
            if slope_gradient.abs() + none_gradient.abs() < 1e-6 {
                break;
            }
            let [h11, h12, h22] = here.curvature;
            let determinant = (h11 + 1e-6) * (h22 + 1e-6) - h12 * h12;
            let slope_step = ((h22 + 1e-6) * slope_gradient - h12 * none_gradient) / determinant;
            let none_step = ((h11 + 1e-6) * none_gradient - h12 * slope_gradient) / determinant;
            let Some((next, there)) = fitted.line_search(slope_step, none_step, here.loss, held_back) else {
                break;
            };
            (fitted, here) = (next, there);
        }
        (fitted.slope > 0.0 && fitted.slope < 1e3 && fitted.none.is_finite()).then_some(fitted)
    }

    fn line_search(
        self,
        slope_step: f64,
        none_step: f64,
        loss: f64,
        held_back: &[Scored],
    ) -> Option<(Self, Local)> {
        let mut stride = 1.0;
        while stride > 1e-6 {
            let next = Self { slope: self.slope - stride * slope_step, none: self.none - stride * none_step };
            let there = next.local(held_back);
            if there.loss < loss - 1e-9 {
                return Some((next, there));
            }
            stride /= 2.0;
        }
        None
    }

    fn local(self, held_back: &[Scored]) -> Local {
        let mut total = Local { curvature: [0.0; 3], ..Local::default() };
        for example in held_back {
            self.add(&mut total, &example.scores, Some(example.right), 1.0);
            let mut others = example.scores.clone();
            others.swap_remove(example.right);
            self.add(&mut total, &others, None, OUTSIDE_WEIGHT);
        }
        // A slight pull towards moderate slopes keeps separable data finite.
        total.loss += 0.5e-3 * self.slope * self.slope;
        total.gradient[0] += 1e-3 * self.slope;
        total.curvature[0] += 1e-3;
        total
    }

    fn add(self, total: &mut Local, scores: &[f32], right: Option<usize>, weight: f64) {
        let probabilities = self.probabilities(scores);
        let none = (1.0 - probabilities.iter().sum::<f64>()).max(0.0);
        let (mut mean, mut square) = (0.0, 0.0);
        for (probability, score) in probabilities.iter().zip(scores) {
            mean += probability * f64::from(*score);
            square += probability * f64::from(*score) * f64::from(*score);
        }
        let (right_probability, right_score) = match right {
            Some(label) => (probabilities[label], f64::from(scores[label])),
            None => (none, 0.0),
        };
        let is_none = if right.is_none() { 1.0 } else { 0.0 };
        total.loss -= weight * right_probability.max(1e-300).ln();
        total.gradient[0] += weight * (mean - right_score);
        total.gradient[1] += weight * (none - is_none);
        total.curvature[0] += weight * (square - mean * mean);
        total.curvature[1] -= weight * mean * none;
        total.curvature[2] += weight * none * (1.0 - none);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noisy(count: usize, every_wrong: usize) -> Vec<Scored> {
        (0..count)
            .map(|at| {
                let right = usize::from(at % every_wrong == 0);
                Scored { scores: vec![0.8, -0.8, -0.9], right }
            })
            .collect()
    }

    #[test]
    fn frequencies_come_back_as_probabilities() {
        let fitted = Softmax::fit(&noisy(2000, 10)).unwrap();
        let probabilities = fitted.probabilities(&[0.8, -0.8, -0.9]);
        assert!((probabilities[0] - 0.9).abs() < 0.06, "{probabilities:?}");
    }

    #[test]
    fn a_text_that_scores_low_everywhere_belongs_to_none() {
        let fitted = Softmax::fit(&noisy(2000, 20)).unwrap();
        let low: f64 = fitted.probabilities(&[-0.9, -0.9, -0.9]).iter().sum();
        let high: f64 = fitted.probabilities(&[0.8, -0.9, -0.9]).iter().sum();
        assert!(low < high);
    }

    #[test]
    fn hopeless_data_give_no_fit() {
        assert!(Softmax::fit(&[]).is_none());
        assert!(Softmax::fit(&[Scored { scores: vec![1.0], right: 0 }]).is_none());
        let upside_down: Vec<_> = (0..50).map(|_| Scored { scores: vec![-1.0, 1.0], right: 0 }).collect();
        assert!(Softmax::fit(&upside_down).is_none());
    }

    #[test]
    fn extreme_scores_stay_finite() {
        let softmax = Softmax { slope: 8.0, none: -2.0 };
        for scores in [[f32::MAX, f32::MIN], [0.0, 0.0], [1e30, 1e30]] {
            let probabilities = softmax.probabilities(&scores);
            assert!(probabilities.iter().all(|p| (0.0..=1.0).contains(p)), "{probabilities:?}");
        }
    }
}
