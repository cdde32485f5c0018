//! Search: passages of the knowledge base, and tickets.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    access::{ArticleVisibility, Scope},
    change::Position,
    error::Result,
    id::{ArticleId, ChunkId, MessageId, TenantId, TicketId},
    page::{Page, PageRequest},
    text::Language,
    ticket::TicketQuery,
};

/// A passage as an index keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedChunk {
    /// The chunk.
    pub id: ChunkId,
    /// The headings above the passage.
    pub heading: String,
    /// The passage.
    pub text: String,
}

/// What an index follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexChange {
    /// These are now the article's passages; all earlier ones go.
    Replace {
        /// The article.
        article: ArticleId,
        /// The article's title.
        title: String,
        /// Who reads it.
        visibility: ArticleVisibility,
        /// The language of the text.
        language: Option<Language>,
        /// The passages.
        chunks: Vec<IndexedChunk>,
    },
    /// The article is no longer searched.
    Remove {
        /// The article.
        article: ArticleId,
    },
}

/// A search for passages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextQuery {
    /// The tenant: a mandatory part of the query itself.
    pub tenant: TenantId,
    /// Any of these visibilities, not empty: a mandatory part of the query itself.
    pub visibilities: Vec<ArticleVisibility>,
    /// The words sought; operators have no meaning. Only the first 4,096 bytes count.
    pub text: String,
    /// The language of the words, where known.
    pub language: Option<Language>,
    /// How many hits to pass over.
    pub offset: usize,
    /// The largest number of hits, 1..=200.
    pub limit: usize,
}

/// A passage found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextHit {
    /// The chunk.
    pub chunk: ChunkId,
    /// The article.
    pub article: ArticleId,
    /// The score, higher is better; comparable within one search only.
    pub score: f32,
}

/// Finds passages by their words. An index is derived: it follows the event feed with its own cursor and can be
/// rebuilt. It returns ids and scores, never text; hits are checked against the store under the caller's scope.
///
/// # Contract
/// * **X1** A search returns passages of the given tenant and visibilities only, best first, ties by chunk id.
/// * **X2** `apply` stores changes and cursor together: after a crash the cursor names exactly what is searched.
/// * **X3** Applying the same changes again changes nothing observable.
/// * **X4** After `apply` returned, searches see its changes.
/// * **X5** After `clear`, nothing is found and every cursor is at the start.
/// * **X6** Any text is a valid query; one without words finds nothing.
/// * **X7** `offset` and `limit` walk one ranked list without gaps or repetitions while nothing is applied.
#[async_trait]
pub trait TextIndex: Send + Sync {
    /// Applies changes of a tenant, up to and including a position of its feed.
    async fn apply(&self, tenant: TenantId, changes: &[IndexChange], upto: Position) -> Result<()>;

    /// Returns the position up to which a tenant's feed was applied.
    async fn cursor(&self, tenant: TenantId) -> Result<Position>;

    /// Finds passages.
    async fn search(&self, query: &TextQuery) -> Result<Vec<TextHit>>;

    /// Forgets everything, cursors included; the follower then rebuilds the index from the feed.
    async fn clear(&self) -> Result<()>;
}

/// A ticket found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketHit {
    /// The ticket.
    pub ticket: TicketId,
    /// The newest message that matches.
    pub message: MessageId,
}

/// Finds tickets by the words of subject and messages. It lives in the database and sees every commit at once.
///
/// # Contract
/// * **S1** A hit is a ticket that the scope shows, by a message of the scope's audience that holds every word of the
///   query in its text or in the ticket's subject at the time of writing.
/// * **S2** Notes are searched for staff scopes only, and only when asked for.
/// * **S3** Each ticket occurs once in a page; newest matching message first. The cursor's id is the last message seen.
/// * **S4** Any text is a valid query; one without words finds nothing.
#[async_trait]
pub trait TicketIndex: Send + Sync {
    /// Finds tickets.
    async fn search_tickets(
        &self,
        scope: &Scope,
        query: &TicketQuery,
        page: &PageRequest,
    ) -> Result<Page<TicketHit>>;
}
