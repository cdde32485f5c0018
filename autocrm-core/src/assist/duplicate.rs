//! Passages that say the same: one is enough for an answer.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

/// From this share of common word triples on, two passages say the same.
const SAME_FROM: f64 = 0.9;

/// Remembers what was said and tells repetitions.
#[derive(Debug, Default)]
pub struct Repetitions {
    said: Vec<HashSet<u64>>,
}

impl Repetitions {
    /// Returns whether a text says almost word by word what an earlier one said; otherwise remembers it. Case,
    /// punctuation and spacing do not matter. A text without words repeats nothing.
    pub fn repeats(&mut self, text: &str) -> bool {
        let own = triples(text);
        if own.is_empty() {
            return false;
        }
        let repeats = self.said.iter().any(|earlier| likeness(earlier, &own) >= SAME_FROM);
        if !repeats {
            self.said.push(own);
        }
        repeats
    }
}

fn triples(text: &str) -> HashSet<u64> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let hash = |part: &[String]| {
        let mut hasher = DefaultHasher::new();
        part.hash(&mut hasher);
        hasher.finish()
    };
    if words.len() < 3 { words.chunks(3).map(hash).collect() } else { words.windows(3).map(hash).collect() }
}

#[expect(clippy::cast_precision_loss, reason = "a passage has few words")]
fn likeness(one: &HashSet<u64>, other: &HashSet<u64>) -> f64 {
    let common = one.intersection(other).count() as f64;
    common / (one.len() + other.len()) as f64 * 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_are_told_from_relatives() {
        let mut said = Repetitions::default();
        let text = "To reset the password, open the settings of the account and choose \"Reset\". A mail comes with a link \
            that is valid for one hour; after that, ask for another one.";
        assert!(!said.repeats(text));
        assert!(said.repeats(&text.to_uppercase().replace(',', " ;")));
        assert!(said.repeats(&text.replace("another one", "one more")));
        assert!(!said.repeats("To reset the password, ask an administrator."));
        assert!(!said.repeats("") && !said.repeats("…"));
        assert!(!said.repeats("Yes.") && said.repeats("yes"));
    }
}
