//! The decision table. `tests/access_matrix.rs` keeps it as a text that everybody can read.

use crate::access::{Actor, ActorKind, Resource, Scope};

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Open a ticket for oneself (customers) or for a customer (staff).
    CreateTicket,
    /// Read a ticket, or the messages of an audience.
    Read,
    /// Change subject, priority, tags, fields, category or links.
    UpdateTicket,
    /// Change the status or the pending time.
    MoveTicket,
    /// Give a ticket to a team or an agent, or take the next one.
    AssignTicket,
    /// Hide a ticket and have it erased later.
    DeleteTicket,
    /// Write a message of an audience.
    WriteMessage,
    /// Say whether an answer or an article helped.
    GiveFeedback,
    /// Write, publish, roll back or archive an article.
    WriteArticle,
    /// Write a response template.
    WriteTemplate,
    /// Create or change a user's record.
    WriteUser,
    /// Create or change a team.
    WriteTeam,
    /// Analyse a ticket or ask for suggestions.
    UseAssistant,
    /// Read figures of agents and teams.
    ReadMetrics,
    /// Change statuses, categories, fields, rules or flags.
    ManageTenant,
    /// Inspect and requeue dead jobs, rebuild indexes.
    ManageJobs,
    /// Read the event feed of the whole tenant.
    ReadFeed,
    /// Hand in received mail.
    IngestMail,
    /// Mark a notification as read.
    MarkNotification,
}

/// The policy's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The actor may.
    Allow,
    /// The actor may not.
    Deny(DenyReason),
}

impl Decision {
    /// Returns whether the actor may.
    pub fn is_allowed(self) -> bool {
        self == Self::Allow
    }
}

/// Why an actor may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenyReason {
    /// The actor does not see the resource: answer exactly as for an id that does not exist.
    Invisible,
    /// The actor sees the resource, yet the action is not theirs.
    Forbidden,
}

/// Decides whether `actor` may do `action` to `resource`.
pub fn decide(actor: &Actor, action: Action, resource: &Resource<'_>) -> Decision {
    let scope = Scope::of(actor);
    if !sees(&scope, resource) {
        return Decision::Deny(DenyReason::Invisible);
    }
    if may(actor, action, resource) { Decision::Allow } else { Decision::Deny(DenyReason::Forbidden) }
}

fn sees(scope: &Scope, resource: &Resource<'_>) -> bool {
    resource.tenant() == scope.tenant()
        && match resource {
            Resource::Tenant(_) => true,
            Resource::Team { .. } => scope.is_staff(),
            Resource::Ticket(ticket) => scope.sees_ticket(ticket),
            Resource::Message { ticket, audience } => {
                scope.sees_ticket(ticket) && scope.sees_audience(*audience)
            }
            Resource::Article { visibility, published, .. } => scope.sees_article(*visibility, *published),
            Resource::User { user, .. } => scope.sees_user(*user),
            Resource::Template { team, .. } => scope.sees_template(*team),
            Resource::Notification { recipient, .. } => scope.sees_notification(*recipient),
        }
}

/// Decides among actors who see the resource.
fn may(actor: &Actor, action: Action, resource: &Resource<'_>) -> bool {
    let anyone = true;
    let staff = !matches!(actor.kind, ActorKind::Customer(_));
    let admin = matches!(actor.kind, ActorKind::Admin(_) | ActorKind::System);
    let system = matches!(actor.kind, ActorKind::System);
    match (action, resource) {
        (Action::Read, Resource::Tenant(_)) if !staff => false,
        (Action::Read, _)
        | (Action::CreateTicket | Action::UseAssistant, Resource::Tenant(_))
        | (Action::WriteMessage, Resource::Message { .. }) => anyone,
        // Only people find something helpful.
        (Action::GiveFeedback, Resource::Article { .. } | Resource::Message { .. }) => actor.user().is_some(),
        // An administrator sees everybody's notifications, yet cannot have read them for somebody else.
        (Action::MarkNotification, Resource::Notification { recipient, .. }) => {
            actor.user().is_none_or(|user| user == *recipient)
        }
        // A customer rewords their own ticket; what a customer may change is narrowed by the command.
        (Action::UpdateTicket, Resource::Ticket(ticket)) => staff || actor.user() == Some(ticket.requester),
        // A customer moves a ticket by writing on it, never by naming a status.
        (Action::MoveTicket | Action::AssignTicket | Action::UseAssistant, Resource::Ticket(_))
        | (Action::AssignTicket | Action::ReadMetrics | Action::WriteUser, Resource::Tenant(_))
        | (Action::WriteArticle, Resource::Article { .. })
        | (Action::WriteTemplate, Resource::Template { .. }) => staff,
        // Staff create customers; only administrators create or change staff (checked by the command).
        (Action::WriteUser, Resource::User { user, .. }) => staff || actor.user() == Some(*user),
        (Action::DeleteTicket, Resource::Ticket(_))
        | (Action::WriteTeam, Resource::Team { .. })
        | (Action::ManageTenant | Action::ManageJobs | Action::ReadFeed, Resource::Tenant(_)) => admin,
        (Action::IngestMail, Resource::Tenant(_)) => system,
        _ => false,
    }
}
