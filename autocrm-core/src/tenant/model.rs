//! The tenant and its limits.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::TenantId,
    tenant::{FeatureFlags, Trigger, TriggerSet},
    text::{EmailAddress, Name},
    transition::Version,
};

/// One helpdesk of the store. Every other row names its tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// The id.
    pub id: TenantId,
    /// The version, for optimistic locking.
    pub version: Version,
    /// The name that customers read.
    pub name: Name,
    /// The address that receives and sends the tenant's mail; `None`: the tenant has no mail channel.
    pub support_address: Option<EmailAddress>,
    /// What is switched on.
    pub flags: FeatureFlags,
    /// Times and windows.
    pub policy: TenantPolicy,
    /// Which event has which mail sent to whom, at most [`MAX_TRIGGERS`](crate::tenant::MAX_TRIGGERS); none at first.
    pub triggers: Vec<Trigger>,
    /// When the tenant was founded.
    pub created_at: Timestamp,
    /// When the row changed last.
    pub updated_at: Timestamp,
}

/// Times, windows and habits of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TenantPolicy {
    /// For how many days after closing a customer's message reopens the ticket; later it opens a linked one. 0..=3650.
    pub reopen_days: u16,
    /// For how many days a deleted ticket is kept before it is erased. 0..=3650.
    pub retention_days: u16,
    /// After how many days a resolved ticket is closed by itself; 0: never. 0..=3650.
    pub close_days: u16,
    /// Whether the sender of a mail that opens a ticket is told that it has arrived, in fixed words. Off by default.
    pub acknowledge: bool,
    /// For how many seconds a person's answer can be taken back before it leaves as mail; 0: not at all. 0..=600.
    pub undo_seconds: u16,
    /// Whether it is counted how often mails are opened and their links followed. Off unless asked for: recipients were
    /// not asked, and the figures are unreliable.
    pub track_engagement: bool,
}

impl Tenant {
    /// Returns the events that a trigger waits for.
    pub fn awaited(&self) -> TriggerSet {
        self.triggers.iter().fold(TriggerSet::NONE, |set, trigger| set.with(trigger.event))
    }
}

impl TenantPolicy {
    /// Returns for how long an answer can be taken back.
    pub const fn undo(&self) -> Duration {
        Duration::from_secs(self.undo_seconds as u64)
    }
}

impl Default for TenantPolicy {
    fn default() -> Self {
        Self {
            reopen_days: 14,
            retention_days: 30,
            close_days: 14,
            acknowledge: false,
            undo_seconds: 0,
            track_engagement: false,
        }
    }
}
