//! The tenant: one helpdesk among many in a store, and its feature flags.

mod command;
mod flags;
mod model;

pub use command::{TenantEvent, TenantRefusal, change_flags, change_policy, found};
pub use flags::{BetaFeatures, FeatureFlags};
pub use model::{Tenant, TenantPolicy};
