//! The two passes over a tenant's vectors: signs first, numbers for what is left.

use pulp::{Arch, Simd, WithSimd};

/// How many signs stand in a word.
const WORD: usize = 64;

/// Returns how many words the signs of a vector take.
pub(super) fn words_of(dimensions: usize) -> usize {
    dimensions.div_ceil(WORD)
}

/// Appends the signs of a vector's numbers, one bit each.
pub(super) fn push_signs(values: impl Iterator<Item = f32>, dimensions: usize, signs: &mut Vec<u64>) {
    let (mut word, mut filled) = (0_u64, 0);
    for value in values.take(dimensions) {
        word |= u64::from(value > 0.0) << filled;
        filled += 1;
        if filled == WORD {
            signs.push(word);
            (word, filled) = (0, 0);
        }
    }
    if filled > 0 {
        signs.push(word);
    }
}

/// The first pass. Everything in it is inlined into the function that `pulp` compiles for the instructions at hand; what is
/// not, such as the fold of an iterator, would be compiled for the oldest processor.
struct Differences<'a> {
    signs: &'a [u64],
    sought: &'a [u64],
    found: &'a mut [u16],
}

#[expect(clippy::inline_always, reason = "only what is inlined uses the instructions at hand")]
#[expect(clippy::cast_possible_truncation, reason = "a space has at most 2,000 dimensions")]
impl Differences<'_> {
    /// The loop for a known number of words, which the compiler lays out flat.
    #[inline(always)]
    fn flat<const N: usize>(self) {
        let Some(sought) = self.sought.first_chunk::<N>() else { return };
        for (row, found) in self.signs.as_chunks::<N>().0.iter().zip(self.found) {
            let mut differing = 0;
            for word in 0..N {
                differing += (row[word] ^ sought[word]).count_ones();
            }
            *found = differing as u16;
        }
    }

    #[inline(always)]
    fn any(self) {
        let length = self.sought.len().max(1);
        for (row, found) in self.signs.chunks_exact(length).zip(self.found) {
            let mut differing = 0;
            for (one, other) in row.iter().zip(self.sought) {
                differing += (one ^ other).count_ones();
            }
            *found = differing as u16;
        }
    }
}

#[expect(clippy::inline_always, reason = "only what is inlined uses the instructions at hand")]
impl WithSimd for Differences<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        match self.sought.len() {
            4 => self.flat::<4>(),
            6 => self.flat::<6>(),
            8 => self.flat::<8>(),
            12 => self.flat::<12>(),
            16 => self.flat::<16>(),
            24 => self.flat::<24>(),
            _ => self.any(),
        }
    }
}

/// Returns for each row of signs in how many places it differs from the sought ones.
pub(super) fn distances(signs: &[u64], sought: &[u64]) -> Vec<u16> {
    let mut found = vec![0; signs.len() / sought.len().max(1)];
    Arch::new().dispatch(Differences { signs, sought, found: &mut found });
    found
}

/// The second pass: inner products with stored vectors, in little-endian bytes.
struct Products<'a> {
    stored: &'a [&'a [u8]],
    sought: &'a [f32],
    found: &'a mut [f32],
}

#[expect(clippy::inline_always, reason = "only what is inlined uses the instructions at hand")]
impl WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (sought_eights, sought_rest) = self.sought.as_chunks::<8>();
        for (stored, found) in self.stored.iter().zip(self.found) {
            let (numbers, _) = stored.as_chunks::<4>();
            let (eights, rest) = numbers.as_chunks::<8>();
            let mut lanes = [0.0_f32; 8];
            for (one, other) in eights.iter().zip(sought_eights) {
                for lane in 0..8 {
                    lanes[lane] += f32::from_le_bytes(one[lane]) * other[lane];
                }
            }
            let mut sum = 0.0;
            for lane in lanes {
                sum += lane;
            }
            for (one, other) in rest.iter().zip(sought_rest) {
                sum += f32::from_le_bytes(*one) * other;
            }
            // Adding zero makes one zero of the two, so that they tie.
            *found = sum.clamp(-1.0, 1.0) + 0.0;
        }
    }
}

/// Returns the cosine of every stored unit vector with the sought one, -1..=1.
pub(super) fn cosines(stored: &[&[u8]], sought: &[f32]) -> Vec<f32> {
    let mut found = vec![0.0; stored.len()];
    Arch::new().dispatch(Products { stored, sought, found: &mut found });
    found
}

/// Returns the places of the rows that are at most as far as the `least`-th nearest, and no farther than `farthest`.
pub(super) fn nearest(distances: &[u16], least: usize, farthest: u16) -> Vec<usize> {
    let mut counts = vec![0_usize; usize::from(farthest) + 1];
    for distance in distances {
        if let Some(count) = counts.get_mut(usize::from(*distance)) {
            *count += 1;
        }
    }
    let (mut seen, mut bound) = (0, farthest);
    for (distance, count) in (0_u16..).zip(&counts) {
        seen += count;
        if seen >= least {
            bound = distance;
            break;
        }
    }
    distances.iter().enumerate().filter(|(_, distance)| **distance <= bound).map(|(place, _)| place).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn distances_count_differing_signs(
            length in 1_usize..30,
            words in prop::collection::vec(any::<u64>(), 30 * 5),
            sought in prop::collection::vec(any::<u64>(), 30),
        ) {
            let rows = words.len() / length;
            let (signs, sought) = (&words[..rows * length], &sought[..length]);
            let expected: Vec<u16> = signs
                .chunks(length)
                .map(|row| row.iter().zip(sought).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>())
                .map(|sum| u16::try_from(sum).unwrap())
                .collect();
            prop_assert_eq!(distances(signs, sought), expected);
        }

        #[test]
        fn the_nearest_are_none_but_the_nearest(
            distances in prop::collection::vec(0_u16..40, 1..200),
            least in 1_usize..50,
        ) {
            let found = nearest(&distances, least, 39);
            prop_assert!(found.len() >= least.min(distances.len()));
            let farthest = found.iter().map(|place| distances[*place]).max().unwrap();
            let left: Vec<u16> =
                (0..distances.len()).filter(|place| !found.contains(place)).map(|place| distances[place]).collect();
            prop_assert!(left.iter().all(|distance| *distance > farthest));
        }
    }

    #[test]
    fn what_is_set_aside_is_not_found() {
        assert_eq!(nearest(&[3, u16::MAX, 1, u16::MAX], 10, 8), [0, 2]);
        assert!(nearest(&[u16::MAX], 1, 8).is_empty());
    }

    #[test]
    fn signs_fill_words() {
        let mut signs = Vec::new();
        push_signs((0..70).map(|place| if place % 2 == 0 { 1.0 } else { -1.0 }), 70, &mut signs);
        assert_eq!(signs, [0x5555_5555_5555_5555, 0b01_0101]);
        assert_eq!(words_of(70), 2);
    }

    #[test]
    fn cosines_are_inner_products() {
        let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let one: Vec<f32> = (0_u8..19).map(|place| f32::from(place) / 50.0).collect();
        let stored = bytes(&one);
        let expected: f32 = one.iter().map(|value| value * value).sum();
        let found = cosines(&[stored.as_slice()], &one);
        assert!((found[0] - expected).abs() < 1e-5);
    }
}
