//! Commands on the knowledge base.

use std::future::Future;

use crate::{
    access::{Action, Actor, Resource, Scope},
    app::{
        AutoCrm, Error, Planned, Result, conversation::with_ticket, handle::authorise, transact::transact,
    },
    assist::SourcePassage,
    change::{ChangeSet, EntityRef},
    clock::Stamp,
    id::ArticleId,
    knowledge::{
        Article, ArticleChange, ArticleEvent, ArticleFilter, ArticleRefusal, ArticleSpec, ArticleState,
        FeedbackTarget, FeedbackTotals, Revision, change_state, cut, edit, give_feedback, roll_back, write,
    },
    page::{Page, PageRequest},
    text::{Key, Note},
    transition::Transition,
};

/// An article found, with the passage that matches best.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArticleHit {
    /// The article.
    pub article: ArticleId,
    /// The title.
    pub title: String,
    /// The headings above the passage.
    pub heading: String,
    /// The passage.
    pub passage: String,
}

/// Returns the best passage of each article, in the order of the passages.
pub(super) fn by_article(passages: Vec<SourcePassage>, limit: usize) -> Vec<ArticleHit> {
    let mut hits: Vec<ArticleHit> = Vec::new();
    for passage in passages {
        if hits.len() < limit && !hits.iter().any(|hit| hit.article == passage.article) {
            hits.push(ArticleHit {
                article: passage.article,
                title: passage.title,
                heading: passage.heading,
                passage: passage.text,
            });
        }
    }
    hits
}

/// Commands on the knowledge base.
#[derive(Debug, Clone)]
pub struct Knowledge {
    crm: AutoCrm,
}

impl Knowledge {
    pub(super) fn new(crm: AutoCrm) -> Self {
        Self { crm }
    }

    /// Begins an article as a draft.
    pub async fn write(&self, actor: &Actor, spec: &ArticleSpec) -> Result<Article> {
        self.done(|| self.plan_write(actor, spec)).await
    }

    /// Decides [`write`](Self::write) without committing.
    pub async fn plan_write(&self, actor: &Actor, spec: &ArticleSpec) -> Result<Planned<Article>> {
        let resource =
            Resource::Article { tenant: actor.tenant, visibility: spec.visibility, published: false };
        // A draft that does not exist yet cannot be invisible: customers are told that they may not.
        authorise(actor, Action::WriteArticle, &resource, "article").map_err(|_| Error::Denied)?;
        if self.crm.store().article_by_slug(&Scope::of(actor), &spec.slug).await?.is_some() {
            return Err(ArticleRefusal::SlugTaken.into());
        }
        let stamp = self.crm.stamp();
        let (transition, revision) = write(actor, actor.tenant, spec.clone(), &stamp)?;
        Ok(plan(actor, transition, Some(revision), &stamp))
    }

    /// Changes an article; a new title or text makes a revision.
    pub async fn edit(&self, actor: &Actor, id: ArticleId, change: &ArticleChange) -> Result<Article> {
        self.done(|| self.plan_edit(actor, id, change)).await
    }

    /// Decides [`edit`](Self::edit) without committing.
    pub async fn plan_edit(
        &self,
        actor: &Actor,
        id: ArticleId,
        change: &ArticleChange,
    ) -> Result<Planned<Article>> {
        let article = self.writable(actor, id).await?;
        let stamp = self.crm.stamp();
        let (transition, revision) = edit(actor, article, change.clone(), &stamp)?;
        Ok(plan(actor, transition, revision, &stamp))
    }

    /// Makes the text of an earlier revision current again.
    pub async fn roll_back(&self, actor: &Actor, id: ArticleId, number: u32) -> Result<Article> {
        self.done(|| self.plan_roll_back(actor, id, number)).await
    }

    /// Decides [`roll_back`](Self::roll_back) without committing.
    pub async fn plan_roll_back(
        &self,
        actor: &Actor,
        id: ArticleId,
        number: u32,
    ) -> Result<Planned<Article>> {
        let article = self.writable(actor, id).await?;
        let earlier = self.crm.store().revision(&Scope::of(actor), id, number).await?;
        let earlier = earlier.ok_or(ArticleRefusal::UnknownRevision(number))?;
        let stamp = self.crm.stamp();
        let (transition, revision) = roll_back(actor, article, &earlier, &stamp)?;
        Ok(plan(actor, transition, Some(revision), &stamp))
    }

    /// Publishes, archives or takes back an article.
    pub async fn change_state(&self, actor: &Actor, id: ArticleId, to: ArticleState) -> Result<Article> {
        self.done(|| self.plan_change_state(actor, id, to)).await
    }

    /// Decides [`change_state`](Self::change_state) without committing.
    pub async fn plan_change_state(
        &self,
        actor: &Actor,
        id: ArticleId,
        to: ArticleState,
    ) -> Result<Planned<Article>> {
        let article = self.writable(actor, id).await?;
        let stamp = self.crm.stamp();
        Ok(plan(actor, change_state(article, to, &stamp), None, &stamp))
    }

    /// Records whether an article or an answer helped; a second word of the same user replaces the first.
    pub async fn give_feedback(
        &self,
        actor: &Actor,
        target: FeedbackTarget,
        helpful: bool,
        comment: Option<Note>,
    ) -> Result<()> {
        let scope = Scope::of(actor);
        match target {
            FeedbackTarget::Article { article } => {
                let article = self.get(actor, article).await?;
                authorise(actor, Action::GiveFeedback, &article.resource(), "article")?;
            }
            FeedbackTarget::Message { message } => {
                let (message, ticket) = with_ticket(&self.crm, &scope, message).await?;
                authorise(
                    actor,
                    Action::GiveFeedback,
                    &ticket.message_resource(message.audience()),
                    "message",
                )?;
            }
        }
        let settled = transact(&self.crm, None, |_| async {
            let stamp = self.crm.stamp();
            let given = give_feedback(actor, target, helpful, comment.clone(), &stamp)?;
            let mut changes = ChangeSet::new(actor, &stamp);
            changes.feedback(given, &stamp);
            Ok(Planned::new((), changes))
        })
        .await?;
        settled.into_done().map(drop)
    }

    /// Returns an article that the actor may read.
    pub async fn get(&self, actor: &Actor, id: ArticleId) -> Result<Article> {
        let found = self.crm.store().article(&Scope::of(actor), id).await?;
        found.ok_or(Error::NotFound { what: "article" })
    }

    /// Returns the article with the short name.
    pub async fn by_slug(&self, actor: &Actor, slug: &Key) -> Result<Article> {
        let found = self.crm.store().article_by_slug(&Scope::of(actor), slug).await?;
        found.ok_or(Error::NotFound { what: "article" })
    }

    /// Returns articles that the actor may read, newest first.
    pub async fn list(
        &self,
        actor: &Actor,
        filter: &ArticleFilter,
        page: &PageRequest,
    ) -> Result<Page<Article>> {
        Ok(self.crm.store().articles(&Scope::of(actor), filter, page).await?)
    }

    /// Returns the revisions of an article, first to last; staff only.
    pub async fn revisions(
        &self,
        actor: &Actor,
        id: ArticleId,
        page: &PageRequest,
    ) -> Result<Page<Revision>> {
        self.writable(actor, id).await?;
        Ok(self.crm.store().revisions(&Scope::of(actor), id, page).await?)
    }

    /// Returns how often an article or an answer helped; staff only.
    pub async fn feedback(&self, actor: &Actor, target: FeedbackTarget) -> Result<FeedbackTotals> {
        authorise(actor, Action::ReadMetrics, &Resource::Tenant(actor.tenant), "tenant")?;
        Ok(self.crm.store().feedback(&Scope::of(actor), target).await?)
    }

    async fn writable(&self, actor: &Actor, id: ArticleId) -> Result<Article> {
        let article = self.get(actor, id).await?;
        authorise(actor, Action::WriteArticle, &article.resource(), "article")?;
        Ok(article)
    }

    async fn done<F, Fut>(&self, mut decide: F) -> Result<Article>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<Planned<Article>>>,
    {
        let settled = transact(&self.crm, None, |_| decide()).await?;
        settled.into_done().map(|(article, _)| article)
    }
}

/// Writes the article and, with a new revision, its passages.
fn plan(
    actor: &Actor,
    transition: Transition<Article, ArticleEvent>,
    revision: Option<Revision>,
    stamp: &Stamp<'_>,
) -> Planned<Article> {
    let mut output = transition.state.clone();
    if !transition.events.is_empty() {
        output.version = output.version.next();
    }
    let mut changes = ChangeSet::new(actor, stamp);
    changes.article(transition, stamp).answers(EntityRef::Article(output.id));
    if let Some(revision) = revision {
        let chunks = cut(&output, stamp);
        changes.revision(revision).chunks(&output, chunks);
    }
    Planned::new(output, changes)
}
