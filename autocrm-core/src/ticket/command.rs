//! Opening a ticket and moving it through its statuses.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    access::Actor,
    clock::{Stamp, Timestamp},
    id::{TicketId, UserId},
    text::{Key, Language, Subject, Tag},
    ticket::{
        Channel, EntityLink, FieldValue, MAX_FIELDS, MAX_LINKS, MAX_PARTICIPANTS, MAX_TAGS, Priority, Scheme,
        Status, StatusCategory, Ticket, TicketEvent, TicketLink, TicketNumber, TicketRefusal,
    },
    transition::{Transition, Version},
};

/// What a new ticket is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTicket {
    /// What it is about.
    pub subject: Subject,
    /// How urgent it is.
    #[serde(default)]
    pub priority: Priority,
    /// What kind of request it is.
    #[serde(default)]
    pub category: Option<Key>,
    /// The customer's language.
    #[serde(default)]
    pub language: Option<Language>,
    /// Tags, at most 50.
    #[serde(default)]
    pub tags: BTreeSet<Tag>,
    /// Custom fields, at most 100.
    #[serde(default)]
    pub fields: BTreeMap<Key, FieldValue>,
    /// The thing of the host that it concerns.
    #[serde(default)]
    pub entity: Option<EntityLink>,
    /// The ticket of which this one is a part.
    #[serde(default)]
    pub parent: Option<TicketId>,
    /// Links to other tickets, at most 50.
    #[serde(default)]
    pub links: Vec<TicketLink>,
}

impl NewTicket {
    /// Returns a ticket with nothing but a subject.
    pub fn about(subject: Subject) -> Self {
        Self {
            subject,
            priority: Priority::default(),
            category: None,
            language: None,
            tags: BTreeSet::new(),
            fields: BTreeMap::new(),
            entity: None,
            parent: None,
            links: Vec::new(),
        }
    }
}

/// What changes about a ticket; absent fields stay.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TicketChange {
    /// The new subject.
    pub subject: Option<Subject>,
    /// The new urgency.
    pub priority: Option<Priority>,
    /// The new category.
    pub category: Option<Key>,
    /// The new status, by key.
    pub status: Option<Key>,
    /// The whole new set of tags.
    pub tags: Option<BTreeSet<Tag>>,
    /// Fields to set; `null` removes one.
    pub fields: BTreeMap<Key, Option<FieldValue>>,
    /// The whole new list of participants.
    pub participants: Option<Vec<UserId>>,
    /// The language.
    pub language: Option<Language>,
    /// The thing of the host.
    pub entity: Option<EntityLink>,
    /// Links to add.
    pub add_links: Vec<TicketLink>,
    /// The ticket of which it becomes a part.
    pub parent: Option<TicketId>,
}

pub(super) fn check_limits(ticket: &Ticket) -> Result<(), TicketRefusal> {
    for (what, actual, max) in [
        ("tags", ticket.tags.len(), MAX_TAGS),
        ("fields", ticket.fields.len(), MAX_FIELDS),
        ("participants", ticket.participants.len(), MAX_PARTICIPANTS),
        ("links", ticket.links.len(), MAX_LINKS),
    ] {
        if actual > max {
            return Err(TicketRefusal::TooMany { what, max });
        }
    }
    if ticket.parent == Some(ticket.id) || ticket.links.iter().any(|link| link.ticket == ticket.id) {
        return Err(TicketRefusal::LinkToItself);
    }
    Ok(())
}

pub(super) fn check_field(
    scheme: &Scheme,
    actor: &Actor,
    key: &Key,
    value: Option<&FieldValue>,
) -> Result<(), TicketRefusal> {
    let Some(definition) = scheme.fields.get(key) else {
        return Err(TicketRefusal::UnknownField(key.clone()));
    };
    let customer = matches!(actor.kind, crate::access::ActorKind::Customer(_));
    if customer && !definition.customer_visible {
        return Err(TicketRefusal::UnknownField(key.clone()));
    }
    if value.is_some_and(|value| !definition.kind.admits(value)) {
        return Err(TicketRefusal::WrongFieldValue(key.clone()));
    }
    Ok(())
}

pub(super) fn check_category(scheme: &Scheme, category: Option<&Key>) -> Result<(), TicketRefusal> {
    match category {
        Some(key) if scheme.category(key).is_none() => Err(TicketRefusal::UnknownCategory(key.clone())),
        _ => Ok(()),
    }
}

/// Opens a ticket for `requester`. Linked tickets and the requester were looked up by the caller.
pub fn create(
    scheme: &Scheme,
    actor: &Actor,
    requester: UserId,
    channel: Channel,
    new: NewTicket,
    stamp: &Stamp<'_>,
) -> Result<Transition<Ticket, TicketEvent>, TicketRefusal> {
    check_category(scheme, new.category.as_ref())?;
    for (key, value) in &new.fields {
        check_field(scheme, actor, key, Some(value))?;
    }
    let customer = matches!(actor.kind, crate::access::ActorKind::Customer(_));
    if customer && new.parent.is_some() {
        return Err(TicketRefusal::StaffOnly("parent"));
    }
    let status = default_status(scheme, StatusCategory::New)?;
    let category_source = new.category.as_ref().map(|_| super::CategorySource::Person);
    let ticket = Ticket {
        id: stamp.id(),
        tenant: actor.tenant,
        version: Version::NEW,
        number: TicketNumber::UNASSIGNED,
        subject: new.subject,
        status: status.clone(),
        priority: new.priority,
        category: new.category,
        category_source,
        language: new.language,
        channel,
        requester,
        participants: Vec::new(),
        team: None,
        assignee: None,
        tags: new.tags,
        fields: new.fields,
        entity: new.entity,
        parent: new.parent,
        links: new.links,
        pending_until: None,
        messages: 0,
        first_response_at: None,
        resolved_at: None,
        closed_at: None,
        deleted_at: None,
        created_at: stamp.at(),
        updated_at: stamp.at(),
    };
    check_limits(&ticket)?;
    let event = TicketEvent::Created { requester, channel, priority: ticket.priority, status };
    Ok(Transition::new(ticket, event))
}

pub(super) fn default_status(scheme: &Scheme, category: StatusCategory) -> Result<Status, TicketRefusal> {
    scheme.default_status(category).ok_or_else(|| match Key::new(category.as_str()) {
        Ok(key) => TicketRefusal::UnknownStatus(key),
        Err(_) => TicketRefusal::IllegalMove { from: category, to: category },
    })
}

/// Moves a ticket to `to`; the present status again is no event. A move away from on hold ends the waiting time.
pub fn move_to(
    mut ticket: Ticket,
    to: Status,
    stamp: &Stamp<'_>,
) -> Result<Transition<Ticket, TicketEvent>, TicketRefusal> {
    if ticket.status == to {
        return Ok(Transition::unchanged(ticket));
    }
    let from = ticket.status.clone();
    if !from.category.may_move_to(to.category) {
        return Err(TicketRefusal::IllegalMove { from: from.category, to: to.category });
    }
    let at = stamp.at();
    if from.category != to.category {
        ticket.resolved_at = match to.category {
            StatusCategory::Resolved => Some(at),
            StatusCategory::Closed => ticket.resolved_at.or(Some(at)),
            _ => None,
        };
        ticket.closed_at = (to.category == StatusCategory::Closed).then_some(at);
        if to.category != StatusCategory::OnHold {
            ticket.pending_until = None;
        }
    }
    ticket.status = to.clone();
    ticket.updated_at = at;
    Ok(Transition::new(ticket, TicketEvent::StatusChanged { from, to }))
}

/// Takes note of a message: counts it and, for a public one, moves the status. A customer's message wakes, answers
/// and reopens the ticket; an answer of the desk waits for the customer.
pub fn note_activity(
    mut ticket: Ticket,
    scheme: &Scheme,
    by_customer: bool,
    public: bool,
    stamp: &Stamp<'_>,
) -> Result<Transition<Ticket, TicketEvent>, TicketRefusal> {
    let at: Timestamp = stamp.at();
    ticket.messages = ticket.messages.saturating_add(1);
    ticket.updated_at = at;
    if !public {
        return Ok(Transition::unchanged(ticket));
    }
    let category = ticket.status.category;
    let target = if by_customer {
        (!category.is_queued()).then_some(StatusCategory::Open)
    } else {
        ticket.first_response_at = ticket.first_response_at.or(Some(at));
        category.is_queued().then_some(StatusCategory::WaitingCustomer)
    };
    match target {
        Some(category) => {
            let status = default_status(scheme, category)?;
            move_to(ticket, status, stamp)
        }
        None => Ok(Transition::unchanged(ticket)),
    }
}

/// Undoes what an answer that was taken back did to its ticket: it no longer waits for the customer, and an answer that
/// was the first one is none.
pub fn take_back_activity(
    mut ticket: Ticket,
    scheme: &Scheme,
    written_at: Timestamp,
    stamp: &Stamp<'_>,
) -> Result<Transition<Ticket, TicketEvent>, TicketRefusal> {
    ticket.updated_at = stamp.at();
    if ticket.first_response_at == Some(written_at) {
        ticket.first_response_at = None;
    }
    if ticket.status.category != StatusCategory::WaitingCustomer {
        return Ok(Transition::unchanged(ticket));
    }
    let status = default_status(scheme, StatusCategory::Open)?;
    move_to(ticket, status, stamp)
}
