//! What hangs on a ticket and goes with it.

use uuid::Uuid;

use crate::{
    change::{Event, Position},
    id::{FeedbackId, MailId, MessageId, NotificationId, OutboundId, TicketId},
    knowledge::FeedbackTarget,
    mail::{BlobHash, InboundMail, MessageIdHeader},
    memory::world::Desk,
};

/// Everything of a ticket beside its own row and its routing.
#[derive(Debug)]
pub(super) struct Remains {
    pub(super) messages: Vec<MessageId>,
    pub(super) feedback: Vec<FeedbackId>,
    pub(super) inbound: Vec<MailId>,
    /// Raw bytes that no other mail refers to.
    pub(super) raw: Vec<BlobHash>,
    pub(super) outbound: Vec<OutboundId>,
    pub(super) mail_refs: Vec<(MessageIdHeader, MessageId)>,
    pub(super) notifications: Vec<NotificationId>,
    pub(super) events: Vec<(Position, Event)>,
}

fn belongs_to(mail: &InboundMail, erased: TicketId) -> bool {
    mail.outcome.ticket() == Some(erased)
}

impl Desk {
    /// Returns what goes with a ticket. Jobs stay: they find nothing to do.
    pub(super) fn remains_of(&self, ticket: TicketId) -> Remains {
        let messages: Vec<MessageId> = self.message_ids(ticket, (0, Uuid::nil())).collect();
        let on_message = |target: &FeedbackTarget| match target {
            FeedbackTarget::Message { message } => messages.contains(message),
            FeedbackTarget::Article { .. } => false,
        };
        let (gone, kept): (Vec<&InboundMail>, Vec<&InboundMail>) =
            self.inbound.values().partition(|mail| belongs_to(mail, ticket));
        let unreferenced = |hash: &BlobHash| !kept.iter().any(|mail| mail.raw == *hash);
        let positions = self.events_by_ticket.get(&ticket).into_iter().flatten();
        Remains {
            feedback: self
                .feedback
                .values()
                .filter(|said| on_message(&said.target))
                .map(|said| said.id)
                .collect(),
            inbound: gone.iter().map(|mail| mail.id).collect(),
            raw: gone.iter().map(|mail| mail.raw).filter(unreferenced).collect(),
            outbound: self
                .outbound
                .values()
                .filter(|mail| mail.ticket == ticket)
                .map(|mail| mail.id)
                .collect(),
            mail_refs: self.mail_ref_keys(ticket).collect(),
            notifications: self
                .notifications
                .values()
                .filter(|told| told.ticket == ticket)
                .map(|told| told.id)
                .collect(),
            events: positions.map(|position| (*position, Event::Erased)).collect(),
            messages,
        }
    }
}
