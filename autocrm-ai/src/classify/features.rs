//! Turns a text into counted features: words and pairs of words, and pieces of words.

use std::collections::HashMap;

use autocrm_core::text::truncate_bytes;

use crate::{
    hash::Fnv1a,
    words::{fold, words},
};

/// The most of a text that is read, in bytes.
pub const MAX_TEXT_BYTES: usize = 20_000;

/// The longest run without white space that is cut into pieces as one word, in characters.
const MAX_RUN_CHARS: usize = 40;

const SHORTEST_PIECE: usize = 2;
const LONGEST_PIECE: usize = 5;

/// Which of the two separately normalised halves of the vector a feature belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Block {
    Words,
    Pieces,
}

/// How often each feature stands in one text, keyed by the feature's stable 64-bit hash.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) words: HashMap<u64, u32>,
    pub(crate) pieces: HashMap<u64, u32>,
}

impl Counts {
    /// Counts words, pairs of neighbouring words, and pieces of 2–5 characters within words. Only the first
    /// [`MAX_TEXT_BYTES`] bytes are read.
    pub(crate) fn of(text: &str) -> Self {
        let mut counts = Self::default();
        let text_read = truncate_bytes(text, MAX_TEXT_BYTES);
        counts.count_words(text_read);
        counts.count_pieces(text_read);
        counts
    }

    pub(crate) fn block(&self, block: Block) -> &HashMap<u64, u32> {
        match block {
            Block::Words => &self.words,
            Block::Pieces => &self.pieces,
        }
    }

    fn count_words(&mut self, text: &str) {
        let mut previous: Option<String> = None;
        for word in words(text) {
            let folded = fold(word.text);
            *self.words.entry(hash(1, &[folded.as_bytes()])).or_default() += 1;
            if let Some(before) = previous {
                *self.words.entry(hash(2, &[before.as_bytes(), b" ", folded.as_bytes()])).or_default() += 1;
            }
            previous = Some(folded);
        }
    }

    fn count_pieces(&mut self, text: &str) {
        for run in text.split_whitespace() {
            let characters: Vec<char> = fold(run).chars().filter(|c| !c.is_control()).collect();
            for part in characters.chunks(MAX_RUN_CHARS) {
                self.count_pieces_of(part);
            }
        }
    }

    fn count_pieces_of(&mut self, run: &[char]) {
        let mut padded = String::with_capacity(run.len() * 4 + 2);
        padded.push(' ');
        padded.extend(run);
        padded.push(' ');
        let starts: Vec<usize> = padded.char_indices().map(|(at, _)| at).chain([padded.len()]).collect();
        for length in SHORTEST_PIECE..=LONGEST_PIECE {
            for window in starts.windows(length + 1) {
                let (Some(&from), Some(&to)) = (window.first(), window.last()) else { continue };
                let piece = padded.as_bytes().get(from..to).unwrap_or_default();
                *self.pieces.entry(hash(3, &[piece])).or_default() += 1;
            }
        }
    }
}

/// Returns the hash of the parts, begun with the kind so that equal bytes of different kinds differ.
fn hash(kind: u8, parts: &[&[u8]]) -> u64 {
    let mut hash = Fnv1a::new();
    hash.add(&[kind]);
    for part in parts {
        hash.add(part);
    }
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_pairs_and_pieces_are_counted() {
        let counts = Counts::of("Card card LOST");
        assert_eq!(counts.words.len(), 4, "card, lost, card card, card lost");
        assert_eq!(counts.words.get(&hash(1, &[b"card"])), Some(&2));
        assert_eq!(counts.pieces.get(&hash(3, &[b" card"])), Some(&2));
        assert_eq!(counts.pieces.get(&hash(3, &[b"st "])), Some(&1));
        assert!(!counts.pieces.contains_key(&hash(3, &[b"d l"])), "pieces never span words");
    }

    #[test]
    fn case_and_accents_do_not_matter() {
        assert_eq!(Counts::of("CAFÉ").words, Counts::of("cafe").words);
        assert_eq!(Counts::of("CAFÉ").pieces, Counts::of("cafe").pieces);
    }

    #[test]
    fn hostile_texts_are_bounded() {
        assert!(Counts::of("🙂🙂🙂").words.is_empty());
        assert!(Counts::of("\0\0").pieces.len() <= 1);
        assert!(Counts::of("").pieces.is_empty());
        assert!(Counts::of(&"漢字".repeat(1_700_000)).pieces.len() < 64);
        assert!(Counts::of(&"ab ".repeat(4_000_000)).words.len() < 4);
        assert!(!Counts::of("هذا نص").words.is_empty());
    }

    #[test]
    fn hashes_are_pinned_because_models_are_stored() {
        assert_eq!(hash(1, &[b"card"]), 0xc33c_e6d3_08c8_f602);
    }
}
