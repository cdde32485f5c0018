//! The wrapper behind every broken store: forwards all operations, except those that its fault takes over.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    access::{Actor, Scope, View},
    change::{ChangeSet, EventRecord, IdempotencyKey, JobRecord, LeaseToken, LeasedJob, Position, Receipt},
    clock::Timestamp,
    conversation::{Message, Template},
    error::Result,
    id::{
        ArticleId, ChunkId, JobId, MailId, MessageId, NotificationId, OutboundId, TeamId, TemplateId,
        TenantId, TicketId, UserId,
    },
    knowledge::{Article, ArticleFilter, Chunk, FeedbackTarget, FeedbackTotals, Revision},
    mail::{BlobHash, Correspondent, InboundMail, MailRef, MessageIdHeader, OutboundMail},
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

/// A store with a fault.
pub(crate) struct Twin<F> {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) fault: Arc<F>,
}

/// Hands every operation of a store to another macro: those that take a scope, and the rest.
macro_rules! store_operations {
    ($use:ident) => {
        $use! {
            Committer {
                scoped {}
                plain {
                    commit(changes: &ChangeSet) -> Result<Receipt>;
                    receipt(key: &IdempotencyKey) -> Result<Option<Receipt>>;
                }
            }
            TenantReader {
                scoped {
                    tenant() -> Result<Option<Tenant>>;
                    scheme() -> Result<Option<Scheme>>;
                }
                plain {
                    tenants(after: Option<TenantId>, limit: u16) -> Result<Vec<TenantId>>;
                    tenant_by_address(address: &EmailAddress) -> Result<Option<TenantId>>;
                }
            }
            UserReader {
                scoped {
                    user(id: UserId) -> Result<Option<User>>;
                    user_by_email(email: &EmailAddress) -> Result<Option<User>>;
                    user_by_external_id(id: &ExternalId) -> Result<Option<User>>;
                    users(filter: &UserFilter, page: &PageRequest) -> Result<Page<User>>;
                }
                plain {}
            }
            TeamReader {
                scoped {
                    team(id: TeamId) -> Result<Option<Team>>;
                    teams() -> Result<Vec<Team>>;
                }
                plain {}
            }
            TicketReader {
                scoped {
                    ticket(id: TicketId) -> Result<Option<Ticket>>;
                    ticket_by_number(number: TicketNumber) -> Result<Option<Ticket>>;
                    tickets(filter: &TicketFilter, page: &PageRequest) -> Result<Page<Ticket>>;
                    loads(agents: &[UserId]) -> Result<Vec<(UserId, u32)>>;
                    routing(ticket: TicketId) -> Result<Option<RoutingDecision>>;
                    deleted_ticket(id: TicketId) -> Result<Option<Ticket>>;
                }
                plain {}
            }
            ConversationReader {
                scoped {
                    message(id: MessageId) -> Result<Option<Message>>;
                    messages(ticket: TicketId, page: &PageRequest) -> Result<Page<Message>>;
                    template(id: TemplateId) -> Result<Option<Template>>;
                    templates(page: &PageRequest) -> Result<Page<Template>>;
                }
                plain {}
            }
            KnowledgeReader {
                scoped {
                    article(id: ArticleId) -> Result<Option<Article>>;
                    article_by_slug(slug: &Key) -> Result<Option<Article>>;
                    articles(filter: &ArticleFilter, page: &PageRequest) -> Result<Page<Article>>;
                    revisions(article: ArticleId, page: &PageRequest) -> Result<Page<Revision>>;
                    revision(article: ArticleId, number: u32) -> Result<Option<Revision>>;
                    chunks(ids: &[ChunkId]) -> Result<Vec<Chunk>>;
                    article_chunks(article: ArticleId) -> Result<Vec<Chunk>>;
                    feedback(target: FeedbackTarget) -> Result<FeedbackTotals>;
                }
                plain {}
            }
            MailReader {
                scoped {
                    inbound(id: MailId) -> Result<Option<InboundMail>>;
                    inbound_by_raw(recipient: &EmailAddress, raw: BlobHash) -> Result<Option<InboundMail>>;
                    inbound_by_provider(provider_id: &ExternalId) -> Result<Option<InboundMail>>;
                    outbound(id: OutboundId) -> Result<Option<OutboundMail>>;
                    outbounds(after: OutboundId, limit: u16) -> Result<Vec<OutboundMail>>;
                    mail_refs(ids: &[MessageIdHeader]) -> Result<Vec<MailRef>>;
                    ticket_mail_refs(ticket: TicketId, limit: u16) -> Result<Vec<MailRef>>;
                    outlying_raws(ticket: TicketId) -> Result<Vec<BlobHash>>;
                    raw(hash: BlobHash) -> Result<Option<Bytes>>;
                }
                plain {}
            }
            CorrespondentReader {
                scoped {
                    correspondent(address: &EmailAddress) -> Result<Option<Correspondent>>;
                    suppressed(page: &PageRequest) -> Result<Page<Correspondent>>;
                    acknowledged_since(since: Timestamp) -> Result<u64>;
                }
                plain {}
            }
            NotificationReader {
                scoped {
                    notification(id: NotificationId) -> Result<Option<Notification>>;
                    notifications(page: &PageRequest) -> Result<Page<Notification>>;
                }
                plain {}
            }
            MetricsReader {
                scoped {
                    agent_stats(agent: UserId, frame: TimeFrame) -> Result<AgentStats>;
                }
                plain {}
            }
            EventReader {
                scoped {
                    events(after: Position, limit: u16) -> Result<Vec<EventRecord>>;
                    head() -> Result<Position>;
                    ticket_events(ticket: TicketId, after: Position, limit: u16) -> Result<Vec<EventRecord>>;
                }
                plain {}
            }
            TicketIndex {
                scoped {
                    search_tickets(query: &TicketQuery, page: &PageRequest) -> Result<Page<TicketHit>>;
                }
                plain {}
            }
            JobQueue {
                scoped {
                    depth(now: Timestamp) -> Result<QueueDepth>;
                    dead(page: &PageRequest) -> Result<Page<JobRecord>>;
                    inspect(id: JobId) -> Result<Option<JobRecord>>;
                    requeue(id: JobId, now: Timestamp) -> Result<()>;
                }
                plain {
                    claim(request: &ClaimRequest) -> Result<Vec<LeasedJob>>;
                    extend(job: JobId, token: LeaseToken, until: Timestamp) -> Result<()>;
                    release(job: JobId, token: LeaseToken) -> Result<()>;
                    changed() -> ();
                    next_due() -> Result<Option<Timestamp>>;
                }
            }
        }
    };
}

macro_rules! fault {
    ($($port:ident {
        scoped { $($scoped:ident($($a:ident: $at:ty),*) -> $ao:ty;)* }
        plain { $($plain:ident($($b:ident: $bt:ty),*) -> $bo:ty;)* }
    })+) => {
        /// What a broken store does otherwise; every operation that a fault does not define is forwarded.
        #[async_trait]
        pub(crate) trait Fault: Send + Sync + 'static {
            $($(
                async fn $scoped(&self, store: &dyn Store, scope: &Scope $(, $a: $at)*) -> $ao {
                    store.$scoped(scope $(, $a)*).await
                }
            )*
            $(
                async fn $plain(&self, store: &dyn Store $(, $b: $bt)*) -> $bo {
                    store.$plain($($b),*).await
                }
            )*)+
        }

        $(
            #[async_trait]
            impl<F: Fault> $port for Twin<F> {
                $(
                    async fn $scoped(&self, scope: &Scope $(, $a: $at)*) -> $ao {
                        self.fault.$scoped(&*self.store, scope $(, $a)*).await
                    }
                )*
                $(
                    async fn $plain(&self $(, $b: $bt)*) -> $bo {
                        self.fault.$plain(&*self.store $(, $b)*).await
                    }
                )*
            }
        )+

        /// The operations that take a scope.
        pub(crate) const SCOPED: &[&str] = &[$($(stringify!($scoped),)*)+];

        /// Ignores the scope in one operation and shows the whole tenant.
        pub(crate) struct ScopeIgnored(pub(crate) &'static str);

        #[async_trait]
        impl Fault for ScopeIgnored {
            $($(
                async fn $scoped(&self, store: &dyn Store, scope: &Scope $(, $a: $at)*) -> $ao {
                    if self.0 != stringify!($scoped) {
                        return store.$scoped(scope $(, $a)*).await;
                    }
                    store.$scoped(&Scope::tenant_wide(scope.tenant()) $(, $a)*).await
                }
            )*)+
        }

        /// Shows another tenant's rows in one operation, where the own tenant has none.
        pub(crate) struct TenantLeaked(pub(crate) &'static str);

        #[async_trait]
        impl Fault for TenantLeaked {
            $($(
                async fn $scoped(&self, store: &dyn Store, scope: &Scope $(, $a: $at)*) -> $ao {
                    let own = store.$scoped(scope $(, $a)*).await;
                    if self.0 != stringify!($scoped) || !own.is_nothing() {
                        return own;
                    }
                    for tenant in store.tenants(None, 100).await? {
                        let foreign = store.$scoped(&same_view(scope, tenant) $(, $a)*).await;
                        if !foreign.is_nothing() {
                            return foreign;
                        }
                    }
                    own
                }
            )*)+
        }
    };
}

store_operations!(fault);

fn same_view(scope: &Scope, tenant: TenantId) -> Scope {
    match scope.view() {
        View::Customer(user) => Scope::customer(tenant, *user),
        View::Agent { user, teams } => Scope::of(&Actor::agent(tenant, *user, teams.clone())),
        View::Tenant => Scope::tenant_wide(tenant),
    }
}

/// An answer that shows nothing.
trait Nothing {
    fn is_nothing(&self) -> bool;
}

impl Nothing for u64 {
    fn is_nothing(&self) -> bool {
        *self == 0
    }
}

impl<T: Nothing> Nothing for Result<T> {
    fn is_nothing(&self) -> bool {
        self.as_ref().map_or(true, Nothing::is_nothing)
    }
}

impl<T> Nothing for Option<T> {
    fn is_nothing(&self) -> bool {
        self.is_none()
    }
}

impl<T> Nothing for Vec<T> {
    fn is_nothing(&self) -> bool {
        self.is_empty()
    }
}

impl<T> Nothing for Page<T> {
    fn is_nothing(&self) -> bool {
        self.items.is_empty()
    }
}

impl Nothing for () {
    fn is_nothing(&self) -> bool {
        false
    }
}

macro_rules! nothing_by_default {
    ($($answer:ty)+) => {
        $(impl Nothing for $answer {
            fn is_nothing(&self) -> bool {
                *self == Self::default()
            }
        })+
    };
}

nothing_by_default!(AgentStats FeedbackTotals Position QueueDepth);
