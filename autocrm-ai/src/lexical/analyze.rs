//! From text to index terms: stems, codes verbatim, parts of compounds, pairs of touching characters.

use crate::words::{Stemmer, Word, is_code, words};

/// The shortest part of a compound that is a term of its own, in characters.
const SHORTEST_PART: usize = 2;

/// Returns the terms of `text` in order, repetitions included.
///
/// * A word gives its stem; a code (`0x80070005`, `ERR_RESET`, `v2.1`) stays whole and also gives its parts.
/// * Words joined by hyphens around a digit (`E-1042`) also give the whole as one term.
/// * In scripts without spaces every character is a word, and touching ones give a pair too.
pub(crate) fn terms(text: &str, stemmer: &Stemmer) -> Vec<String> {
    let mut terms = Vec::new();
    let mut previous: Option<Word<'_>> = None;
    let mut chain_start: Option<usize> = None;
    for word in words(text) {
        let joined =
            previous.as_ref().is_some_and(|before| text.get(before.range.end..word.range.start) == Some("-"));
        if joined {
            let start = chain_start.or(previous.as_ref().map(|before| before.range.start));
            chain_start = start;
        } else {
            push_chain(&mut terms, text, chain_start.take(), previous.as_ref(), stemmer);
        }
        if let Some(before) = &previous
            && before.range.end == word.range.start
            && is_unspaced(before.text)
            && is_unspaced(word.text)
        {
            terms.push(stemmer.term(text.get(before.range.start..word.range.end).unwrap_or_default()));
        }
        push_word(&mut terms, word.text, stemmer);
        previous = Some(word);
    }
    push_chain(&mut terms, text, chain_start, previous.as_ref(), stemmer);
    terms
}

fn push_word(terms: &mut Vec<String>, word: &str, stemmer: &Stemmer) {
    let whole = stemmer.term(word);
    for part in word.split(|c: char| !c.is_alphanumeric()) {
        if part.len() == word.len() || part.chars().count() < SHORTEST_PART {
            continue;
        }
        let term = stemmer.term(part);
        if term != whole {
            terms.push(term);
        }
    }
    if !whole.is_empty() {
        terms.push(whole);
    }
}

/// Adds the hyphenated code that ends with `last`, if there is one.
fn push_chain(
    terms: &mut Vec<String>,
    text: &str,
    start: Option<usize>,
    last: Option<&Word<'_>>,
    stemmer: &Stemmer,
) {
    let (Some(start), Some(last)) = (start, last) else { return };
    let whole = text.get(start..last.range.end).unwrap_or_default();
    if is_code(whole) && whole.len() <= crate::words::MAX_WORD_BYTES {
        terms.push(stemmer.term(whole));
    }
}

fn is_unspaced(word: &str) -> bool {
    word.chars().all(|c| !c.is_ascii() && c.is_alphabetic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn english(text: &str) -> Vec<String> {
        terms(text, &Stemmer::of(Some("en")))
    }

    #[test]
    fn words_are_stemmed_and_codes_are_not() {
        assert_eq!(english("Resetting passwords"), ["reset", "password"]);
        assert!(english("error ERR_CONN_RESETS again").contains(&"err_conn_resets".to_owned()));
        assert!(english("error 0x80070005").contains(&"0x80070005".to_owned()));
    }

    #[test]
    fn compounds_give_whole_and_parts() {
        let found = english("see E-1042 at docs.example.org");
        for expected in ["e-1042", "1042", "docs.example.org", "exampl", "org"] {
            assert!(found.iter().any(|term| term == expected), "{expected} in {found:?}");
        }
        assert_eq!(english("user's"), ["user"]);
        assert!(english("well-known").iter().all(|term| !term.contains('-')), "hyphens alone make no code");
    }

    #[test]
    fn scripts_without_spaces_give_pairs() {
        assert_eq!(terms("発注書", &Stemmer::of(Some("ja"))), ["発", "発注", "注", "注書", "書"]);
    }

    #[test]
    fn symbols_alone_give_nothing() {
        assert!(english("🙂 \u{0} -- ...").is_empty());
        assert!(english("").is_empty());
    }

    proptest! {
        #[test]
        fn no_term_is_empty_and_the_order_is_stable(text in "\\PC{0,200}") {
            let found = english(&text);
            prop_assert!(found.iter().all(|term| !term.is_empty()));
            prop_assert_eq!(found, english(&text));
        }
    }
}
