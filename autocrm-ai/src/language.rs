//! Language detection (whatlang): no model file, a few microseconds per text.

use autocrm_core::{
    port::LanguageDetector,
    text::{Language, truncate_bytes},
};
use whatlang::Lang;

/// The fewest characters, white space not counted, from which a language is told.
pub const MIN_CHARACTERS: usize = 20;

/// The most of a text that is read, in bytes: the language of more does not differ.
const MAX_BYTES: usize = 8 * 1024;

/// Tells languages by their script and their triples of letters.
///
/// It answers nothing for texts under [`MIN_CHARACTERS`] characters and for texts between two languages; what it does
/// answer is an ISO 639-1 code where the language has one.
#[derive(Debug, Clone, Copy, Default)]
pub struct TrigramDetector;

impl LanguageDetector for TrigramDetector {
    fn detect(&self, text: &str) -> Option<Language> {
        let read = truncate_bytes(text, MAX_BYTES);
        if read.chars().filter(|c| !c.is_whitespace()).count() < MIN_CHARACTERS {
            return None;
        }
        let info = whatlang::detect(read).filter(whatlang::Info::is_reliable)?;
        Language::new(code(info.lang())).ok()
    }
}

/// Returns the two-letter code, or the three-letter one of languages without (ISO 639).
fn code(language: Lang) -> &'static str {
    match language {
        Lang::Afr => "af",
        Lang::Aka => "ak",
        Lang::Amh => "am",
        Lang::Ara => "ar",
        Lang::Aze => "az",
        Lang::Bel => "be",
        Lang::Ben => "bn",
        Lang::Bul => "bg",
        Lang::Cat => "ca",
        Lang::Ces => "cs",
        Lang::Cmn => "zh",
        Lang::Dan => "da",
        Lang::Cym => "cy",
        Lang::Deu => "de",
        Lang::Ell => "el",
        Lang::Eng => "en",
        Lang::Epo => "eo",
        Lang::Est => "et",
        Lang::Fin => "fi",
        Lang::Fra => "fr",
        Lang::Guj => "gu",
        Lang::Heb => "he",
        Lang::Hin => "hi",
        Lang::Hrv => "hr",
        Lang::Hun => "hu",
        Lang::Hye => "hy",
        Lang::Ind => "id",
        Lang::Ita => "it",
        Lang::Jav => "jv",
        Lang::Jpn => "ja",
        Lang::Kan => "kn",
        Lang::Kat => "ka",
        Lang::Khm => "km",
        Lang::Kor => "ko",
        Lang::Lat => "la",
        Lang::Lav => "lv",
        Lang::Lit => "lt",
        Lang::Mal => "ml",
        Lang::Mar => "mr",
        Lang::Mkd => "mk",
        Lang::Mya => "my",
        Lang::Nep => "ne",
        Lang::Nld => "nl",
        Lang::Nob => "nb",
        Lang::Ori => "or",
        Lang::Pan => "pa",
        Lang::Pes => "fa",
        Lang::Pol => "pl",
        Lang::Por => "pt",
        Lang::Ron => "ro",
        Lang::Rus => "ru",
        Lang::Sin => "si",
        Lang::Slk => "sk",
        Lang::Slv => "sl",
        Lang::Sna => "sn",
        Lang::Spa => "es",
        Lang::Srp => "sr",
        Lang::Swe => "sv",
        Lang::Tam => "ta",
        Lang::Tel => "te",
        Lang::Tgl => "tl",
        Lang::Tha => "th",
        Lang::Tuk => "tk",
        Lang::Tur => "tr",
        Lang::Ukr => "uk",
        Lang::Urd => "ur",
        Lang::Uzb => "uz",
        Lang::Vie => "vi",
        Lang::Yid => "yi",
        Lang::Zul => "zu",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn detected(text: &str) -> Option<String> {
        TrigramDetector.detect(text).map(Language::into_string)
    }

    #[test]
    fn common_languages_are_told() {
        let texts = [
            ("en", "I was charged twice for my last order and would like to have my money back, please."),
            (
                "de",
                "Ich kann mich seit gestern nicht mehr anmelden, obwohl mein Kennwort sicher richtig ist.",
            ),
            ("fr", "Bonjour, je n'ai toujours pas reçu le colis que j'ai commandé il y a deux semaines."),
            ("es", "Buenos días, me gustaría cambiar la dirección de envío de mi último pedido, por favor."),
            ("ja", "先週注文した商品がまだ届いていません。配送状況を確認していただけますか。"),
            ("ru", "Здравствуйте, я не могу войти в свою учётную запись после смены пароля."),
            ("he", "שלום, אני לא מצליח להתחבר לחשבון שלי מאז אתמול בערב, אשמח לעזרה."),
        ];
        for (language, text) in texts {
            assert_eq!(detected(text).as_deref(), Some(language), "{text}");
        }
    }

    #[test]
    fn short_and_wordless_texts_have_no_language() {
        for text in [
            "",
            "Hello there",
            "ok                               ok",
            "🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂",
            "0123456789 0123456789 0123456789",
        ] {
            assert_eq!(detected(text), None, "{text:?}");
        }
    }

    #[test]
    fn huge_texts_are_read_in_part() {
        assert_eq!(
            detected(&"the order has not arrived yet and I am waiting. ".repeat(210_000)).as_deref(),
            Some("en")
        );
    }

    #[test]
    fn every_language_has_a_code_that_core_accepts() {
        for language in Lang::all() {
            assert!(Language::new(code(*language)).is_ok(), "{language:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "\\PC{0,300}") {
            let _ = detected(&text);
        }
    }
}
