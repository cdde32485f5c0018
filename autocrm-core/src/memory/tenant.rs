//! Tenants and schemes.

use std::ops::Bound;

use async_trait::async_trait;

use crate::{
    access::Scope,
    error::Result,
    id::TenantId,
    memory::{
        MemoryStore,
        world::{Desk, World},
    },
    port::TenantReader,
    tenant::Tenant,
    text::EmailAddress,
    ticket::Scheme,
};

impl World {
    pub(super) fn set_tenant(&mut self, id: TenantId, row: Option<Tenant>) -> Option<Tenant> {
        let desk = self.desks.entry(id).or_default();
        if let Some(address) = desk.tenant.as_ref().and_then(|tenant| tenant.support_address.as_ref()) {
            self.addresses.remove(address);
        }
        if let Some(address) = row.as_ref().and_then(|tenant| tenant.support_address.clone()) {
            self.addresses.insert(address, id);
        }
        std::mem::replace(&mut desk.tenant, row)
    }
}

impl Desk {
    pub(super) fn set_scheme(&mut self, (): (), row: Option<Scheme>) -> Option<Scheme> {
        std::mem::replace(&mut self.scheme, row)
    }
}

#[async_trait]
impl TenantReader for MemoryStore {
    async fn tenant(&self, scope: &Scope) -> Result<Option<Tenant>> {
        Ok(self.read(scope, |desk| desk.tenant.clone()))
    }

    async fn scheme(&self, scope: &Scope) -> Result<Option<Scheme>> {
        Ok(self.read(scope, |desk| desk.scheme.clone()))
    }

    async fn tenants(&self, after: Option<TenantId>, limit: u16) -> Result<Vec<TenantId>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let world = self.world();
        let founded = world.desks.range((start, Bound::Unbounded)).filter(|(_, desk)| desk.tenant.is_some());
        Ok(founded.map(|(id, _)| *id).take(usize::from(limit)).collect())
    }

    async fn tenant_by_address(&self, address: &EmailAddress) -> Result<Option<TenantId>> {
        Ok(self.world().addresses.get(address).copied())
    }
}
