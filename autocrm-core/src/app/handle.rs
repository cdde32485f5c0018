//! The handle: a bag of adapters.

use std::{fmt, sync::Arc};

use crate::{
    access::{Action, Actor, Decision, DenyReason, Resource, Scope, decide},
    app::{
        Admin, AgentWorkspace, AiAgent, AutoCrmBuilder, Conversations, CustomerPortal, Error, Feed, Jobs,
        Knowledge, Mailbox, Result, TicketProcessor, Tickets, awaited::AwaitedEvents, meaning::Meaning,
        scheme::RememberedSchemes,
    },
    change::ChangeSet,
    clock::{Clock, Stamp},
    id::{IdSource, TenantId, UserId},
    mail::MailKeys,
    port::{
        BlobStore, Classifier, LanguageDetector, LanguageModel, MailParser, Mailer, SenderVerifier, Store,
        Templates, TextIndex,
    },
    tenant::{Tenant, TriggerSet},
    ticket::Scheme,
    user::Role,
};

/// Thresholds and limits of the assistant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The confidence from which an answer may leave by itself, 0..=1.
    pub send_threshold: f32,
    /// The confidence from which a ticket is given the classifier's category, 0..=1.
    pub category_threshold: f32,
    /// How many passages an answer may rest on, 1..=50.
    pub passages: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { send_threshold: 0.6, category_threshold: 0.3, passages: 8 }
    }
}

impl Settings {
    pub(super) fn is_valid(&self) -> bool {
        let share = 0.0..=1.0;
        share.contains(&self.send_threshold)
            && share.contains(&self.category_threshold)
            && (1..=50).contains(&self.passages)
    }
}

pub(super) struct Handles {
    pub(super) store: Arc<dyn Store>,
    pub(super) blobs: Option<Arc<dyn BlobStore>>,
    pub(super) index: Option<Arc<dyn TextIndex>>,
    pub(super) meaning: Option<Meaning>,
    pub(super) detector: Option<Arc<dyn LanguageDetector>>,
    pub(super) classifier: Option<Arc<dyn Classifier>>,
    pub(super) model: Option<Arc<dyn LanguageModel>>,
    pub(super) parser: Option<Arc<dyn MailParser>>,
    pub(super) verifier: Option<Arc<dyn SenderVerifier>>,
    pub(super) mailer: Option<Arc<dyn Mailer>>,
    pub(super) templates: Option<Arc<dyn Templates>>,
    pub(super) awaited: AwaitedEvents,
    pub(super) mail_keys: Option<MailKeys>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn IdSource>,
    pub(super) settings: Settings,
    pub(super) schemes: RememberedSchemes,
}

/// The helpdesk, as a host holds it: cheap to clone, safe to share.
#[derive(Clone)]
pub struct AutoCrm {
    handles: Arc<Handles>,
}

impl fmt::Debug for AutoCrm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AutoCrm").field("settings", &self.handles.settings).finish_non_exhaustive()
    }
}

impl AutoCrm {
    /// Returns a builder.
    pub fn builder() -> AutoCrmBuilder {
        AutoCrmBuilder::default()
    }

    pub(super) fn from_handles(handles: Handles) -> Self {
        Self { handles: Arc::new(handles) }
    }

    /// Returns the commands on tickets by the names of the specification.
    pub fn processor(&self) -> TicketProcessor {
        TicketProcessor::new(self.clone())
    }

    /// Returns the reads of tickets, routing decisions and timelines.
    pub fn tickets(&self) -> Tickets {
        Tickets::new(self.clone())
    }

    /// Returns the commands on conversations.
    pub fn conversations(&self) -> Conversations {
        Conversations::new(self.clone())
    }

    /// Returns the assistant.
    pub fn agent(&self) -> AiAgent {
        AiAgent::new(self.clone())
    }

    /// Returns what a customer does.
    pub fn portal(&self, customer: Actor) -> CustomerPortal {
        CustomerPortal::new(self.clone(), customer)
    }

    /// Returns what an agent does.
    pub fn workspace(&self, agent: Actor) -> AgentWorkspace {
        AgentWorkspace::new(self.clone(), agent)
    }

    /// Returns the commands on the knowledge base.
    pub fn knowledge(&self) -> Knowledge {
        Knowledge::new(self.clone())
    }

    /// Returns the way in for mail.
    pub fn mailbox(&self) -> Mailbox {
        Mailbox::new(self.clone())
    }

    /// Returns the commands on tenants, users, teams, schemes and templates.
    pub fn admin(&self) -> Admin {
        Admin::new(self.clone())
    }

    /// Returns the event feed and the index that follows it.
    pub fn feed(&self) -> Feed {
        Feed::new(self.clone())
    }

    /// Returns the operator's view of the job queue.
    pub fn jobs(&self) -> Jobs {
        Jobs::new(self.clone())
    }

    /// Returns the database.
    pub fn store(&self) -> &dyn Store {
        &*self.handles.store
    }

    /// Returns the thresholds and limits.
    pub fn settings(&self) -> Settings {
        self.handles.settings
    }

    /// Returns the stamp of a decision made now.
    pub(crate) fn stamp(&self) -> Stamp<'_> {
        Stamp::new(self.handles.clock.now(), &*self.handles.ids)
    }

    pub(crate) fn blobs(&self) -> Option<&dyn BlobStore> {
        self.handles.blobs.as_deref()
    }

    pub(crate) fn index(&self) -> Option<&dyn TextIndex> {
        self.handles.index.as_deref()
    }

    pub(super) fn meaning(&self) -> Option<&Meaning> {
        self.handles.meaning.as_ref()
    }

    pub(crate) fn detector(&self) -> Option<&dyn LanguageDetector> {
        self.handles.detector.as_deref()
    }

    pub(crate) fn classifier(&self) -> Option<&dyn Classifier> {
        self.handles.classifier.as_deref()
    }

    pub(crate) fn model(&self) -> Option<&dyn LanguageModel> {
        self.handles.model.as_deref()
    }

    pub(crate) fn parser(&self) -> Result<&dyn MailParser> {
        self.handles.parser.as_deref().ok_or(Error::NoAdapter { adapter: "mail parser" })
    }

    pub(crate) fn verifier(&self) -> Option<&dyn SenderVerifier> {
        self.handles.verifier.as_deref()
    }

    pub(crate) fn mailer(&self) -> Result<&dyn Mailer> {
        self.handles.mailer.as_deref().ok_or(Error::NoAdapter { adapter: "mailer" })
    }

    pub(crate) fn templates(&self) -> Result<&dyn Templates> {
        self.handles.templates.as_deref().ok_or(Error::NoAdapter { adapter: "templates" })
    }

    /// Returns an empty change set whose events wake the tenant's triggers. Every change set that writes tickets or
    /// messages begins here.
    pub(crate) fn changes(&self, actor: &Actor, stamp: &Stamp<'_>) -> ChangeSet {
        let awaited = match &self.handles.templates {
            Some(_) => self.handles.awaited.of(actor.tenant, stamp.at()),
            None => TriggerSet::NONE,
        };
        ChangeSet::new(actor, stamp).awaiting(awaited)
    }

    /// Takes note of what a tenant's triggers wait for, as it was just loaded.
    pub(super) fn remember_triggers(&self, tenant: &Tenant) {
        self.handles.awaited.note(tenant, self.stamp().at());
    }

    pub(crate) fn mail_keys(&self) -> Option<&MailKeys> {
        self.handles.mail_keys.as_ref()
    }

    /// Returns the actor that `user` is at this moment: role and teams are read anew, so that a change of either is
    /// effective with the next command. Inactive and unknown users are not found.
    pub async fn actor(&self, tenant: TenantId, user: UserId) -> Result<Actor> {
        let scope = Scope::tenant_wide(tenant);
        let record = self.store().user(&scope, user).await?.filter(|record| record.active);
        match record.ok_or(Error::NotFound { what: "user" })?.role {
            Role::Customer => Ok(Actor::customer(tenant, user)),
            Role::Admin => Ok(Actor::admin(tenant, user)),
            Role::Agent => {
                let teams = self.store().teams(&scope).await?;
                let own =
                    teams.iter().filter(|team| team.member(user).is_some()).map(|team| team.id).collect();
                Ok(Actor::agent(tenant, user, own))
            }
        }
    }

    pub(crate) async fn tenant_of(&self, actor: &Actor) -> Result<Tenant> {
        let scope = Scope::of(actor);
        self.store().tenant(&scope).await?.ok_or(Error::NotFound { what: "tenant" })
    }

    /// Returns the scheme that was last loaded for a tenant, if any: it may have changed since, so that what is decided
    /// under it has to require its version.
    pub(super) fn remembered_scheme(&self, tenant: TenantId) -> Option<Arc<Scheme>> {
        self.handles.schemes.get(tenant)
    }

    /// Loads a tenant's scheme and remembers it.
    pub(super) async fn fresh_scheme(&self, tenant: TenantId, stamp: &Stamp<'_>) -> Result<Arc<Scheme>> {
        let scheme = Arc::new(self.scheme_of(tenant, stamp).await?);
        self.handles.schemes.put(tenant, Arc::clone(&scheme));
        Ok(scheme)
    }

    pub(crate) async fn scheme_of(&self, tenant: TenantId, stamp: &Stamp<'_>) -> Result<Scheme> {
        let scope = Scope::tenant_wide(tenant);
        Ok(self.store().scheme(&scope).await?.unwrap_or_else(|| Scheme::standard(tenant, stamp.at())))
    }
}

/// Asks the policy. What the actor does not see is answered exactly like what does not exist.
pub(crate) fn authorise(
    actor: &Actor,
    action: Action,
    resource: &Resource<'_>,
    what: &'static str,
) -> Result<()> {
    match decide(actor, action, resource) {
        Decision::Allow => Ok(()),
        Decision::Deny(DenyReason::Invisible) => Err(Error::NotFound { what }),
        Decision::Deny(DenyReason::Forbidden) => Err(Error::Denied),
    }
}
