//! Building the handle from the host's adapters.

use std::{fmt, sync::Arc};

use crate::{
    app::{
        AutoCrm, Settings, awaited::AwaitedEvents, handle::Handles, meaning::Meaning,
        scheme::RememberedSchemes,
    },
    clock::{Clock, SystemClock},
    id::{IdSource, RandomIds},
    mail::MailKeys,
    port::{
        BlobStore, Classifier, Embedder, LanguageDetector, LanguageModel, MailParser, Mailer, SenderVerifier,
        Store, Templates, TextIndex, VectorIndex,
    },
};

/// What is missing or wrong; every problem is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildError {
    /// The problems.
    pub problems: Vec<&'static str>,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot build: {}", self.problems.join("; "))
    }
}

impl std::error::Error for BuildError {}

/// Collects adapters. Only a store is needed; what is missing is switched off and answered with
/// [`Error::NoAdapter`](crate::app::Error::NoAdapter) where it is asked for.
#[derive(Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct AutoCrmBuilder {
    store: Option<Arc<dyn Store>>,
    blobs: Option<Arc<dyn BlobStore>>,
    index: Option<Arc<dyn TextIndex>>,
    vectors: Option<Arc<dyn VectorIndex>>,
    embedder: Option<Arc<dyn Embedder>>,
    earlier_embedder: Option<Arc<dyn Embedder>>,
    detector: Option<Arc<dyn LanguageDetector>>,
    classifier: Option<Arc<dyn Classifier>>,
    model: Option<Arc<dyn LanguageModel>>,
    parser: Option<Arc<dyn MailParser>>,
    verifier: Option<Arc<dyn SenderVerifier>>,
    mailer: Option<Arc<dyn Mailer>>,
    templates: Option<Arc<dyn Templates>>,
    mail_keys: Option<MailKeys>,
    clock: Option<Arc<dyn Clock>>,
    ids: Option<Arc<dyn IdSource>>,
    settings: Settings,
}

impl fmt::Debug for AutoCrmBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AutoCrmBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

macro_rules! adapters {
    ($($(#[$doc:meta])* $name:ident: $port:ident,)+) => {$(
        $(#[$doc])*
        pub fn $name(mut self, adapter: impl $port + 'static) -> Self {
            self.$name = Some(Arc::new(adapter));
            self
        }
    )+};
}

impl AutoCrmBuilder {
    adapters! {
        /// Sets the database. It is needed.
        store: Store,
        /// Sets where large raw mails go; without it, mails above 64 KiB are refused.
        blobs: BlobStore,
        /// Sets the index over the knowledge base; without it nothing is found and nothing is answered.
        index: TextIndex,
        /// Sets the index by meaning; it needs an embedder and goes beside the index by words.
        vectors: VectorIndex,
        /// Sets what turns texts into vectors. With another model than before, its space is built beside the old one,
        /// which is dropped once the new one has caught up in every tenant.
        embedder: Embedder,
        /// Sets the embedder of the old space, by which is searched until the new one has caught up; without it words
        /// alone are searched until then.
        earlier_embedder: Embedder,
        /// Sets what tells languages.
        detector: LanguageDetector,
        /// Sets what sorts tickets into categories and urgencies.
        classifier: Classifier,
        /// Sets what writes answers.
        model: LanguageModel,
        /// Sets what reads raw mails.
        parser: MailParser,
        /// Sets what verifies the senders of received mails; without it only those are verified for whom the host vouches.
        verifier: SenderVerifier,
        /// Sets what sends mails.
        mailer: Mailer,
        /// Sets what makes mails from templates; without it no trigger sends a mail.
        templates: Templates,
        /// Sets the clock; the operating system's by default.
        clock: Clock,
        /// Sets the source of ids; random ones by default.
        ids: IdSource,
    }

    /// Sets the keys of Message-IDs and reply addresses; needed with a parser or a mailer.
    pub fn mail_keys(mut self, keys: MailKeys) -> Self {
        self.mail_keys = Some(keys);
        self
    }

    /// Sets thresholds and limits.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Returns the handle, or every problem.
    pub fn build(self) -> Result<AutoCrm, BuildError> {
        let mut problems = Vec::new();
        if self.store.is_none() {
            problems.push("a store is needed");
        }
        if (self.parser.is_some() || self.mailer.is_some()) && self.mail_keys.is_none() {
            problems.push("mail keys are needed with a mail parser or a mailer");
        }
        if self.vectors.is_some() != self.embedder.is_some() {
            problems.push("an index by meaning and an embedder need each other");
        }
        if self.vectors.is_some() && self.index.is_none() {
            problems.push("an index by meaning goes beside an index by words");
        }
        if !self.settings.is_valid() {
            problems.push("the send threshold is a number from 0 to 1");
        }
        let store = match self.store {
            Some(store) if problems.is_empty() => store,
            _ => return Err(BuildError { problems }),
        };
        Ok(AutoCrm::from_handles(Handles {
            store,
            blobs: self.blobs,
            index: self.index,
            meaning: self
                .vectors
                .zip(self.embedder)
                .map(|(vectors, embedder)| Meaning::new(vectors, embedder, self.earlier_embedder)),
            detector: self.detector,
            classifier: self.classifier,
            model: self.model,
            parser: self.parser,
            verifier: self.verifier,
            mailer: self.mailer,
            templates: self.templates,
            awaited: AwaitedEvents::default(),
            mail_keys: self.mail_keys,
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock)),
            ids: self.ids.unwrap_or_else(|| Arc::new(RandomIds)),
            settings: self.settings,
            schemes: RememberedSchemes::default(),
        }))
    }
}
