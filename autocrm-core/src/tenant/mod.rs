//! The tenant: one helpdesk among many in a store, and its feature flags.

mod command;
mod flags;
mod model;
mod trigger;

pub use command::{TenantEvent, TenantRefusal, change_flags, change_policy, found, set_triggers};
pub use flags::{BetaFeatures, FeatureFlags};
pub use model::{Tenant, TenantPolicy};
pub use trigger::{MAX_PARTIES, MAX_TRIGGERS, Party, Trigger, TriggerEvent, TriggerSet};
