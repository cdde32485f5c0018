//! Function words of common languages, which say nothing about a topic.

/// Returns whether the folded word is a function word of English, German, French, Spanish, Italian or Dutch.
pub(crate) fn is_function_word(folded: &str) -> bool {
    WORDS.binary_search(&folded).is_ok()
}

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "a", "aan", "aber", "about", "after", "again", "agli", "ai", "ainsi", "al", "algo", "all", "alla",
    "alle", "alors", "als", "also", "am", "an", "anche", "and", "antes", "any", "anybody", "anyone",
    "anything", "are", "aren't", "as", "asi", "at", "au", "auch", "aucun", "auf", "aun", "aus", "aussi",
    "autre", "aux", "avec", "avez", "avoir", "avons", "be", "because", "bedankt", "been", "before", "bei",
    "being", "ben", "bij", "bin", "bis", "bist", "bitte", "bonjour", "both", "but", "by", "c'e", "c'est",
    "ca", "can", "can't", "cannot", "car", "ce", "cela", "ces", "cet", "cette", "che", "chez", "chi", "ci",
    "ciao", "come", "comme", "comment", "como", "con", "cosa", "could", "couldn't", "cual", "cuando",
    "cuanto", "cui", "d'un", "d'une", "da", "daar", "dal", "dalla", "damit", "dan", "danke", "dann",
    "dans", "das", "dass", "dat", "de", "dear", "degli", "dei", "dein", "del", "della", "delle", "dem",
    "den", "der", "des", "desde", "deze", "di", "dich", "did", "didn't", "die", "dies", "diese", "diesem",
    "diesen", "dieser", "dieses", "dir", "dit", "do", "doch", "doe", "does", "doesn't", "doing", "don't",
    "donc", "donde", "door", "dopo", "dort", "dos", "dove", "du", "durch", "dus", "e", "each", "ed", "een",
    "ein", "eine", "einem", "einen", "einer", "eines", "either", "el", "ella", "ellas", "elle", "elles",
    "ellos", "else", "en", "encore", "entre", "er", "es", "esa", "ese", "eso", "essere", "est", "esta",
    "estan", "estar", "estas", "este", "esto", "estos", "estoy", "et", "ete", "etre", "etwas", "eu",
    "euch", "euer", "ever", "every", "everyone", "fa", "faire", "faut", "few", "for", "from", "fue", "fur",
    "geen", "get", "getting", "gibt", "gli", "going", "gonna", "got", "gracias", "grazie", "ha", "haar",
    "habe", "haben", "hace", "hacer", "had", "hai", "hallo", "han", "hanno", "has", "hasn't", "hasta",
    "hat", "hatte", "have", "haven't", "having", "hay", "he", "heb", "hebben", "heeft", "hello", "her",
    "here", "hers", "het", "hi", "hij", "him", "his", "ho", "hoe", "hola", "how", "how's", "however",
    "hun", "i", "i'd", "i'll", "i'm", "i've", "ich", "if", "ihm", "ihn", "ihnen", "ihr", "ihre", "ik",
    "il", "ils", "im", "in", "into", "io", "is", "isn't", "ist", "it", "it's", "its", "itself", "j'ai",
    "ja", "je", "jede", "jeder", "jij", "jouw", "jullie", "just", "kan", "kann", "kannst", "kein", "keine",
    "konnen", "konnte", "kunnen", "l'ho", "la", "las", "le", "lei", "les", "let", "let's", "leur", "leurs",
    "like", "lo", "loro", "los", "lui", "ma", "maar", "mais", "mas", "may", "maybe", "me", "meer", "mein",
    "meine", "meinem", "meinen", "meiner", "meme", "merci", "mes", "mi", "mia", "mich", "might", "mij",
    "mijn", "mine", "mio", "mir", "mis", "mit", "moet", "moi", "molto", "mon", "more", "most", "much",
    "muss", "must", "muy", "my", "myself", "n'est", "na", "naar", "nach", "nada", "ne", "need", "needs",
    "neither", "nel", "nella", "ni", "nicht", "nichts", "niet", "no", "noch", "nog", "noi", "non", "nor",
    "nos", "nosotros", "not", "notre", "nous", "now", "nu", "nun", "nur", "o", "ob", "oder", "of", "off",
    "ogni", "ohne", "om", "omdat", "on", "once", "onder", "one", "only", "ons", "ont", "ook", "op", "or",
    "other", "otra", "otro", "ou", "our", "ours", "out", "over", "own", "par", "para", "pas", "per",
    "perche", "pero", "peut", "peux", "piu", "please", "poco", "por", "porque", "posso", "pour",
    "pourquoi", "puede", "puedo", "puis", "puo", "qu'est", "qu'il", "qual", "quale", "quand", "quando",
    "quanto", "que", "quel", "quelle", "quelles", "quello", "quels", "questa", "questo", "qui", "quien",
    "quoi", "sa", "same", "sans", "se", "sehr", "sei", "sein", "seine", "senza", "ser", "ses", "shall",
    "she", "should", "shouldn't", "si", "sia", "sich", "sie", "sin", "since", "sind", "so", "sobre",
    "soll", "sollte", "solo", "some", "somebody", "someone", "something", "son", "sono", "sont", "sopra",
    "soy", "sta", "still", "su", "sua", "such", "suis", "sul", "sulla", "suo", "sur", "sus", "ta",
    "tambien", "tan", "te", "tegen", "tengo", "tes", "than", "thank", "thanks", "that", "that's", "the",
    "their", "theirs", "them", "then", "there", "there's", "these", "they", "they're", "thing", "things",
    "this", "those", "through", "ti", "tiene", "to", "todo", "todos", "toi", "ton", "too", "tot", "tous",
    "tout", "toute", "tra", "tres", "tu", "tua", "tuo", "tus", "tutti", "tutto", "u", "uber", "uit", "um",
    "un", "una", "und", "under", "une", "uno", "unos", "uns", "unser", "unter", "until", "up", "us",
    "usted", "van", "veel", "very", "voi", "vom", "von", "voor", "vor", "vorrei", "vos", "votre", "vous",
    "waar", "waarom", "wann", "wanneer", "want", "wanted", "wants", "waren", "warum", "was", "wasn't",
    "wat", "way", "we", "we're", "we've", "weil", "wel", "welche", "welcher", "welke", "wenn", "wer",
    "werd", "werde", "werden", "were", "weren't", "what", "what's", "when", "where", "where's", "which",
    "while", "who", "whom", "whose", "why", "wie", "wieder", "wij", "wil", "will", "wir", "wird", "with",
    "within", "without", "wo", "won't", "worden", "wordt", "would", "wouldn't", "wurde", "y", "ya", "yes",
    "yet", "yo", "you", "you'd", "you'll", "you're", "you've", "your", "yours", "zal", "ze", "zich", "zij",
    "zijn", "zo", "zonder", "zou", "zu", "zum", "zur",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_without_repetitions() {
        assert!(WORDS.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn topics_are_no_function_words() {
        assert!(is_function_word("the"));
        assert!(is_function_word("wie"));
        assert!(!is_function_word("invoice"));
        assert!(!is_function_word(""));
    }
}
