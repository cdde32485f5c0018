//! What the triggers of each tenant wait for, so that no job is made that nobody waits for.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    clock::Timestamp,
    id::TenantId,
    tenant::{Tenant, TriggerSet},
};

/// Of how many tenants it is remembered. When there are more, remembering begins anew.
const MAX_REMEMBERED: usize = 1_024;
/// For how long it is remembered: another node that sets a trigger is heard of after that time at the latest.
const REMEMBERED_FOR: Duration = Duration::from_mins(1);

/// What the triggers of each tenant wait for. Of a tenant that is not remembered, every event is awaited: its job finds
/// out, and is remembered.
#[derive(Debug, Default)]
pub(super) struct AwaitedEvents {
    tenants: Mutex<HashMap<TenantId, (TriggerSet, Timestamp)>>,
}

impl AwaitedEvents {
    fn tenants(&self) -> MutexGuard<'_, HashMap<TenantId, (TriggerSet, Timestamp)>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of(&self, tenant: TenantId, now: Timestamp) -> TriggerSet {
        match self.tenants().get(&tenant) {
            Some((set, noted)) if now.since(*noted) < REMEMBERED_FOR => *set,
            _ => TriggerSet::ALL,
        }
    }

    pub(super) fn note(&self, tenant: &Tenant, now: Timestamp) {
        let mut tenants = self.tenants();
        if tenants.len() >= MAX_REMEMBERED && !tenants.contains_key(&tenant.id) {
            tenants.clear();
        }
        tenants.insert(tenant.id, (tenant.awaited(), now));
    }
}
