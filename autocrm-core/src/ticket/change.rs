//! Editing, assigning, snoozing and deleting a ticket.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    access::{Actor, ActorKind},
    clock::{Stamp, Timestamp},
    id::{TeamId, UserId},
    team::Team,
    tenant::TenantPolicy,
    ticket::{
        CategorySource, Scheme, StatusCategory, Ticket, TicketChange, TicketEvent, TicketRefusal,
        command::{check_category, check_field, check_limits, default_status},
        move_to,
    },
    transition::Transition,
};

const TEN_YEARS: Duration = Duration::from_hours(10 * 366 * 24);
const DAY: Duration = Duration::from_hours(24);

/// Applies a change by a person, or by the classifier when `source` says so. What already holds is no event.
pub fn update(
    scheme: &Scheme,
    actor: &Actor,
    ticket: Ticket,
    change: TicketChange,
    source: CategorySource,
    stamp: &Stamp<'_>,
) -> Result<Transition<Ticket, TicketEvent>, TicketRefusal> {
    refuse_staff_fields(actor, &change)?;
    check_category(scheme, change.category.as_ref())?;
    let status = match &change.status {
        Some(key) => Some(scheme.status(key).ok_or_else(|| TicketRefusal::UnknownStatus(key.clone()))?),
        None => None,
    };
    let before = ticket.clone();
    let mut next = ticket;
    let mut edited = Vec::new();
    let mut events = Vec::new();
    if let Some(subject) = change.subject {
        note_edit(&mut edited, "subject", next.subject != subject);
        next.subject = subject;
    }
    if let Some(tags) = change.tags {
        note_edit(&mut edited, "tags", next.tags != tags);
        next.tags = tags;
    }
    if let Some(language) = change.language {
        note_edit(&mut edited, "language", next.language.as_ref() != Some(&language));
        next.language = Some(language);
    }
    if let Some(entity) = change.entity {
        note_edit(&mut edited, "entity", next.entity.as_ref() != Some(&entity));
        next.entity = Some(entity);
    }
    if let Some(participants) = change.participants {
        let distinct: BTreeSet<UserId> =
            participants.into_iter().filter(|user| *user != next.requester).collect();
        let listed: Vec<UserId> = distinct.into_iter().collect();
        note_edit(&mut edited, "participants", next.participants != listed);
        next.participants = listed;
    }
    for (key, value) in change.fields {
        check_field(scheme, actor, &key, value.as_ref())?;
        let name = format!("fields.{key}");
        let changed = match value {
            Some(value) => next.fields.insert(key, value.clone()) != Some(value),
            None => next.fields.remove(&key).is_some(),
        };
        note_edit(&mut edited, &name, changed);
    }
    if !edited.is_empty() {
        events.push(TicketEvent::Edited { fields: edited });
    }
    if let Some(priority) = change.priority.filter(|priority| *priority != next.priority) {
        events.push(TicketEvent::PriorityChanged { from: next.priority, to: priority });
        next.priority = priority;
    }
    if let Some(category) = change.category.filter(|key| next.category.as_ref() != Some(key)) {
        events.push(TicketEvent::CategoryChanged {
            from: next.category.take(),
            to: Some(category.clone()),
            source,
        });
        next.category = Some(category);
        next.category_source = Some(source);
    }
    for link in change.add_links {
        if !next.links.contains(&link) {
            next.links.push(link);
            events.push(TicketEvent::Linked { link });
        }
    }
    if change.parent.is_some() && change.parent != next.parent {
        next.parent = change.parent;
        events.push(TicketEvent::ParentChanged { parent: next.parent });
    }
    check_limits(&next)?;
    if next != before {
        next.updated_at = stamp.at();
    }
    let edited_ticket = Transition { state: next, events };
    match status {
        Some(status) => edited_ticket.and_then(|state| move_to(state, status, stamp)),
        None => Ok(edited_ticket),
    }
}

fn note_edit(edited: &mut Vec<String>, name: &str, changed: bool) {
    if changed {
        edited.push(name.to_owned());
    }
}

fn refuse_staff_fields(actor: &Actor, change: &TicketChange) -> Result<(), TicketRefusal> {
    if !matches!(actor.kind, ActorKind::Customer(_)) {
        return Ok(());
    }
    let staff_fields = [
        ("priority", change.priority.is_some()),
        ("category", change.category.is_some()),
        ("status", change.status.is_some()),
        ("tags", change.tags.is_some()),
        ("participants", change.participants.is_some()),
        ("language", change.language.is_some()),
        ("entity", change.entity.is_some()),
        ("links", !change.add_links.is_empty()),
        ("parent", change.parent.is_some()),
    ];
    match staff_fields.into_iter().find(|(_, given)| *given) {
        Some((name, _)) => Err(TicketRefusal::StaffOnly(name)),
        None => Ok(()),
    }
}

/// Gives a ticket to a team and, if named, to one of its members. Equal values are no event.
pub fn assign(
    mut ticket: Ticket,
    team: Option<&Team>,
    agent: Option<UserId>,
    stamp: &Stamp<'_>,
) -> Result<Transition<Ticket, TicketEvent>, TicketRefusal> {
    if let Some(user) = agent {
        let belongs = team.is_some_and(|team| team.tenant == ticket.tenant && team.member(user).is_some());
        if !belongs {
            return Err(TicketRefusal::AgentOutsideTeam);
        }
    }
    let team_id: Option<TeamId> = team.map(|team| team.id);
    if ticket.team == team_id && ticket.assignee == agent {
        return Ok(Transition::unchanged(ticket));
    }
    let event =
        TicketEvent::Assigned { from_team: ticket.team, from_agent: ticket.assignee, team: team_id, agent };
    ticket.team = team_id;
    ticket.assignee = agent;
    ticket.updated_at = stamp.at();
    Ok(Transition::new(ticket, event))
}

/// Puts a ticket on hold until a time within the next ten years.
pub fn snooze(
    ticket: Ticket,
    scheme: &Scheme,
    until: Timestamp,
    stamp: &Stamp<'_>,
) -> Result<Transition<Ticket, TicketEvent>, TicketRefusal> {
    if until <= stamp.at() || until.since(stamp.at()) > TEN_YEARS {
        return Err(TicketRefusal::WakeTime);
    }
    let status = default_status(scheme, StatusCategory::OnHold)?;
    let held = if ticket.status.category == StatusCategory::OnHold {
        Transition::unchanged(ticket)
    } else {
        move_to(ticket, status, stamp)?
    };
    held.and_then(|mut state| {
        state.pending_until = Some(until);
        state.updated_at = stamp.at();
        Ok(Transition::new(state, TicketEvent::Snoozed { until }))
    })
}

/// Wakes a ticket whose time has come; otherwise nothing happens.
pub fn wake(
    ticket: Ticket,
    scheme: &Scheme,
    stamp: &Stamp<'_>,
) -> Result<Transition<Ticket, TicketEvent>, TicketRefusal> {
    let due = ticket.pending_until.is_some_and(|until| until <= stamp.at());
    if !due || ticket.status.category != StatusCategory::OnHold {
        return Ok(Transition::unchanged(ticket));
    }
    let status = default_status(scheme, StatusCategory::Open)?;
    let woken = Transition::new(ticket, TicketEvent::Woken);
    woken.and_then(|state| move_to(state, status, stamp))
}

/// Deletes a ticket: it is hidden at once and erased after the tenant's retention time. Twice is no event.
pub fn delete(
    mut ticket: Ticket,
    policy: &TenantPolicy,
    stamp: &Stamp<'_>,
) -> Transition<Ticket, TicketEvent> {
    if ticket.deleted_at.is_some() {
        return Transition::unchanged(ticket);
    }
    let erase_at = stamp.at().plus(DAY.saturating_mul(u32::from(policy.retention_days)));
    ticket.deleted_at = Some(stamp.at());
    ticket.updated_at = stamp.at();
    Transition::new(ticket, TicketEvent::Deleted { erase_at })
}
