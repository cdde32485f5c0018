//! Notifications.

use async_trait::async_trait;
use autocrm_core::{
    access::{Scope, View},
    error::Result,
    id::NotificationId,
    notify::Notification,
    page::{Page, PageRequest},
    port::NotificationReader,
};
use sqlx::query_scalar;

use crate::{
    column::{Uid, number},
    postgres::{
        PostgresStore,
        document::{self, before},
    },
};

#[async_trait]
impl NotificationReader for PostgresStore {
    async fn notification(&self, scope: &Scope, id: NotificationId) -> Result<Option<Notification>> {
        let text = "SELECT document FROM autocrm.autocrm_notification WHERE tenant = $1 AND id = $2";
        let statement = query_scalar(text).bind(Uid::of(scope.tenant())).bind(Uid::of(id));
        let mut tx = self.read("notification", scope).await?;
        let told: Option<Notification> = document::one(&mut tx, "notification", statement).await?;
        Ok(told.filter(|told| scope.sees_notification(told.recipient)))
    }

    async fn notifications(&self, scope: &Scope, page: &PageRequest) -> Result<Page<Notification>> {
        let recipient = match scope.view() {
            View::Customer(user) | View::Agent { user, .. } => Some(Uid::of(*user)),
            View::Tenant => None,
        };
        let statement = query_scalar(include_str!("sql/notifications.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(recipient)
            .bind(before(page))
            .bind(number(page.limit() + 1));
        let mut tx = self.read("notifications", scope).await?;
        document::page(&mut tx, "notifications", statement, page, |told: &Notification| told.id.as_uuid())
            .await
    }
}
