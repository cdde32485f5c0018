//! A store that fails on command.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    access::Scope,
    blob::BlobHash,
    change::{ChangeSet, EventRecord, IdempotencyKey, JobRecord, LeaseToken, LeasedJob, Position, Receipt},
    clock::Timestamp,
    conversation::{Message, Template},
    error::{Error, ErrorKind, Result},
    id::{
        ArticleId, ChunkId, JobId, MailId, MessageId, NotificationId, OutboundId, TeamId, TemplateId,
        TenantId, TicketId, UserId,
    },
    knowledge::{Article, ArticleFilter, Chunk, FeedbackTarget, FeedbackTotals, Revision},
    mail::{Correspondent, InboundMail, MailRef, MessageIdHeader, OutboundMail},
    metrics::{AgentStats, TimeFrame},
    notify::Notification,
    page::{Page, PageRequest},
    port::{
        ClaimRequest, Committer, ConversationReader, CorrespondentReader, EventReader, JobQueue,
        KnowledgeReader, MailReader, MetricsReader, NotificationReader, QueueDepth, Store, TeamReader,
        TenantReader, TicketHit, TicketIndex, TicketReader, UserReader,
    },
    routing::RoutingDecision,
    team::Team,
    tenant::Tenant,
    text::{EmailAddress, ExternalId, Key},
    ticket::{Scheme, Ticket, TicketFilter, TicketNumber, TicketQuery},
    user::{User, UserFilter},
};

/// When a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before it has any effect.
    Before,
    /// After its effect: the caller does not learn that it succeeded.
    After,
}

#[derive(Debug, Clone, Copy)]
struct Fault {
    operation: &'static str,
    /// How many calls still pass.
    passing: u64,
    moment: Moment,
    kind: ErrorKind,
}

/// A store that fails on command and passes everything else on. Clones share the commands.
#[derive(Clone)]
pub struct FailingStore {
    inner: Arc<dyn Store>,
    faults: Arc<Mutex<Vec<Fault>>>,
}

impl FailingStore {
    /// Returns a store that passes everything on.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, faults: Arc::default() }
    }

    /// Makes the `nth` call from now on (from 1) of an operation fail, once. The operation is named as its method.
    pub fn fail(&self, operation: &'static str, nth: u64, moment: Moment, kind: ErrorKind) {
        let fault = Fault { operation, passing: nth.saturating_sub(1), moment, kind };
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// Returns how many failures were ordered and have not happened.
    pub fn pending(&self) -> usize {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Counts a call and returns the failure that is due with it.
    fn due(&self, operation: &'static str) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = None;
        faults.retain_mut(|fault| {
            if fault.operation != operation {
                return true;
            }
            if fault.passing == 0 && due.is_none() {
                due = Some(*fault);
                return false;
            }
            fault.passing = fault.passing.saturating_sub(1);
            true
        });
        due
    }
}

impl fmt::Debug for FailingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailingStore").field("pending", &self.pending()).finish_non_exhaustive()
    }
}

impl Fault {
    fn raise(self, moment: Moment) -> Result<()> {
        if self.moment != moment {
            return Ok(());
        }
        Err(Error::new(self.kind, self.operation).context("ordered by the test"))
    }
}

/// Implements ports by passing every call on, with the failure that is due before or after it.
macro_rules! pass_on {
    ($($port:ident { $(fn $name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)+ $(wait $wait:ident;)? })+) => {$(
        #[async_trait]
        impl $port for FailingStore {
            $(async fn $name(&self, $($argument: $kind),*) -> Result<$answer> {
                let fault = self.due(stringify!($name));
                fault.map_or(Ok(()), |fault| fault.raise(Moment::Before))?;
                let answer = self.inner.$name($($argument),*).await?;
                fault.map_or(Ok(()), |fault| fault.raise(Moment::After))?;
                Ok(answer)
            })+

            $(async fn $wait(&self) {
                self.inner.$wait().await;
            })?
        }
    )+};
}

pass_on! {
    Committer {
        fn commit(changes: &ChangeSet) -> Receipt;
        fn receipt(key: &IdempotencyKey) -> Option<Receipt>;
    }
    TenantReader {
        fn tenant(scope: &Scope) -> Option<Tenant>;
        fn scheme(scope: &Scope) -> Option<Scheme>;
        fn tenants(after: Option<TenantId>, limit: u16) -> Vec<TenantId>;
        fn tenant_by_address(address: &EmailAddress) -> Option<TenantId>;
    }
    UserReader {
        fn user(scope: &Scope, id: UserId) -> Option<User>;
        fn user_by_email(scope: &Scope, email: &EmailAddress) -> Option<User>;
        fn user_by_external_id(scope: &Scope, id: &ExternalId) -> Option<User>;
        fn users(scope: &Scope, filter: &UserFilter, page: &PageRequest) -> Page<User>;
    }
    TeamReader {
        fn team(scope: &Scope, id: TeamId) -> Option<Team>;
        fn teams(scope: &Scope) -> Vec<Team>;
    }
    TicketReader {
        fn ticket(scope: &Scope, id: TicketId) -> Option<Ticket>;
        fn ticket_by_number(scope: &Scope, number: TicketNumber) -> Option<Ticket>;
        fn tickets(scope: &Scope, filter: &TicketFilter, page: &PageRequest) -> Page<Ticket>;
        fn loads(scope: &Scope, agents: &[UserId]) -> Vec<(UserId, u32)>;
        fn routing(scope: &Scope, ticket: TicketId) -> Option<RoutingDecision>;
        fn deleted_ticket(scope: &Scope, id: TicketId) -> Option<Ticket>;
    }
    ConversationReader {
        fn message(scope: &Scope, id: MessageId) -> Option<Message>;
        fn messages(scope: &Scope, ticket: TicketId, page: &PageRequest) -> Page<Message>;
        fn template(scope: &Scope, id: TemplateId) -> Option<Template>;
        fn templates(scope: &Scope, page: &PageRequest) -> Page<Template>;
    }
    KnowledgeReader {
        fn article(scope: &Scope, id: ArticleId) -> Option<Article>;
        fn article_by_slug(scope: &Scope, slug: &Key) -> Option<Article>;
        fn articles(scope: &Scope, filter: &ArticleFilter, page: &PageRequest) -> Page<Article>;
        fn revisions(scope: &Scope, article: ArticleId, page: &PageRequest) -> Page<Revision>;
        fn revision(scope: &Scope, article: ArticleId, number: u32) -> Option<Revision>;
        fn chunks(scope: &Scope, ids: &[ChunkId]) -> Vec<Chunk>;
        fn article_chunks(scope: &Scope, article: ArticleId) -> Vec<Chunk>;
        fn feedback(scope: &Scope, target: FeedbackTarget) -> FeedbackTotals;
    }
    MailReader {
        fn inbound(scope: &Scope, id: MailId) -> Option<InboundMail>;
        fn inbound_by_raw(scope: &Scope, recipient: &EmailAddress, raw: BlobHash) -> Option<InboundMail>;
        fn inbound_by_provider(scope: &Scope, provider_id: &ExternalId) -> Option<InboundMail>;
        fn outbound(scope: &Scope, id: OutboundId) -> Option<OutboundMail>;
        fn outbounds(scope: &Scope, after: OutboundId, limit: u16) -> Vec<OutboundMail>;
        fn mail_refs(scope: &Scope, ids: &[MessageIdHeader]) -> Vec<MailRef>;
        fn ticket_mail_refs(scope: &Scope, ticket: TicketId, limit: u16) -> Vec<MailRef>;
        fn outlying_raws(scope: &Scope, ticket: TicketId) -> Vec<BlobHash>;
        fn raw(scope: &Scope, hash: BlobHash) -> Option<Bytes>;
    }
    CorrespondentReader {
        fn correspondent(scope: &Scope, address: &EmailAddress) -> Option<Correspondent>;
        fn suppressed(scope: &Scope, page: &PageRequest) -> Page<Correspondent>;
        fn acknowledged_since(scope: &Scope, since: Timestamp) -> u64;
    }
    NotificationReader {
        fn notification(scope: &Scope, id: NotificationId) -> Option<Notification>;
        fn notifications(scope: &Scope, page: &PageRequest) -> Page<Notification>;
    }
    MetricsReader {
        fn agent_stats(scope: &Scope, agent: UserId, frame: TimeFrame) -> AgentStats;
    }
    EventReader {
        fn events(scope: &Scope, after: Position, limit: u16) -> Vec<EventRecord>;
        fn head(scope: &Scope) -> Position;
        fn ticket_events(scope: &Scope, ticket: TicketId, after: Position, limit: u16) -> Vec<EventRecord>;
    }
    JobQueue {
        fn claim(request: &ClaimRequest) -> Vec<LeasedJob>;
        fn extend(job: JobId, token: LeaseToken, until: Timestamp) -> ();
        fn release(job: JobId, token: LeaseToken) -> ();
        fn next_due() -> Option<Timestamp>;
        fn depth(scope: &Scope, now: Timestamp) -> QueueDepth;
        fn dead(scope: &Scope, page: &PageRequest) -> Page<JobRecord>;
        fn inspect(scope: &Scope, id: JobId) -> Option<JobRecord>;
        fn requeue(scope: &Scope, id: JobId, now: Timestamp) -> ();
        wait changed;
    }
    TicketIndex {
        fn search_tickets(scope: &Scope, query: &TicketQuery, page: &PageRequest) -> Page<TicketHit>;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{memory::MemoryStore, testing::Scene};

    #[tokio::test]
    async fn it_fails_the_call_that_was_named_and_no_other() {
        let inner = MemoryStore::new();
        let store = FailingStore::new(Arc::new(inner.clone()));
        let scene = Scene::new(1);
        let scope = Scope::tenant_wide(scene.tenant_id());
        store.fail("commit", 2, Moment::Before, ErrorKind::Unavailable);
        store.fail("commit", 3, Moment::After, ErrorKind::Timeout);
        store.commit(&scene.found("Acme", None).0).await.unwrap();
        let (set, ann) = scene.customer("Ann");
        assert_eq!(store.commit(&set).await.unwrap_err().kind(), ErrorKind::Unavailable);
        assert!(inner.user(&scope, ann.id).await.unwrap().is_none());
        assert_eq!(store.commit(&set).await.unwrap_err().kind(), ErrorKind::Timeout);
        assert_eq!(inner.user(&scope, ann.id).await.unwrap(), Some(ann));
        assert_eq!(store.pending(), 0);
        store.commit(&scene.customer("Ben").0).await.unwrap();
    }
}
