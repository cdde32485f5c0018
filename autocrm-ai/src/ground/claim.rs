//! What a sentence claims: its terms, numbers and names, and whether it denies.

use std::collections::BTreeSet;

use crate::words::{Stemmer, fold, is_code, is_function_word, words};

/// How far from the words that two sentences share a negation still belongs to them, in words.
const REACH: usize = 3;

/// A word of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) term: String,
    /// Whether it says something about a topic.
    pub(crate) is_content: bool,
    /// Whether it is a name or a code: capitalised within the sentence, or with digits and letters.
    pub(crate) is_name: bool,
}

/// A sentence, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) tokens: Vec<Token>,
    /// Its numbers, in digits.
    pub(crate) numbers: BTreeSet<String>,
    /// The places of its negations among the tokens.
    pub(crate) negations: Vec<usize>,
}

/// Takes a sentence apart.
pub(crate) fn claim_of(sentence: &str, stemmer: &Stemmer) -> Claim {
    let mut claim = Claim::default();
    for (at, word) in words(sentence).enumerate() {
        let folded = fold(word.text);
        if let Some(number) = number_of(&folded) {
            claim.numbers.insert(number);
        }
        if is_negation(&folded) {
            claim.negations.push(claim.tokens.len());
        }
        let is_function = is_function_word(&folded) || is_negation(&folded);
        let has_letter = word.text.chars().any(char::is_alphabetic);
        let is_capital = at > 0 && word.text.starts_with(char::is_uppercase);
        let is_name = !is_function && has_letter && (is_capital || is_code(word.text));
        let term = number_of(&folded).unwrap_or_else(|| stemmer.term(word.text));
        claim.tokens.push(Token { term, is_content: !is_function, is_name });
    }
    claim
}

impl Claim {
    /// Counts the negations that stand among the words that another claim shares, or near them: a long sentence may deny
    /// something else besides.
    pub(crate) fn negations_within(&self, other: &Claim) -> usize {
        let shared: BTreeSet<&str> =
            other.tokens.iter().filter(|token| token.is_content).map(|token| token.term.as_str()).collect();
        let places: Vec<usize> = (0..self.tokens.len())
            .filter(|at| self.tokens[*at].is_content && shared.contains(self.tokens[*at].term.as_str()))
            .collect();
        self.negations.iter().filter(|at| places.iter().any(|place| place.abs_diff(**at) <= REACH)).count()
    }
}

/// Returns a number in digits, without the marks that group thousands; words up to twelve are numbers, too, except one,
/// which counts nothing more often than not.
fn number_of(folded: &str) -> Option<String> {
    const WORDS: [&str; 11] =
        ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    if let Some(place) = WORDS.iter().position(|word| *word == folded) {
        return Some((place + 2).to_string());
    }
    let digits: String = folded.chars().filter(char::is_ascii_digit).collect();
    let is_plain = folded.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '\''));
    let is_ordinal = ["st", "nd", "rd", "th"].iter().any(|end| {
        folded
            .strip_suffix(end)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    });
    (!digits.is_empty() && (is_plain || is_ordinal)).then_some(digits)
}

fn is_negation(folded: &str) -> bool {
    const WORDS: [&str; 27] = [
        "aucun", "cannot", "geen", "kein", "keine", "keinen", "keiner", "nadie", "neither", "never", "nicht",
        "nie", "niemals", "niet", "no", "nobody", "non", "none", "nooit", "nor", "not", "nothing", "nowhere",
        "nunca", "ohne", "sin", "without",
    ];
    folded.ends_with("n't") || WORDS.binary_search(&folded).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(sentence: &str) -> Claim {
        claim_of(sentence, &Stemmer::of(Some("en")))
    }

    #[test]
    fn numbers_are_told_in_digits() {
        let found = claim("The 2nd of ten parcels weighs 1,250 grams, v2 does not count.");
        assert_eq!(found.numbers, ["10", "1250", "2"].map(str::to_owned).into());
    }

    #[test]
    fn names_stand_within_a_sentence_or_mix_letters_and_digits() {
        let names = |sentence: &str| -> Vec<String> {
            claim(sentence).tokens.into_iter().filter(|token| token.is_name).map(|token| token.term).collect()
        };
        assert_eq!(
            names("Write to Utrecht about ERR_CONN_RESET on windows11."),
            ["utrecht", "err_conn_reset", "windows11"]
        );
        assert!(names("The parcel is late.").is_empty());
    }

    #[test]
    fn negations_belong_to_what_they_stand_near() {
        let long = claim(
            "It does not rain in the desert, and the long road that leads to the town is open at night.",
        );
        assert_eq!(long.negations.len(), 1);
        assert_eq!(long.negations_within(&claim("Rain falls in the desert.")), 1);
        assert_eq!(long.negations_within(&claim("The town is open at night.")), 0);
        assert_eq!(claim("You can't and cannot, never.").negations.len(), 3);
    }

    #[test]
    fn the_list_is_sorted() {
        for word in ["no", "without", "aucun", "sin"] {
            assert!(is_negation(word), "{word}");
        }
        assert!(!is_negation("note"));
    }
}
