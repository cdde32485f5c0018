//! Notifications.

use autocrm_core::{error::Result, notify::Notification};
#[cfg(feature = "sqlite")]
use diesel::prelude::*;

use crate::column::{Uid, number, to_json};

/// A row of `autocrm_notification`.
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName, sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", derive(Insertable, AsChangeset))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_notification, primary_key(tenant, id)))]
pub(crate) struct NotificationRecord {
    pub(crate) tenant: Uid,
    pub(crate) id: Uid,
    pub(crate) version: i64,
    pub(crate) recipient: Uid,
    pub(crate) ticket: Uid,
    pub(crate) document: String,
}

impl NotificationRecord {
    /// Encodes a notification.
    pub(crate) fn of(notification: &Notification) -> Result<Self> {
        Ok(Self {
            tenant: Uid::of(notification.tenant),
            id: Uid::of(notification.id),
            version: number(notification.version.get()),
            recipient: Uid::of(notification.recipient),
            ticket: Uid::of(notification.ticket),
            document: to_json(notification)?,
        })
    }
}
