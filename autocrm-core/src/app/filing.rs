//! Reading a received mail and filing it: a new ticket, a message on one, or a held message.
//!
//! A match only locates a ticket. A sender writes on it as its customer if they take part in it and somebody vouches
//! for the mail; everything else is held for staff. Nothing is dropped: what cannot be read opens a ticket with a note.

use std::time::Duration;

use crate::{
    access::{Actor, Scope},
    app::{AutoCrm, Error, Mailbox, Planned, Result, agent::AUTOMATIC_TAG, transact::transact},
    change::{ChangeSet, JobOutcome, LeasedJob},
    clock::Stamp,
    conversation::{Attachment, Message, MessageEvent, NewMessage, write_message},
    id::{MailId, MessageId, TenantId, TicketId, UserId},
    mail::{
        InboundMail, InboundOutcome, MailFinding, MailKeys, MailRef, MailRefDirection, MessageIdHeader,
        ParsedMail, SenderTrust, settle,
    },
    tenant::Tenant,
    text::{Body, EmailAddress, Name, Subject, Tag, one_line, truncate_bytes},
    ticket::{
        Channel, LinkKind, NewTicket, Scheme, StatusCategory, Ticket, TicketEvent, TicketLink, create,
        note_activity,
    },
    transition::Transition,
    user::{self, NewUser, Role, User, UserEvent},
};

/// The tag of tickets whose sender nobody vouches for.
const UNVERIFIED_TAG: &str = "unverified-sender";
/// Stands in for the address of a sender whom the header does not name.
const UNKNOWN_SENDER: &str = "unknown-sender@invalid";

/// A message and the event of its writing.
type Written = Transition<Message, MessageEvent>;

/// The customer behind a mail, known or new.
enum Sender {
    Known(User),
    New(Transition<User, UserEvent>),
}

impl Sender {
    fn user(&self) -> &User {
        match self {
            Self::Known(user) => user,
            Self::New(transition) => &transition.state,
        }
    }
}

/// A mail, its reading, and what it is filed under.
struct Filing<'a> {
    mail: InboundMail,
    parsed: &'a ParsedMail,
    tenant: Tenant,
    scheme: Scheme,
    stamp: Stamp<'a>,
}

impl Mailbox {
    /// Reads a received mail and files it; the job ends in the same commit.
    pub(crate) async fn file(&self, tenant: TenantId, id: MailId, job: &LeasedJob) -> Result<InboundOutcome> {
        let scope = Scope::tenant_wide(tenant);
        let found = self.crm().store().inbound(&scope, id).await?;
        let mail = found.ok_or(Error::NotFound { what: "mail" })?;
        let raw = self.raw(&mail).await?;
        let parsed = self.crm().parser()?.parse(&raw);
        let settled = transact(self.crm(), None, |_| async {
            let mut planned = self.plan_file(tenant, id, &parsed).await?;
            planned.changes_mut().finish(job, JobOutcome::Done);
            Ok(planned)
        })
        .await?;
        settled.into_done().map(|(outcome, _)| outcome)
    }

    async fn plan_file(
        &self,
        tenant: TenantId,
        id: MailId,
        parsed: &ParsedMail,
    ) -> Result<Planned<InboundOutcome>> {
        let crm = self.crm();
        let scope = Scope::tenant_wide(tenant);
        let actor = Actor::system(tenant);
        let stamp = crm.stamp();
        let mail = crm.store().inbound(&scope, id).await?.ok_or(Error::NotFound { what: "mail" })?;
        let mut changes = crm.changes(&actor, &stamp);
        if mail.outcome != InboundOutcome::Received {
            return Ok(Planned::new(mail.outcome, changes));
        }
        let tenant_row = crm.tenant_of(&actor).await?;
        let scheme = crm.scheme_of(tenant, &stamp).await?;
        let sender = find_sender(crm, &scope, &actor, parsed, &stamp).await?;
        let located = locate(crm, &scope, &mail, parsed).await?;
        let filing = Filing { mail, parsed, tenant: tenant_row, scheme, stamp };
        let outcome = match located {
            Some(ticket) if filing.may_continue(&ticket) => filing.append(ticket, sender, &mut changes)?,
            Some(closed) => filing.open(sender, Some(closed.id), &mut changes)?,
            None => filing.open(sender, None, &mut changes)?,
        };
        changes.mail(settle(filing.mail, outcome.clone())?, &stamp);
        Ok(Planned::new(outcome, changes))
    }
}

async fn find_sender(
    crm: &AutoCrm,
    scope: &Scope,
    actor: &Actor,
    parsed: &ParsedMail,
    stamp: &Stamp<'_>,
) -> Result<Sender> {
    let email = match &parsed.from {
        Some(email) => email.clone(),
        None => EmailAddress::new(UNKNOWN_SENDER)?,
    };
    if let Some(known) = crm.store().user_by_email(scope, &email).await? {
        return Ok(Sender::Known(known));
    }
    let name = match &parsed.from_name {
        Some(name) => name.clone(),
        None => Name::new(one_line(&email, Name::MAX))?,
    };
    let new = NewUser {
        role: Role::Customer,
        name,
        email: Some(email),
        email_verified: false,
        external_id: None,
        language: None,
    };
    Ok(Sender::New(user::create(actor, scope.tenant(), new, stamp)?))
}

/// Finds the ticket that a mail belongs to: by the keyed reply address, then by Message-IDs that this desk made, then
/// by Message-IDs that came in before on the same ticket.
async fn locate(
    crm: &AutoCrm,
    scope: &Scope,
    mail: &InboundMail,
    parsed: &ParsedMail,
) -> Result<Option<Ticket>> {
    let Some(keys) = crm.mail_keys() else { return Ok(None) };
    if let Some((_, number, token)) = MailKeys::split_reply_address(&mail.recipient)
        && let Some(ticket) = crm.store().ticket_by_number(scope, number).await?
        && keys.owns_reply_token(scope.tenant(), ticket.id, &token)
    {
        return Ok(Some(ticket));
    }
    let named: Vec<MessageIdHeader> =
        parsed.in_reply_to.iter().chain(parsed.references.iter().rev()).take(100).cloned().collect();
    if named.is_empty() {
        return Ok(None);
    }
    let known = crm.store().mail_refs(scope, &named).await?;
    let ours = |reference: &&MailRef| match reference.direction {
        MailRefDirection::Outbound { outbound } => {
            keys.owns_message_id(scope.tenant(), outbound, &reference.message_id)
        }
        MailRefDirection::Inbound => false,
    };
    let found = known
        .iter()
        .find(ours)
        .or_else(|| known.iter().find(|reference| reference.direction == MailRefDirection::Inbound));
    match found {
        Some(reference) => Ok(crm.store().ticket(scope, reference.ticket).await?),
        None => Ok(None),
    }
}

impl Filing<'_> {
    fn vouched(&self) -> bool {
        self.mail.trust == SenderTrust::Vouched
            && self.parsed.from.is_some()
            && !self.parsed.findings.iter().any(|finding| finding.forbids_trust())
    }

    /// A ticket that was closed longer ago than the tenant's window is continued by a new, linked one.
    fn may_continue(&self, ticket: &Ticket) -> bool {
        if ticket.status.category != StatusCategory::Closed {
            return true;
        }
        let window = Duration::from_hours(u64::from(self.tenant.policy.reopen_days) * 24);
        ticket.closed_at.is_some_and(|closed| self.stamp.at().since(closed) <= window)
    }

    /// Adds the mail to a ticket: as its customer, or held.
    fn append(&self, ticket: Ticket, sender: Sender, changes: &mut ChangeSet) -> Result<InboundOutcome> {
        let user = sender.user().id;
        let takes_part = ticket.involves(user);
        let acts = takes_part && self.vouched() && self.parsed.automatic.is_none();
        let counted = note_activity(ticket, &self.scheme, true, acts, &self.stamp)?;
        let message = self.message(&counted.state, user, !acts, changes, sender)?;
        let ticket = counted.state.id;
        changes.ticket(counted, true, &self.stamp).message(message.1, &self.stamp);
        self.remember(ticket, message.0, user, changes);
        Ok(if acts {
            InboundOutcome::Appended { ticket, message: message.0 }
        } else {
            InboundOutcome::Held { ticket, message: message.0 }
        })
    }

    /// Opens a ticket for the mail.
    fn open(
        &self,
        sender: Sender,
        follows: Option<TicketId>,
        changes: &mut ChangeSet,
    ) -> Result<InboundOutcome> {
        let user = sender.user().id;
        let new = self.new_ticket(follows)?;
        let actor = Actor::system(self.mail.tenant);
        let opened = create(&self.scheme, &actor, user, Channel::Email, new, &self.stamp)?;
        let counted =
            opened.and_then(|ticket| note_activity(ticket, &self.scheme, true, true, &self.stamp))?;
        let message = self.message(&counted.state, user, false, changes, sender)?;
        let id = counted.state.id;
        let noted = self.note(counted)?;
        changes.ticket(noted.0, true, &self.stamp).message(message.1, &self.stamp);
        if let Some(note) = noted.1 {
            changes.message(note, &self.stamp);
        }
        self.remember(id, message.0, user, changes);
        let unreadable = self.parsed.findings.iter().find(|finding| **finding == MailFinding::Unreadable);
        Ok(match unreadable {
            Some(finding) => {
                InboundOutcome::Failed { ticket: id, message: message.0, code: finding.code().to_owned() }
            }
            None => InboundOutcome::Opened { ticket: id, message: message.0 },
        })
    }

    fn new_ticket(&self, follows: Option<TicketId>) -> Result<NewTicket> {
        let line = one_line(&self.parsed.subject, Subject::MAX);
        let subject = Subject::new(if line.is_empty() { "(no subject)" } else { &line })?;
        let mut new = NewTicket::about(subject);
        if !self.vouched() {
            new.tags.insert(Tag::new(UNVERIFIED_TAG)?);
        }
        if self.parsed.automatic.is_some() {
            new.tags.insert(Tag::new(AUTOMATIC_TAG)?);
        }
        new.links.extend(follows.map(|ticket| TicketLink { kind: LinkKind::FollowsUp, ticket }));
        Ok(new)
    }

    /// Writes the customer's message; a new sender's record comes first.
    fn message(
        &self,
        ticket: &Ticket,
        user: UserId,
        held: bool,
        changes: &mut ChangeSet,
        sender: Sender,
    ) -> Result<(MessageId, Written)> {
        if let Sender::New(created) = sender {
            changes.user(created, &self.stamp);
        }
        let new = self.new_message(held)?;
        let author = Actor::customer(self.mail.tenant, user);
        let written = write_message(&author, ticket, new, &self.stamp)?;
        Ok((written.state.id, written))
    }

    fn new_message(&self, held: bool) -> Result<NewMessage> {
        let text = truncate_bytes(&self.parsed.text, Body::MAX);
        let trimmed_at = self
            .parsed
            .trimmed_at
            .filter(|offset| *offset < text.len() && text.is_char_boundary(*offset))
            .and_then(|offset| u32::try_from(offset).ok());
        let attachments = self.parsed.attachments.iter().take(crate::conversation::MAX_ATTACHMENTS);
        Ok(NewMessage {
            trimmed_at,
            held,
            mail: Some(self.mail.id),
            sent_at: self.parsed.sent_at,
            attachments: attachments
                .map(|file| Attachment {
                    id: self.stamp.id(),
                    name: file.name.clone(),
                    content_type: one_line(&file.content_type, 100),
                    size: file.size,
                    blob: None,
                })
                .collect(),
            ..NewMessage::text(Body::new(text)?, false)
        })
    }

    /// Tells staff what was wrong with the mail.
    fn note(
        &self,
        opened: Transition<Ticket, TicketEvent>,
    ) -> Result<(Transition<Ticket, TicketEvent>, Option<Written>)> {
        if self.parsed.findings.is_empty() {
            return Ok((opened, None));
        }
        let codes: Vec<&str> = self.parsed.findings.iter().map(|finding| finding.code()).collect();
        let text = format!("This mail was not read in full ({}). The raw mail is kept.", codes.join(", "));
        let counted =
            opened.and_then(|ticket| note_activity(ticket, &self.scheme, false, false, &self.stamp))?;
        let system = Actor::system(self.mail.tenant);
        let note =
            write_message(&system, &counted.state, NewMessage::text(Body::new(text)?, true), &self.stamp)?;
        Ok((counted, Some(note)))
    }

    /// Remembers the mail's own Message-ID, so that later mails of the thread find the ticket.
    fn remember(&self, ticket: TicketId, message: MessageId, user: UserId, changes: &mut ChangeSet) {
        if let Some(message_id) = self.parsed.message_id.clone() {
            let direction = MailRefDirection::Inbound;
            let tenant = self.mail.tenant;
            changes.mail_ref(MailRef { tenant, message_id, ticket, message, direction, user });
        }
    }
}
