//! Ports: what AutoCRM asks of its host's adapters. Each contract stands above its trait in numbered clauses; the
//! suites of the `conformance` feature prove them.

mod blob;
mod commit;
mod embed;
mod index;
mod journal;
mod mail;
mod model;
mod queue;
mod read;
mod store;
mod vector;

pub use blob::BlobStore;
pub use commit::Committer;
pub use embed::{Embedder, MAX_EMBEDDED_BYTES, MAX_EMBEDDED_TEXTS, check_embedded_texts};
pub use index::{IndexChange, IndexedChunk, TextHit, TextIndex, TextQuery, TicketHit, TicketIndex};
pub use journal::EventReader;
pub use mail::{Delivery, MailParser, Mailer, NoticeRequest, SenderVerifier, Templates};
pub use model::{
    AnswerRequest, Classification, Classifier, Example, Label, LanguageDetector, LanguageModel, TrainingSet,
};
pub use queue::{ClaimRequest, JobQueue, QueueDepth};
pub use read::{
    ConversationReader, CorrespondentReader, KnowledgeReader, MailReader, MetricsReader, NotificationReader,
    TeamReader, TenantReader, TicketReader, UserReader,
};
pub use store::Store;
pub use vector::{EmbeddedChunk, VectorBatch, VectorChange, VectorHit, VectorIndex, VectorQuery};
