//! What the triggers of each tenant wait for, so that no job is made that nobody waits for.

use std::time::Duration;

use crate::{
    app::remembered::Remembered,
    clock::Timestamp,
    id::TenantId,
    tenant::{Tenant, TriggerSet},
};

/// Of how many tenants it is remembered.
const MAX_REMEMBERED: usize = 1_024;
/// For how long it is remembered: another node that sets a trigger is heard of after that time at the latest.
const REMEMBERED_FOR: Duration = Duration::from_mins(1);

/// What the triggers of each tenant wait for. Of a tenant that is not remembered, every event is awaited: its job finds
/// out, and is remembered.
#[derive(Debug, Default)]
pub(super) struct AwaitedEvents {
    tenants: Remembered<(TriggerSet, Timestamp), MAX_REMEMBERED>,
}

impl AwaitedEvents {
    pub(super) fn of(&self, tenant: TenantId, now: Timestamp) -> TriggerSet {
        match self.tenants.get(tenant) {
            Some((set, noted)) if now.since(noted) < REMEMBERED_FOR => set,
            _ => TriggerSet::ALL,
        }
    }

    pub(super) fn note(&self, tenant: &Tenant, now: Timestamp) {
        self.tenants.put(tenant.id, (tenant.awaited(), now));
    }
}
