//! Seeded unit vectors around centres, dealt to tenants, and what lies nearest to a query.

use crate::random::Random;

/// How many centres there are.
const CENTRES: usize = 1_000;
/// How long the noise is beside a centre, which has length one.
const SIGMA: f64 = 0.35;

/// Vectors of length one, one after the other.
#[derive(Debug)]
pub(crate) struct Vectors {
    dims: usize,
    values: Vec<f32>,
}

/// Draws vectors from the same centres.
#[derive(Debug)]
pub(crate) struct Source {
    dims: usize,
    centres: Vec<f64>,
    random: Random,
}

impl Source {
    pub(crate) fn new(seed: u64, dims: usize) -> Self {
        let mut random = Random::new(seed);
        let mut centres = Vec::with_capacity(CENTRES * dims);
        for _ in 0..CENTRES {
            let drawn: Vec<f64> = (0..dims).map(|_| normal(&mut random)).collect();
            let length = drawn.iter().map(|value| value * value).sum::<f64>().sqrt();
            centres.extend(drawn.iter().map(|value| value / length));
        }
        Self { dims, centres, random }
    }

    /// Draws vectors: a centre, and normal noise whose expected length is that of sigma.
    pub(crate) fn draw(&mut self, count: usize) -> Vectors {
        let scale = SIGMA / (self.dims as f64).sqrt();
        let mut values = Vec::with_capacity(count * self.dims);
        for _ in 0..count {
            let centre = self.random.below(CENTRES) * self.dims;
            let own: Vec<f64> = self.centres[centre..centre + self.dims]
                .iter()
                .map(|value| value + scale * normal(&mut self.random))
                .collect();
            let length = own.iter().map(|value| value * value).sum::<f64>().sqrt();
            values.extend(own.iter().map(|value| (value / length) as f32));
        }
        Vectors { dims: self.dims, values }
    }
}

/// Returns a number of the standard normal distribution (Box and Muller, 1958).
fn normal(random: &mut Random) -> f64 {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.unit()).cos()
}

impl Vectors {
    pub(crate) fn len(&self) -> usize {
        self.values.len() / self.dims
    }

    pub(crate) fn get(&self, place: usize) -> &[f32] {
        &self.values[place * self.dims..(place + 1) * self.dims]
    }

    /// Returns the places of the `k` vectors of a range nearest to a query, nearest first, of those that pass.
    pub(crate) fn nearest(
        &self,
        query: &[f32],
        range: std::ops::Range<usize>,
        k: usize,
        passes: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let mut scored: Vec<(f32, usize)> = range
            .filter(|place| passes(*place))
            .map(|place| (product(self.get(place), query), place))
            .collect();
        let k = k.min(scored.len());
        if k == 0 {
            return Vec::new();
        }
        scored.select_nth_unstable_by(k - 1, |one, other| other.0.total_cmp(&one.0));
        scored.truncate(k);
        scored.sort_by(|one, other| other.0.total_cmp(&one.0));
        scored.into_iter().map(|(_, place)| place).collect()
    }
}

/// Returns the inner product, in eight lanes.
fn product(one: &[f32], other: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let (left, right) = (one.chunks_exact(8), other.chunks_exact(8));
    let rest: f32 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left.zip(right) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_repeat_and_lie_around_their_centres() {
        // Five times as many as there are centres, so that the first centre has some around it.
        let drawn = Source::new(7, 64).draw(5_000);
        assert_eq!(drawn.values, Source::new(7, 64).draw(5_000).values);
        for place in 0..drawn.len() {
            assert!((product(drawn.get(place), drawn.get(place)) - 1.0).abs() < 1e-5);
        }
        let source = Source::new(7, 64);
        let near: Vec<f32> = source.centres[..64].iter().map(|value| *value as f32).collect();
        let best = drawn.nearest(&near, 0..drawn.len(), 1, |_| true);
        assert!(product(drawn.get(best[0]), &near) > 0.5);
    }

    #[test]
    fn the_nearest_come_first_and_pass_the_filter() {
        let drawn = Source::new(1, 16).draw(200);
        let query = drawn.get(50).to_vec();
        assert_eq!(drawn.nearest(&query, 0..200, 3, |_| true)[0], 50);
        let without = drawn.nearest(&query, 0..200, 300, |place| place != 50);
        assert_eq!((without.len(), without.contains(&50)), (199, false));
        assert!(drawn.nearest(&query, 0..0, 3, |_| true).is_empty());
    }
}
