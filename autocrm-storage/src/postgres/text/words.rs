//! From text to words, and from a language to the rules by which the server stems them.

use autocrm_core::text::Language;

use crate::postgres::search::runs;

/// The rules of the languages that PostgreSQL ships, by the code of the language (ISO 639-1).
const CONFIGS: &[(&str, &str)] = &[
    ("ar", "arabic"),
    ("ca", "catalan"),
    ("da", "danish"),
    ("de", "german"),
    ("el", "greek"),
    ("en", "english"),
    ("es", "spanish"),
    ("et", "estonian"),
    ("eu", "basque"),
    ("fi", "finnish"),
    ("fr", "french"),
    ("ga", "irish"),
    ("hi", "hindi"),
    ("hu", "hungarian"),
    ("hy", "armenian"),
    ("id", "indonesian"),
    ("it", "italian"),
    ("lt", "lithuanian"),
    ("nb", "norwegian"),
    ("ne", "nepali"),
    ("nl", "dutch"),
    ("nn", "norwegian"),
    ("no", "norwegian"),
    ("pt", "portuguese"),
    ("ro", "romanian"),
    ("ru", "russian"),
    ("sr", "serbian"),
    ("sv", "swedish"),
    ("ta", "tamil"),
    ("tr", "turkish"),
    ("yi", "yiddish"),
];

/// Returns the rules for a language: plain words for one that is not known.
pub(super) fn config(language: Option<&Language>) -> &'static str {
    let code = language.map(Language::as_str).unwrap_or_default();
    let primary = code.split('-').next().unwrap_or_default();
    CONFIGS.iter().find(|(known, _)| *known == primary).map_or("simple", |(_, config)| *config)
}

/// Returns whether a script is written without spaces.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Returns the words of a text in order, as far as they have `limit` bytes together: runs of letters and digits in lower
/// case without marks. Of scripts without spaces every pair of touching characters is a word, and a lone one too.
pub(super) fn words(text: &str, limit: usize) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut bytes = 0;
    for run in runs(text) {
        for word in parts(&run) {
            bytes += word.len() + 1;
            if bytes > limit {
                return found;
            }
            found.push(word);
        }
    }
    found
}

fn parts(run: &str) -> Vec<String> {
    let letters: Vec<char> = run.chars().collect();
    let mut found = Vec::new();
    for stretch in letters.chunk_by(|one, other| is_unspaced(*one) == is_unspaced(*other)) {
        if stretch.len() > 1 && stretch.first().is_some_and(|c| is_unspaced(*c)) {
            found.extend(stretch.windows(2).map(|pair| pair.iter().collect::<String>()));
        } else {
            found.push(stretch.iter().collect());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_plain_and_scripts_without_spaces_give_pairs() {
        assert_eq!(words("Zürich's ERR_42!", 100), ["zurich", "s", "err", "42"]);
        assert_eq!(words("発注書 a", 100), ["発注", "注書", "a"]);
        assert_eq!(words("書", 100), ["書"]);
        assert_eq!(words("one two three", 8), ["one", "two"]);
        assert!(words("\u{0} !?", 100).is_empty());
    }

    #[test]
    fn languages_have_rules() {
        let language = |code| Language::new(code).ok();
        assert_eq!(config(language("de").as_ref()), "german");
        assert_eq!(config(language("ja").as_ref()), "simple");
        assert_eq!(config(None), "simple");
    }
}
