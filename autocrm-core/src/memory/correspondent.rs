//! Addresses that the desk writes to.

use std::ops::Bound;

use async_trait::async_trait;

use crate::{
    access::Scope,
    clock::Timestamp,
    error::Result,
    id::CorrespondentId,
    mail::Correspondent,
    memory::{
        MemoryStore, page_of,
        world::{Desk, put},
    },
    page::{Cursor, Page, PageRequest},
    port::CorrespondentReader,
    text::EmailAddress,
};

impl Desk {
    pub(super) fn set_correspondent(
        &mut self,
        id: CorrespondentId,
        row: Option<Correspondent>,
    ) -> Option<Correspondent> {
        if let Some(before) = self.correspondents.get(&id) {
            self.correspondents_by_address.remove(&before.address);
        }
        if let Some(known) = &row {
            self.correspondents_by_address.insert(known.address.clone(), id);
        }
        put(&mut self.correspondents, id, row)
    }
}

#[async_trait]
impl CorrespondentReader for MemoryStore {
    async fn correspondent(&self, scope: &Scope, address: &EmailAddress) -> Result<Option<Correspondent>> {
        if !scope.is_tenant_wide() {
            return Ok(None);
        }
        Ok(self.read(scope, |desk| {
            let id = desk.correspondents_by_address.get(address)?;
            desk.correspondents.get(id).cloned()
        }))
    }

    async fn suppressed(&self, scope: &Scope, page: &PageRequest) -> Result<Page<Correspondent>> {
        let before = page
            .cursor()
            .map_or(Bound::Unbounded, |cursor| Bound::Excluded(CorrespondentId::from_uuid(cursor.id)));
        Ok(self.read(scope, |desk| {
            page_of(
                desk.correspondents.range((Bound::Unbounded, before)).rev().map(|(_, row)| row),
                |known| scope.is_tenant_wide() && known.suppression.is_some(),
                page,
                |known| Cursor { key: 0, id: known.id.as_uuid() },
            )
        }))
    }

    async fn acknowledged_since(&self, scope: &Scope, since: Timestamp) -> Result<u64> {
        if !scope.is_tenant_wide() {
            return Ok(0);
        }
        let lately = |known: &&Correspondent| known.acknowledged.last().is_some_and(|at| *at >= since);
        Ok(self.read(scope, |desk| {
            u64::try_from(desk.correspondents.values().filter(lately).count()).unwrap_or(u64::MAX)
        }))
    }
}
