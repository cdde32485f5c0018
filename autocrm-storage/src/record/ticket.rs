//! Tickets and routing decisions.

use std::collections::{BTreeMap, BTreeSet};

use autocrm_core::{
    clock::Timestamp,
    error::Result,
    id::{TicketId, UserId},
    routing::RoutingDecision,
    text::{Key, Language, Subject, Tag},
    ticket::{EntityLink, FieldValue, Status, Ticket, TicketLink, TicketNumber},
    transition::Version,
};
#[cfg(feature = "sqlite")]
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::column::{Code, Uid, corrupt, from_json, narrow, number, time, to_json};

/// A row of `autocrm_ticket`.
#[derive(Debug, Clone)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName))]
#[cfg_attr(feature = "sqlite", derive(Insertable, AsChangeset, Queryable, Selectable))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_ticket, primary_key(tenant, id, number)))]
#[cfg_attr(feature = "sqlite", diesel(treat_none_as_default_value = false, treat_none_as_null = true))]
pub(crate) struct TicketRecord {
    pub(crate) tenant: Uid,
    pub(crate) id: Uid,
    pub(crate) version: i64,
    pub(crate) number: i64,
    pub(crate) subject: String,
    pub(crate) status: i64,
    pub(crate) status_key: String,
    pub(crate) priority: i64,
    pub(crate) category: Option<String>,
    pub(crate) category_source: Option<i64>,
    pub(crate) channel: i64,
    pub(crate) requester: Uid,
    pub(crate) team: Option<Uid>,
    pub(crate) assignee: Option<Uid>,
    pub(crate) pending_until: Option<i64>,
    pub(crate) messages: i64,
    pub(crate) first_response_at: Option<i64>,
    pub(crate) resolved_at: Option<i64>,
    pub(crate) closed_at: Option<i64>,
    pub(crate) deleted_at: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) rest: String,
}

/// What of a ticket no list is filtered or ordered by, and what other tables repeat to be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TicketRest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<Language>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) participants: Vec<UserId>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) tags: BTreeSet<Tag>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) fields: BTreeMap<Key, FieldValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entity: Option<EntityLink>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<TicketId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) links: Vec<TicketLink>,
}

impl TicketRecord {
    /// Encodes a ticket.
    pub(crate) fn of(ticket: &Ticket) -> Result<Self> {
        let rest = TicketRest {
            language: ticket.language.clone(),
            participants: ticket.participants.clone(),
            tags: ticket.tags.clone(),
            fields: ticket.fields.clone(),
            entity: ticket.entity.clone(),
            parent: ticket.parent,
            links: ticket.links.clone(),
        };
        let micros = |time: Option<Timestamp>| time.map(Timestamp::as_micros);
        Ok(Self {
            tenant: Uid::of(ticket.tenant),
            id: Uid::of(ticket.id),
            version: number(ticket.version.get()),
            number: number(ticket.number.get()),
            subject: ticket.subject.as_str().to_owned(),
            status: ticket.status.category.code(),
            status_key: ticket.status.key.as_str().to_owned(),
            priority: ticket.priority.code(),
            category: ticket.category.clone().map(Key::into_string),
            category_source: ticket.category_source.map(Code::code),
            channel: ticket.channel.code(),
            requester: Uid::of(ticket.requester),
            team: ticket.team.map(Uid::of),
            assignee: ticket.assignee.map(Uid::of),
            pending_until: micros(ticket.pending_until),
            messages: i64::from(ticket.messages),
            first_response_at: micros(ticket.first_response_at),
            resolved_at: micros(ticket.resolved_at),
            closed_at: micros(ticket.closed_at),
            deleted_at: micros(ticket.deleted_at),
            created_at: ticket.created_at.as_micros(),
            updated_at: ticket.updated_at.as_micros(),
            rest: to_json(&rest)?,
        })
    }

    /// Decodes the ticket.
    pub(crate) fn decode(self) -> Result<Ticket> {
        let rest: TicketRest = from_json(&self.rest, "ticket")?;
        let key = |text: String| Key::new(text).map_err(|error| corrupt("ticket").source(error));
        Ok(Ticket {
            id: self.id.to(),
            tenant: self.tenant.to(),
            version: Version::new(narrow(self.version, "version")?),
            number: TicketNumber::new(narrow(self.number, "number")?),
            subject: Subject::new(self.subject).map_err(|error| corrupt("subject").source(error))?,
            status: Status { key: key(self.status_key)?, category: Code::decode(self.status)? },
            priority: Code::decode(self.priority)?,
            category: self.category.map(key).transpose()?,
            category_source: self.category_source.map(Code::decode).transpose()?,
            language: rest.language,
            channel: Code::decode(self.channel)?,
            requester: self.requester.to(),
            participants: rest.participants,
            team: self.team.map(Uid::to),
            assignee: self.assignee.map(Uid::to),
            tags: rest.tags,
            fields: rest.fields,
            entity: rest.entity,
            parent: rest.parent,
            links: rest.links,
            pending_until: self.pending_until.map(time),
            messages: narrow(self.messages, "messages")?,
            first_response_at: self.first_response_at.map(time),
            resolved_at: self.resolved_at.map(time),
            closed_at: self.closed_at.map(time),
            deleted_at: self.deleted_at.map(time),
            created_at: time(self.created_at),
            updated_at: time(self.updated_at),
        })
    }
}

/// A row of `autocrm_routing`.
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName, sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", derive(Insertable))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_routing))]
pub(crate) struct RoutingRecord {
    pub(crate) tenant: Uid,
    pub(crate) ticket: Uid,
    pub(crate) document: String,
}

impl RoutingRecord {
    /// Encodes a decision.
    pub(crate) fn of(decision: &RoutingDecision) -> Result<Self> {
        Ok(Self {
            tenant: Uid::of(decision.tenant),
            ticket: Uid::of(decision.ticket),
            document: to_json(decision)?,
        })
    }
}
