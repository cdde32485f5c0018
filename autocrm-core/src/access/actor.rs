//! The one on whose behalf something happens.

use serde::{Deserialize, Serialize};

use crate::id::{TeamId, TenantId, UserId};

/// Someone or something that acts within one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The tenant in which the actor acts; it never reaches into another.
    pub tenant: TenantId,
    /// Who acts.
    pub kind: ActorKind,
}

/// The kinds of actors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActorKind {
    /// A customer.
    Customer(UserId),
    /// An agent, with the teams they belong to at this moment.
    Agent {
        /// The agent.
        user: UserId,
        /// The agent's teams.
        teams: Vec<TeamId>,
    },
    /// An administrator of the tenant.
    Admin(UserId),
    /// AutoCRM itself: worker, mail intake, index. Also the host when it acts for nobody.
    System,
}

impl Actor {
    /// Returns a customer.
    pub fn customer(tenant: TenantId, user: UserId) -> Self {
        Self { tenant, kind: ActorKind::Customer(user) }
    }

    /// Returns an agent with the given teams.
    pub fn agent(tenant: TenantId, user: UserId, teams: Vec<TeamId>) -> Self {
        Self { tenant, kind: ActorKind::Agent { user, teams } }
    }

    /// Returns an administrator.
    pub fn admin(tenant: TenantId, user: UserId) -> Self {
        Self { tenant, kind: ActorKind::Admin(user) }
    }

    /// Returns AutoCRM itself.
    pub fn system(tenant: TenantId) -> Self {
        Self { tenant, kind: ActorKind::System }
    }

    /// Returns the acting user, if a person acts.
    pub fn user(&self) -> Option<UserId> {
        match self.kind {
            ActorKind::Customer(user) | ActorKind::Agent { user, .. } | ActorKind::Admin(user) => Some(user),
            ActorKind::System => None,
        }
    }

    /// Returns whether the actor is an agent or an administrator.
    pub fn is_staff(&self) -> bool {
        matches!(self.kind, ActorKind::Agent { .. } | ActorKind::Admin(_))
    }

    /// Returns what the log keeps of the actor.
    pub fn to_ref(&self) -> ActorRef {
        match self.kind {
            ActorKind::Customer(user) => ActorRef::Customer { user },
            ActorKind::Agent { user, .. } => ActorRef::Agent { user },
            ActorKind::Admin(user) => ActorRef::Admin { user },
            ActorKind::System => ActorRef::System,
        }
    }

    /// Returns the name under which the actor's idempotency keys are kept.
    pub fn principal(&self) -> String {
        self.user().map_or_else(|| "system".to_owned(), |user| user.to_string())
    }
}

/// What the log keeps of an actor: kind and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ActorRef {
    /// A customer.
    Customer {
        /// The customer.
        user: UserId,
    },
    /// An agent.
    Agent {
        /// The agent.
        user: UserId,
    },
    /// An administrator.
    Admin {
        /// The administrator.
        user: UserId,
    },
    /// AutoCRM itself.
    System,
}
