//! What a filed mail writes: a message on a ticket, a ticket of its own, a note for staff.

use std::time::Duration;

use crate::{
    access::Actor,
    app::{AutoCrm, Result, agent::AUTOMATIC_TAG, outgoing},
    change::ChangeSet,
    conversation::{
        Attachment, MAX_ATTACHMENTS, MAX_MESSAGES, Message, MessageEvent, NewMessage, write_message,
    },
    id::{MessageId, TicketId, UserId},
    mail::{InboundOutcome, MailFinding, MailRef, MailRefDirection},
    text::{Body, Subject, Tag, one_line, truncate_bytes},
    ticket::{
        CategorySource, Channel, LinkKind, MAX_TAGS, NewTicket, Priority, StatusCategory, Ticket,
        TicketChange, TicketEvent, TicketLink, create, note_activity, update,
    },
    transition::Transition,
};

use super::{
    Filing, Sender,
    locate::{Located, LocatedBy},
};

/// The tag of tickets whose sender is not verified.
const UNVERIFIED_TAG: &str = "unverified-sender";
/// The tag of tickets whose sender asks for answers at another domain.
const OTHER_REPLY_TAG: &str = "reply-to-elsewhere";
/// The tag of tickets that a report about a mail opened, because it names none of ours.
const REPORT_TAG: &str = "mail-report";

/// The tag of tickets on which one sender writes faster than people do: what they write is held.
const FLOOD_TAG: &str = "mail-flood";

/// A message and the event of its writing.
type Written = Transition<Message, MessageEvent>;

impl Filing<'_> {
    /// Returns whether no person wrote the mail: a report, an automatic answer, or a mail of the desk's own that came
    /// back. Nothing is to answer it, and it opens no ordinary ticket.
    pub(super) fn is_by_machine(&self) -> bool {
        self.parsed.class.is_machine() || self.parsed.findings.contains(&MailFinding::OwnMail)
    }

    /// Returns whether a message and a note still fit on the ticket.
    fn has_room(ticket: &Ticket) -> bool {
        ticket.messages + 2 <= MAX_MESSAGES
    }

    /// A ticket that is full, or that was closed longer ago than the tenant's window, is continued by a new, linked one.
    pub(super) fn may_continue(&self, ticket: &Ticket) -> bool {
        if !Self::has_room(ticket) {
            return false;
        }
        if ticket.status.category != StatusCategory::Closed {
            return true;
        }
        let window = Duration::from_hours(u64::from(self.tenant.policy.reopen_days) * 24);
        ticket.closed_at.is_some_and(|closed| self.stamp.at().since(closed) <= window)
    }

    /// Adds the mail to a ticket: as its customer, or held.
    pub(super) fn append(
        &self,
        found: Located,
        sender: Sender,
        floods: bool,
        changes: &mut ChangeSet,
    ) -> Result<InboundOutcome> {
        let Located { ticket, by } = found;
        let takes_part = ticket.involves(sender.user().id);
        let trust = self.reading.trust;
        let proved = if by == LocatedBy::Subject { trust.is_authenticated() } else { trust.is_verified() };
        let acts = takes_part && proved && !floods && !self.parsed.is_automatic();
        let marked = if floods { self.tagged(ticket, FLOOD_TAG)? } else { Transition::unchanged(ticket) };
        let (ticket, message) = self.add(marked, sender, acts, changes)?;
        Ok(if acts {
            InboundOutcome::Appended { ticket, message }
        } else {
            InboundOutcome::Held { ticket, message }
        })
    }

    /// Adds the mail to a ticket.
    fn add(
        &self,
        ticket: Transition<Ticket, TicketEvent>,
        sender: Sender,
        acts: bool,
        changes: &mut ChangeSet,
    ) -> Result<(TicketId, MessageId)> {
        let counted =
            ticket.and_then(|ticket| note_activity(ticket, &self.scheme, true, acts, &self.stamp))?;
        self.write(counted, sender, !acts, changes)
    }

    fn tagged(&self, ticket: Ticket, tag: &str) -> Result<Transition<Ticket, TicketEvent>> {
        let mut tags = ticket.tags.clone();
        if tags.len() >= MAX_TAGS {
            return Ok(Transition::unchanged(ticket));
        }
        tags.insert(Tag::new(tag)?);
        let change = TicketChange { tags: Some(tags), ..TicketChange::default() };
        let system = Actor::system(self.mail.tenant);
        Ok(update(&self.scheme, &system, ticket, change, CategorySource::Model, &self.stamp)?)
    }

    /// Writes the mail's message on a ticket that has counted it, and a note where there is something to tell.
    fn write(
        &self,
        counted: Transition<Ticket, TicketEvent>,
        sender: Sender,
        held: bool,
        changes: &mut ChangeSet,
    ) -> Result<(TicketId, MessageId)> {
        let user = sender.user().id;
        let message = self.message(&counted.state, user, held, changes, sender)?;
        let ticket = counted.state.id;
        let noted = self.note(counted)?;
        changes.ticket(noted.0, true, &self.stamp).message(message.1, &self.stamp);
        if let Some(note) = noted.1 {
            changes.message(note, &self.stamp);
        }
        self.remember(ticket, message.0, user, changes);
        Ok((ticket, message.0))
    }

    /// Adds a member of staff's answer to a ticket; it leaves for the customer like one written in the host's interface,
    /// without what the mail quotes.
    pub(super) async fn answer(
        &self,
        crm: &AutoCrm,
        ticket: Ticket,
        agent: &Actor,
        changes: &mut ChangeSet,
    ) -> Result<InboundOutcome> {
        let requester = ticket.requester;
        let counted = note_activity(ticket, &self.scheme, false, true, &self.stamp)?;
        let body = Body::new(truncate_bytes(self.parsed.newest_reply(), Body::MAX))?;
        let new = NewMessage {
            mail: Some(self.mail.id),
            sent_at: self.parsed.sent_at,
            attachments: self.attachments(),
            ..NewMessage::text(body, false)
        };
        let written = write_message(agent, &counted.state, new, &self.stamp)?;
        let leaving = outgoing::prepare(crm, &counted.state, &written.state, false, &self.stamp).await?;
        let (ticket, message) = (counted.state.id, written.state.id);
        changes.ticket(counted, true, &self.stamp).message(written, &self.stamp);
        outgoing::add(leaving, changes, &self.stamp);
        self.remember(ticket, message, requester, changes);
        Ok(InboundOutcome::Appended { ticket, message })
    }

    /// Keeps what a machine wrote: held on the ticket that it is about, however long that is closed, or on one of its
    /// own.
    pub(super) fn report(
        &self,
        located: Option<Located>,
        sender: Sender,
        changes: &mut ChangeSet,
    ) -> Result<InboundOutcome> {
        let (ticket, message) = match located {
            Some(found) if Self::has_room(&found.ticket) => {
                self.add(Transition::unchanged(found.ticket), sender, false, changes)?
            }
            other => {
                let mut new = self.new_ticket(other.map(|full| full.ticket.id))?;
                new.priority = Priority::Low;
                self.open_with(new, sender, true, changes)?
            }
        };
        Ok(InboundOutcome::Reported { ticket, message })
    }

    /// Opens a ticket for the mail.
    pub(super) fn open(
        &self,
        sender: Sender,
        follows: Option<TicketId>,
        changes: &mut ChangeSet,
    ) -> Result<InboundOutcome> {
        let (ticket, message) = self.open_with(self.new_ticket(follows)?, sender, false, changes)?;
        let unreadable = self.parsed.findings.iter().find(|finding| **finding == MailFinding::Unreadable);
        Ok(match unreadable {
            Some(finding) => InboundOutcome::Failed { ticket, message, code: finding.code().to_owned() },
            None => InboundOutcome::Opened { ticket, message },
        })
    }

    fn open_with(
        &self,
        new: NewTicket,
        sender: Sender,
        held: bool,
        changes: &mut ChangeSet,
    ) -> Result<(TicketId, MessageId)> {
        let user = sender.user().id;
        let actor = Actor::system(self.mail.tenant);
        let opened = create(&self.scheme, &actor, user, Channel::Email, new, &self.stamp)?;
        let counted =
            opened.and_then(|ticket| note_activity(ticket, &self.scheme, true, !held, &self.stamp))?;
        self.write(counted, sender, held, changes)
    }

    fn new_ticket(&self, follows: Option<TicketId>) -> Result<NewTicket> {
        let line = one_line(&self.parsed.subject, Subject::MAX);
        let subject = Subject::new(if line.is_empty() { "(no subject)" } else { &line })?;
        let mut new = NewTicket::about(subject);
        for (tag, holds) in [
            (UNVERIFIED_TAG, !self.reading.trust.is_verified()),
            (AUTOMATIC_TAG, self.parsed.is_automatic() || self.is_by_machine()),
            (REPORT_TAG, self.parsed.class.is_report()),
            (OTHER_REPLY_TAG, self.answers_go_elsewhere()),
        ] {
            if holds {
                new.tags.insert(Tag::new(tag)?);
            }
        }
        new.links.extend(follows.map(|ticket| TicketLink { kind: LinkKind::FollowsUp, ticket }));
        Ok(new)
    }

    /// Returns whether `Reply-To` names another domain than the author's. It is never followed; staff sees the tag.
    fn answers_go_elsewhere(&self) -> bool {
        let domain = |address: &str| address.rsplit_once('@').map(|(_, domain)| domain.to_owned());
        let author = self.parsed.from.as_ref().and_then(|from| domain(from));
        self.parsed.reply_to.as_ref().is_some_and(|address| domain(address) != author)
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
        let within = |offset: &usize| *offset < text.len() && text.is_char_boundary(*offset);
        let place = |offset: Option<usize>| offset.filter(within).and_then(|at| u32::try_from(at).ok());
        let (reply_at, trimmed_at) = (place(self.parsed.reply_at), place(self.parsed.trimmed_at));
        let in_order = trimmed_at.is_none_or(|end| reply_at.is_none_or(|start| start <= end));
        Ok(NewMessage {
            reply_at: reply_at.filter(|_| in_order),
            trimmed_at,
            held,
            mail: Some(self.mail.id),
            sent_at: self.parsed.sent_at,
            attachments: self.attachments(),
            ..NewMessage::text(Body::new(text)?, false)
        })
    }

    fn attachments(&self) -> Vec<Attachment> {
        let files = self.parsed.attachments.iter().take(MAX_ATTACHMENTS);
        files
            .map(|file| Attachment {
                id: self.stamp.id(),
                name: file.name.clone(),
                content_type: one_line(&file.content_type, 100),
                size: file.size,
                blob: None,
            })
            .collect()
    }

    /// Tells staff what was wrong or odd about the mail.
    fn note(
        &self,
        noted: Transition<Ticket, TicketEvent>,
    ) -> Result<(Transition<Ticket, TicketEvent>, Option<Written>)> {
        let Some(text) = self.remarks() else { return Ok((noted, None)) };
        let counted =
            noted.and_then(|ticket| note_activity(ticket, &self.scheme, false, false, &self.stamp))?;
        let system = Actor::system(self.mail.tenant);
        let note =
            write_message(&system, &counted.state, NewMessage::text(Body::new(text)?, true), &self.stamp)?;
        Ok((counted, Some(note)))
    }

    /// Returns what staff should know, in fixed words: nothing of the mail stands in it.
    fn remarks(&self) -> Option<String> {
        let findings = &self.parsed.findings;
        let mut lines = Vec::new();
        let missing: Vec<&str> =
            findings.iter().filter(|one| one.is_incomplete()).map(|one| one.code()).collect();
        if !missing.is_empty() {
            lines.push(format!(
                "This mail was not read in full ({}). The raw mail is kept.",
                missing.join(", ")
            ));
        }
        if findings.contains(&MailFinding::RepeatedMessageId) {
            lines.push(
                "Another mail came in under the same Message-ID before (mail_repeated_message_id). Both are kept."
                    .to_owned(),
            );
        }
        if findings.contains(&MailFinding::OwnMail) {
            lines.push("This desk sent this mail itself, and it came back (mail_own).".to_owned());
        }
        lines.extend(self.notice.clone());
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// Remembers the mail's own Message-ID, so that later mails of the thread find the ticket. An id that this desk made
    /// is known already.
    fn remember(&self, ticket: TicketId, message: MessageId, user: UserId, changes: &mut ChangeSet) {
        if self.parsed.findings.contains(&MailFinding::OwnMail) {
            return;
        }
        if let Some(message_id) = self.parsed.message_id.clone() {
            let direction = MailRefDirection::Inbound;
            let tenant = self.mail.tenant;
            changes.mail_ref(MailRef { tenant, message_id, ticket, message, direction, user });
        }
    }
}
