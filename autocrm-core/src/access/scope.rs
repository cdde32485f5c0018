//! The scope of a read: the policy's answer as a filter.

use crate::{
    access::{Actor, ActorKind, ArticleVisibility, MessageAudience, TicketAccess},
    id::{TeamId, TenantId, UserId},
};

/// What an actor sees. Every read takes one; every adapter turns it into its own filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    tenant: TenantId,
    view: View,
}

/// The part of a tenant that a scope shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// Tickets that the customer requested or takes part in, public messages, published public and tenant articles.
    Customer(UserId),
    /// Tickets of the agent's teams and of no team, all their messages, all articles.
    Agent {
        /// The agent.
        user: UserId,
        /// The agent's teams, sorted and distinct.
        teams: Vec<TeamId>,
    },
    /// The whole tenant.
    Tenant,
}

impl Scope {
    /// Returns the scope of `actor`.
    pub fn of(actor: &Actor) -> Self {
        let view = match &actor.kind {
            ActorKind::Customer(user) => View::Customer(*user),
            ActorKind::Agent { user, teams } => {
                let mut distinct = teams.clone();
                distinct.sort_unstable();
                distinct.dedup();
                View::Agent { user: *user, teams: distinct }
            }
            ActorKind::Admin(_) | ActorKind::System => View::Tenant,
        };
        Self { tenant: actor.tenant, view }
    }

    /// Returns the scope of the whole tenant, for the worker and the indexes.
    pub fn tenant_wide(tenant: TenantId) -> Self {
        Self { tenant, view: View::Tenant }
    }

    /// Returns the scope of a customer: what an answer to them may be based on.
    pub fn customer(tenant: TenantId, user: UserId) -> Self {
        Self { tenant, view: View::Customer(user) }
    }

    /// Returns the tenant.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Returns the part of the tenant that is shown.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Returns whether agents' eyes look through the scope: internal notes, drafts, other customers' records.
    pub fn is_staff(&self) -> bool {
        !matches!(self.view, View::Customer(_))
    }

    /// Returns whether the scope shows the whole tenant: mail rows, jobs, every event.
    pub fn is_tenant_wide(&self) -> bool {
        self.view == View::Tenant
    }

    /// Returns whether the scope shows the ticket.
    pub fn sees_ticket(&self, ticket: &TicketAccess<'_>) -> bool {
        if ticket.tenant != self.tenant {
            return false;
        }
        match &self.view {
            View::Customer(user) => ticket.requester == *user || ticket.participants.contains(user),
            View::Agent { teams, .. } => ticket.team.is_none_or(|team| teams.contains(&team)),
            View::Tenant => true,
        }
    }

    /// Returns whether the scope shows messages of the audience, on a ticket that it shows.
    pub fn sees_audience(&self, audience: MessageAudience) -> bool {
        audience == MessageAudience::Public || self.is_staff()
    }

    /// Returns whether the scope shows an article of its own tenant.
    pub fn sees_article(&self, visibility: ArticleVisibility, published: bool) -> bool {
        self.is_staff() || (published && visibility != ArticleVisibility::Internal)
    }

    /// Returns whether the scope shows the record of `user`: staff see all, a customer sees their own.
    pub fn sees_user(&self, user: UserId) -> bool {
        match self.view {
            View::Customer(own) => own == user,
            View::Agent { .. } | View::Tenant => true,
        }
    }

    /// Returns whether the scope shows templates of the team; `None`: templates of every team.
    pub fn sees_template(&self, team: Option<TeamId>) -> bool {
        match &self.view {
            View::Customer(_) => false,
            View::Agent { teams, .. } => team.is_none_or(|team| teams.contains(&team)),
            View::Tenant => true,
        }
    }

    /// Returns whether the scope shows notifications to `recipient`: only one's own, and all to the tenant's eyes.
    pub fn sees_notification(&self, recipient: UserId) -> bool {
        match self.view {
            View::Customer(user) | View::Agent { user, .. } => user == recipient,
            View::Tenant => true,
        }
    }
}
