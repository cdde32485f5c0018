//! Commands on tickets: open, change, assign, snooze, route, delete.

use crate::{
    access::{Action, Actor, ActorKind, Resource, Scope},
    app::{
        AiAgent, AutoCrm, Error, Planned, Result, TicketProcessingResult,
        handle::authorise,
        transact::{Settled, transact},
    },
    change::{EntityRef, IdempotencyKey, Receipt, RequestHash},
    clock::{Stamp, Timestamp},
    conversation::{NewMessage, write_message},
    id::{TeamId, TicketId, UserId},
    routing::RoutingDecision,
    text::{Body, ExternalId},
    ticket::{
        CategorySource, Channel, NewTicket, Scheme, Ticket, TicketChange, TicketEvent, TicketRefusal, assign,
        create, delete, note_activity, snooze, update,
    },
    transition::{Transition, Version},
};

/// A caller's name for one request, and the hash that tells a repetition from another request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// The caller's name for the request.
    pub key: ExternalId,
    /// The hash of the request.
    pub request: RequestHash,
}

impl RequestKey {
    pub(super) fn scoped(self, actor: &Actor) -> IdempotencyKey {
        IdempotencyKey {
            tenant: actor.tenant,
            principal: actor.principal(),
            key: self.key,
            request: self.request,
        }
    }
}

/// What a ticket is opened with.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketData {
    /// The customer; `None`: the acting customer.
    pub requester: Option<UserId>,
    /// The way it comes in.
    pub channel: Channel,
    /// The ticket.
    pub ticket: NewTicket,
    /// The first message, not blank.
    pub body: Body,
}

/// Commands on tickets. Each has a `plan_*` twin for hosts that own the transaction.
#[derive(Debug, Clone)]
pub struct TicketProcessor {
    crm: AutoCrm,
    key: Option<RequestKey>,
}

impl TicketProcessor {
    pub(super) fn new(crm: AutoCrm) -> Self {
        Self { crm, key: None }
    }

    /// Names the next request: its repetition within 72 hours is answered with the first result and changes nothing.
    #[must_use]
    pub fn keyed(mut self, key: RequestKey) -> Self {
        self.key = Some(key);
        self
    }

    fn key_for(&self, actor: &Actor) -> Option<IdempotencyKey> {
        self.key.clone().map(|key| key.scoped(actor))
    }

    /// Opens a ticket with its first message.
    pub async fn create(&self, actor: &Actor, data: &TicketData) -> Result<Ticket> {
        let plan = |attempt| self.try_create(actor, data, attempt);
        let settled = transact(&self.crm, self.key_for(actor), plan).await?;
        self.answer(actor, settled).await
    }

    /// Decides [`create`](Self::create) without committing.
    pub async fn plan_create(&self, actor: &Actor, data: &TicketData) -> Result<Planned<Ticket>> {
        authorise(actor, Action::CreateTicket, &Resource::Tenant(actor.tenant), "tenant")?;
        let requester = requester(actor, data.requester)?;
        let scope = Scope::tenant_wide(actor.tenant);
        if !self.crm.store().user(&scope, requester).await?.is_some_and(|user| user.active) {
            return Err(TicketRefusal::UnknownRequester.into());
        }
        let scheme = self.crm.fresh_scheme(actor.tenant, &self.crm.stamp()).await?;
        self.open(actor, data, requester, &scheme).await
    }

    /// Decides `create`. The first attempt loads neither requester nor scheme, and leaves it to the commit to find out
    /// whether the one is active and the other still that of the last time. Whatever is refused so is decided again from
    /// a fresh load, because it may be what was remembered that is wrong.
    async fn try_create(&self, actor: &Actor, data: &TicketData, attempt: u32) -> Result<Planned<Ticket>> {
        if attempt == 0
            && let Some(scheme) = self.crm.remembered_scheme(actor.tenant)
            && authorise(actor, Action::CreateTicket, &Resource::Tenant(actor.tenant), "tenant").is_ok()
            && let Ok(requester) = requester(actor, data.requester)
            && let Ok(planned) = self.open(actor, data, requester, &scheme).await
        {
            return Ok(planned);
        }
        self.plan_create(actor, data).await
    }

    async fn open(
        &self,
        actor: &Actor,
        data: &TicketData,
        requester: UserId,
        scheme: &Scheme,
    ) -> Result<Planned<Ticket>> {
        let stamp = self.crm.stamp();
        self.check_links(actor, data.ticket.parent, data.ticket.links.iter().map(|link| link.ticket)).await?;
        let opened = create(scheme, actor, requester, data.channel, data.ticket.clone(), &stamp)?;
        let by_customer = matches!(actor.kind, ActorKind::Customer(_));
        // An agent who opens a ticket for a customer writes down what the customer said: it is not yet an answer.
        let counted = opened.and_then(|ticket| note_activity(ticket, scheme, true, true, &stamp))?;
        let author = if by_customer { actor.clone() } else { Actor::customer(actor.tenant, requester) };
        let message =
            write_message(&author, &counted.state, NewMessage::text(data.body.clone(), false), &stamp)?;
        let output = counted.state.clone();
        let mut changes = self.crm.changes(actor, &stamp);
        changes
            .ticket(counted, true, &stamp)
            .message(message, &stamp)
            .answers(EntityRef::Ticket(output.id))
            .active_user(requester)
            .unchanged(EntityRef::Scheme, scheme.version);
        Ok(Planned::new(saved(output), changes))
    }

    /// Changes a ticket; with `expected`, only if that is its present version.
    pub async fn update(
        &self,
        actor: &Actor,
        id: TicketId,
        change: &TicketChange,
        expected: Option<Version>,
    ) -> Result<Ticket> {
        let plan = |_| self.plan_update(actor, id, change, expected);
        let settled = transact(&self.crm, self.key_for(actor), plan).await?;
        self.answer(actor, settled).await
    }

    /// Decides [`update`](Self::update) without committing.
    pub async fn plan_update(
        &self,
        actor: &Actor,
        id: TicketId,
        change: &TicketChange,
        expected: Option<Version>,
    ) -> Result<Planned<Ticket>> {
        let stamp = self.crm.stamp();
        let ticket = self.load(actor, Action::UpdateTicket, id, expected).await?;
        if change.status.is_some() {
            authorise(actor, Action::MoveTicket, &ticket.resource(), "ticket")?;
        }
        let scheme = self.crm.scheme_of(actor.tenant, &stamp).await?;
        self.check_links(actor, change.parent, change.add_links.iter().map(|link| link.ticket)).await?;
        self.check_participants(actor, change.participants.as_deref().unwrap_or_default()).await?;
        let transition = update(&scheme, actor, ticket, change.clone(), CategorySource::Person, &stamp)?;
        Ok(plan_ticket(&self.crm, actor, transition, &stamp))
    }

    /// Gives a ticket to a team and, if named, to one of its members who has room.
    pub async fn assign(
        &self,
        actor: &Actor,
        id: TicketId,
        team: Option<TeamId>,
        agent: Option<UserId>,
    ) -> Result<Ticket> {
        let plan = |_| self.plan_assign(actor, id, team, agent);
        let settled = transact(&self.crm, self.key_for(actor), plan).await?;
        self.answer(actor, settled).await
    }

    /// Decides [`assign`](Self::assign) without committing.
    pub async fn plan_assign(
        &self,
        actor: &Actor,
        id: TicketId,
        team: Option<TeamId>,
        agent: Option<UserId>,
    ) -> Result<Planned<Ticket>> {
        let stamp = self.crm.stamp();
        let ticket = self.load(actor, Action::AssignTicket, id, None).await?;
        let scope = Scope::tenant_wide(actor.tenant);
        let team = match team {
            Some(id) => Some(self.crm.store().team(&scope, id).await?.ok_or(TicketRefusal::UnknownTeam)?),
            None => None,
        };
        let mut limit = None;
        if let Some(user) = agent.filter(|user| ticket.assignee != Some(*user)) {
            let active = self.crm.store().user(&scope, user).await?.is_some_and(|user| user.active);
            let member = team.as_ref().and_then(|team| team.member(user)).filter(|_| active);
            let capacity = u32::from(member.ok_or(TicketRefusal::AgentOutsideTeam)?.capacity.get());
            let loads = self.crm.store().loads(&scope, &[user]).await?;
            if loads.first().is_some_and(|(_, load)| *load >= capacity) || capacity == 0 {
                return Err(TicketRefusal::AgentFull.into());
            }
            limit = Some((user, capacity));
        }
        let transition = assign(ticket, team.as_ref(), agent, &stamp)?;
        let mut planned = plan_ticket(&self.crm, actor, transition, &stamp);
        if let (Some((user, capacity)), Some(team)) = (limit, &team) {
            planned
                .changes_mut()
                .load_below(user, capacity)
                .unchanged(EntityRef::Team(team.id), team.version);
        }
        Ok(planned)
    }

    /// Puts a ticket on hold until a time; it wakes by itself.
    pub async fn snooze(&self, actor: &Actor, id: TicketId, until: Timestamp) -> Result<Ticket> {
        let settled =
            transact(&self.crm, self.key_for(actor), |_| self.plan_snooze(actor, id, until)).await?;
        self.answer(actor, settled).await
    }

    /// Decides [`snooze`](Self::snooze) without committing.
    pub async fn plan_snooze(
        &self,
        actor: &Actor,
        id: TicketId,
        until: Timestamp,
    ) -> Result<Planned<Ticket>> {
        let stamp = self.crm.stamp();
        let ticket = self.load(actor, Action::AssignTicket, id, None).await?;
        let scheme = self.crm.scheme_of(actor.tenant, &stamp).await?;
        Ok(plan_ticket(&self.crm, actor, snooze(ticket, &scheme, until, &stamp)?, &stamp))
    }

    /// Deletes a ticket: it is hidden at once and erased after the tenant's retention time.
    pub async fn delete(&self, actor: &Actor, id: TicketId, expected: Option<Version>) -> Result<()> {
        let plan = |_| self.plan_delete(actor, id, expected);
        transact(&self.crm, self.key_for(actor), plan).await.map(drop)
    }

    /// Decides [`delete`](Self::delete) without committing.
    pub async fn plan_delete(
        &self,
        actor: &Actor,
        id: TicketId,
        expected: Option<Version>,
    ) -> Result<Planned<Ticket>> {
        let stamp = self.crm.stamp();
        let ticket = self.load(actor, Action::DeleteTicket, id, expected).await?;
        let tenant = self.crm.tenant_of(actor).await?;
        Ok(plan_ticket(&self.crm, actor, delete(ticket, &tenant.policy, &stamp), &stamp))
    }

    /// Analyses, answers and routes a ticket now; see [`AiAgent::process_ticket`].
    pub async fn process_with_ai(&self, actor: &Actor, id: TicketId) -> Result<TicketProcessingResult> {
        AiAgent::new(self.crm.clone()).process_ticket(actor, id).await
    }

    /// Routes a ticket to a team and, if somebody is free and able, to an agent.
    pub async fn route(&self, actor: &Actor, id: TicketId) -> Result<RoutingDecision> {
        let settled = transact(&self.crm, None, |_| self.plan_route(actor, id)).await?;
        settled.into_done().map(|(decision, _)| decision)
    }

    /// Decides [`route`](Self::route) without committing.
    pub async fn plan_route(&self, actor: &Actor, id: TicketId) -> Result<Planned<RoutingDecision>> {
        let stamp = self.crm.stamp();
        let ticket = self.load(actor, Action::AssignTicket, id, None).await?;
        let scheme = self.crm.scheme_of(actor.tenant, &stamp).await?;
        let routed = super::agent::route_ticket(&self.crm, ticket, &scheme, &stamp).await?;
        let mut changes = self.crm.changes(actor, &stamp);
        let decision = routed.apply(&mut changes, &stamp);
        Ok(Planned::new(decision, changes))
    }

    async fn load(
        &self,
        actor: &Actor,
        action: Action,
        id: TicketId,
        expected: Option<Version>,
    ) -> Result<Ticket> {
        let found = self.crm.store().ticket(&Scope::of(actor), id).await?;
        let ticket = found.ok_or(Error::NotFound { what: "ticket" })?;
        authorise(actor, action, &ticket.resource(), "ticket")?;
        match expected {
            Some(expected) if expected != ticket.version => {
                Err(TicketRefusal::Stale { expected: expected.get(), actual: ticket.version.get() }.into())
            }
            _ => Ok(ticket),
        }
    }

    /// Links are loaded through the actor's scope: what they do not see they cannot link to.
    async fn check_links(
        &self,
        actor: &Actor,
        parent: Option<TicketId>,
        links: impl Iterator<Item = TicketId>,
    ) -> Result<()> {
        let scope = Scope::of(actor);
        let linked: Vec<TicketId> =
            parent.into_iter().chain(links).take(crate::ticket::MAX_LINKS + 1).collect();
        for id in linked {
            if self.crm.store().ticket(&scope, id).await?.is_none() {
                return Err(TicketRefusal::UnknownLink.into());
            }
        }
        Ok(())
    }

    async fn check_participants(&self, actor: &Actor, users: &[UserId]) -> Result<()> {
        let scope = Scope::of(actor);
        for user in users.iter().take(crate::ticket::MAX_PARTICIPANTS + 1) {
            if self.crm.store().user(&scope, *user).await?.is_none() {
                return Err(Error::NotFound { what: "user" });
            }
        }
        Ok(())
    }

    async fn answer(&self, actor: &Actor, settled: Settled<Ticket>) -> Result<Ticket> {
        match settled {
            Settled::Done(ticket, receipt) => Ok(numbered(ticket, &receipt)),
            Settled::Replayed(receipt) => {
                let Some(EntityRef::Ticket(id)) = receipt.answer else {
                    return Err(Error::NotFound { what: "ticket" });
                };
                let found = self.crm.store().ticket(&Scope::of(actor), id).await?;
                found.ok_or(Error::NotFound { what: "ticket" })
            }
        }
    }
}

/// Returns for whom a ticket is to be opened.
fn requester(actor: &Actor, wanted: Option<UserId>) -> Result<UserId> {
    match (&actor.kind, wanted) {
        (ActorKind::Customer(own), None) => Ok(*own),
        (ActorKind::Customer(own), Some(other)) if *own == other => Ok(other),
        (ActorKind::Customer(_), Some(_)) => Err(Error::Denied),
        (_, Some(user)) => Ok(user),
        (_, None) => Err(TicketRefusal::UnknownRequester.into()),
    }
}

/// Returns the ticket as it is stored after the commit.
fn saved(mut ticket: Ticket) -> Ticket {
    ticket.version = ticket.version.next();
    ticket
}

fn numbered(mut ticket: Ticket, receipt: &Receipt) -> Ticket {
    ticket.number = receipt.number(ticket.id).unwrap_or(ticket.number);
    ticket
}

fn plan_ticket(
    crm: &AutoCrm,
    actor: &Actor,
    transition: Transition<Ticket, TicketEvent>,
    stamp: &Stamp<'_>,
) -> Planned<Ticket> {
    let is_written = !transition.events.is_empty();
    let output = transition.state.clone();
    let mut changes = crm.changes(actor, stamp);
    changes.ticket(transition, false, stamp).answers(EntityRef::Ticket(output.id));
    Planned::new(if is_written { saved(output) } else { output }, changes)
}
