//! Founding a tenant and changing its switches.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Stamp,
    id::TenantId,
    tenant::{
        FeatureFlags, MAX_PARTIES, MAX_TRIGGERS, Tenant, TenantPolicy, Trigger, trigger::within_limits,
    },
    text::{EmailAddress, Name},
    transition::{Transition, Version},
};

/// The largest window of a [`TenantPolicy`], in days.
const MAX_DAYS: u16 = 3_650;
/// The longest time in which an answer can be taken back, in seconds.
const MAX_UNDO: u16 = 600;

/// What happened to a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TenantEvent {
    /// The tenant was founded.
    Founded,
    /// Its switches were set.
    FlagsChanged {
        /// The switches from now on.
        flags: FeatureFlags,
    },
    /// Its times, windows and habits were set.
    PolicyChanged {
        /// The policy from now on.
        policy: TenantPolicy,
    },
    /// Its triggers were set.
    TriggersSet {
        /// How many there are from now on.
        count: u16,
    },
}

/// Why a tenant command was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TenantRefusal {
    /// A window is longer than ten years.
    #[error("a window is at most {MAX_DAYS} days")]
    WindowTooLong,
    /// Answers wait longer than ten minutes.
    #[error("an answer can be taken back for at most {MAX_UNDO} seconds")]
    UndoTooLong,
    /// There are too many triggers or parties, or one is sent to nobody.
    #[error("at most {MAX_TRIGGERS} triggers with 1 to {MAX_PARTIES} parties each")]
    Triggers,
}

impl TenantRefusal {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::WindowTooLong => "tenant_window_too_long",
            Self::UndoTooLong => "tenant_undo_too_long",
            Self::Triggers => "tenant_triggers",
        }
    }
}

/// Founds a tenant under `id`, with default switches.
pub fn found(
    id: TenantId,
    name: Name,
    support_address: Option<EmailAddress>,
    policy: TenantPolicy,
    stamp: &Stamp<'_>,
) -> Result<Transition<Tenant, TenantEvent>, TenantRefusal> {
    check_windows(policy)?;
    let tenant = Tenant {
        id,
        version: Version::NEW,
        name,
        support_address,
        flags: FeatureFlags::default(),
        policy,
        triggers: Vec::new(),
        created_at: stamp.at(),
        updated_at: stamp.at(),
    };
    Ok(Transition::new(tenant, TenantEvent::Founded))
}

fn check_windows(policy: TenantPolicy) -> Result<(), TenantRefusal> {
    let longest = policy.reopen_days.max(policy.retention_days).max(policy.close_days);
    if longest > MAX_DAYS {
        return Err(TenantRefusal::WindowTooLong);
    }
    if policy.undo_seconds > MAX_UNDO { Err(TenantRefusal::UndoTooLong) } else { Ok(()) }
}

/// Sets the times, windows and habits of a tenant; the same again changes nothing.
pub fn change_policy(
    mut tenant: Tenant,
    policy: TenantPolicy,
    stamp: &Stamp<'_>,
) -> Result<Transition<Tenant, TenantEvent>, TenantRefusal> {
    check_windows(policy)?;
    if tenant.policy == policy {
        return Ok(Transition::unchanged(tenant));
    }
    tenant.policy = policy;
    tenant.updated_at = stamp.at();
    Ok(Transition::new(tenant, TenantEvent::PolicyChanged { policy }))
}

/// Sets the switches of a tenant; equal switches change nothing.
pub fn change_flags(
    mut tenant: Tenant,
    flags: FeatureFlags,
    stamp: &Stamp<'_>,
) -> Transition<Tenant, TenantEvent> {
    if tenant.flags == flags {
        return Transition::unchanged(tenant);
    }
    tenant.flags = flags;
    tenant.updated_at = stamp.at();
    Transition::new(tenant, TenantEvent::FlagsChanged { flags })
}

/// Replaces the triggers of a tenant; equal ones change nothing.
pub fn set_triggers(
    mut tenant: Tenant,
    triggers: Vec<Trigger>,
    stamp: &Stamp<'_>,
) -> Result<Transition<Tenant, TenantEvent>, TenantRefusal> {
    if !within_limits(&triggers) {
        return Err(TenantRefusal::Triggers);
    }
    if tenant.triggers == triggers {
        return Ok(Transition::unchanged(tenant));
    }
    let count = u16::try_from(triggers.len()).unwrap_or(u16::MAX);
    tenant.triggers = triggers;
    tenant.updated_at = stamp.at();
    Ok(Transition::new(tenant, TenantEvent::TriggersSet { count }))
}
