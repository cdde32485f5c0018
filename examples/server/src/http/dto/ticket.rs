//! Tickets on the wire.

use std::collections::BTreeMap;

use autocrm_core::{
    access::{Actor, Scope},
    app::{Error, TicketData},
    id::UserId,
    text::{Body, ExternalId, Key, Language, Note, Subject, Tag, TextError},
    ticket::{
        Channel, EntityLink, FieldValue, LinkKind, NewTicket, Priority, Scheme, StatusCategory, Ticket,
        TicketChange, TicketFilter, TicketLink, TicketOrder,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::dto::{id, one_of};

const LINK_KINDS: [LinkKind; 3] = [LinkKind::Related, LinkKind::Duplicates, LinkKind::FollowsUp];
const ORDERS: [TicketOrder; 4] =
    [TicketOrder::Newest, TicketOrder::Oldest, TicketOrder::RecentlyUpdated, TicketOrder::Queue];

/// The value of a custom field, of the kind that the tenant defines.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum FieldDto {
    Flag(bool),
    Number(i64),
    Text(String),
}

impl FieldDto {
    fn read(self) -> Result<FieldValue, TextError> {
        Ok(match self {
            Self::Flag(flag) => FieldValue::Flag(flag),
            Self::Number(number) => FieldValue::Number(number),
            Self::Text(text) => FieldValue::Text(Note::new(text)?),
        })
    }

    fn of(value: &FieldValue) -> Self {
        match value {
            FieldValue::Flag(flag) => Self::Flag(*flag),
            FieldValue::Number(number) => Self::Number(*number),
            FieldValue::Text(text) => Self::Text(text.to_string()),
        }
    }
}

/// A thing of the host: an order, a device, an account.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntityDto {
    /// The kind of thing, such as `order`.
    kind: String,
    /// The host's id, 1..=200 characters.
    id: String,
}

impl EntityDto {
    fn read(self) -> Result<EntityLink, TextError> {
        Ok(EntityLink { kind: Key::new(self.kind)?, id: ExternalId::new(self.id)? })
    }
}

/// A link to another ticket.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkDto {
    /// `related`, `duplicates` or `follows_up`.
    kind: String,
    /// The other ticket.
    ticket: Uuid,
}

const fn link_name(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Related => "related",
        LinkKind::Duplicates => "duplicates",
        LinkKind::FollowsUp => "follows_up",
    }
}

impl LinkDto {
    fn read(&self) -> Result<TicketLink, TextError> {
        let kind = one_of("link kind", &self.kind, &LINK_KINDS, link_name)?;
        Ok(TicketLink { kind, ticket: id(self.ticket) })
    }
}

fn priority(text: &str) -> Result<Priority, TextError> {
    one_of("priority", text, &Priority::ALL, Priority::as_str)
}

fn tags<C: FromIterator<Tag>>(tags: Vec<String>) -> Result<C, TextError> {
    tags.into_iter().map(Tag::new).collect()
}

/// What a ticket is opened with.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTicketRequest {
    /// What it is about: one line, 1..=255 characters.
    subject: String,
    /// The first message, at most 1,048,576 bytes, not blank.
    body: String,
    /// The customer; staff only, and needed for them.
    requester: Option<Uuid>,
    /// `low`, `normal` (default), `high` or `urgent`.
    priority: Option<String>,
    /// A category of the tenant.
    category: Option<String>,
    /// The language (ISO 639).
    language: Option<String>,
    /// At most 50.
    #[serde(default)]
    tags: Vec<String>,
    /// Custom fields of the tenant, at most 100.
    #[serde(default)]
    fields: BTreeMap<String, FieldDto>,
    /// What it concerns.
    entity: Option<EntityDto>,
    /// The ticket of which it is a part; staff only.
    parent: Option<Uuid>,
    /// Links to other tickets, at most 50.
    #[serde(default)]
    links: Vec<LinkDto>,
}

impl NewTicketRequest {
    pub(crate) fn read(self) -> Result<TicketData, Error> {
        let mut fields = BTreeMap::new();
        for (key, value) in self.fields {
            fields.insert(Key::new(key)?, value.read()?);
        }
        let ticket = NewTicket {
            priority: self.priority.as_deref().map(priority).transpose()?.unwrap_or_default(),
            category: self.category.map(Key::new).transpose()?,
            language: self.language.map(Language::new).transpose()?,
            tags: tags(self.tags)?,
            fields,
            entity: self.entity.map(EntityDto::read).transpose()?,
            parent: self.parent.map(id),
            links: self.links.iter().map(LinkDto::read).collect::<Result<_, _>>()?,
            ..NewTicket::about(Subject::new(self.subject)?)
        };
        Ok(TicketData {
            requester: self.requester.map(id),
            channel: Channel::Api,
            ticket,
            body: Body::new(self.body)?,
        })
    }
}

/// What changes about a ticket; absent fields stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UpdateTicketRequest {
    /// One line, 1..=255 characters.
    subject: Option<String>,
    /// `low`, `normal`, `high` or `urgent`; staff only.
    priority: Option<String>,
    /// A category of the tenant; staff only.
    category: Option<String>,
    /// A status of the tenant, by key; staff only.
    status: Option<String>,
    /// The whole new list, at most 50; staff only.
    tags: Option<Vec<String>>,
    /// Custom fields to set; `null` removes one.
    #[schema(value_type = BTreeMap<String, FieldDto>)]
    fields: BTreeMap<String, Option<FieldDto>>,
    /// The whole new list of others who take part, at most 50; staff only.
    participants: Option<Vec<Uuid>>,
    /// The language (ISO 639); staff only.
    language: Option<String>,
    /// What it concerns; staff only.
    entity: Option<EntityDto>,
    /// Links to add; staff only.
    add_links: Vec<LinkDto>,
    /// The ticket of which it becomes a part; staff only.
    parent: Option<Uuid>,
}

impl UpdateTicketRequest {
    pub(crate) fn read(self) -> Result<TicketChange, Error> {
        let mut fields = BTreeMap::new();
        for (key, value) in self.fields {
            fields.insert(Key::new(key)?, value.map(FieldDto::read).transpose()?);
        }
        Ok(TicketChange {
            subject: self.subject.map(Subject::new).transpose()?,
            priority: self.priority.as_deref().map(priority).transpose()?,
            category: self.category.map(Key::new).transpose()?,
            status: self.status.map(Key::new).transpose()?,
            tags: self.tags.map(tags).transpose()?,
            fields,
            participants: self.participants.map(|users| users.into_iter().map(id).collect()),
            language: self.language.map(Language::new).transpose()?,
            entity: self.entity.map(EntityDto::read).transpose()?,
            add_links: self.add_links.iter().map(LinkDto::read).collect::<Result<_, _>>()?,
            parent: self.parent.map(id),
        })
    }
}

/// Who reads, and with which fields.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    staff: bool,
    scheme: Option<Scheme>,
}

impl Viewer {
    pub(crate) fn new(actor: &Actor, scheme: Option<Scheme>) -> Self {
        Self { staff: Scope::of(actor).is_staff(), scheme }
    }

    pub(crate) fn is_staff(&self) -> bool {
        self.staff
    }

    fn shows(&self, field: &Key) -> bool {
        self.staff
            || self
                .scheme
                .as_ref()
                .and_then(|scheme| scheme.fields.get(field))
                .is_some_and(|f| f.customer_visible)
    }
}

/// A status of the tenant and what it means to the desk.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StatusView {
    key: String,
    /// `new`, `open`, `waiting_customer`, `on_hold`, `resolved` or `closed`.
    category: &'static str,
}

/// What only staff sees of a ticket.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StaffView {
    tags: Vec<String>,
    /// Others who take part.
    participants: Vec<Uuid>,
    entity: Option<EntityDto>,
    parent: Option<Uuid>,
    links: Vec<LinkDto>,
    /// How many messages there are, notes included.
    messages: u32,
}

/// A ticket.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TicketView {
    id: Uuid,
    /// The number that people quote.
    number: u64,
    /// The version, as in the `ETag`.
    version: u64,
    subject: String,
    status: StatusView,
    priority: &'static str,
    category: Option<String>,
    language: Option<String>,
    channel: &'static str,
    /// The customer.
    requester: Uuid,
    team: Option<Uuid>,
    /// The agent in charge.
    assignee: Option<Uuid>,
    /// Custom fields; customers see those that are shown to them.
    fields: BTreeMap<String, FieldDto>,
    /// When it wakes up, in RFC 3339.
    pending_until: Option<String>,
    first_response_at: Option<String>,
    resolved_at: Option<String>,
    closed_at: Option<String>,
    created_at: String,
    updated_at: String,
    /// Only for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    staff: Option<StaffView>,
}

impl TicketView {
    pub(crate) fn of(ticket: &Ticket, viewer: &Viewer) -> Self {
        let time = |at: Option<autocrm_core::clock::Timestamp>| at.map(|at| at.to_string());
        let shown = ticket.fields.iter().filter(|(key, _)| viewer.shows(key));
        Self {
            id: ticket.id.as_uuid(),
            number: ticket.number.get(),
            version: ticket.version.get(),
            subject: ticket.subject.to_string(),
            status: StatusView {
                key: ticket.status.key.to_string(),
                category: ticket.status.category.as_str(),
            },
            priority: ticket.priority.as_str(),
            category: ticket.category.as_ref().map(ToString::to_string),
            language: ticket.language.as_ref().map(ToString::to_string),
            channel: ticket.channel.as_str(),
            requester: ticket.requester.as_uuid(),
            team: ticket.team.map(Into::into),
            assignee: ticket.assignee.map(Into::into),
            fields: shown.map(|(key, value)| (key.to_string(), FieldDto::of(value))).collect(),
            pending_until: time(ticket.pending_until),
            first_response_at: time(ticket.first_response_at),
            resolved_at: time(ticket.resolved_at),
            closed_at: time(ticket.closed_at),
            created_at: ticket.created_at.to_string(),
            updated_at: ticket.updated_at.to_string(),
            staff: viewer.staff.then(|| StaffView::of(ticket)),
        }
    }
}

impl StaffView {
    fn of(ticket: &Ticket) -> Self {
        let entity = |link: &EntityLink| EntityDto { kind: link.kind.to_string(), id: link.id.to_string() };
        let link = |link: &TicketLink| LinkDto {
            kind: link_name(link.kind).to_owned(),
            ticket: link.ticket.as_uuid(),
        };
        Self {
            tags: ticket.tags.iter().map(ToString::to_string).collect(),
            participants: ticket.participants.iter().copied().map(UserId::as_uuid).collect(),
            entity: ticket.entity.as_ref().map(entity),
            parent: ticket.parent.map(Into::into),
            links: ticket.links.iter().map(link).collect(),
            messages: ticket.messages,
        }
    }
}

/// A page of tickets.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TicketPage {
    pub(crate) tickets: Vec<TicketView>,
    /// Leads to the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// Which tickets are wanted; all given conditions have to hold.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Status categories, separated by commas.
    status: Option<String>,
    /// A priority.
    priority: Option<String>,
    /// A category of the tenant.
    category: Option<String>,
    /// A team, or `none`.
    team: Option<String>,
    /// An agent, or `none`.
    assignee: Option<String>,
    /// A customer.
    requester: Option<Uuid>,
    /// A tag.
    tag: Option<String>,
    /// `newest` (default), `oldest`, `recently_updated` or `queue`.
    order: Option<String>,
    /// The size of a page, 1..=200, 50 unless given.
    pub(crate) limit: Option<u16>,
    /// Where the page begins: from `next` or the `Link` header of the page before.
    pub(crate) cursor: Option<String>,
}

impl ListQuery {
    pub(crate) fn filter(&self) -> Result<TicketFilter, TextError> {
        let status = self.status.as_deref().unwrap_or_default().split(',').filter(|name| !name.is_empty());
        let category =
            |name: &str| one_of("status", name.trim(), &StatusCategory::ALL, StatusCategory::as_str);
        let order = self.order.as_deref().map(|name| one_of("order", name, &ORDERS, TicketOrder::as_str));
        Ok(TicketFilter {
            status: status.map(category).collect::<Result<_, _>>()?,
            priority: self.priority.as_deref().map(priority).transpose()?,
            category: self.category.as_deref().map(Key::new).transpose()?,
            team: self.team.as_deref().map(|text| or_none("team", text)).transpose()?,
            assignee: self.assignee.as_deref().map(|text| or_none("assignee", text)).transpose()?,
            requester: self.requester.map(id),
            tag: self.tag.as_deref().map(Tag::new).transpose()?,
            order: order.transpose()?.unwrap_or_default(),
            ..TicketFilter::default()
        })
    }
}

fn or_none<T: std::str::FromStr>(kind: &'static str, text: &str) -> Result<Option<T>, TextError> {
    if text == "none" {
        return Ok(None);
    }
    let malformed = TextError { kind, problem: autocrm_core::text::TextProblem::Malformed };
    text.parse().map(Some).map_err(|_| malformed)
}

/// A search for tickets.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// The words sought, 1..=500 characters; all of them have to occur.
    pub(crate) q: String,
    /// Whether internal notes are searched too; staff only.
    #[serde(default)]
    pub(crate) notes: bool,
    /// The size of a page, 1..=200, 50 unless given.
    pub(crate) limit: Option<u16>,
    /// Where the page begins: from `next` or the `Link` header of the page before.
    pub(crate) cursor: Option<String>,
}

/// A ticket found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SearchHit {
    pub(crate) ticket: TicketView,
    /// The newest message that matches.
    pub(crate) message: Uuid,
}

/// A page of tickets found, newest match first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SearchPage {
    pub(crate) hits: Vec<SearchHit>,
    /// Leads to the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}
