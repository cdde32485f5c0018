//! The features a model knows, their weights, and the sparse vectors made of them.

use std::collections::HashMap;

use super::features::{Block, Counts};

/// The most features a model holds; later ones are left out.
pub(crate) const MAX_FEATURES: usize = 1 << 20;

/// A sparse vector: feature numbers in rising order and their values.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SparseVector {
    pub(crate) indices: Vec<u32>,
    pub(crate) values: Vec<f32>,
}

impl SparseVector {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, f32)> + '_ {
        self.indices.iter().map(|index| *index as usize).zip(self.values.iter().copied())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    pub(crate) fn squared_norm(&self) -> f32 {
        self.values.iter().map(|value| value * value).sum()
    }
}

/// Feature numbers by hash, and in how many documents each feature stood.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vocabulary {
    numbers: HashMap<u64, u32>,
    hashes: Vec<u64>,
    document_counts: Vec<u32>,
    documents: u32,
}

impl Vocabulary {
    /// Counts the features of one document, taking up new ones while there is room.
    pub(crate) fn observe(&mut self, counts: &Counts) {
        self.documents = self.documents.saturating_add(1);
        // Sorted, because the order of a hash map differs between runs and would number features differently.
        let mut hashes: Vec<u64> = counts.words.keys().chain(counts.pieces.keys()).copied().collect();
        hashes.sort_unstable();
        for hash in hashes {
            self.observe_feature(hash);
        }
    }

    fn observe_feature(&mut self, hash: u64) {
        let next = self.hashes.len();
        let number = match self.numbers.get(&hash) {
            Some(number) => *number as usize,
            None if next >= MAX_FEATURES => return,
            None => {
                let Ok(number) = u32::try_from(next) else { return };
                self.numbers.insert(hash, number);
                self.hashes.push(hash);
                self.document_counts.push(0);
                next
            }
        };
        if let Some(count) = self.document_counts.get_mut(number) {
            *count = count.saturating_add(1);
        }
    }

    /// Returns the TF-IDF vector: each half weighted `(1 + ln tf) · (ln((1+N)/(1+df)) + 1)` and scaled to length 1,
    /// unknown features left out.
    pub(crate) fn vector(&self, counts: &Counts) -> SparseVector {
        let mut entries: Vec<(u32, f32)> = Vec::with_capacity(counts.words.len() + counts.pieces.len());
        for block in [Block::Words, Block::Pieces] {
            let from = entries.len();
            let known = counts.block(block).iter();
            entries.extend(known.filter_map(|(hash, count)| self.weigh(*hash, *count)));
            let half = entries.get_mut(from..).unwrap_or_default();
            // Sums of floats depend on their order, and that of a hash map differs between runs.
            half.sort_unstable_by_key(|(number, _)| *number);
            let norm = half.iter().map(|(_, value)| value * value).sum::<f32>().sqrt();
            if norm > 0.0 {
                for (_, value) in half {
                    *value /= norm;
                }
            }
        }
        entries.sort_unstable_by_key(|(number, _)| *number);
        let (indices, values) = entries.into_iter().unzip();
        SparseVector { indices, values }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of words are far below 2^24")]
    fn weigh(&self, hash: u64, count: u32) -> Option<(u32, f32)> {
        let number = *self.numbers.get(&hash)?;
        let documents_with = *self.document_counts.get(number as usize)? as f32;
        let inverse_frequency = ((1.0 + self.documents as f32) / (1.0 + documents_with)).ln() + 1.0;
        Some((number, (1.0 + (count as f32).ln()) * inverse_frequency))
    }

    /// Returns the vocabulary without features that stood in fewer than `least` documents.
    pub(crate) fn pruned(self, least: u32) -> Self {
        let kept = self.hashes.into_iter().zip(self.document_counts).filter(|(_, count)| *count >= least);
        let (hashes, document_counts): (Vec<u64>, Vec<u32>) = kept.unzip();
        let numbers = hashes.iter().copied().zip(0_u32..).collect();
        Self { numbers, hashes, document_counts, documents: self.documents }
    }

    pub(crate) fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Returns the parts that are stored.
    pub(crate) fn parts(&self) -> (&[u64], &[u32], u32) {
        (&self.hashes, &self.document_counts, self.documents)
    }

    /// Puts a stored vocabulary together; `None` if the parts contradict each other.
    pub(crate) fn from_parts(hashes: Vec<u64>, document_counts: Vec<u32>, documents: u32) -> Option<Self> {
        if hashes.len() != document_counts.len() || hashes.len() > MAX_FEATURES {
            return None;
        }
        let mut numbers = HashMap::with_capacity(hashes.len());
        for (number, hash) in (0_u32..).zip(&hashes) {
            if numbers.insert(*hash, number).is_some() {
                return None;
            }
        }
        if document_counts.iter().any(|count| *count > documents) {
            return None;
        }
        Some(Self { numbers, hashes, document_counts, documents })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_have_length_one() {
        let mut vocabulary = Vocabulary::default();
        vocabulary.observe(&Counts::of("the card is lost"));
        vocabulary.observe(&Counts::of("the card is new"));
        let vector = vocabulary.vector(&Counts::of("the lost card"));
        assert!((vector.squared_norm() - 2.0).abs() < 1e-4);
        assert!(vector.indices.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn rare_features_weigh_more() {
        let mut vocabulary = Vocabulary::default();
        for text in ["the card", "the bill", "the door"] {
            vocabulary.observe(&Counts::of(text));
        }
        let common = vocabulary.vector(&Counts::of("the"));
        let mixed = vocabulary.vector(&Counts::of("the card"));
        let common_number = common.indices[0];
        let value_of =
            |number: u32| mixed.iter().find(|(index, _)| *index == number as usize).map_or(0.0, |e| e.1);
        let largest = mixed.values.iter().copied().fold(0.0, f32::max);
        assert!(value_of(common_number) < largest);
    }

    #[test]
    fn unknown_features_give_an_empty_vector() {
        let vocabulary = Vocabulary::default();
        assert!(vocabulary.vector(&Counts::of("anything")).is_empty());
    }

    #[test]
    fn contradicting_parts_are_refused() {
        assert!(Vocabulary::from_parts(vec![1, 1], vec![1, 1], 2).is_none());
        assert!(Vocabulary::from_parts(vec![1], vec![1, 1], 2).is_none());
        assert!(Vocabulary::from_parts(vec![1], vec![3], 2).is_none());
        assert!(Vocabulary::from_parts(vec![1, 2], vec![1, 2], 2).is_some());
    }
}
