//! The event log: every state change, as it is stored and read.

use serde::{Deserialize, Serialize};

use crate::{
    access::{ActorRef, MessageAudience},
    assist::AssistEvent,
    change::EntityRef,
    clock::Timestamp,
    conversation::{AnswerState, MessageEvent, TemplateEvent},
    id::{EventId, TenantId, TicketId},
    knowledge::{ArticleEvent, FeedbackEvent},
    mail::MailEvent,
    notify::NotificationEvent,
    team::TeamEvent,
    tenant::TenantEvent,
    ticket::{SchemeEvent, TicketEvent},
    transition::Version,
    user::UserEvent,
};

/// The place of an event in its tenant's feed, from 1, without gaps, given by the sealer in commit order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(u64);

impl Position {
    /// The place before the first event.
    pub const START: Self = Self(0);

    /// Wraps a stored position.
    pub const fn new(position: u64) -> Self {
        Self(position)
    }

    /// Returns the number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// What happened, to whatever noun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "noun", content = "event", rename_all = "snake_case")]
pub enum Event {
    /// To an article.
    Article(ArticleEvent),
    /// By the assistant.
    Assist(AssistEvent),
    /// To a ticket that is erased: what it was is gone.
    Erased,
    /// To feedback.
    Feedback(FeedbackEvent),
    /// To a mail.
    Mail(MailEvent),
    /// To a message.
    Message(MessageEvent),
    /// To a notification.
    Notification(NotificationEvent),
    /// To the scheme.
    Scheme(SchemeEvent),
    /// To a team.
    Team(TeamEvent),
    /// To a response template.
    Template(TemplateEvent),
    /// To the tenant.
    Tenant(TenantEvent),
    /// To a ticket.
    Ticket(TicketEvent),
    /// To a user.
    User(UserEvent),
}

impl Event {
    /// Returns the stable name, such as `ticket.created`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Article(event) => event.name(),
            Self::Assist(AssistEvent::Processed { .. }) => "assist.processed",
            Self::Erased => "erased",
            Self::Feedback(FeedbackEvent::Given { .. }) => "feedback.given",
            Self::Mail(event) => event.name(),
            Self::Message(event) => event.name(),
            Self::Notification(NotificationEvent::Raised) => "notification.raised",
            Self::Notification(NotificationEvent::Read) => "notification.read",
            Self::Scheme(SchemeEvent::Set) => "scheme.set",
            Self::Team(TeamEvent::Created) => "team.created",
            Self::Team(TeamEvent::Updated) => "team.updated",
            Self::Team(TeamEvent::MembersChanged { .. }) => "team.members_changed",
            Self::Template(TemplateEvent::Created) => "template.created",
            Self::Template(TemplateEvent::Updated) => "template.updated",
            Self::Tenant(TenantEvent::Founded) => "tenant.founded",
            Self::Tenant(TenantEvent::FlagsChanged { .. }) => "tenant.flags_changed",
            Self::Tenant(TenantEvent::PolicyChanged { .. }) => "tenant.policy_changed",
            Self::Tenant(TenantEvent::TriggersSet { .. }) => "tenant.triggers_set",
            Self::Ticket(event) => event.name(),
            Self::User(UserEvent::Created { .. }) => "user.created",
            Self::User(UserEvent::Updated { .. }) => "user.updated",
        }
    }

    /// Returns who may read the event, among those who see its ticket: customers follow the life of their ticket and
    /// its public messages, staff everything.
    pub fn audience(&self) -> MessageAudience {
        let public = match self {
            Self::Ticket(event) => matches!(
                event,
                TicketEvent::Created { .. } | TicketEvent::StatusChanged { .. } | TicketEvent::Deleted { .. }
            ),
            Self::Message(MessageEvent::Written { audience, .. }) => return *audience,
            Self::Message(MessageEvent::AnswerJudged { state, .. }) => *state == AnswerState::Sent,
            _ => false,
        };
        if public { MessageAudience::Public } else { MessageAudience::Internal }
    }
}

/// An event on its way into the log.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The id.
    pub id: EventId,
    /// What it happened to.
    pub subject: EntityRef,
    /// The version of the subject after the commit; events of one ticket are ordered by it.
    pub version: Version,
    /// The ticket concerned: those who see it may see the event.
    pub ticket: Option<TicketId>,
    /// What happened.
    pub event: Event,
}

/// An event of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRecord {
    /// The id.
    pub id: EventId,
    /// The tenant.
    pub tenant: TenantId,
    /// The place in the tenant's feed.
    pub position: Position,
    /// When it was decided.
    pub at: Timestamp,
    /// Who did it.
    pub actor: ActorRef,
    /// What it happened to.
    pub subject: EntityRef,
    /// The version of the subject after the commit.
    pub version: Version,
    /// The ticket concerned.
    pub ticket: Option<TicketId>,
    /// What happened.
    pub event: Event,
}
