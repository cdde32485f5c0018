//! Broken twins: adapters that each break one clause, by which the suites show that they have teeth.
//!
//! A twin wraps a working backend. The suites' own test asserts that a scenario of the broken clause fails on it.

macro_rules! port_twins {
    ($($name:literal, [$($clause:literal),+], $wrap:expr $(, $suspending:ident)?;)+) => {
        vec![$(Broken::new($name, &[$($clause),+], |backend| backend.wrapped($wrap)$(.$suspending())?),)+]
    };
}

mod commit;
mod embed;
mod job;
mod model;
mod port;
mod read;
mod templates;
mod twin;
mod vector;
mod verifier;

use std::{fmt, sync::Arc};

use crate::{
    conformance::Backend,
    port::{
        BlobStore, Classifier, Embedder, LanguageDetector, LanguageModel, MailParser, Mailer, SenderVerifier,
        Store, TextIndex, VectorIndex,
    },
    ticket::TicketOrder,
};

use commit::{
    AnsweredEarly, ConflictSwallowed, CountedWhenRefused, EventsChanged, EventsOfRefusedSets, HalfApplied,
    KeyBlurred, KeyForgotten, KeyKeptForEver, LastWriterWins, LineEndsFolded, LoadCountedBefore,
    MicrosecondsLost, NamesakeKept, NumberReused, PoisonedWhenDropped, ReplayUnmarked, RequirementIgnored,
    TextsTrimmed, TornWhenDropped, VersionIgnored,
};
use embed::{BrokenEmbedder, EmbedFault};
use job::{AttemptLimitIgnored, EffectsOfStaleWorkers, JobsChanged, RetriedAtOnce, StaleTokenAccepted};
use model::{LineParser, ModelFault, QuotingModel, SmallWords, WordClassifier};
use port::{BlobFault, BrokenBlobs, BrokenIndex, BrokenMailer, IndexFault, MailerFault};
use read::{
    ChunksSorted, ClaimChanged, DeadChanged, DeletedShown, FeedChanged, KeysIgnored, OrderIgnored,
    PagesOverlap, ReleaseCounts, SearchChanged, Slow, TagIgnored,
};
pub use templates::{broken_templates, plain_templates};
use twin::{Fault, SCOPED, ScopeIgnored, TenantLeaked, Twin};
use vector::{BrokenVectors, VectorFault};
use verifier::{Notary, ProofFault, ProofVerifier};

/// Clauses that no twin breaks, and why.
pub const UNBROKEN: &[(&str, &str)] = &[(
    "D4",
    "only a mailer that writes mails as text can break it; the in-memory one keeps them as they are",
)];

/// Operations in which every scope shows the same, so that ignoring it changes nothing.
const SCOPE_FREE: [&str; 3] = ["tenant", "scheme", "head"];

/// An adapter that breaks a clause.
pub struct Broken<P: ?Sized> {
    /// What is wrong.
    pub name: String,
    /// The clauses that it breaks: for each, a scenario of that clause fails.
    pub clauses: Vec<&'static str>,
    make: Box<dyn Fn(Backend<P>) -> Backend<P> + Send + Sync>,
}

impl<P: ?Sized> fmt::Debug for Broken<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.clauses.join(", "))
    }
}

impl<P: ?Sized> Broken<P> {
    fn new(
        name: impl Into<String>,
        clauses: &[&'static str],
        make: impl Fn(Backend<P>) -> Backend<P> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), clauses: clauses.to_vec(), make: Box::new(make) }
    }

    /// Breaks a working backend.
    pub fn breaks(&self, backend: Backend<P>) -> Backend<P> {
        (self.make)(backend)
    }
}

fn faulty<F: Fault>(backend: Backend, fault: F) -> Backend {
    let fault = Arc::new(fault);
    backend.wrapped(move |store| Arc::new(Twin { store, fault: Arc::clone(&fault) }) as Arc<dyn Store>)
}

/// Returns a store without a fault whose operations pause: every scenario passes on it, cancellation included.
pub fn slow(backend: Backend) -> Backend {
    faulty(backend, Slow).suspending()
}

macro_rules! store_twins {
    ($($name:literal, [$($clause:literal),+], $fault:expr $(, $suspending:ident)?;)+) => {
        vec![$(
            Broken::new($name, &[$($clause),+], |backend: Backend| faulty(backend, $fault)$(.$suspending())?),
        )+]
    };
}

/// Returns every broken store.
pub fn broken_stores() -> Vec<Broken<dyn Store>> {
    let mut twins: Vec<Broken<dyn Store>> = store_twins! {
        "microseconds lost", ["C1"], MicrosecondsLost;
        "texts trimmed", ["C1"], TextsTrimmed;
        "line ends folded", ["C1"], LineEndsFolded;
        "version ignored", ["C2", "C3"], VersionIgnored;
        "conflict swallowed", ["C2", "C3", "C4", "C5", "C11", "C12"], ConflictSwallowed;
        "namesake kept", ["C2"], NamesakeKept;
        "last writer wins", ["C2", "C3"], LastWriterWins;
        "half applied", ["C4"], HalfApplied;
        "events of refused sets", ["C4"], EventsOfRefusedSets;
        "unchanged row not checked", ["C5", "C4"], RequirementIgnored::Unchanged;
        "active user not checked", ["C12", "C4"], RequirementIgnored::ActiveUser;
        "load not checked", ["C5", "C4"], RequirementIgnored::LoadBelow;
        "load counted before the commit", ["C5"], LoadCountedBefore, suspending;
        "answered before the commit", ["C1", "C6"], AnsweredEarly::default();
        "torn when dropped", ["C7"], TornWhenDropped, suspending;
        "poisoned when dropped", ["C7"], PoisonedWhenDropped::default(), suspending;
        "receipt not replayed", ["C8"], KeyForgotten;
        "key shared by principals", ["C8"], KeyBlurred(KeyBlurred::principal);
        "other request replayed", ["C8"], KeyBlurred(KeyBlurred::request);
        "key kept for ever", ["C8"], KeyKeptForEver::default();
        "replay not marked", ["C8"], ReplayUnmarked;
        "refused sets count", ["C9", "C10"], CountedWhenRefused::default();
        "number reused", ["C9"], NumberReused;
        "events reversed", ["C10"], EventsChanged::Reversed;
        "event forgotten", ["C1", "C10"], EventsChanged::LastForgotten;
        "stale token accepted", ["C11", "Q3"], StaleTokenAccepted::default();
        "effects of stale workers kept", ["C11"], EffectsOfStaleWorkers;
        "attempt limit ignored", ["C11", "Q4"], AttemptLimitIgnored;
        "job forgotten", ["C1"], JobsChanged::LastForgotten;
        "jobs of refused sets kept", ["Q1"], JobsChanged::KeptWhenRefused;
        "leased twice", ["Q2"], ClaimChanged::Twice(std::sync::Mutex::default());
        "tokens do not grow", ["Q3"], ClaimChanged::SameToken;
        "retried at once", ["Q5", "Q11"], RetriedAtOnce;
        "dead jobs oldest first", ["Q6"], DeadChanged::OldestFirst;
        "any job requeued", ["Q6"], DeadChanged::AnyRequeued;
        "requeued late", ["Q6"], DeadChanged::RequeuedLate;
        "run early", ["Q7", "Q5"], ClaimChanged::Early;
        "release uses an attempt", ["Q8"], ReleaseCounts::default();
        "undecodable job kept", ["Q9"], ClaimChanged::UndecodableKept;
        "job lost with its worker", ["Q10", "Q4"], ClaimChanged::Lost;
        "two jobs of one key", ["Q11"], KeysIgnored;
        "latest job first", ["Q12"], ClaimChanged::LatestFirst;
        "more jobs than asked for", ["Q12"], ClaimChanged::LimitIgnored;
        "deleted shown", ["R1"], DeletedShown;
        "pages overlap", ["R2"], PagesOverlap;
        "newest tickets not first", ["R2"], OrderIgnored(TicketOrder::Newest);
        "latest change not first", ["R2"], OrderIgnored(TicketOrder::RecentlyUpdated);
        "urgent tickets not first", ["R2"], OrderIgnored(TicketOrder::Queue);
        "tag ignored", ["R2"], TagIgnored;
        "chunks sorted", ["R2"], ChunksSorted;
        "event skipped", ["E1"], FeedChanged::Skipped;
        "event repeated", ["E1"], FeedChanged::Repeated;
        "events of a ticket reversed", ["E2"], FeedChanged::Reversed;
        "erased events lose their place", ["E4"], FeedChanged::ErasedRemoved;
        "any word suffices", ["S1"], SearchChanged::AnyWord;
        "note searched unasked", ["S2"], SearchChanged::NotesToo;
        "ticket found twice in a page", ["S3"], SearchChanged::Repeated;
        "first page for ever", ["S3"], SearchChanged::Stuck;
        "operators in ticket queries", ["S4"], SearchChanged::Operators;
    };
    for operation in SCOPED {
        let clause = match *operation {
            "events" | "ticket_events" | "head" => "E3",
            "search_tickets" => "S1",
            "depth" | "dead" | "inspect" | "requeue" => "Q6",
            "feedback" => "C1",
            _ => "R1",
        };
        if !SCOPE_FREE.contains(operation) {
            twins.push(Broken::new(
                format!("scope ignored in {operation}"),
                &[clause],
                |backend: Backend| faulty(backend, ScopeIgnored(operation)),
            ));
        }
        twins.push(Broken::new(format!("tenant leaked in {operation}"), &[clause], |backend: Backend| {
            faulty(backend, TenantLeaked(operation))
        }));
    }
    twins
}

/// Returns every broken text index.
pub fn broken_indexes() -> Vec<Broken<dyn TextIndex>> {
    fn broken(fault: IndexFault) -> impl Fn(Arc<dyn TextIndex>) -> Arc<dyn TextIndex> {
        move |index| Arc::new(BrokenIndex::new(index, fault))
    }
    port_twins! {
        "visibility ignored", ["X1"], broken(IndexFault::VisibilityIgnored);
        "tenants mixed", ["X1"], broken(IndexFault::TenantsMixed);
        "worst first", ["X1"], broken(IndexFault::WorstFirst);
        "cursor stored first", ["X2"], broken(IndexFault::CursorFirst), suspending;
        "cursor stays without changes", ["X2"], broken(IndexFault::CursorStays);
        "filed twice", ["X3"], broken(IndexFault::FiledTwice);
        "seen late", ["X4"], broken(IndexFault::SeenLate);
        "nothing replaced", ["X4"], broken(IndexFault::NothingReplaced);
        "cursor outlives a clearance", ["X5"], broken(IndexFault::CursorKept);
        "operators in queries", ["X6"], broken(IndexFault::Operators);
        "offset ignored", ["X7"], broken(IndexFault::OffsetIgnored);
    }
}

/// Returns every broken vector index.
pub fn broken_vector_indexes() -> Vec<Broken<dyn VectorIndex>> {
    fn broken(fault: VectorFault) -> impl Fn(Arc<dyn VectorIndex>) -> Arc<dyn VectorIndex> {
        move |index| Arc::new(BrokenVectors::new(index, fault))
    }
    port_twins! {
        "visibility ignored", ["V1"], broken(VectorFault::VisibilityIgnored);
        "tenants mixed", ["V1"], broken(VectorFault::TenantsMixed);
        "language ignored", ["V1"], broken(VectorFault::LanguageIgnored);
        "worst first", ["V2"], broken(VectorFault::WorstFirst);
        "ties reversed", ["V2"], broken(VectorFault::TiesReversed);
        "score is the distance", ["V2"], broken(VectorFault::Distance);
        "coarse scores", ["V2"], broken(VectorFault::Coarse);
        "some of the best missed", ["V2"], broken(VectorFault::BestMissed);
        "sieved after the search", ["V3"], broken(VectorFault::Sieved);
        "tenant sieved after the search", ["V3"], broken(VectorFault::TenantSieved);
        "offset ignored", ["V4"], broken(VectorFault::OffsetIgnored);
        "cursor stored first", ["V5"], broken(VectorFault::CursorFirst), suspending;
        "cursor stays without changes", ["V5"], broken(VectorFault::CursorStays);
        "seen late", ["V6"], broken(VectorFault::SeenLate);
        "nothing replaced", ["V6"], broken(VectorFault::NothingReplaced);
        "chunk stays with its first article", ["V6"], broken(VectorFault::ChunkStays);
        "overtaken batch applied", ["V7"], broken(VectorFault::OvertakenApplied);
        "gap accepted", ["V7"], broken(VectorFault::GapAccepted);
        "versions mixed", ["V8"], broken(VectorFault::VersionsMixed);
        "cursors mixed", ["V8"], broken(VectorFault::CursorsMixed);
        "unknown space silent", ["V8"], broken(VectorFault::UnknownSilent);
        "dropped in vain", ["V8"], broken(VectorFault::DropForgotten);
        "every space dropped", ["V8"], broken(VectorFault::AllDropped);
        "embeddings of another space skipped", ["V9"], broken(VectorFault::OthersSkipped);
        "refused batch moves the cursor", ["V9"], broken(VectorFault::RefusedMoves);
        "large batch cut", ["V9"], broken(VectorFault::Cut);
        "numbers clamped", ["V9"], broken(VectorFault::Clamped);
        "erased in vain", ["V10"], broken(VectorFault::ErasedInVain);
        "erased in one space", ["V10"], broken(VectorFault::ErasedInOne);
        "others erased too", ["V10"], broken(VectorFault::TooMuchErased);
        "cleared in vain", ["V11"], broken(VectorFault::ClearedInVain);
        "cursor outlives a clearance", ["V11"], broken(VectorFault::CursorKept);
    }
}

/// Returns every broken embedder.
pub fn broken_embedders() -> Vec<Broken<dyn Embedder>> {
    fn broken(fault: EmbedFault) -> impl Fn(Arc<dyn Embedder>) -> Arc<dyn Embedder> {
        move |embedder| Arc::new(BrokenEmbedder::new(embedder, fault))
    }
    port_twins! {
        "embeddings in another order", ["N1"], broken(EmbedFault::Reversed);
        "repeated texts left out", ["N1"], broken(EmbedFault::Deduplicated);
        "another space than said", ["N1"], broken(EmbedFault::OtherSpace);
        "texts lean towards the first", ["N2"], broken(EmbedFault::Leaning);
        "directions change", ["N2"], broken(EmbedFault::Moody);
        "no meaning", ["N3"], broken(EmbedFault::Meaningless);
        "empty text refused", ["N4"], broken(EmbedFault::EmptyRefused);
        "the end counts", ["N4"], broken(EmbedFault::Unbounded);
        "texts left out", ["N5"], broken(EmbedFault::Cut);
    }
}

/// Returns every broken blob store.
pub fn broken_blobs() -> Vec<Broken<dyn BlobStore>> {
    fn broken(fault: BlobFault) -> impl Fn(Arc<dyn BlobStore>) -> Arc<dyn BlobStore> {
        move |blobs| Arc::new(BrokenBlobs { blobs, fault })
    }
    port_twins! {
        "large bytes cut", ["B1"], broken(BlobFault::Cut);
        "nothing stored", ["B1", "B2"], broken(BlobFault::NotStored);
        "same bytes refused", ["B2"], broken(BlobFault::AgainRefused);
        "tenants mixed", ["B3"], broken(BlobFault::TenantsMixed);
        "missing blob refused", ["B4"], broken(BlobFault::MissingRefused);
        "hash not checked", ["B5"], broken(BlobFault::HashUnchecked);
    }
}

/// Returns every broken mailer.
pub fn broken_mailers() -> Vec<Broken<dyn Mailer>> {
    fn broken(fault: MailerFault) -> impl Fn(Arc<dyn Mailer>) -> Arc<dyn Mailer> {
        move |mailer| Arc::new(BrokenMailer::new(mailer, fault))
    }
    port_twins! {
        "sent again", ["D1"], broken(MailerFault::SentAgain);
        "another answer", ["D1"], broken(MailerFault::OtherAnswer);
        "content ignored", ["D2"], broken(MailerFault::ContentIgnored);
        "refusal retryable", ["D3"], broken(MailerFault::RefusalRetryable);
    }
}

/// Returns a stand-in that breaks nothing.
pub fn quoting_model() -> Backend<dyn LanguageModel> {
    Backend::new(Arc::new(QuotingModel(ModelFault::None)) as Arc<dyn LanguageModel>)
}

/// Returns a stand-in that breaks nothing.
pub fn word_classifier() -> Backend<dyn Classifier> {
    Backend::new(Arc::new(WordClassifier::new(ModelFault::None)) as Arc<dyn Classifier>)
}

/// Returns a stand-in that breaks nothing.
pub fn small_words() -> Backend<dyn LanguageDetector> {
    Backend::new(Arc::new(SmallWords(ModelFault::None)) as Arc<dyn LanguageDetector>)
}

/// Returns a stand-in that breaks nothing.
pub fn line_parser() -> Backend<dyn MailParser> {
    Backend::new(Arc::new(LineParser(ModelFault::None)) as Arc<dyn MailParser>)
}

/// Returns a stand-in that breaks nothing.
pub fn proof_verifier() -> Backend<dyn SenderVerifier> {
    let notary = Notary::default();
    let verifier = ProofVerifier { notary: notary.clone(), fault: ProofFault::None };
    Backend::new(Arc::new(verifier) as Arc<dyn SenderVerifier>).with_probe(notary)
}

/// Returns every broken verifier of senders.
pub fn broken_verifiers() -> Vec<Broken<dyn SenderVerifier>> {
    fn broken(fault: ProofFault) -> impl Fn(Arc<dyn SenderVerifier>) -> Arc<dyn SenderVerifier> {
        move |_| Arc::new(ProofVerifier { notary: Notary::default(), fault })
    }
    port_twins! {
        "first author believed", ["A1"], broken(ProofFault::FirstAuthor);
        "any domain aligned", ["A1"], broken(ProofFault::AnyDomain);
        "body not covered", ["A2"], broken(ProofFault::BodyUncovered);
        "subject not covered", ["A2"], broken(ProofFault::SubjectUncovered);
        "odd bytes believed", ["A3"], broken(ProofFault::OddBelieved);
        "believed in the dark", ["A4"], broken(ProofFault::DarkBelieved);
        "domain of the proof named", ["A5"], broken(ProofFault::OtherDomain);
        "own word believed", ["A6"], broken(ProofFault::OwnWord);
    }
}

/// Returns every broken language model.
pub fn broken_language_models() -> Vec<Broken<dyn LanguageModel>> {
    fn broken(fault: ModelFault) -> impl Fn(Arc<dyn LanguageModel>) -> Arc<dyn LanguageModel> {
        move |_| Arc::new(QuotingModel(fault))
    }
    port_twins! {
        "cites beyond the passage", ["M1"], broken(ModelFault::CitesBeyond);
        "cites an unknown article", ["M1"], broken(ModelFault::CitesElsewhere);
        "answers from nothing", ["M2"], broken(ModelFault::AnswersFromNothing);
        "talks while abstaining", ["M3"], broken(ModelFault::AbstentionTalks);
        "cites nothing", ["M3"], broken(ModelFault::Uncited);
    }
}

/// Returns every broken classifier.
pub fn broken_classifiers() -> Vec<Broken<dyn Classifier>> {
    fn broken(fault: ModelFault) -> impl Fn(Arc<dyn Classifier>) -> Arc<dyn Classifier> {
        move |_| Arc::new(WordClassifier::new(fault))
    }
    port_twins! {
        "tenants mixed", ["K1"], broken(ModelFault::TenantsMixed);
        "descriptions ignored", ["K2"], broken(ModelFault::DescriptionsIgnored);
        "earlier labels stay", ["K3"], broken(ModelFault::NothingReplaced);
        "revision ignored", ["K3"], broken(ModelFault::RevisionIgnored);
        "moody", ["K4"], broken(ModelFault::Moody);
        "all bytes count", ["K5"], broken(ModelFault::Unbounded);
    }
}

/// Returns every broken detector of languages.
pub fn broken_detectors() -> Vec<Broken<dyn LanguageDetector>> {
    fn broken(fault: ModelFault) -> impl Fn(Arc<dyn LanguageDetector>) -> Arc<dyn LanguageDetector> {
        move |_| Arc::new(SmallWords(fault))
    }
    port_twins! {
        "guesses", ["L1"], broken(ModelFault::Guesses);
    }
}

/// Returns every broken mail parser.
pub fn broken_parsers() -> Vec<Broken<dyn MailParser>> {
    fn broken(fault: ModelFault) -> impl Fn(Arc<dyn MailParser>) -> Arc<dyn MailParser> {
        move |_| Arc::new(LineParser(fault))
    }
    port_twins! {
        "silently unreadable", ["P1"], broken(ModelFault::SilentlyUnreadable);
        "first of several senders", ["P2"], broken(ModelFault::FirstSender);
        "control characters kept", ["P3"], broken(ModelFault::Unclean);
    }
}
