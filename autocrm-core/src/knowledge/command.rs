//! Writing, publishing and rolling back articles.

use serde::{Deserialize, Serialize};

use crate::{
    access::{Actor, ArticleVisibility},
    clock::Stamp,
    id::TenantId,
    knowledge::{
        Article, ArticleState, Chunk, Feedback, FeedbackEvent, FeedbackTarget, Revision, split_markdown,
    },
    text::{Body, Key, Language, Note, Subject},
    transition::{Transition, Version},
};

/// What an article is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArticleSpec {
    /// The short name in links, unique within the tenant.
    pub slug: Key,
    /// The title.
    pub title: Subject,
    /// The text, in Markdown.
    pub body: Body,
    /// What it is about.
    #[serde(default)]
    pub category: Option<Key>,
    /// Who reads it once it is published.
    pub visibility: ArticleVisibility,
    /// The language of the text.
    #[serde(default)]
    pub language: Option<Language>,
}

/// What changes about an article; absent fields stay.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArticleChange {
    /// The new title.
    pub title: Option<Subject>,
    /// The new text.
    pub body: Option<Body>,
    /// The new category.
    pub category: Option<Key>,
    /// Who reads it from now on.
    pub visibility: Option<ArticleVisibility>,
    /// The language.
    pub language: Option<Language>,
}

/// What happened to an article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ArticleEvent {
    /// The article was begun.
    Written,
    /// A revision was added, or category, visibility or language changed.
    Edited {
        /// The current revision.
        revision: u32,
    },
    /// An earlier text became current again, as a new revision.
    RolledBack {
        /// The revision whose text returned.
        to: u32,
        /// The current revision.
        revision: u32,
    },
    /// The state changed.
    StateChanged {
        /// Before.
        from: ArticleState,
        /// After.
        to: ArticleState,
    },
}

impl ArticleEvent {
    /// Returns the stable name, such as `article.written`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Written => "article.written",
            Self::Edited { .. } => "article.edited",
            Self::RolledBack { .. } => "article.rolled_back",
            Self::StateChanged { .. } => "article.state_changed",
        }
    }
}

/// Why an article command was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArticleRefusal {
    /// Another article of the tenant has the short name.
    #[error("another article has the short name")]
    SlugTaken,
    /// The text is blank.
    #[error("an article has a text")]
    Blank,
    /// The article has no such revision.
    #[error("the article has no revision {0}")]
    UnknownRevision(u32),
    /// Only people give feedback.
    #[error("feedback comes from a user")]
    NotAUser,
}

impl ArticleRefusal {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SlugTaken => "article_slug_taken",
            Self::Blank => "article_blank",
            Self::UnknownRevision(_) => "article_unknown_revision",
            Self::NotAUser => "feedback_not_a_user",
        }
    }
}

/// Begins an article, as a draft with its first revision.
pub fn write(
    actor: &Actor,
    tenant: TenantId,
    spec: ArticleSpec,
    stamp: &Stamp<'_>,
) -> Result<(Transition<Article, ArticleEvent>, Revision), ArticleRefusal> {
    if spec.body.trim().is_empty() {
        return Err(ArticleRefusal::Blank);
    }
    let article = Article {
        id: stamp.id(),
        tenant,
        version: Version::NEW,
        slug: spec.slug,
        revision: 1,
        title: spec.title,
        body: spec.body,
        category: spec.category,
        visibility: spec.visibility,
        language: spec.language,
        state: ArticleState::Draft,
        created_at: stamp.at(),
        updated_at: stamp.at(),
    };
    let revision = revision_of(&article, actor, stamp);
    Ok((Transition::new(article, ArticleEvent::Written), revision))
}

fn revision_of(article: &Article, actor: &Actor, stamp: &Stamp<'_>) -> Revision {
    Revision {
        tenant: article.tenant,
        article: article.id,
        number: article.revision,
        title: article.title.clone(),
        body: article.body.clone(),
        author: actor.user(),
        created_at: stamp.at(),
    }
}

/// Changes an article. A new title or text makes a revision; a change that changes nothing is no event.
pub fn edit(
    actor: &Actor,
    article: Article,
    change: ArticleChange,
    stamp: &Stamp<'_>,
) -> Result<(Transition<Article, ArticleEvent>, Option<Revision>), ArticleRefusal> {
    let mut next = article.clone();
    next.title = change.title.unwrap_or(next.title);
    next.body = change.body.unwrap_or(next.body);
    next.category = change.category.or(next.category);
    next.visibility = change.visibility.unwrap_or(next.visibility);
    next.language = change.language.or(next.language);
    if next.body.trim().is_empty() {
        return Err(ArticleRefusal::Blank);
    }
    if next == article {
        return Ok((Transition::unchanged(article), None));
    }
    next.updated_at = stamp.at();
    let mut revision = None;
    if next.title != article.title || next.body != article.body {
        next.revision = article.revision.saturating_add(1);
        revision = Some(revision_of(&next, actor, stamp));
    }
    let event = ArticleEvent::Edited { revision: next.revision };
    Ok((Transition::new(next, event), revision))
}

/// Makes the text of `earlier` current again, as a new revision, so that history only grows.
pub fn roll_back(
    actor: &Actor,
    article: Article,
    earlier: &Revision,
    stamp: &Stamp<'_>,
) -> Result<(Transition<Article, ArticleEvent>, Revision), ArticleRefusal> {
    if earlier.article != article.id || earlier.number >= article.revision {
        return Err(ArticleRefusal::UnknownRevision(earlier.number));
    }
    let next = Article {
        title: earlier.title.clone(),
        body: earlier.body.clone(),
        revision: article.revision.saturating_add(1),
        updated_at: stamp.at(),
        ..article
    };
    let revision = revision_of(&next, actor, stamp);
    let event = ArticleEvent::RolledBack { to: earlier.number, revision: next.revision };
    Ok((Transition::new(next, event), revision))
}

/// Publishes, archives or takes back an article; the present state again is no event.
pub fn change_state(
    mut article: Article,
    to: ArticleState,
    stamp: &Stamp<'_>,
) -> Transition<Article, ArticleEvent> {
    let from = article.state;
    if from == to {
        return Transition::unchanged(article);
    }
    article.state = to;
    article.updated_at = stamp.at();
    Transition::new(article, ArticleEvent::StateChanged { from, to })
}

/// Cuts the current revision into chunks with fresh ids.
pub fn cut(article: &Article, stamp: &Stamp<'_>) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    for (ordinal, passage) in split_markdown(&article.body).into_iter().enumerate() {
        let text = article.body.get(passage.range.clone()).unwrap_or_default().to_owned();
        chunks.push(Chunk {
            id: stamp.id(),
            tenant: article.tenant,
            article: article.id,
            revision: article.revision,
            ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
            heading: passage.heading,
            start: u32::try_from(passage.range.start).unwrap_or(u32::MAX),
            end: u32::try_from(passage.range.end).unwrap_or(u32::MAX),
            text,
        });
    }
    chunks
}

/// Records whether something helped a user.
pub fn give_feedback(
    actor: &Actor,
    target: FeedbackTarget,
    helpful: bool,
    comment: Option<Note>,
    stamp: &Stamp<'_>,
) -> Result<Transition<Feedback, FeedbackEvent>, ArticleRefusal> {
    let user = actor.user().ok_or(ArticleRefusal::NotAUser)?;
    let feedback = Feedback {
        id: stamp.id(),
        tenant: actor.tenant,
        target,
        user,
        helpful,
        comment,
        created_at: stamp.at(),
    };
    Ok(Transition::new(feedback, FeedbackEvent::Given { target, helpful }))
}
