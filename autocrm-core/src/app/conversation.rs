//! Commands on conversations: read, reply, note, judge a proposed answer.

use crate::{
    access::{Action, Actor, ActorKind, MessageAudience, Scope},
    app::{
        AutoCrm, Error, Planned, RequestKey, Result,
        handle::authorise,
        outgoing::{self, Outgoing},
        transact::{Settled, transact},
    },
    change::EntityRef,
    conversation::{Message, NewMessage, Reply, Verdict, judge_draft, take_back, write_message},
    id::{MessageId, TicketId},
    mail::{MailRefusal, cancel},
    page::{Page, PageRequest},
    ticket::{Ticket, TicketRefusal, note_activity, take_back_activity},
    transition::Version,
};

/// Commands on conversations. Each has a `plan_*` twin for hosts that own the transaction.
#[derive(Debug, Clone)]
pub struct Conversations {
    crm: AutoCrm,
    key: Option<RequestKey>,
}

impl Conversations {
    pub(super) fn new(crm: AutoCrm) -> Self {
        Self { crm, key: None }
    }

    /// Names the next request: its repetition within 72 hours is answered with the first result and changes nothing.
    #[must_use]
    pub fn keyed(mut self, key: RequestKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Returns the messages of a ticket, first to last.
    pub async fn messages(
        &self,
        actor: &Actor,
        ticket: TicketId,
        page: &PageRequest,
    ) -> Result<Page<Message>> {
        let scope = Scope::of(actor);
        if self.crm.store().ticket(&scope, ticket).await?.is_none() {
            return Err(Error::NotFound { what: "ticket" });
        }
        Ok(self.crm.store().messages(&scope, ticket, page).await?)
    }

    /// Writes a message; a public one of the desk on a mail ticket also leaves as mail. With `expected`, only if that is
    /// the ticket's present version.
    pub async fn reply(
        &self,
        actor: &Actor,
        ticket: TicketId,
        reply: &Reply,
        expected: Option<Version>,
    ) -> Result<Message> {
        let key = self.key.clone().map(|key| key.scoped(actor));
        let settled = transact(&self.crm, key, |_| self.plan_reply(actor, ticket, reply, expected)).await?;
        self.answer(actor, settled).await
    }

    /// Decides [`reply`](Self::reply) without committing.
    pub async fn plan_reply(
        &self,
        actor: &Actor,
        ticket: TicketId,
        reply: &Reply,
        expected: Option<Version>,
    ) -> Result<Planned<Message>> {
        let stamp = self.crm.stamp();
        let scope = Scope::of(actor);
        let ticket =
            self.crm.store().ticket(&scope, ticket).await?.ok_or(Error::NotFound { what: "ticket" })?;
        let audience = if reply.internal { MessageAudience::Internal } else { MessageAudience::Public };
        let resource = ticket.message_resource(audience);
        match authorise(actor, Action::WriteMessage, &resource, "ticket") {
            // The ticket is visible, or the lookup above had failed: what is invisible is the audience.
            Err(Error::NotFound { .. }) => return Err(Error::Denied),
            other => other?,
        }
        if let Some(expected) = expected.filter(|expected| *expected != ticket.version) {
            return Err(
                TicketRefusal::Stale { expected: expected.get(), actual: ticket.version.get() }.into()
            );
        }
        let scheme = self.crm.scheme_of(actor.tenant, &stamp).await?;
        let by_customer = matches!(actor.kind, ActorKind::Customer(_));
        let counted = note_activity(ticket, &scheme, by_customer, !reply.internal, &stamp)?;
        let message = write_message(actor, &counted.state, NewMessage::from(reply.clone()), &stamp)?;
        let output = saved(message.state.clone());
        let leaving = if by_customer || reply.internal {
            None
        } else {
            self.leaving(&counted.state, &message.state, false).await?
        };
        let mut changes = self.crm.changes(actor, &stamp);
        changes.ticket(counted, true, &stamp).message(message, &stamp).answers(EntityRef::Message(output.id));
        outgoing::add(leaving, &mut changes, &stamp);
        Ok(Planned::new(output, changes))
    }

    /// Sends a proposed answer, with another text if one is given, or rejects it.
    pub async fn judge(&self, actor: &Actor, message: MessageId, verdict: &Verdict) -> Result<Message> {
        let key = self.key.clone().map(|key| key.scoped(actor));
        let settled = transact(&self.crm, key, |_| self.plan_judge(actor, message, verdict)).await?;
        self.answer(actor, settled).await
    }

    /// Decides [`judge`](Self::judge) without committing.
    pub async fn plan_judge(
        &self,
        actor: &Actor,
        message: MessageId,
        verdict: &Verdict,
    ) -> Result<Planned<Message>> {
        let stamp = self.crm.stamp();
        let (message, ticket) = with_ticket(&self.crm, &Scope::of(actor), message).await?;
        authorise(actor, Action::UseAssistant, &ticket.resource(), "message")?;
        let judged = judge_draft(message, verdict.clone())?;
        let output = saved(judged.state.clone());
        let mut changes = self.crm.changes(actor, &stamp);
        let mut leaving = None;
        if matches!(verdict, Verdict::Accept { .. }) {
            let scheme = self.crm.scheme_of(actor.tenant, &stamp).await?;
            let mut answered = note_activity(ticket, &scheme, false, true, &stamp)?;
            // The proposal was counted when it was written.
            answered.state.messages -= 1;
            leaving = self.leaving(&answered.state, &judged.state, false).await?;
            changes.ticket(answered, true, &stamp);
        }
        changes.message(judged, &stamp).answers(EntityRef::Message(output.id));
        outgoing::add(leaving, &mut changes, &stamp);
        Ok(Planned::new(output, changes))
    }

    /// Takes back an answer whose mail has not left: the mail is cancelled, and the message is a draft again, which
    /// [`judge`](Self::judge) sends or drops. For how long that is possible is the tenant's
    /// [`undo_seconds`](crate::tenant::TenantPolicy::undo_seconds).
    pub async fn take_back(&self, actor: &Actor, message: MessageId) -> Result<Message> {
        let key = self.key.clone().map(|key| key.scoped(actor));
        let settled = transact(&self.crm, key, |_| self.plan_take_back(actor, message)).await?;
        self.answer(actor, settled).await
    }

    /// Decides [`take_back`](Self::take_back) without committing.
    pub async fn plan_take_back(&self, actor: &Actor, message: MessageId) -> Result<Planned<Message>> {
        let stamp = self.crm.stamp();
        let (message, ticket) = with_ticket(&self.crm, &Scope::of(actor), message).await?;
        authorise(actor, Action::MoveTicket, &ticket.resource(), "message")?;
        let mail = outgoing::of_message(&self.crm, &message).await?.ok_or(MailRefusal::Left)?;
        let cancelled = cancel(mail, &stamp)?;
        let scheme = self.crm.scheme_of(actor.tenant, &stamp).await?;
        let moved = take_back_activity(ticket, &scheme, message.created_at, &stamp)?;
        let taken = take_back(message)?;
        let output = saved(taken.state.clone());
        let mut changes = self.crm.changes(actor, &stamp);
        changes
            .ticket(moved, true, &stamp)
            .message(taken, &stamp)
            .outbound(cancelled, &stamp)
            .answers(EntityRef::Message(output.id));
        Ok(Planned::new(output, changes))
    }

    async fn leaving(&self, ticket: &Ticket, message: &Message, automatic: bool) -> Result<Option<Outgoing>> {
        outgoing::prepare(&self.crm, ticket, message, automatic, &self.crm.stamp()).await
    }

    async fn answer(&self, actor: &Actor, settled: Settled<Message>) -> Result<Message> {
        match settled {
            Settled::Done(message, _) => Ok(message),
            Settled::Replayed(receipt) => {
                let Some(EntityRef::Message(id)) = receipt.answer else {
                    return Err(Error::NotFound { what: "message" });
                };
                let found = self.crm.store().message(&Scope::of(actor), id).await?;
                found.ok_or(Error::NotFound { what: "message" })
            }
        }
    }
}

/// Returns the message as it is stored after the commit.
fn saved(mut message: Message) -> Message {
    message.version = message.version.next();
    message
}

/// Returns a message and its ticket; what the scope does not show of either is not there.
pub(super) async fn with_ticket(crm: &AutoCrm, scope: &Scope, id: MessageId) -> Result<(Message, Ticket)> {
    let missing = || Error::NotFound { what: "message" };
    let message = crm.store().message(scope, id).await?.ok_or_else(missing)?;
    let ticket = crm.store().ticket(scope, message.ticket).await?.ok_or_else(missing)?;
    Ok((message, ticket))
}
