//! Multinomial logistic regression over dense vectors, fitted by L-BFGS (Liu and Nocedal, "On the limited memory BFGS
//! method for large scale optimization", Mathematical Programming 45, 1989).

use std::collections::VecDeque;

/// How many steps the shape of the function is remembered.
const MEMORY: usize = 10;

/// The most steps of a fit.
const MAX_STEPS: usize = 150;

/// Where a fit ends: the largest slope against that at the beginning.
const FLAT: f64 = 1e-3;

/// The weights of every label, and the constants added to its scores.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Logistic {
    width: usize,
    /// Label by label: as many weights as a vector has numbers, and the constant.
    weights: Vec<f32>,
}

fn product(one: &[f32], other: &[f32]) -> f32 {
    let (ones, rest) = one.as_chunks::<8>();
    let (others, other_rest) = other.as_chunks::<8>();
    let mut lanes = [0.0_f32; 8];
    for (left, right) in ones.iter().zip(others) {
        for lane in 0..8 {
            lanes[lane] += left[lane] * right[lane];
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().zip(other_rest).map(|(left, right)| left * right).sum::<f32>()
}

fn inner(one: &[f32], other: &[f32]) -> f64 {
    one.iter().zip(other).map(|(left, right)| f64::from(*left) * f64::from(*right)).sum()
}

#[expect(clippy::cast_possible_truncation, reason = "a step needs no more than the 24 bits of an f32")]
fn narrow(value: f64) -> f32 {
    value as f32
}

fn add(target: &mut [f32], factor: f32, other: &[f32]) {
    for (value, addend) in target.iter_mut().zip(other) {
        *value += factor * addend;
    }
}

/// Turns scores into the logarithms of their softmax.
pub(crate) fn log_softmax(scores: &mut [f32]) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = scores.iter().map(|score| (score - largest).exp()).sum();
    let spread = sum.ln();
    for score in scores {
        // In this order, because large scores leave no digits for the sum.
        *score = (*score - largest) - spread;
    }
}

impl Logistic {
    /// Fits the labels of `rows`, all of `width` numbers. `members` tells the label of each row, below `labels`; `cost` is
    /// what an unlikely example costs against the length of the weights. The same input gives the same bits.
    pub(crate) fn fit(rows: &[&[f32]], members: &[usize], labels: usize, width: usize, cost: f32) -> Self {
        let mut point = Self { width, weights: vec![0.0; labels * (width + 1)] };
        let (mut value, mut slope) = point.loss(rows, members, labels, cost);
        let steep = inner(&slope, &slope).sqrt();
        let mut steps: VecDeque<(Vec<f32>, Vec<f32>, f64)> = VecDeque::new();
        for _ in 0..MAX_STEPS {
            if inner(&slope, &slope).sqrt() <= FLAT * steep {
                break;
            }
            let direction = descent(&slope, &steps);
            let falling = inner(&direction, &slope);
            let mut stride = if steps.is_empty() { 1.0 / narrow(steep.max(1.0)) } else { 1.0 };
            let next = loop {
                let mut tried = point.clone();
                add(&mut tried.weights, stride, &direction);
                let (there, slope_there) = tried.loss(rows, members, labels, cost);
                if there <= value + 1e-4 * f64::from(stride) * falling {
                    break Some((tried, there, slope_there));
                }
                stride /= 2.0;
                if stride < 1e-6 {
                    break None;
                }
            };
            let Some((there, value_there, slope_there)) = next else { break };
            let mut moved = there.weights.clone();
            add(&mut moved, -1.0, &point.weights);
            let mut bend = slope_there.clone();
            add(&mut bend, -1.0, &slope);
            let curvature = inner(&moved, &bend);
            if curvature > 1e-12 {
                if steps.len() == MEMORY {
                    steps.pop_front();
                }
                steps.push_back((moved, bend, 1.0 / curvature));
            }
            (point, value, slope) = (there, value_there, slope_there);
        }
        point
    }

    /// Returns the score of every label for a vector.
    pub(crate) fn scores(&self, row: &[f32]) -> Vec<f32> {
        self.weights
            .chunks_exact(self.width + 1)
            .map(|own| {
                let (constant, weights) = own.split_last().map_or((0.0, own), |(last, first)| (*last, first));
                product(weights, row) + constant
            })
            .collect()
    }

    fn loss(&self, rows: &[&[f32]], members: &[usize], labels: usize, cost: f32) -> (f64, Vec<f32>) {
        let stride = self.width + 1;
        // The constants are free.
        let mut slope = self.weights.clone();
        let mut value = 0.0;
        for own in slope.chunks_exact_mut(stride) {
            if let Some((constant, weights)) = own.split_last_mut() {
                value += inner(weights, weights) / 2.0;
                *constant = 0.0;
            }
        }
        for (row, member) in rows.iter().zip(members) {
            let mut scores = self.scores(row);
            log_softmax(&mut scores);
            value -= f64::from(cost) * f64::from(scores.get(*member).copied().unwrap_or_default());
            for (label, own) in slope.chunks_exact_mut(stride).enumerate().take(labels) {
                let likely = scores[label].exp() - if label == *member { 1.0 } else { 0.0 };
                if likely.abs() < 1e-7 {
                    continue;
                }
                if let Some((constant, weights)) = own.split_last_mut() {
                    *constant += cost * likely;
                    add(weights, cost * likely, row);
                }
            }
        }
        (value, slope)
    }
}

/// Returns the direction to go: the slope, turned by what the last steps told about the shape.
fn descent(slope: &[f32], steps: &VecDeque<(Vec<f32>, Vec<f32>, f64)>) -> Vec<f32> {
    let mut direction: Vec<f32> = slope.iter().map(|value| -value).collect();
    let mut shares = Vec::with_capacity(steps.len());
    for (step, bend, inverse) in steps.iter().rev() {
        let share = inverse * inner(step, &direction);
        add(&mut direction, -narrow(share), bend);
        shares.push(share);
    }
    if let Some((_, bend, inverse)) = steps.back() {
        let scale = 1.0 / (inverse * inner(bend, bend));
        for value in &mut direction {
            *value *= narrow(scale);
        }
    }
    for ((step, bend, inverse), share) in steps.iter().zip(shares.iter().rev()) {
        let other = inverse * inner(bend, &direction);
        add(&mut direction, narrow(share - other), step);
    }
    direction
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud(number: usize) -> (Vec<Vec<f32>>, Vec<usize>) {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f32::from(u16::try_from(state >> 48).unwrap()) / 65_536.0 - 0.5
        };
        let members: Vec<usize> = (0..number).map(|at| at % 3).collect();
        let rows = members
            .iter()
            .map(|label| (0..9).map(|at| next() + if at / 3 == *label { 1.0 } else { 0.0 }).collect())
            .collect();
        (rows, members)
    }

    #[test]
    fn what_is_separable_is_separated_and_repeats() {
        let (rows, members) = cloud(150);
        let borrowed: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let fitted = Logistic::fit(&borrowed, &members, 3, 9, 10.0);
        assert_eq!(fitted, Logistic::fit(&borrowed, &members, 3, 9, 10.0));
        for (row, member) in borrowed.iter().zip(&members) {
            let scores = fitted.scores(row);
            assert!(scores.iter().all(|score| *score <= scores[*member]));
        }
    }

    /// At the optimum of a convex function no small move goes down.
    #[test]
    fn no_neighbour_is_better() {
        let (rows, mut members) = cloud(60);
        members[0] = 2;
        let borrowed: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let fitted = Logistic::fit(&borrowed, &members, 3, 9, 1.0);
        let (best, _) = fitted.loss(&borrowed, &members, 3, 1.0);
        for at in 0..fitted.weights.len() {
            for step in [-0.05, 0.05] {
                let mut moved = fitted.clone();
                moved.weights[at] += step;
                assert!(moved.loss(&borrowed, &members, 3, 1.0).0 > best - 1e-3);
            }
        }
    }

    #[test]
    fn logarithms_of_a_softmax_sum_to_one() {
        let mut scores = vec![1_000.0, 1_001.0, -4.0];
        log_softmax(&mut scores);
        assert!((scores.iter().map(|score| score.exp()).sum::<f32>() - 1.0).abs() < 1e-5);
        assert!(scores[1] > scores[0]);
    }

    #[test]
    fn nothing_to_fit_gives_even_scores() {
        let fitted = Logistic::fit(&[], &[], 2, 3, 1.0);
        assert_eq!(fitted.scores(&[1.0, 2.0, 3.0]), [0.0, 0.0]);
    }
}
