//! The user's record.

use serde::{Deserialize, Serialize};

use crate::{
    access::Resource,
    clock::Timestamp,
    id::{TenantId, UserId},
    text::{EmailAddress, ExternalId, Language, Name},
    transition::Version,
};

/// What a user is to the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Asks for help.
    Customer,
    /// Helps.
    Agent,
    /// Helps and manages the tenant.
    Admin,
}

impl Role {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Agent => "agent",
            Self::Admin => "admin",
        }
    }

    /// Returns whether the role is agent or administrator.
    pub const fn is_staff(self) -> bool {
        matches!(self, Self::Agent | Self::Admin)
    }
}

/// A person known to a tenant. The address is unique within the tenant, and so is the external id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The tenant.
    pub tenant: TenantId,
    /// The version, for optimistic locking.
    pub version: Version,
    /// The host's own id of the person.
    pub external_id: Option<ExternalId>,
    /// What the user is to the tenant.
    pub role: Role,
    /// The name shown to others.
    pub name: Name,
    /// The address.
    pub email: Option<EmailAddress>,
    /// Whether the host or the operator vouches for the address.
    pub email_verified: bool,
    /// The language preferred.
    pub language: Option<Language>,
    /// Whether the user may act and be assigned to.
    pub active: bool,
    /// When the record was made.
    pub created_at: Timestamp,
    /// When the record changed last.
    pub updated_at: Timestamp,
}

impl User {
    /// Returns what the policy needs to know.
    pub fn resource(&self) -> Resource<'static> {
        Resource::User { tenant: self.tenant, user: self.id }
    }
}

/// Which users are wanted; empty fields do not filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserFilter {
    /// Only this role.
    pub role: Option<Role>,
    /// Only active, or only inactive users.
    pub active: Option<bool>,
}
