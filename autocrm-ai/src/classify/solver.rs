//! The linear support vector machine behind the classifier: dual coordinate descent for the squared hinge loss
//! (Hsieh, Chang, Lin, Keerthi and Sundararajan, "A Dual Coordinate Descent Method for Large-scale Linear SVM",
//! ICML 2008, algorithms 1 and 3 with shrinking).

use super::vocabulary::SparseVector;

/// How the solver runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SolverOptions {
    /// What a training error costs against the length of the weights.
    pub(crate) cost: f32,
    /// The spread of projected gradients at which the solver stops.
    pub(crate) tolerance: f32,
    /// The most passes over the examples.
    pub(crate) max_passes: usize,
    /// Where the order of the examples starts from.
    pub(crate) seed: u64,
}

/// The weights of one class against the rest, and the constant added to every score.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hyperplane {
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: f32,
}

/// Deterministic pseudo-random numbers (`SplitMix64`, Steele, Lea and Flood, OOPSLA 2014).
#[derive(Debug, Clone)]
pub(crate) struct Shuffler(u64);

impl Shuffler {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Brings the items into a new order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let bound = last as u64 + 1;
            let Ok(chosen) = usize::try_from(self.next() % bound) else { continue };
            items.swap(last, chosen);
        }
    }
}

struct Problem<'a> {
    examples: &'a [SparseVector],
    signs: Vec<f32>,
    diagonal: f32,
    curvatures: Vec<f32>,
    duals: Vec<f32>,
    plane: Hyperplane,
}

/// What one visit to an example found.
enum Visit {
    Shrink,
    Keep { projected_gradient: f32 },
}

impl Problem<'_> {
    fn gradient(&self, at: usize, example: &SparseVector) -> f32 {
        let mut score = self.plane.bias;
        for (index, value) in example.iter() {
            score += self.plane.weights[index] * value;
        }
        self.signs[at] * score - 1.0 + self.diagonal * self.duals[at]
    }

    fn visit(&mut self, at: usize, largest_before: f32) -> Visit {
        let example = &self.examples[at];
        let gradient = self.gradient(at, example);
        let dual = self.duals[at];
        if dual == 0.0 && gradient > largest_before {
            return Visit::Shrink;
        }
        let projected_gradient = if dual == 0.0 { gradient.min(0.0) } else { gradient };
        if projected_gradient.abs() > 1e-12 {
            let moved = (dual - gradient / self.curvatures[at]).max(0.0);
            self.duals[at] = moved;
            let step = (moved - dual) * self.signs[at];
            for (index, value) in example.iter() {
                self.plane.weights[index] += step * value;
            }
            self.plane.bias += step;
        }
        Visit::Keep { projected_gradient }
    }
}

/// Finds the plane that separates the examples of the class (`is_member`) from all others.
///
/// Every index of every example must be below `features`, and `is_member` must be as long as `examples`.
pub(crate) fn separate(
    examples: &[SparseVector],
    is_member: &[bool],
    features: usize,
    options: &SolverOptions,
) -> Hyperplane {
    let diagonal = 0.5 / options.cost;
    let mut problem = Problem {
        examples,
        signs: is_member.iter().map(|member| if *member { 1.0 } else { -1.0 }).collect(),
        diagonal,
        curvatures: examples.iter().map(|example| example.squared_norm() + 1.0 + diagonal).collect(),
        duals: vec![0.0; examples.len()],
        plane: Hyperplane { weights: vec![0.0; features], bias: 0.0 },
    };
    let mut shuffler = Shuffler::new(options.seed);
    let mut active: Vec<usize> = (0..examples.len()).collect();
    let mut largest_before = f32::INFINITY;
    for _ in 0..options.max_passes {
        shuffler.shuffle(&mut active);
        let (mut largest, mut smallest) = (f32::NEG_INFINITY, f32::INFINITY);
        active.retain(|at| match problem.visit(*at, largest_before) {
            Visit::Shrink => false,
            Visit::Keep { projected_gradient } => {
                largest = largest.max(projected_gradient);
                smallest = smallest.min(projected_gradient);
                true
            }
        });
        let converged = active.is_empty() || largest - smallest <= options.tolerance;
        if converged && active.len() == examples.len() {
            break;
        }
        if converged {
            // What was set aside gets a last look, because the plane has moved since.
            active = (0..examples.len()).collect();
            largest_before = f32::INFINITY;
        } else {
            largest_before = if largest > 0.0 { largest } else { f32::INFINITY };
        }
    }
    problem.plane
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OPTIONS: SolverOptions = SolverOptions { cost: 1.0, tolerance: 1e-4, max_passes: 1000, seed: 7 };

    fn point(x: f32, y: f32) -> SparseVector {
        SparseVector { indices: vec![0, 1], values: vec![x, y] }
    }

    fn score(plane: &Hyperplane, example: &SparseVector) -> f32 {
        plane.bias + example.iter().map(|(index, value)| plane.weights[index] * value).sum::<f32>()
    }

    /// The primal objective of the paper, with the constant counted as one more weight.
    fn objective(plane: &Hyperplane, examples: &[SparseVector], members: &[bool]) -> f32 {
        let weights = plane.weights.iter().map(|w| w * w).sum::<f32>() + plane.bias * plane.bias;
        let losses = examples.iter().zip(members).map(|(example, member)| {
            let sign = if *member { 1.0 } else { -1.0 };
            (1.0 - sign * score(plane, example)).max(0.0).powi(2)
        });
        0.5 * weights + OPTIONS.cost * losses.sum::<f32>()
    }

    #[test]
    fn a_separable_problem_is_separated() {
        let examples = [point(1.0, 0.1), point(0.9, 0.0), point(0.0, 1.0), point(0.1, 0.8)];
        let members = [true, true, false, false];
        let plane = separate(&examples, &members, 2, &OPTIONS);
        for (example, member) in examples.iter().zip(members) {
            assert_eq!(score(&plane, example) > 0.0, member);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_plane() {
        let examples = [point(1.0, 0.2), point(0.3, 0.4), point(0.0, 1.0)];
        let members = [true, false, false];
        assert_eq!(separate(&examples, &members, 2, &OPTIONS), separate(&examples, &members, 2, &OPTIONS));
    }

    #[test]
    fn no_examples_give_the_zero_plane() {
        assert_eq!(separate(&[], &[], 2, &OPTIONS), Hyperplane { weights: vec![0.0; 2], bias: 0.0 });
    }

    proptest! {
        /// At the optimum of a convex function no small move goes down.
        #[test]
        fn no_neighbour_is_better(points in prop::collection::vec((-1.0_f32..1.0, -1.0_f32..1.0, any::<bool>()), 2..30)) {
            let examples: Vec<_> = points.iter().map(|(x, y, _)| point(*x, *y)).collect();
            let members: Vec<_> = points.iter().map(|(_, _, member)| *member).collect();
            let plane = separate(&examples, &members, 2, &OPTIONS);
            let best = objective(&plane, &examples, &members);
            for (dx, dy, db) in [(0.05, 0.0, 0.0), (-0.05, 0.0, 0.0), (0.0, 0.05, 0.0), (0.0, -0.05, 0.0), (0.0, 0.0, 0.05), (0.0, 0.0, -0.05)] {
                let moved = Hyperplane {
                    weights: vec![plane.weights[0] + dx, plane.weights[1] + dy],
                    bias: plane.bias + db,
                };
                prop_assert!(objective(&moved, &examples, &members) > best - 1e-3);
            }
        }
    }
}
