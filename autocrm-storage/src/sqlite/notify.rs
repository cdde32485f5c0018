//! Notifications.

use async_trait::async_trait;
use autocrm_core::{
    access::{Scope, View},
    error::Result,
    id::NotificationId,
    notify::Notification,
    page::{Cursor, Page, PageRequest},
    port::NotificationReader,
};
use diesel::prelude::*;

use crate::{
    column::{Uid, from_json, number},
    schema::autocrm_notification,
    sqlite::{SqliteStore, failure::During},
};

#[async_trait]
impl NotificationReader for SqliteStore {
    async fn notification(&self, scope: &Scope, id: NotificationId) -> Result<Option<Notification>> {
        let scope = scope.clone();
        self.read("notification", move |connection| {
            let document: Option<String> = autocrm_notification::table
                .find((Uid::of(scope.tenant()), Uid::of(id)))
                .select(autocrm_notification::document)
                .get_result(connection)
                .optional()
                .during("notification")?;
            let told: Option<Notification> =
                document.map(|text| from_json(&text, "notification")).transpose()?;
            Ok(told.filter(|told| scope.sees_notification(told.recipient)))
        })
        .await
    }

    async fn notifications(&self, scope: &Scope, page: &PageRequest) -> Result<Page<Notification>> {
        let mut told = autocrm_notification::table
            .filter(autocrm_notification::tenant.eq(Uid::of(scope.tenant())))
            .order(autocrm_notification::id.desc())
            .limit(number(page.limit() + 1))
            .select(autocrm_notification::document)
            .into_boxed();
        match scope.view() {
            View::Customer(user) | View::Agent { user, .. } => {
                told = told.filter(autocrm_notification::recipient.eq(Uid::of(*user)));
            }
            View::Tenant => {}
        }
        if let Some(cursor) = page.cursor() {
            told = told.filter(autocrm_notification::id.lt(Uid(cursor.id)));
        }
        let limit = page.limit();
        self.read("notifications", move |connection| {
            let documents: Vec<String> = told.load(connection).during("notifications")?;
            let found =
                documents.iter().map(|text| from_json(text, "notification")).collect::<Result<_>>()?;
            Ok(Page::from_overfetch(found, limit, |told: &Notification| Cursor {
                key: 0,
                id: told.id.as_uuid(),
            }))
        })
        .await
    }
}
