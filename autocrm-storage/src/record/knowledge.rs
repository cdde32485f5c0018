//! Articles, revisions, passages and feedback.

use autocrm_core::{
    error::Result,
    knowledge::{Article, Chunk, Feedback, Revision},
    text::{Key, Language},
};
#[cfg(feature = "sqlite")]
use diesel::prelude::*;

use crate::column::{Code, Uid, number, target_columns, to_json};

/// A row of `autocrm_article`.
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName, sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", derive(Insertable, AsChangeset))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_article, primary_key(tenant, id)))]
#[cfg_attr(feature = "sqlite", diesel(treat_none_as_default_value = false, treat_none_as_null = true))]
pub(crate) struct ArticleRecord {
    pub(crate) tenant: Uid,
    pub(crate) id: Uid,
    pub(crate) version: i64,
    pub(crate) slug: String,
    pub(crate) state: i64,
    pub(crate) visibility: i64,
    pub(crate) category: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) document: String,
}

impl ArticleRecord {
    /// Encodes an article.
    pub(crate) fn of(article: &Article) -> Result<Self> {
        Ok(Self {
            tenant: Uid::of(article.tenant),
            id: Uid::of(article.id),
            version: number(article.version.get()),
            slug: article.slug.as_str().to_owned(),
            state: article.state.code(),
            visibility: article.visibility.code(),
            category: article.category.clone().map(Key::into_string),
            language: article.language.clone().map(Language::into_string),
            document: to_json(article)?,
        })
    }
}

/// A row of `autocrm_revision`.
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName, sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", derive(Insertable))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_revision))]
pub(crate) struct RevisionRecord {
    pub(crate) tenant: Uid,
    pub(crate) article: Uid,
    pub(crate) number: i64,
    pub(crate) document: String,
}

impl RevisionRecord {
    /// Encodes a revision.
    pub(crate) fn of(revision: &Revision) -> Result<Self> {
        Ok(Self {
            tenant: Uid::of(revision.tenant),
            article: Uid::of(revision.article),
            number: i64::from(revision.number),
            document: to_json(revision)?,
        })
    }
}

/// A row of `autocrm_chunk`.
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName, sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", derive(Insertable))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_chunk))]
pub(crate) struct ChunkRecord {
    pub(crate) tenant: Uid,
    pub(crate) id: Uid,
    pub(crate) article: Uid,
    pub(crate) ordinal: i64,
    pub(crate) document: String,
}

impl ChunkRecord {
    /// Encodes a passage.
    pub(crate) fn of(chunk: &Chunk) -> Result<Self> {
        Ok(Self {
            tenant: Uid::of(chunk.tenant),
            id: Uid::of(chunk.id),
            article: Uid::of(chunk.article),
            ordinal: i64::from(chunk.ordinal),
            document: to_json(chunk)?,
        })
    }
}

/// A row of `autocrm_feedback`.
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName, sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", derive(Insertable))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_feedback))]
pub(crate) struct FeedbackRecord {
    pub(crate) tenant: Uid,
    pub(crate) id: Uid,
    pub(crate) target_kind: i64,
    pub(crate) target: Uid,
    pub(crate) user: Uid,
    pub(crate) helpful: i64,
    pub(crate) document: String,
}

impl FeedbackRecord {
    /// Encodes feedback.
    pub(crate) fn of(feedback: &Feedback) -> Result<Self> {
        let (target_kind, target) = target_columns(feedback.target);
        Ok(Self {
            tenant: Uid::of(feedback.tenant),
            id: Uid::of(feedback.id),
            target_kind,
            target,
            user: Uid::of(feedback.user),
            helpful: i64::from(feedback.helpful),
            document: to_json(feedback)?,
        })
    }
}
