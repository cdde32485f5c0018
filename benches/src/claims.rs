//! Answers that rest on an article and answers that do not, made from a corpus.

use std::collections::HashSet;

use crate::{cmd::retrieve::Document, random::Random};

/// The kinds, as many cases of each: what an article says, and four ways to get it wrong.
pub(crate) const KINDS: [&str; 5] = ["true", "number", "negation", "entity", "sibling"];

/// How many cases of a kind an article gives at most.
const PER_ARTICLE: usize = 6;

/// The words of a sentence that is used, fewest and most.
const WORDS: std::ops::RangeInclusive<usize> = 6..=40;

const FUNCTION: [&str; 24] = [
    "a", "an", "and", "as", "at", "by", "for", "from", "in", "it", "its", "just", "of", "on", "or", "so",
    "some", "that", "the", "then", "there", "this", "to", "with",
];
const AUXILIARIES: [&str; 16] = [
    "is", "are", "was", "were", "can", "could", "will", "would", "should", "must", "may", "might", "do",
    "does", "has", "have",
];

/// An answer and what it is said to rest on.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// A place in [`KINDS`]; 0 is supported.
    pub(crate) kind: usize,
    pub(crate) contexts: Vec<String>,
    pub(crate) answer: String,
}

/// Returns the sentences of a text that are plain enough to be used.
fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for paragraph in text.split('\n') {
        for part in paragraph.split_inclusive(". ").flat_map(|part| part.split_inclusive(['?', '!'])) {
            let sentence = part.trim();
            let words = sentence.split_whitespace().count();
            if WORDS.contains(&words) && !sentence.contains(['`', '|', '<', '>', '{', '}']) {
                found.push(sentence.to_owned());
            }
        }
    }
    found
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// Says a sentence a little otherwise, as a person would: some small words go, clauses change places, contractions are
/// written out.
fn rephrased(sentence: &str, random: &mut Random) -> String {
    let open = sentence
        .replace("can't", "cannot")
        .replace("n't", " not")
        .replace("I'm", "I am")
        .replace("it's", "it is");
    let mut words: Vec<&str> = open.split_whitespace().collect();
    words.retain(|word| !FUNCTION.contains(&word.to_lowercase().as_str()) || random.below(4) > 0);
    let comma = words.iter().position(|word| word.ends_with(','));
    if let Some(at) = comma.filter(|at| *at >= 2 && at + 3 < words.len())
        && random.below(2) == 0
    {
        words.rotate_left(at + 1);
    }
    words.join(" ")
}

fn with_other_number(sentence: &str, random: &mut Random) -> Option<String> {
    let words: Vec<&str> = sentence.split(' ').collect();
    let at = words.iter().position(|word| {
        let bare = bare(word);
        !bare.is_empty() && bare.len() <= 6 && bare.bytes().all(|byte| byte.is_ascii_digit())
    })?;
    let number: u64 = bare(words[at]).parse().ok()?;
    let other = if number > 3 && random.below(2) == 0 {
        number - 1 - random.below(2) as u64
    } else {
        number + 1 + random.below(9) as u64
    };
    let changed = words[at].replacen(bare(words[at]), &other.to_string(), 1);
    let mut all: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    all[at] = changed;
    Some(all.join(" "))
}

fn with_other_polarity(sentence: &str) -> Option<String> {
    let words: Vec<&str> = sentence.split(' ').collect();
    if let Some(at) = words.iter().position(|word| *word == "not") {
        let kept: Vec<&str> =
            words.iter().enumerate().filter(|(place, _)| *place != at).map(|(_, word)| *word).collect();
        return Some(kept.join(" "));
    }
    if sentence.contains("n't")
        || words.iter().any(|word| ["no", "never", "cannot", "without"].contains(word))
    {
        return None;
    }
    let at = words.iter().position(|word| AUXILIARIES.contains(&word.to_lowercase().as_str()))?;
    let mut denied = words.clone();
    denied.insert(at + 1, "not");
    Some(denied.join(" "))
}

/// Returns the places of words that are capitalised within the sentence.
fn names(words: &[&str]) -> Vec<usize> {
    let is_name = |word: &str| bare(word).len() > 2 && bare(word).starts_with(char::is_uppercase);
    (1..words.len())
        .filter(|at| is_name(words[*at]) && !words[at - 1].ends_with(['.', '?', '!', ':']))
        .collect()
}

fn with_other_name(sentence: &str, others: &[String], random: &mut Random) -> Option<String> {
    let words: Vec<&str> = sentence.split(' ').collect();
    let places = names(&words);
    if places.is_empty() || others.is_empty() {
        return None;
    }
    let at = places[random.below(places.len())];
    let own = bare(words[at]);
    let other =
        (0..8).map(|_| &others[random.below(others.len())]).find(|other| !other.eq_ignore_ascii_case(own))?;
    let mut all: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    all[at] = words[at].replacen(own, other, 1);
    Some(all.join(" "))
}

fn vocabulary(document: &Document) -> HashSet<String> {
    let text = format!("{} {}", document.title, document.text);
    text.split_whitespace().map(|word| bare(word).to_lowercase()).filter(|word| word.len() > 3).collect()
}

/// Returns the article most like another one, by their words.
fn sibling(at: usize, vocabularies: &[HashSet<String>]) -> Option<usize> {
    let likeness = |other: usize| {
        let common = vocabularies[at].intersection(&vocabularies[other]).count() as f64;
        common / (vocabularies[at].len() + vocabularies[other].len()) as f64
    };
    (0..vocabularies.len()).filter(|other| *other != at).max_by(|a, b| likeness(*a).total_cmp(&likeness(*b)))
}

/// Makes cases from every second article: the ones for tuning, or the ones for the test.
pub(crate) fn generate(documents: &[Document], tuning: bool, seed: u64) -> Vec<Case> {
    let mut random = Random::new(seed);
    let vocabularies: Vec<HashSet<String>> = documents.iter().map(vocabulary).collect();
    let all_names: Vec<String> = documents
        .iter()
        .flat_map(|document| sentences(&document.text))
        .flat_map(|sentence| {
            let words: Vec<&str> = sentence.split(' ').collect();
            names(&words).into_iter().map(|at| bare(words[at]).to_owned()).collect::<Vec<String>>()
        })
        .collect();
    let mut by_kind: [Vec<Case>; KINDS.len()] = Default::default();
    for (at, document) in documents.iter().enumerate().filter(|(at, _)| at.is_multiple_of(2) == tuning) {
        let contexts: Vec<String> = autocrm_core::knowledge::split_markdown(&document.text)
            .into_iter()
            .filter_map(|passage| document.text.get(passage.range).map(str::to_owned))
            .take(50)
            .collect();
        let mut own = sentences(&contexts.join("\n\n"));
        random.shuffle(&mut own);
        let own_names: Vec<String> = own
            .iter()
            .flat_map(|sentence| {
                let words: Vec<&str> = sentence.split(' ').collect();
                names(&words).into_iter().map(|at| bare(words[at]).to_owned()).collect::<Vec<String>>()
            })
            .collect();
        let mut others =
            sibling(at, &vocabularies).map(|other| sentences(&documents[other].text)).unwrap_or_default();
        random.shuffle(&mut others);
        let mut given = [0; KINDS.len()];
        let mut give = |kind: usize, answer: Option<String>, given: &mut [usize; KINDS.len()]| {
            if let Some(answer) = answer.filter(|_| given[kind] < PER_ARTICLE) {
                given[kind] += 1;
                by_kind[kind].push(Case { kind, contexts: contexts.clone(), answer });
            }
        };
        for sentence in &own {
            give(0, Some(rephrased(sentence, &mut random)), &mut given);
            let number =
                with_other_number(sentence, &mut random).map(|changed| rephrased(&changed, &mut random));
            give(1, number, &mut given);
            let negation = with_other_polarity(sentence).map(|changed| rephrased(&changed, &mut random));
            give(2, negation, &mut given);
            // Half of the names come from the same article, which is harder.
            let pool = if random.below(2) == 0 { &own_names } else { &all_names };
            let name =
                with_other_name(sentence, pool, &mut random).map(|changed| rephrased(&changed, &mut random));
            give(3, name, &mut given);
        }
        for sentence in &others {
            give(4, Some(rephrased(sentence, &mut random)), &mut given);
        }
    }
    let least = by_kind.iter().map(Vec::len).min().unwrap_or(0);
    let mut cases = Vec::with_capacity(least * KINDS.len());
    for mut kind in by_kind {
        random.shuffle(&mut kind);
        kind.truncate(least);
        cases.extend(kind);
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents() -> Vec<Document> {
        let text = |city: &str, number: usize| {
            format!(
                "The office in {city} is open for {number} hours a day. You can write to {city} or call Ann Miller on weekdays. Parcels for {city} are weighed at the counter, and those above {number} kilos cost more."
            )
        };
        let cities = ["Utrecht", "Leiden", "Delft", "Gouda", "Breda", "Zwolle"];
        cities
            .iter()
            .enumerate()
            .map(|(at, city)| Document {
                id: (*city).to_owned(),
                title: format!("Office {city}"),
                text: text(city, at + 5),
            })
            .collect()
    }

    #[test]
    fn kinds_are_equal_repeat_and_keep_to_their_half() {
        let made = generate(&documents(), false, 7);
        assert!(made.len() >= 5 && made.len().is_multiple_of(5));
        for kind in 0..5 {
            assert_eq!(made.iter().filter(|case| case.kind == kind).count(), made.len() / 5);
        }
        let again = generate(&documents(), false, 7);
        assert!(made.iter().zip(&again).all(|(one, other)| one.answer == other.answer));
        let tuning = generate(&documents(), true, 7);
        let contexts =
            |cases: &[Case]| cases.iter().map(|case| case.contexts[0].clone()).collect::<HashSet<String>>();
        assert!(contexts(&made).is_disjoint(&contexts(&tuning)));
    }

    #[test]
    fn each_kind_is_wrong_in_its_way() {
        let mut random = Random::new(1);
        let sentence = "You can write to Utrecht within 14 days.";
        assert!(!with_other_number(sentence, &mut random).unwrap().contains("14"));
        assert_eq!(with_other_polarity(sentence).unwrap(), "You can not write to Utrecht within 14 days.");
        assert_eq!(with_other_polarity("It is not open.").unwrap(), "It is open.");
        assert!(with_other_name(sentence, &["Leiden".to_owned()], &mut random).unwrap().contains("Leiden"));
        assert!(with_other_name("nothing here is a name", &["Leiden".to_owned()], &mut random).is_none());
    }
}
