//! How urgent a text sounds: words and phrases that people use, and those that the host adds.

use std::collections::{BTreeMap, HashMap};

use autocrm_core::{
    assist::Scored,
    text::{Note, truncate_bytes},
    ticket::Priority,
};

use super::MAX_TEXT_BYTES;
use crate::words::{fold, words};

/// The longest phrase, in words; longer hints are not used.
const MAX_PHRASE_WORDS: usize = 8;

/// How sure an ordinary text is of being ordinary: nothing speaks for or against it.
const NOTHING_SAID: f32 = 0.5;

const KNOWN: [(Priority, &[&str]); 4] = [
    (
        Priority::Urgent,
        &[
            "urgent",
            "urgently",
            "asap",
            "as soon as possible",
            "immediately",
            "right now",
            "emergency",
            "outage",
            "is down",
            "are down",
            "went down",
            "completely down",
            "data loss",
            "lost all",
            "data breach",
            "security breach",
            "hacked",
            "stolen",
            "fraud",
            "nobody can work",
            "cannot work",
            "can't work",
            "production is down",
            "critical",
            "dringend",
            "sofort",
            "notfall",
            "ausfall",
            "gehackt",
            "urgence",
            "immediatement",
            "en panne",
            "pirate",
            "urgente",
            "urgentemente",
            "inmediatamente",
            "emergencia",
            "immediatamente",
            "emergenza",
            "spoed",
            "onmiddellijk",
        ],
    ),
    (
        Priority::High,
        &[
            "important",
            "deadline",
            "blocked",
            "blocking",
            "crash",
            "crashes",
            "crashed",
            "not working",
            "doesn't work",
            "does not work",
            "stopped working",
            "broken",
            "still waiting",
            "third time",
            "charged twice",
            "unacceptable",
            "today",
            "wichtig",
            "funktioniert nicht",
            "geht nicht",
            "kaputt",
            "heute",
            "ne fonctionne pas",
            "ne marche pas",
            "aujourd'hui",
            "no funciona",
            "importante",
            "hoy",
            "non funziona",
            "oggi",
            "werkt niet",
            "belangrijk",
        ],
    ),
    (
        Priority::Low,
        &[
            "not urgent",
            "no rush",
            "no hurry",
            "whenever you",
            "when you have time",
            "low priority",
            "feature request",
            "would be nice",
            "suggestion",
            "just wondering",
            "just curious",
            "not important",
            "nicht dringend",
            "eilt nicht",
            "keine eile",
            "pas urgent",
            "rien d'urgent",
            "no es urgente",
            "non urgente",
            "geen haast",
        ],
    ),
    // Phrases that only look urgent.
    (Priority::Normal, &["urgent care", "emergency contact", "critical illness", "up and down"]),
];

/// Finds the urgency of texts.
#[derive(Debug, Clone)]
pub(crate) struct Urgency {
    phrases: HashMap<Vec<String>, Priority>,
}

impl Urgency {
    /// Takes up the known phrases and then the host's, which win over equal known ones.
    pub(crate) fn new(hints: &BTreeMap<Priority, Vec<Note>>) -> Self {
        let mut phrases = HashMap::new();
        let known = KNOWN.iter().flat_map(|(priority, list)| list.iter().map(|phrase| (*priority, *phrase)));
        let added =
            hints.iter().flat_map(|(priority, list)| list.iter().map(|phrase| (*priority, phrase.as_str())));
        for (priority, phrase) in known.chain(added) {
            let key = folded(phrase);
            if (1..=MAX_PHRASE_WORDS).contains(&key.len()) {
                phrases.insert(key, priority);
            }
        }
        Self { phrases }
    }

    /// Returns the urgency that most speaks for. At each place the longest phrase counts, so that "not urgent" is not
    /// also "urgent"; a text that says both is ordinary.
    #[expect(clippy::cast_precision_loss, reason = "phrases of one text are few")]
    pub(crate) fn of(&self, text: &str) -> Scored<Priority> {
        let spoken = folded(truncate_bytes(text, MAX_TEXT_BYTES));
        let mut counts: BTreeMap<Priority, usize> = BTreeMap::new();
        let mut at = 0;
        while at < spoken.len() {
            let longest = (1..=MAX_PHRASE_WORDS.min(spoken.len() - at)).rev().find_map(|length| {
                let priority = self.phrases.get(spoken.get(at..at + length)?)?;
                Some((*priority, length))
            });
            let Some((priority, length)) = longest else {
                at += 1;
                continue;
            };
            *counts.entry(priority).or_default() += 1;
            at += length;
        }
        let calming = counts.get(&Priority::Low).copied().unwrap_or(0);
        let pressing = [Priority::Urgent, Priority::High];
        let found =
            pressing.into_iter().chain([Priority::Low]).find(|priority| counts.contains_key(priority));
        let Some(value) = found else { return Scored { value: Priority::Normal, confidence: NOTHING_SAID } };
        if calming > 0 && value != Priority::Low {
            return Scored { value: Priority::Normal, confidence: NOTHING_SAID };
        }
        let hits = counts.get(&value).copied().unwrap_or(0) as f32;
        Scored { value, confidence: 1.0 - 0.7_f32 / (1.0 + hits) }
    }
}

fn folded(text: &str) -> Vec<String> {
    words(text).map(|word| fold(word.text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priority(text: &str) -> Priority {
        Urgency::new(&BTreeMap::new()).of(text).value
    }

    #[test]
    fn urgency_is_heard_in_several_languages() {
        assert_eq!(priority("URGENT: the whole site is down!"), Priority::Urgent);
        assert_eq!(priority("Bitte sofort melden"), Priority::Urgent);
        assert_eq!(priority("Le site est en panne, c'est immédiatement nécessaire"), Priority::Urgent);
        assert_eq!(priority("The export doesn’t work"), Priority::High);
        assert_eq!(priority("No rush, a feature request"), Priority::Low);
        assert_eq!(priority("How do I change my address?"), Priority::Normal);
    }

    #[test]
    fn denials_and_look_alikes_do_not_alarm() {
        assert_eq!(priority("This is not urgent"), Priority::Low);
        assert_eq!(priority("How do I change my emergency contact?"), Priority::Normal);
        assert_eq!(priority("It is urgent. No rush."), Priority::Normal);
    }

    #[test]
    fn more_phrases_make_surer() {
        let urgency = Urgency::new(&BTreeMap::new());
        assert!(urgency.of("urgent urgent outage").confidence > urgency.of("urgent").confidence);
        assert!(urgency.of(&"urgent ".repeat(5_000)).confidence <= 1.0);
    }

    #[test]
    fn the_host_adds_and_overrules() {
        let hints = BTreeMap::from([
            (Priority::Urgent, vec![Note::new("cold chain").unwrap()]),
            (Priority::Normal, vec![Note::new("today").unwrap()]),
        ]);
        let urgency = Urgency::new(&hints);
        assert_eq!(urgency.of("The COLD chain broke").value, Priority::Urgent);
        assert_eq!(urgency.of("I saw it today").value, Priority::Normal);
    }

    #[test]
    fn strange_texts_are_ordinary() {
        for text in ["", "🙂🙂", "\0", "漢字漢字"] {
            assert_eq!(priority(text), Priority::Normal);
        }
        assert_eq!(priority(&"a b ".repeat(2_500_000)), Priority::Normal);
    }
}
