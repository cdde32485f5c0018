//! The event feed, and the knowledge index that follows it.

use std::collections::BTreeSet;

use crate::{
    access::{Action, Actor, Resource, Scope},
    app::{AutoCrm, Result, handle::authorise, meaning::Meaning},
    change::{EntityRef, EventRecord, Position},
    id::{ArticleId, TenantId},
    knowledge::Article,
    port::{IndexChange, IndexedChunk, TextIndex},
};

/// How many events the index reads at once.
const BATCH: u16 = 1_000;
/// How many tenants are listed at once.
const TENANTS: u16 = 200;

/// The event feed and the index that follows it.
#[derive(Debug, Clone)]
pub struct Feed {
    crm: AutoCrm,
}

impl Feed {
    pub(super) fn new(crm: AutoCrm) -> Self {
        Self { crm }
    }

    /// Returns up to `limit` (1..=1000) events of the tenant after a position; administrators only.
    pub async fn events(&self, actor: &Actor, after: Position, limit: u16) -> Result<Vec<EventRecord>> {
        authorise(actor, Action::ReadFeed, &Resource::Tenant(actor.tenant), "tenant")?;
        Ok(self.crm.store().events(&Scope::of(actor), after, limit).await?)
    }

    /// Lets the indexes, by words and by meaning, catch up with the feed of every tenant. Without an index nothing
    /// happens. What is embedded is stored every few hundred passages, so that an interruption costs little; words are
    /// up to date all the while.
    pub async fn sync_index(&self) -> Result<()> {
        self.sync_words().await?;
        let Some(meaning) = self.crm.meaning() else { return Ok(()) };
        while self.advance_meaning(meaning).await? {
            self.sync_words().await?;
        }
        meaning.drop_earlier().await
    }

    async fn sync_words(&self) -> Result<()> {
        let Some(index) = self.crm.index() else { return Ok(()) };
        let mut after = None;
        loop {
            let tenants = self.crm.store().tenants(after, TENANTS).await?;
            for tenant in &tenants {
                self.sync_tenant(index, *tenant).await?;
            }
            match tenants.last() {
                Some(last) if tenants.len() == usize::from(TENANTS) => after = Some(*last),
                _ => return Ok(()),
            }
        }
    }

    /// Goes one step in every tenant. Returns whether there is more to do.
    async fn advance_meaning(&self, meaning: &Meaning) -> Result<bool> {
        let (mut after, mut more) = (None, false);
        loop {
            let tenants = self.crm.store().tenants(after, TENANTS).await?;
            for tenant in &tenants {
                more |= meaning.advance(&self.crm, *tenant).await?;
            }
            match tenants.last() {
                Some(last) if tenants.len() == usize::from(TENANTS) => after = Some(*last),
                _ => return Ok(more),
            }
        }
    }

    /// Forgets the indexes and builds them anew from the feed.
    pub async fn rebuild_index(&self) -> Result<()> {
        if let Some(index) = self.crm.index() {
            index.clear().await?;
        }
        if let Some(meaning) = self.crm.meaning() {
            meaning.clear().await?;
        }
        self.sync_index().await
    }

    async fn sync_tenant(&self, index: &dyn TextIndex, tenant: TenantId) -> Result<()> {
        let scope = Scope::tenant_wide(tenant);
        let mut cursor = index.cursor(tenant).await?;
        let head = self.crm.store().head(&scope).await?;
        if cursor > head {
            // The database went back in time (a restored backup): what the index knows is no longer true.
            tracing::warn!(%tenant, "the index is ahead of the feed and is built anew");
            index.clear().await?;
            cursor = Position::START;
        }
        while cursor < head {
            let events = self.crm.store().events(&scope, cursor, BATCH).await?;
            let Some(last) = events.last() else { return Ok(()) };
            cursor = last.position;
            let mut touched: BTreeSet<ArticleId> = BTreeSet::new();
            for event in &events {
                if let EntityRef::Article(article) = event.subject {
                    touched.insert(article);
                }
            }
            let mut changes = Vec::with_capacity(touched.len());
            for article in touched {
                changes.push(self.present_state(&scope, article).await?);
            }
            index.apply(tenant, &changes, cursor).await?;
        }
        Ok(())
    }

    /// Reads the article as it is now, not as it was at the event: later events then change nothing.
    async fn present_state(&self, scope: &Scope, id: ArticleId) -> Result<IndexChange> {
        let article = self.crm.store().article(scope, id).await?;
        let Some(article) = article.filter(Article::is_published) else {
            return Ok(IndexChange::Remove { article: id });
        };
        let chunks = self.crm.store().article_chunks(scope, id).await?;
        Ok(IndexChange::Replace {
            article: id,
            title: article.title.into_string(),
            visibility: article.visibility,
            language: article.language,
            chunks: chunks
                .into_iter()
                .map(|chunk| IndexedChunk { id: chunk.id, heading: chunk.heading, text: chunk.text })
                .collect(),
        })
    }
}
