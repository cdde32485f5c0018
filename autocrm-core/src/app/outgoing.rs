//! Turning a public message of the desk into a mail that leaves.

use crate::{
    access::Scope,
    app::{AutoCrm, Result},
    change::ChangeSet,
    clock::Stamp,
    conversation::{Message, MessageKind},
    id::OutboundId,
    mail::{MailEvent, MailRef, MailRefDirection, MessageIdHeader, OutboundMail, OutboundSpec, compose},
    text::{Body, Subject, one_line},
    ticket::{Channel, Ticket},
    transition::Transition,
};

/// How many Message-IDs of the thread a mail names.
const REFERENCES: u16 = 20;

/// A mail that leaves, and the Message-ID to be remembered.
#[derive(Debug)]
pub(super) struct Outgoing {
    mail: Transition<OutboundMail, MailEvent>,
    reference: MailRef,
}

/// Composes the mail for a public message. `None` where none leaves: the ticket did not come by mail, the customer or
/// the tenant has no address, or the host gave no keys.
pub(super) async fn prepare(
    crm: &AutoCrm,
    ticket: &Ticket,
    message: &Message,
    automatic: bool,
    stamp: &Stamp<'_>,
) -> Result<Option<Outgoing>> {
    let Some(keys) = crm.mail_keys().filter(|_| ticket.channel == Channel::Email) else { return Ok(None) };
    let scope = Scope::tenant_wide(ticket.tenant);
    let tenant = crm.store().tenant(&scope).await?;
    let requester = crm.store().user(&scope, ticket.requester).await?;
    let (Some(tenant), Some(to)) = (tenant, requester.and_then(|user| user.email)) else { return Ok(None) };
    let Some(from) = tenant.support_address else { return Ok(None) };
    let references: Vec<MessageIdHeader> = crm
        .store()
        .ticket_mail_refs(&scope, ticket.id, REFERENCES)
        .await?
        .into_iter()
        .map(|reference| reference.message_id)
        .collect();
    let id: OutboundId = stamp.id();
    let message_id = keys.message_id(ticket.tenant, id, &from)?;
    let reply_to = keys.reply_address(ticket.tenant, ticket.id, ticket.number, &from);
    let spec = OutboundSpec {
        id,
        tenant: ticket.tenant,
        ticket: ticket.id,
        message: message.id,
        message_id: message_id.clone(),
        from,
        from_name: tenant.name,
        to,
        cc: Vec::new(),
        bcc: Vec::new(),
        reply_to,
        subject: subject(ticket)?,
        text: Body::new(&*message.body)?,
        html: None,
        in_reply_to: references.last().cloned(),
        references,
        automatic: automatic && matches!(message.kind, MessageKind::Answer(_)),
        unsubscribe: None,
    };
    let reference = MailRef {
        tenant: ticket.tenant,
        message_id,
        ticket: ticket.id,
        message: message.id,
        direction: MailRefDirection::Outbound { outbound: id },
        user: ticket.requester,
    };
    Ok(Some(Outgoing { mail: compose(spec, stamp), reference }))
}

/// Adds the mail, if there is one, to the commit of its message.
pub(super) fn add(outgoing: Option<Outgoing>, changes: &mut ChangeSet, stamp: &Stamp<'_>) {
    if let Some(Outgoing { mail, reference }) = outgoing {
        changes.outbound(mail, stamp).mail_ref(reference);
    }
}

fn subject(ticket: &Ticket) -> Result<Subject> {
    let text = ticket.subject.as_str();
    let bare = text.get(..3).filter(|prefix| prefix.eq_ignore_ascii_case("re:")).map_or(text, |_| &text[3..]);
    let token = format!(" [#{}]", ticket.number);
    let room = Subject::MAX - token.len() - 4;
    Ok(Subject::new(format!("Re: {}{token}", one_line(bare, room)))?)
}
