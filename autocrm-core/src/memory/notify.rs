//! Notifications.

use std::ops::Bound;

use async_trait::async_trait;

use crate::{
    access::Scope,
    error::Result,
    id::NotificationId,
    memory::{
        MemoryStore, page_of,
        world::{Desk, put},
    },
    notify::Notification,
    page::{Cursor, Page, PageRequest},
    port::NotificationReader,
};

impl Desk {
    pub(super) fn set_notification(
        &mut self,
        id: NotificationId,
        row: Option<Notification>,
    ) -> Option<Notification> {
        put(&mut self.notifications, id, row)
    }
}

#[async_trait]
impl NotificationReader for MemoryStore {
    async fn notification(&self, scope: &Scope, id: NotificationId) -> Result<Option<Notification>> {
        Ok(self.read(scope, |desk| {
            desk.notifications.get(&id).filter(|told| scope.sees_notification(told.recipient)).cloned()
        }))
    }

    async fn notifications(&self, scope: &Scope, page: &PageRequest) -> Result<Page<Notification>> {
        let before = page
            .cursor()
            .map_or(Bound::Unbounded, |cursor| Bound::Excluded(NotificationId::from_uuid(cursor.id)));
        Ok(self.read(scope, |desk| {
            page_of(
                desk.notifications.range((Bound::Unbounded, before)).rev().map(|(_, row)| row),
                |told| scope.sees_notification(told.recipient),
                page,
                |told| Cursor { key: 0, id: told.id.as_uuid() },
            )
        }))
    }
}
