//! Creating and changing users.

use serde::{Deserialize, Serialize};

use crate::{
    access::Actor,
    clock::Stamp,
    id::TenantId,
    text::{EmailAddress, ExternalId, Language, Name},
    transition::{Transition, Version},
    user::{Role, User},
};

/// What a new user is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// What the user is to the tenant.
    pub role: Role,
    /// The name shown to others.
    pub name: Name,
    /// The address, unique within the tenant.
    #[serde(default)]
    pub email: Option<EmailAddress>,
    /// Whether the host vouches for the address.
    #[serde(default)]
    pub email_verified: bool,
    /// The host's own id, unique within the tenant.
    #[serde(default)]
    pub external_id: Option<ExternalId>,
    /// The language preferred.
    #[serde(default)]
    pub language: Option<Language>,
}

impl NewUser {
    /// Returns a customer with nothing but a name.
    pub fn customer(name: Name) -> Self {
        Self {
            role: Role::Customer,
            name,
            email: None,
            email_verified: false,
            external_id: None,
            language: None,
        }
    }
}

/// What changes about a user; absent fields stay.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserChange {
    /// The new name.
    pub name: Option<Name>,
    /// The new role.
    pub role: Option<Role>,
    /// The new language.
    pub language: Option<Language>,
    /// Whether the user may act.
    pub active: Option<bool>,
    /// Whether the address is vouched for.
    pub email_verified: Option<bool>,
}

/// What happened to a user. Personal data stays in the row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum UserEvent {
    /// The record was made.
    Created {
        /// The role.
        role: Role,
    },
    /// The record changed.
    Updated {
        /// The role from now on.
        role: Role,
        /// Whether the user may act from now on.
        active: bool,
    },
}

/// Why a user command was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserRefusal {
    /// Another user of the tenant has the address.
    #[error("the address belongs to another user")]
    EmailTaken,
    /// Another user of the tenant has the external id.
    #[error("the external id belongs to another user")]
    ExternalIdTaken,
    /// Only administrators make or change agents, administrators and verified addresses.
    #[error("only an administrator may do this")]
    AdminOnly,
    /// The user is not active.
    #[error("the user is not active")]
    Inactive,
}

impl UserRefusal {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::EmailTaken => "user_email_taken",
            Self::ExternalIdTaken => "user_external_id_taken",
            Self::AdminOnly => "user_admin_only",
            Self::Inactive => "user_inactive",
        }
    }
}

fn is_admin(actor: &Actor) -> bool {
    matches!(actor.kind, crate::access::ActorKind::Admin(_) | crate::access::ActorKind::System)
}

/// Creates a user. The caller has looked up that address and external id are free; the commit checks it again.
pub fn create(
    actor: &Actor,
    tenant: TenantId,
    new: NewUser,
    stamp: &Stamp<'_>,
) -> Result<Transition<User, UserEvent>, UserRefusal> {
    if (new.role.is_staff() || new.email_verified) && !is_admin(actor) {
        return Err(UserRefusal::AdminOnly);
    }
    let role = new.role;
    let user = User {
        id: stamp.id(),
        tenant,
        version: Version::NEW,
        external_id: new.external_id,
        role,
        name: new.name,
        email: new.email,
        email_verified: new.email_verified,
        language: new.language,
        active: true,
        created_at: stamp.at(),
        updated_at: stamp.at(),
    };
    Ok(Transition::new(user, UserEvent::Created { role }))
}

/// Changes a user; a change that changes nothing is no event.
pub fn change(
    actor: &Actor,
    user: User,
    change: UserChange,
    stamp: &Stamp<'_>,
) -> Result<Transition<User, UserEvent>, UserRefusal> {
    let privileged = change.role.is_some() || change.active.is_some() || change.email_verified.is_some();
    let changes_staff = user.role.is_staff() && actor.user() != Some(user.id);
    if (privileged || changes_staff) && !is_admin(actor) {
        return Err(UserRefusal::AdminOnly);
    }
    let mut next = user.clone();
    next.name = change.name.unwrap_or(next.name);
    next.role = change.role.unwrap_or(next.role);
    next.language = change.language.or(next.language);
    next.active = change.active.unwrap_or(next.active);
    next.email_verified = change.email_verified.unwrap_or(next.email_verified);
    if next == user {
        return Ok(Transition::unchanged(user));
    }
    next.updated_at = stamp.at();
    let event = UserEvent::Updated { role: next.role, active: next.active };
    Ok(Transition::new(next, event))
}
