//! Stand-ins for models and parsers, right and broken: as small as their clauses allow.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use async_trait::async_trait;

use crate::{
    assist::{Abstention, AnswerDraft, Scored},
    conversation::Citation,
    error::Result,
    id::TenantId,
    mail::{MailFinding, ParsedMail},
    port::{
        AnswerRequest, Classification, Classifier, Example, LanguageDetector, LanguageModel, MailParser,
        TrainingSet,
    },
    text::{Key, Language, one_line, truncate_bytes},
    ticket::Priority,
};

fn words(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 3).map(str::to_lowercase).collect()
}

/// How a stand-in is broken; the first of each kind is sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModelFault {
    /// Nothing is wrong.
    None,
    /// M1: cites beyond the passage.
    CitesBeyond,
    /// M1: cites an article that nobody gave.
    CitesElsewhere,
    /// M2: answers from nothing.
    AnswersFromNothing,
    /// M3: an abstention still talks.
    AbstentionTalks,
    /// M3: an answer rests on nothing.
    Uncited,
    /// K1: what one tenant learns, all know.
    TenantsMixed,
    /// K2: descriptions are not learned from.
    DescriptionsIgnored,
    /// K3: earlier labels stay.
    NothingReplaced,
    /// K3: any revision counts as trained.
    RevisionIgnored,
    /// K4: answers differ from one time to the next.
    Moody,
    /// K5: all bytes count.
    Unbounded,
    /// L1: always knows a language.
    Guesses,
    /// P1: gives up without saying so.
    SilentlyUnreadable,
    /// P2: names the first of several senders.
    FirstSender,
    /// P3: keeps control characters.
    Unclean,
}

/// Quotes the first passage that shares a word with the question.
pub(crate) struct QuotingModel(pub(crate) ModelFault);

#[async_trait]
impl LanguageModel for QuotingModel {
    async fn answer(&self, request: &AnswerRequest) -> Result<AnswerDraft> {
        let asked = words(&request.question);
        let found = request.passages.iter().find(|passage| !words(&passage.text).is_disjoint(&asked));
        let model = "quoting".to_owned();
        let Some(passage) = found else {
            let mut draft = AnswerDraft {
                text: String::new(),
                citations: Vec::new(),
                confidence: 0.0,
                abstention: Some(Abstention::NothingFound),
                model,
            };
            if self.0 == ModelFault::AnswersFromNothing && request.passages.is_empty() {
                draft.abstention = None;
            }
            if self.0 == ModelFault::AbstentionTalks {
                "I do not know.".clone_into(&mut draft.text);
            }
            return Ok(draft);
        };
        let length = u32::try_from(passage.text.len()).unwrap_or(u32::MAX);
        let mut cited = Citation {
            article: passage.article,
            revision: passage.revision,
            start: passage.start,
            end: passage.start.saturating_add(length),
        };
        match self.0 {
            ModelFault::CitesBeyond => cited.end += 1,
            ModelFault::CitesElsewhere => cited.article = crate::id::ArticleId::from_uuid(uuid::Uuid::nil()),
            _ => {}
        }
        let citations = if self.0 == ModelFault::Uncited { Vec::new() } else { vec![cited] };
        Ok(AnswerDraft { text: passage.text.clone(), citations, confidence: 0.5, abstention: None, model })
    }
}

#[derive(Debug, Default)]
struct Learned {
    revision: u64,
    words: BTreeMap<Key, BTreeSet<String>>,
}

/// Counts the words that a text shares with each category.
pub(crate) struct WordClassifier {
    fault: ModelFault,
    tenants: Mutex<BTreeMap<TenantId, Learned>>,
    asked: std::sync::atomic::AtomicU32,
}

impl WordClassifier {
    pub(crate) fn new(fault: ModelFault) -> Self {
        Self { fault, tenants: Mutex::default(), asked: std::sync::atomic::AtomicU32::new(0) }
    }

    fn desk(&self, tenant: TenantId) -> TenantId {
        if self.fault == ModelFault::TenantsMixed { TenantId::from_uuid(uuid::Uuid::nil()) } else { tenant }
    }
}

#[async_trait]
impl Classifier for WordClassifier {
    async fn is_trained(&self, tenant: TenantId, revision: u64) -> Result<bool> {
        let tenants = self.tenants.lock().expect("no panic under the lock");
        let learned = tenants.get(&self.desk(tenant));
        let any = self.fault == ModelFault::RevisionIgnored;
        Ok(learned.is_some_and(|learned| any || learned.revision == revision))
    }

    async fn train(&self, tenant: TenantId, revision: u64, set: &TrainingSet) -> Result<()> {
        let mut tenants = self.tenants.lock().expect("no panic under the lock");
        let learned = tenants.entry(self.desk(tenant)).or_default();
        if self.fault != ModelFault::NothingReplaced {
            learned.words.clear();
        }
        learned.revision = revision;
        for label in &set.labels {
            let described = learned.words.entry(label.key.clone()).or_default();
            if self.fault != ModelFault::DescriptionsIgnored {
                described.extend(words(&label.description));
            }
        }
        for example in &set.examples {
            learned.words.entry(example.category.clone()).or_default().extend(words(&example.text));
        }
        Ok(())
    }

    async fn learn(&self, tenant: TenantId, example: &Example) -> Result<()> {
        let mut tenants = self.tenants.lock().expect("no panic under the lock");
        if let Some(learned) = tenants.get_mut(&self.desk(tenant)) {
            learned.words.entry(example.category.clone()).or_default().extend(words(&example.text));
        }
        Ok(())
    }

    async fn classify(&self, tenant: TenantId, text: &str) -> Result<Classification> {
        let asked = self.asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let most = if self.fault == ModelFault::Unbounded { usize::MAX } else { 20_000 };
        let sought = words(truncate_bytes(text, most));
        let tenants = self.tenants.lock().expect("no panic under the lock");
        let empty = BTreeMap::new();
        let known = tenants.get(&self.desk(tenant)).map_or(&empty, |learned| &learned.words);
        let mut counts: Vec<(usize, &Key)> = known
            .iter()
            .map(|(key, own)| (own.intersection(&sought).count(), key))
            .filter(|(count, _)| *count > 0)
            .collect();
        counts.sort_by(|one, other| other.cmp(one));
        let total: usize = counts.iter().map(|(count, _)| count).sum();
        let share = |count: usize| {
            let (count, total) =
                (u16::try_from(count).unwrap_or(u16::MAX), u16::try_from(total).unwrap_or(u16::MAX));
            f32::from(count) / f32::from(total.max(1))
        };
        let scored = |(count, key): (usize, &Key)| Scored { value: key.clone(), confidence: share(count) };
        let mut categories: Vec<Scored<Key>> = counts.into_iter().map(scored).collect();
        if self.fault == ModelFault::Moody && asked % 2 == 1 {
            categories.clear();
        }
        let priority = Scored { value: Priority::Normal, confidence: 0.5 };
        Ok(Classification { categories, priority, model: "words".to_owned() })
    }
}

/// Knows the small words of three languages.
pub(crate) struct SmallWords(pub(crate) ModelFault);

impl LanguageDetector for SmallWords {
    fn detect(&self, text: &str) -> Option<Language> {
        let known = [
            ("en", ["the", "and", "has", "you"]),
            ("de", ["und", "ist", "das", "nicht"]),
            ("fr", ["est", "pas", "vous", "le"]),
        ];
        let held: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
        let counted = known
            .iter()
            .map(|(code, small)| (held.iter().filter(|word| small.contains(word)).count(), *code));
        let (count, code) = counted.max()?;
        let plain = count >= 2 || self.0 == ModelFault::Guesses;
        plain.then(|| Language::new(code).ok()).flatten()
    }
}

/// Reads the header line by line and takes the rest for the text.
pub(crate) struct LineParser(pub(crate) ModelFault);

impl MailParser for LineParser {
    fn parse(&self, raw: &[u8]) -> ParsedMail {
        let text = String::from_utf8_lossy(truncate_raw(raw)).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let mut senders = Vec::new();
        let mut subject = String::new();
        let mut mail = ParsedMail::default();
        for line in unfolded.split("\r\n") {
            let Some((name, value)) = line.split_once(':') else { continue };
            match name.trim().to_ascii_lowercase().as_str() {
                "from" if name.trim() == name => senders.push(value.trim().to_owned()),
                "from" => mail.findings.push(MailFinding::MalformedHeader),
                "subject" => value.trim().clone_into(&mut subject),
                _ => {}
            }
        }
        let sender = match senders.as_slice() {
            [one] => sole_mailbox(one),
            [first, ..] if self.0 == ModelFault::FirstSender => sole_mailbox(first),
            _ => None,
        };
        mail.from = sender.and_then(|address| crate::text::EmailAddress::new(address).ok());
        if mail.findings.contains(&MailFinding::MalformedHeader) {
            mail.from = None;
        }
        if mail.from.is_none() && self.0 != ModelFault::SilentlyUnreadable {
            mail.findings.push(MailFinding::AmbiguousSender);
        }
        if self.0 == ModelFault::Unclean {
            (mail.subject, mail.text) = (subject, body.to_owned());
        } else {
            (mail.subject, mail.text) = (one_line(&subject, 255), body.replace('\0', ""));
        }
        mail
    }
}

fn truncate_raw(raw: &[u8]) -> &[u8] {
    raw.get(..raw.len().min(1 << 20)).unwrap_or_default()
}

/// Returns the address of a header value that holds exactly one mailbox.
fn sole_mailbox(value: &str) -> Option<&str> {
    let bare = match value.rsplit_once('"') {
        Some((_, rest)) => rest.trim(),
        None => value,
    };
    if bare.contains([',', ';', '\0']) || bare.matches('@').count() != 1 {
        return None;
    }
    match bare.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>'),
        None => Some(bare),
    }
}
