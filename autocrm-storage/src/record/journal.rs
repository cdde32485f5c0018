//! The event log.

use autocrm_core::{
    change::{ChangeSet, Event, EventRecord, NewEvent, Position},
    error::Result,
    transition::Version,
};
#[cfg(feature = "sqlite")]
use diesel::prelude::*;

use crate::column::{
    Code, Uid, actor, actor_columns, entity, entity_columns, from_json, narrow, number, time, to_json,
};

/// A row of `autocrm_event`.
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName))]
#[cfg_attr(feature = "sqlite", derive(Insertable, Queryable, Selectable))]
#[cfg_attr(feature = "postgres", derive(sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_event, treat_none_as_default_value = false))]
pub(crate) struct EventRow {
    pub(crate) tenant: Uid,
    /// 0 until the writer seals the event.
    pub(crate) position: i64,
    pub(crate) id: Uid,
    pub(crate) at: i64,
    pub(crate) actor: i64,
    pub(crate) actor_user: Option<Uid>,
    pub(crate) subject: i64,
    pub(crate) subject_id: Option<Uid>,
    pub(crate) version: i64,
    pub(crate) ticket: Option<Uid>,
    pub(crate) audience: i64,
    pub(crate) event: Option<String>,
}

impl EventRow {
    /// Encodes an event of a change set.
    pub(crate) fn of(changes: &ChangeSet, new: &NewEvent) -> Result<Self> {
        let (actor, actor_user) = actor_columns(changes.actor());
        let (subject, subject_id) = entity_columns(new.subject);
        Ok(Self {
            tenant: Uid::of(changes.tenant_id()),
            position: 0,
            id: Uid::of(new.id),
            at: changes.at().as_micros(),
            actor,
            actor_user,
            subject,
            subject_id,
            version: number(new.version.get()),
            ticket: new.ticket.map(Uid::of),
            audience: new.event.audience().code(),
            event: Some(to_json(&new.event)?),
        })
    }

    /// Decodes the event.
    pub(crate) fn decode(self) -> Result<EventRecord> {
        let event = match &self.event {
            Some(text) => from_json(text, "event")?,
            None => Event::Erased,
        };
        Ok(EventRecord {
            id: self.id.to(),
            tenant: self.tenant.to(),
            position: Position::new(narrow(self.position, "position")?),
            at: time(self.at),
            actor: actor(self.actor, self.actor_user)?,
            subject: entity(self.subject, self.subject_id)?,
            version: Version::new(narrow(self.version, "version")?),
            ticket: self.ticket.map(Uid::to),
            event,
        })
    }
}

/// A row of `autocrm_counter`: the last ticket number given.
#[cfg(all(feature = "sqlite", feature = "postgres"))]
#[derive(Debug, diesel::QueryableByName, sqlx::FromRow)]
#[diesel(table_name = crate::schema::autocrm_counter)]
pub(crate) struct CounterRecord {
    pub(crate) tenant: Uid,
    pub(crate) number: i64,
}

/// A row of `autocrm_idempotency`.
#[cfg(all(feature = "sqlite", feature = "postgres"))]
#[derive(Debug, diesel::QueryableByName, sqlx::FromRow)]
#[diesel(table_name = crate::schema::autocrm_idempotency)]
pub(crate) struct ReceiptRecord {
    pub(crate) tenant: Uid,
    pub(crate) principal: String,
    pub(crate) key: String,
    pub(crate) request: crate::column::Digest,
    pub(crate) receipt: String,
    pub(crate) at: i64,
}
