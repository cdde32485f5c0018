//! Stemming by language (Snowball), accents folded.

use std::fmt;

use super::{fold, is_code};

/// Turns words of one language into the terms that search compares.
#[derive(Clone, Copy)]
pub(crate) struct Stemmer {
    algorithm: Option<frostem::Stemmer>,
}

impl Stemmer {
    /// Returns the stemmer of the language (ISO 639 code); of an unknown language, one that only folds.
    pub(crate) fn of(language: Option<&str>) -> Self {
        Self { algorithm: language.and_then(|code| frostem::Stemmer::try_from_name(code).ok()) }
    }

    /// Returns the term of a word: lower-cased, stemmed and without accents. Codes are only folded.
    pub(crate) fn term(&self, word: &str) -> String {
        let Some(algorithm) = &self.algorithm else { return fold(word) };
        if is_code(word) {
            return fold(word);
        }
        // Accents decide about endings in French and German, so they go only after the stemmer has seen them.
        let lower = word.to_lowercase().replace('\u{2019}', "'");
        fold(&algorithm.stem(&lower))
    }
}

impl fmt::Debug for Stemmer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let language = self.algorithm.map(frostem::Stemmer::algorithm);
        f.debug_struct("Stemmer").field("language", &language).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_its_own_endings() {
        assert_eq!(Stemmer::of(Some("en")).term("Connections"), "connect");
        assert_eq!(Stemmer::of(Some("de")).term("Häuser"), "haus");
        assert_eq!(Stemmer::of(Some("fr")).term("continuellement"), "continuel");
        assert_eq!(Stemmer::of(Some("xx")).term("Connections"), "connections");
        assert_eq!(Stemmer::of(None).term("Häuser"), "hauser");
    }

    #[test]
    fn codes_stay_verbatim() {
        let english = Stemmer::of(Some("en"));
        assert_eq!(english.term("ERR_CONN_RESETS"), "err_conn_resets");
        assert_eq!(english.term("0x80070005"), "0x80070005");
    }
}
