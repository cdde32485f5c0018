//! Words of a text with their byte ranges, and the terms that search and scoring compare.

mod fold;
mod stem;
mod stop;

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

pub(crate) use fold::fold;
pub(crate) use stem::Stemmer;
pub(crate) use stop::is_function_word;

/// The longest word kept, in bytes: beyond it stands encoded data, not language.
pub(crate) const MAX_WORD_BYTES: usize = 128;

/// A word and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    pub(crate) range: Range<usize>,
}

/// Yields the words of `text` in order (Unicode Standard Annex 29, word boundaries): every item holds a letter or a
/// digit. Han and Hiragana come character by character. Words over [`MAX_WORD_BYTES`] are left out.
pub(crate) fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    text.unicode_word_indices()
        .map(|(start, word)| Word { text: word, range: start..start + word.len() })
        .filter(|word| word.text.len() <= MAX_WORD_BYTES)
}

/// Returns whether the word names a code, version or identifier, which is compared verbatim and never stemmed.
pub(crate) fn is_code(word: &str) -> bool {
    word.chars().any(char::is_numeric) || word.contains('_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        words(text).map(|word| word.text).collect()
    }

    #[test]
    fn identifiers_and_contractions_stay_whole() {
        assert_eq!(
            texts("can't open ERR_CONN_RESET, 0x80070005!"),
            ["can't", "open", "ERR_CONN_RESET", "0x80070005"]
        );
        assert!(is_code("0x80070005"));
        assert!(is_code("ERR_CONN_RESET"));
        assert!(!is_code("can't"));
    }

    #[test]
    fn ranges_point_at_the_words() {
        let text = "naïve 🙂 日本 \u{0} שלום";
        for word in words(text) {
            assert_eq!(text.get(word.range.clone()), Some(word.text));
        }
        assert_eq!(texts(text), ["naïve", "日", "本", "שלום"]);
    }

    #[test]
    fn nothing_but_symbols_has_no_words() {
        assert!(texts("🙂🙂 \u{0}\u{0} ---").is_empty());
        assert!(texts(&"x".repeat(10_000_000)).is_empty());
    }
}
