//! An invented language whose word frequencies follow Zipf's law, as those of real text do.

use crate::random::Random;

const SYLLABLES: [&str; 24] = [
    "ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "xo", "za", "bre", "clo",
    "dra", "fli", "gru", "pla", "sto", "tri", "qua",
];

/// The number of words of the language.
pub(crate) const WORDS: usize = 20_000;

/// The words, most frequent first, and how to draw one.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    words: Vec<String>,
    cumulated: Vec<f64>,
}

impl Vocabulary {
    pub(crate) fn new() -> Self {
        let words = (0..WORDS).map(spell).collect();
        let mut total = 0.0;
        let mut cumulated = Vec::with_capacity(WORDS);
        for rank in 1..=WORDS {
            total += 1.0 / (rank as f64 + 2.7);
            cumulated.push(total);
        }
        Self { words, cumulated }
    }

    /// Returns the word of a rank from 0, the most frequent.
    pub(crate) fn word(&self, rank: usize) -> &str {
        self.words.get(rank).map_or("", String::as_str)
    }

    fn draw(&self, random: &mut Random) -> &str {
        let total = self.cumulated.last().copied().unwrap_or_default();
        let wanted = random.unit() * total;
        self.word(self.cumulated.partition_point(|sum| *sum <= wanted))
    }

    /// Returns `count` words, with full stops and lines as a person would set them.
    pub(crate) fn text(&self, random: &mut Random, count: usize) -> String {
        let mut text = String::with_capacity(count * 8);
        let mut sentence = 0;
        for at in 0..count {
            if at > 0 {
                text.push(if sentence == 0 && random.below(4) == 0 { '\n' } else { ' ' });
            }
            text.push_str(self.draw(random));
            sentence += 1;
            if sentence > 6 && random.below(6) == 0 {
                text.push('.');
                sentence = 0;
            }
        }
        text
    }
}

fn spell(number: usize) -> String {
    let mut rest = number + SYLLABLES.len();
    let mut word = String::new();
    while rest > 0 {
        word.push_str(SYLLABLES[rest % SYLLABLES.len()]);
        rest /= SYLLABLES.len();
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_differ_and_frequent_ones_are_drawn_more_often() {
        let vocabulary = Vocabulary::new();
        let distinct: std::collections::BTreeSet<&String> = vocabulary.words.iter().collect();
        assert_eq!(distinct.len(), WORDS);
        let mut random = Random::new(1);
        let text = vocabulary.text(&mut random, 20_000);
        let count = |rank| text.matches(vocabulary.word(rank)).count();
        assert!(count(0) > count(500));
    }
}
