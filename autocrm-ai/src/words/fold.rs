//! Case, width and accent folding.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Returns the word in lower case, in compatibility form (NFKC) and without the accents of Latin, Greek and Cyrillic
/// letters. Marks of other scripts carry meaning and stay.
pub(crate) fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    let bare = word.nfkd().filter(|c| !is_accent(*c));
    let mut folded = String::with_capacity(word.len());
    for c in bare.nfc().flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' => folded.push('d'),
            'ı' => folded.push('i'),
            '\u{2019}' => folded.push('\''),
            _ if is_accent(c) => {}
            _ => folded.push(c),
        }
    }
    folded
}

fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}') && is_combining_mark(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_width_and_accents_go() {
        assert_eq!(fold("Straße"), "strasse");
        assert_eq!(fold("ＣＡＦÉ"), "cafe");
        assert_eq!(fold("Łódź"), "lodz");
        assert_eq!(fold("İ"), "i");
        assert_eq!(fold("don’t"), "don't");
    }

    #[test]
    fn marks_of_other_scripts_stay() {
        assert_eq!(fold("हिन्दी"), "हिन्दी");
        assert_eq!(fold("한국어"), "한국어");
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(word in "\\PC{0,20}") {
            let once = fold(&word);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
