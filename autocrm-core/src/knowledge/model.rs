//! Articles, revisions, chunks and feedback.

use serde::{Deserialize, Serialize};

use crate::{
    access::{ArticleVisibility, Resource},
    clock::Timestamp,
    id::{ArticleId, ChunkId, FeedbackId, MessageId, TenantId, UserId},
    text::{Body, Key, Language, Note, Subject},
    transition::Version,
};

/// Whether an article is read by customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArticleState {
    /// Being written.
    Draft,
    /// Read, searched and quoted.
    Published,
    /// Out of use.
    Archived,
}

impl ArticleState {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Archived => "archived",
        }
    }
}

/// An article, with the text of its current revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Article {
    /// The id.
    pub id: ArticleId,
    /// The tenant.
    pub tenant: TenantId,
    /// The version, for optimistic locking.
    pub version: Version,
    /// The short name in links, unique within the tenant.
    pub slug: Key,
    /// The number of the current revision, from 1.
    pub revision: u32,
    /// The title of the current revision.
    pub title: Subject,
    /// The text of the current revision, in Markdown.
    pub body: Body,
    /// What it is about.
    pub category: Option<Key>,
    /// Who reads it once it is published.
    pub visibility: ArticleVisibility,
    /// The language of the text.
    pub language: Option<Language>,
    /// Whether it is read.
    pub state: ArticleState,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

impl Article {
    /// Returns the article as the object of an action.
    pub fn resource(&self) -> Resource<'static> {
        Resource::Article { tenant: self.tenant, visibility: self.visibility, published: self.is_published() }
    }

    /// Returns whether the article is published.
    pub fn is_published(&self) -> bool {
        self.state == ArticleState::Published
    }
}

/// A text that the article had or has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// The tenant.
    pub tenant: TenantId,
    /// The article.
    pub article: ArticleId,
    /// The number, from 1.
    pub number: u32,
    /// The title.
    pub title: Subject,
    /// The text.
    pub body: Body,
    /// Who wrote it; `None`: the host or an import.
    pub author: Option<UserId>,
    /// When it was written.
    pub created_at: Timestamp,
}

/// A passage of an article's current revision: what is indexed, retrieved and quoted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chunk {
    /// The id.
    pub id: ChunkId,
    /// The tenant.
    pub tenant: TenantId,
    /// The article.
    pub article: ArticleId,
    /// The revision.
    pub revision: u32,
    /// The place in the article, from 0.
    pub ordinal: u32,
    /// The headings above the passage, joined with ` › `; empty above the first one.
    pub heading: String,
    /// The first byte in the revision's body.
    pub start: u32,
    /// The byte after the passage.
    pub end: u32,
    /// The passage: the bytes `start..end` of the body.
    pub text: String,
}

/// Which articles are wanted; empty fields do not filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArticleFilter {
    /// This state.
    pub state: Option<ArticleState>,
    /// This category.
    pub category: Option<Key>,
    /// This language.
    pub language: Option<Language>,
}

/// What feedback is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FeedbackTarget {
    /// An article.
    Article {
        /// The article.
        article: ArticleId,
    },
    /// An answer.
    Message {
        /// The message.
        message: MessageId,
    },
}

/// Whether something helped. A user's second word on the same target replaces the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feedback {
    /// The id.
    pub id: FeedbackId,
    /// The tenant.
    pub tenant: TenantId,
    /// What it is about.
    pub target: FeedbackTarget,
    /// Who says so.
    pub user: UserId,
    /// Whether it helped.
    pub helpful: bool,
    /// Why.
    pub comment: Option<Note>,
    /// When it was said.
    pub created_at: Timestamp,
}

/// What happened with feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FeedbackEvent {
    /// Feedback was given.
    Given {
        /// What it is about.
        target: FeedbackTarget,
        /// Whether it helped.
        helpful: bool,
    },
}

/// How often something helped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FeedbackTotals {
    /// Users whom it helped.
    pub helpful: u64,
    /// Users whom it did not help.
    pub unhelpful: u64,
}
