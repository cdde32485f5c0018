//! Turning what the desk says into a mail that leaves.

use std::time::Duration;

use crate::{
    access::Scope,
    app::{AutoCrm, Result},
    change::ChangeSet,
    clock::Stamp,
    conversation::{Message, MessageKind},
    id::{MessageId, OutboundId, UserId},
    mail::{MailEvent, MailRef, MailRefDirection, MessageIdHeader, OutboundMail, OutboundSpec, compose},
    tenant::{Tenant, TriggerEvent},
    text::{Body, EmailAddress, Subject, one_line},
    ticket::{Channel, Ticket},
    transition::Transition,
};

/// How many Message-IDs of the thread an ordinary mail names.
pub(super) const REFERENCES: u16 = 20;
/// Among how many of them the mail of a message is looked for.
const LATEST: u16 = 50;

/// A mail that leaves, and the Message-ID to be remembered.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    mail: Transition<OutboundMail, MailEvent>,
    reference: MailRef,
}

/// What a mail says and to whom; the rest follows from its ticket.
pub(super) struct Leaving<'a> {
    pub(super) ticket: &'a Ticket,
    pub(super) message: MessageId,
    pub(super) to: EmailAddress,
    pub(super) cc: Vec<EmailAddress>,
    pub(super) bcc: Vec<EmailAddress>,
    /// How many Message-IDs of the thread it names.
    pub(super) references: u16,
    /// Whom an answer to the mail comes from.
    pub(super) user: UserId,
    pub(super) subject: Subject,
    pub(super) text: Body,
    pub(super) html: Option<Body>,
    pub(super) automatic: bool,
    pub(super) trigger: Option<TriggerEvent>,
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
    if ticket.channel != Channel::Email || crm.mail_keys().is_none() {
        return Ok(None);
    }
    let scope = Scope::tenant_wide(ticket.tenant);
    let tenant = crm.store().tenant(&scope).await?;
    let requester = crm.store().user(&scope, ticket.requester).await?;
    let (Some(tenant), Some(to)) = (tenant, requester.and_then(|user| user.email)) else { return Ok(None) };
    let leaving = Leaving {
        ticket,
        message: message.id,
        to,
        cc: Vec::new(),
        bcc: Vec::new(),
        references: REFERENCES,
        user: ticket.requester,
        subject: subject(ticket)?,
        text: Body::new(&*message.body)?,
        html: None,
        automatic: automatic && matches!(message.kind, MessageKind::Answer(_)),
        trigger: None,
    };
    compose_mail(crm, &tenant, leaving, stamp).await
}

/// Composes a mail on a ticket, in its thread and with its reply address. A person's mail can be taken back for as long
/// as the tenant says. `None` where the tenant has no address, or the host gave no keys.
pub(super) async fn compose_mail(
    crm: &AutoCrm,
    tenant: &Tenant,
    leaving: Leaving<'_>,
    stamp: &Stamp<'_>,
) -> Result<Option<Outgoing>> {
    let (Some(keys), Some(from)) = (crm.mail_keys(), tenant.support_address.clone()) else {
        return Ok(None);
    };
    let ticket = leaving.ticket;
    let references: Vec<MessageIdHeader> = crm
        .store()
        .ticket_mail_refs(&Scope::tenant_wide(tenant.id), ticket.id, leaving.references)
        .await?
        .into_iter()
        .map(|reference| reference.message_id)
        .collect();
    let id: OutboundId = stamp.id();
    let message_id = keys.message_id(tenant.id, id, &from)?;
    let reply_to = keys.reply_address(tenant.id, ticket.id, ticket.number, &from);
    let by_machine = leaving.automatic || leaving.trigger.is_some();
    let spec = OutboundSpec {
        id,
        tenant: tenant.id,
        ticket: ticket.id,
        message: leaving.message,
        message_id: message_id.clone(),
        from,
        from_name: tenant.name.clone(),
        to: leaving.to,
        cc: leaving.cc,
        bcc: leaving.bcc,
        reply_to,
        subject: leaving.subject,
        text: leaving.text,
        html: leaving.html,
        in_reply_to: references.last().cloned(),
        references,
        automatic: by_machine,
        trigger: leaving.trigger,
        unsubscribe: None,
        undo: if by_machine { Duration::ZERO } else { tenant.policy.undo() },
    };
    let reference = MailRef {
        tenant: tenant.id,
        message_id,
        ticket: ticket.id,
        message: leaving.message,
        direction: MailRefDirection::Outbound { outbound: id },
        user: leaving.user,
    };
    Ok(Some(Outgoing { mail: compose(spec, stamp), reference }))
}

/// Returns the mail by which a message leaves, while it can still do so.
pub(super) async fn of_message(crm: &AutoCrm, message: &Message) -> Result<Option<OutboundMail>> {
    let scope = Scope::tenant_wide(message.tenant);
    let refs = crm.store().ticket_mail_refs(&scope, message.ticket, LATEST).await?;
    for reference in refs.into_iter().rev().filter(|reference| reference.message == message.id) {
        if let MailRefDirection::Outbound { outbound } = reference.direction
            && let Some(mail) = crm.store().outbound(&scope, outbound).await?
            && mail.is_open()
            && mail.trigger.is_none()
        {
            return Ok(Some(mail));
        }
    }
    Ok(None)
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
