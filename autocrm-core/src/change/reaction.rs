//! The rule table: which event asks for which jobs.

use std::time::Duration;

use crate::{
    access::MessageAudience,
    change::{Event, Job},
    clock::Timestamp,
    conversation::{AnswerState, Author, MessageEvent},
    id::{MessageId, TicketId},
    mail::MailEvent,
    notify::NotificationKind,
    tenant::{TenantEvent, TriggerEvent, TriggerSet},
    ticket::{CategorySource, StatusCategory, Ticket, TicketEvent},
};

/// How often resolved tickets are looked through.
pub(crate) const CLOSING_PERIOD: Duration = Duration::from_hours(1);

/// Returns the jobs that `event` asks for, each with the instant at which it is due. `ticket` is the ticket concerned
/// as it stands after the change set, when the change set writes it.
///
/// | event | jobs |
/// |---|---|
/// | tenant founded | close what was resolved long ago, every hour |
/// | mail received | file the mail |
/// | mail composed | deliver the mail, when it can no longer be taken back |
/// | acknowledgement due | acknowledge the mail |
/// | message by a customer, not held | process the ticket; tell the agent in charge |
/// | message held | tell the agent in charge |
/// | ticket assigned to an agent | tell the agent |
/// | ticket snoozed | wake it, at its time |
/// | ticket deleted | erase it, after the retention time |
/// | category set by a person | teach the classifier |
/// | ticket opened, answered, resolved or assigned, and a trigger waits for it | send the trigger's mails |
///
/// `awaited` says what the tenant's triggers wait for.
pub fn reactions(
    event: &Event,
    ticket: Option<&Ticket>,
    awaited: TriggerSet,
    at: Timestamp,
) -> Vec<(Job, Timestamp)> {
    let mut jobs = Vec::new();
    if let Some((id, trigger, message)) =
        trigger(event, ticket).filter(|(_, trigger, _)| awaited.has(*trigger))
    {
        jobs.push((Job::SendNotices { ticket: id, trigger, message }, at));
    }
    match event {
        Event::Tenant(TenantEvent::Founded) => jobs.push((Job::CloseResolved, at.plus(CLOSING_PERIOD))),
        Event::Mail(MailEvent::Received { mail }) => jobs.push((Job::FileMail { mail: *mail }, at)),
        Event::Mail(MailEvent::AcknowledgementDue { mail, .. }) => {
            jobs.push((Job::AcknowledgeMail { mail: *mail }, at));
        }
        Event::Mail(MailEvent::Composed { mail, due_at, .. }) => {
            jobs.push((Job::DeliverMail { mail: *mail }, *due_at));
        }
        Event::Message(MessageEvent::Written {
            ticket: id,
            message,
            author: Author::Customer { .. },
            held,
            ..
        }) => {
            if !held {
                jobs.push((Job::ProcessTicket { ticket: *id, message: *message }, at));
            }
            if let Some(recipient) = ticket.and_then(|ticket| ticket.assignee) {
                let notification =
                    if *held { NotificationKind::MessageHeld } else { NotificationKind::CustomerReplied };
                jobs.push((Job::Notify { recipient, notification, ticket: *id }, at));
            }
        }
        Event::Ticket(change) => {
            let Some(id) = ticket.map(|ticket| ticket.id) else { return jobs };
            match change {
                TicketEvent::Assigned { agent: Some(recipient), from_agent, .. }
                    if *from_agent != Some(*recipient) =>
                {
                    let notification = NotificationKind::Assigned;
                    jobs.push((Job::Notify { recipient: *recipient, notification, ticket: id }, at));
                }
                TicketEvent::Snoozed { until } => jobs.push((Job::WakeTicket { ticket: id }, *until)),
                TicketEvent::Deleted { erase_at } => jobs.push((Job::EraseTicket { ticket: id }, *erase_at)),
                TicketEvent::CategoryChanged { to: Some(_), source: CategorySource::Person, .. } => {
                    jobs.push((Job::LearnCategory { ticket: id }, at));
                }
                _ => {}
            }
        }
        _ => {}
    }
    jobs
}

/// Returns what a trigger may wait for in an event.
fn trigger(event: &Event, ticket: Option<&Ticket>) -> Option<(TicketId, TriggerEvent, Option<MessageId>)> {
    match event {
        // The first message is the ticket's own.
        Event::Message(
            MessageEvent::Written {
                ticket: id,
                message,
                sequence: 2..,
                audience: MessageAudience::Public,
                ..
            }
            | MessageEvent::AnswerJudged { ticket: id, message, state: AnswerState::Sent, .. },
        ) => Some((*id, TriggerEvent::Updated, Some(*message))),
        Event::Ticket(change) => {
            let trigger = match change {
                TicketEvent::Created { .. } => TriggerEvent::Created,
                TicketEvent::Assigned { agent: Some(agent), from_agent, .. }
                    if *from_agent != Some(*agent) =>
                {
                    TriggerEvent::Assigned
                }
                TicketEvent::StatusChanged { from, to }
                    if to.category == StatusCategory::Resolved
                        && from.category != StatusCategory::Resolved =>
                {
                    TriggerEvent::Resolved
                }
                _ => return None,
            };
            Some((ticket?.id, trigger, None))
        }
        _ => None,
    }
}
