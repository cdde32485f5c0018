//! The change set.

use crate::{
    access::{Actor, ActorRef},
    assist::AssistEvent,
    change::{
        ChunkSet, EntityRef, Event, IdempotencyKey, JobFinish, JobOutcome, LeasedJob, NewEvent, NewJob,
        Requirement, Save, Write, reactions,
    },
    clock::{Stamp, Timestamp},
    conversation::{Message, MessageEvent, Template, TemplateEvent},
    id::{TenantId, TicketId, UserId},
    knowledge::{Article, ArticleEvent, Chunk, Feedback, FeedbackEvent, Revision},
    mail::{Correspondent, InboundMail, MailEvent, MailRef, OutboundMail, RawBlob},
    notify::{Notification, NotificationEvent},
    routing::RoutingDecision,
    team::{Team, TeamEvent},
    tenant::{Tenant, TenantEvent, TriggerSet},
    ticket::{Scheme, SchemeEvent, Ticket, TicketEvent},
    transition::{Transition, Version},
    user::{User, UserEvent},
};

/// Everything that one command changes: rows, their events, the jobs that follow, and what has to hold. Only this
/// crate builds one, from transitions, so that no state changes without its event and no event without its jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeSet {
    tenant: TenantId,
    actor: ActorRef,
    at: Timestamp,
    writes: Vec<Write>,
    events: Vec<NewEvent>,
    jobs: Vec<NewJob>,
    requirements: Vec<Requirement>,
    idempotency: Option<IdempotencyKey>,
    answer: Option<EntityRef>,
    awaited: TriggerSet,
}

/// Adds one `pub(crate)` method per noun that has a version: takes a transition, writes the row with its next version
/// and appends the events. A transition without events writes nothing.
macro_rules! nouns {
    ($($(#[$doc:meta])* $method:ident: $row:ty, $event:ty => $write:ident, $wrap:ident, $entity:expr, $ticket:expr;)+) => {
        $(
            $(#[$doc])*
            pub(crate) fn $method(&mut self, transition: Transition<$row, $event>, stamp: &Stamp<'_>) -> &mut Self {
                if transition.events.is_empty() {
                    return self;
                }
                let mut row = transition.state;
                let entity: fn(&$row) -> EntityRef = $entity;
                let concerned: fn(&$row) -> Option<TicketId> = $ticket;
                let (subject, ticket) = (entity(&row), concerned(&row));
                let from = row.version;
                row.version = from.next();
                let version = row.version;
                self.writes.push(Write::$write(Box::new(Save { from, row })));
                self.record(subject, version, ticket, transition.events.into_iter().map(Event::$wrap), stamp);
                self
            }
        )+
    };
}

impl ChangeSet {
    /// Returns an empty change set of `actor`.
    pub(crate) fn new(actor: &Actor, stamp: &Stamp<'_>) -> Self {
        Self {
            tenant: actor.tenant,
            actor: actor.to_ref(),
            at: stamp.at(),
            writes: Vec::new(),
            events: Vec::new(),
            jobs: Vec::new(),
            requirements: Vec::new(),
            idempotency: None,
            answer: None,
            awaited: TriggerSet::NONE,
        }
    }

    /// Names the events that triggers of the tenant wait for.
    #[must_use]
    pub(crate) fn awaiting(mut self, events: TriggerSet) -> Self {
        self.awaited = events;
        self
    }

    nouns! {
        /// Writes a tenant.
        tenant: Tenant, TenantEvent => Tenant, Tenant, |_| EntityRef::Tenant, |_| None;
        /// Writes the scheme.
        scheme: Scheme, SchemeEvent => Scheme, Scheme, |_| EntityRef::Scheme, |_| None;
        /// Writes a user.
        user: User, UserEvent => User, User, |user| EntityRef::User(user.id), |_| None;
        /// Writes a team.
        team: Team, TeamEvent => Team, Team, |team| EntityRef::Team(team.id), |_| None;
        /// Writes a template.
        template: Template, TemplateEvent => Template, Template, |template| EntityRef::Template(template.id), |_| None;
        /// Writes a message.
        message: Message, MessageEvent => Message, Message, |message| EntityRef::Message(message.id), |message| Some(message.ticket);
        /// Writes an article.
        article: Article, ArticleEvent => Article, Article, |article| EntityRef::Article(article.id), |_| None;
        /// Writes a received mail.
        mail: InboundMail, MailEvent => Mail, Mail, |mail| EntityRef::Mail(mail.id), |_| None;
        /// Writes a mail that leaves.
        outbound: OutboundMail, MailEvent => Outbound, Mail, |mail| EntityRef::Outbound(mail.id), |mail| Some(mail.ticket);
        /// Writes an address that the desk writes to.
        correspondent: Correspondent, MailEvent => Correspondent, Mail, |known| EntityRef::Correspondent(known.id), |_| None;
        /// Writes a notification.
        notification: Notification, NotificationEvent => Notification, Notification, |told| EntityRef::Notification(told.id), |told| Some(told.ticket);
    }

    /// Writes a ticket. A message may have advanced the ticket's counter without an event; `force` writes it then too.
    /// A second transition of the same ticket continues the first.
    pub(crate) fn ticket(
        &mut self,
        transition: Transition<Ticket, TicketEvent>,
        force: bool,
        stamp: &Stamp<'_>,
    ) -> &mut Self {
        if transition.events.is_empty() && !force {
            return self;
        }
        let mut row = transition.state;
        let id = row.id;
        let (from, version) = (row.version, row.version.next());
        row.version = version;
        let save = Box::new(Save { from, row });
        let present = self.writes.iter_mut().find_map(|write| match write {
            Write::Ticket(present) if present.row.id == id => Some(present),
            _ => None,
        });
        match present {
            Some(present) => *present = save,
            None => self.writes.push(Write::Ticket(save)),
        }
        self.record(
            EntityRef::Ticket(id),
            version,
            Some(id),
            transition.events.into_iter().map(Event::Ticket),
            stamp,
        );
        self
    }

    /// Appends what the assistant did with a ticket.
    pub(crate) fn assist(
        &mut self,
        ticket: TicketId,
        version: Version,
        event: AssistEvent,
        stamp: &Stamp<'_>,
    ) -> &mut Self {
        let events = std::iter::once(Event::Assist(event));
        self.record(EntityRef::Ticket(ticket), version, Some(ticket), events, stamp);
        self
    }

    /// Writes feedback.
    pub(crate) fn feedback(
        &mut self,
        transition: Transition<Feedback, FeedbackEvent>,
        stamp: &Stamp<'_>,
    ) -> &mut Self {
        let subject = EntityRef::Feedback(transition.state.id);
        self.writes.push(Write::Feedback(Box::new(transition.state)));
        self.record(
            subject,
            Version::new(1),
            None,
            transition.events.into_iter().map(Event::Feedback),
            stamp,
        );
        self
    }

    /// Writes a revision of an article.
    pub(crate) fn revision(&mut self, revision: Revision) -> &mut Self {
        self.writes.push(Write::Revision(Box::new(revision)));
        self
    }

    /// Replaces the passages of an article.
    pub(crate) fn chunks(&mut self, article: &Article, chunks: Vec<Chunk>) -> &mut Self {
        self.writes.push(Write::Chunks(ChunkSet { article: article.id, chunks }));
        self
    }

    /// Stores raw bytes.
    pub(crate) fn raw(&mut self, blob: RawBlob) -> &mut Self {
        self.writes.push(Write::Raw(blob));
        self
    }

    /// Remembers a Message-ID.
    pub(crate) fn mail_ref(&mut self, reference: MailRef) -> &mut Self {
        self.writes.push(Write::MailRef(Box::new(reference)));
        self
    }

    /// Stores a routing decision.
    pub(crate) fn routing(&mut self, decision: RoutingDecision) -> &mut Self {
        self.writes.push(Write::Routing(Box::new(decision)));
        self
    }

    /// Erases a deleted ticket.
    pub(crate) fn erase_ticket(&mut self, ticket: TicketId) -> &mut Self {
        self.writes.push(Write::EraseTicket(ticket));
        self
    }

    /// Ends an attempt at a job.
    pub(crate) fn finish(&mut self, job: &LeasedJob, outcome: JobOutcome) -> &mut Self {
        self.writes.push(Write::FinishJob(JobFinish { job: job.id, token: job.token, outcome }));
        self
    }

    /// Requires that a row still has the version.
    pub(crate) fn unchanged(&mut self, entity: EntityRef, version: Version) -> &mut Self {
        self.requirements.push(Requirement::Unchanged { entity, version });
        self
    }

    /// Requires that a user exists and is active.
    pub(crate) fn active_user(&mut self, user: UserId) -> &mut Self {
        self.requirements.push(Requirement::ActiveUser { user });
        self
    }

    /// Requires that an agent has room.
    pub(crate) fn load_below(&mut self, agent: UserId, limit: u32) -> &mut Self {
        self.requirements.push(Requirement::LoadBelow { agent, limit });
        self
    }

    /// Names the request, so that a repetition is answered with the same receipt.
    pub(crate) fn keyed(&mut self, key: Option<IdempotencyKey>) -> &mut Self {
        self.idempotency = key;
        self
    }

    /// Names what the command made or changed.
    pub(crate) fn answers(&mut self, entity: EntityRef) -> &mut Self {
        self.answer = Some(entity);
        self
    }

    fn record(
        &mut self,
        subject: EntityRef,
        version: Version,
        ticket: Option<TicketId>,
        events: impl Iterator<Item = Event>,
        stamp: &Stamp<'_>,
    ) {
        for event in events {
            let concerned = ticket.and_then(|id| self.written_ticket(id));
            let due = reactions(&event, concerned, self.awaited, self.at);
            for (job, run_at) in due {
                let max_attempts = job.max_attempts();
                self.jobs.push(NewJob { id: stamp.id(), job, run_at, max_attempts });
            }
            self.events.push(NewEvent { id: stamp.id(), subject, version, ticket, event });
        }
    }

    fn written_ticket(&self, id: TicketId) -> Option<&Ticket> {
        self.writes.iter().find_map(|write| match write {
            Write::Ticket(save) if save.row.id == id => Some(&save.row),
            _ => None,
        })
    }

    /// Returns the tenant that every row belongs to.
    pub fn tenant_id(&self) -> TenantId {
        self.tenant
    }

    /// Returns who acts.
    pub fn actor(&self) -> ActorRef {
        self.actor
    }

    /// Returns when it was decided.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Returns the writes, to be applied in this order.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// Returns the events, in order.
    pub fn events(&self) -> &[NewEvent] {
        &self.events
    }

    /// Returns the jobs.
    pub fn jobs(&self) -> &[NewJob] {
        &self.jobs
    }

    /// Returns what has to hold, although it is not written.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Returns the caller's name for the request.
    pub fn idempotency(&self) -> Option<&IdempotencyKey> {
        self.idempotency.as_ref()
    }

    /// Returns what the command made or changed first.
    pub fn answer(&self) -> Option<EntityRef> {
        self.answer
    }

    /// Returns whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.events.is_empty() && self.jobs.is_empty()
    }
}

/// Sets put together otherwise than a use case would, for the suites and their broken twins.
#[cfg(feature = "conformance")]
impl ChangeSet {
    /// Replaces the writes.
    #[must_use]
    pub(crate) fn with_writes(mut self, writes: Vec<Write>) -> Self {
        self.writes = writes;
        self
    }

    /// Replaces the events.
    #[must_use]
    pub(crate) fn with_events(mut self, events: Vec<NewEvent>) -> Self {
        self.events = events;
        self
    }

    /// Replaces the jobs.
    #[must_use]
    pub(crate) fn with_jobs(mut self, jobs: Vec<NewJob>) -> Self {
        self.jobs = jobs;
        self
    }

    /// Replaces the requirements.
    #[must_use]
    pub(crate) fn with_requirements(mut self, requirements: Vec<Requirement>) -> Self {
        self.requirements = requirements;
        self
    }

    /// Replaces the instant of the decision.
    #[must_use]
    pub(crate) fn with_at(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }
}
