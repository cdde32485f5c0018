//! What an agent does.

use std::time::Duration;

use crate::{
    access::{Action, Actor, ActorKind, Resource, Scope},
    app::{
        ArticleHit, AutoCrm, Error, Planned, Result, TicketProcessor,
        agent::is_open_draft,
        answer::{self, Source},
        handle::authorise,
        knowledge,
        transact::transact,
    },
    change::EntityRef,
    conversation::{Message, Template},
    id::{TeamId, TicketId, UserId},
    metrics::{AgentStats, Resolution, TimeFrame},
    page::{Cursor, Page, PageRequest},
    team::Team,
    ticket::{StatusCategory, Ticket, TicketFilter, TicketOrder, TicketRefusal, assign, move_to},
};

/// How many waiting tickets [`AgentWorkspace::get_next`] looks at.
const LOOK_AHEAD: u16 = 50;

/// What the assistant offers to an agent who writes an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// A text to start from; empty when the model abstained.
    pub text: String,
    /// How sure the model is, 0..=1.
    pub confidence: f32,
    /// What the text rests on.
    pub sources: Vec<Source>,
    /// Articles on the subject, best first.
    pub articles: Vec<ArticleHit>,
}

/// What an agent does: the queue, answers, figures.
#[derive(Debug, Clone)]
pub struct AgentWorkspace {
    crm: AutoCrm,
    agent: Actor,
}

impl AgentWorkspace {
    pub(super) fn new(crm: AutoCrm, agent: Actor) -> Self {
        Self { crm, agent }
    }

    /// Takes the next waiting ticket of the agent's teams, most urgent and oldest first. However many agents ask at
    /// once, no ticket is taken twice and nobody gets more than their capacity. `QueueEmpty` when nothing waits,
    /// `ticket_agent_full` when the agent has no room.
    pub async fn get_next(&self) -> Result<Ticket> {
        let user = self.user()?;
        let settled = transact(&self.crm, None, |attempt| self.plan_get_next(user, attempt)).await?;
        settled.into_done().map(|(ticket, _)| ticket)
    }

    async fn plan_get_next(&self, user: UserId, attempt: u32) -> Result<Planned<Ticket>> {
        authorise(&self.agent, Action::AssignTicket, &Resource::Tenant(self.agent.tenant), "tenant")?;
        let stamp = self.crm.stamp();
        let wide = Scope::tenant_wide(self.agent.tenant);
        let teams = self.crm.store().teams(&wide).await?;
        let own: Vec<&Team> = teams.iter().filter(|team| team.member(user).is_some()).collect();
        let capacity = own
            .iter()
            .filter_map(|team| team.member(user))
            .map(|member| u32::from(member.capacity.get()))
            .max();
        let capacity = capacity.ok_or(TicketRefusal::AgentOutsideTeam)?;
        let load = self.crm.store().loads(&wide, &[user]).await?.first().map_or(0, |(_, load)| *load);
        if load >= capacity {
            return Err(TicketRefusal::AgentFull.into());
        }
        let filter = TicketFilter {
            status: vec![StatusCategory::New, StatusCategory::Open],
            assignee: Some(None),
            order: TicketOrder::Queue,
            ..TicketFilter::default()
        };
        let page = self
            .crm
            .store()
            .tickets(&Scope::of(&self.agent), &filter, &PageRequest::first(LOOK_AHEAD))
            .await?;
        let mut waiting: Vec<(Ticket, &Team)> = Vec::new();
        for ticket in page.items {
            if let Some(team) = team_for(&ticket, &own) {
                waiting.push((ticket, team));
            }
        }
        if waiting.is_empty() {
            return Err(Error::QueueEmpty);
        }
        // Agents who collide look a little further down the queue, each at their own place, instead of colliding again.
        let window = waiting.len().min(1 << attempt.min(5));
        let place = usize::try_from(user.as_uuid().as_u128() % 1_009).unwrap_or(0) % window;
        let (ticket, team) = waiting.swap_remove(place);
        let taken = assign(ticket, Some(team), Some(user), &stamp)?;
        let mut output = taken.state.clone();
        output.version = output.version.next();
        let mut changes = self.crm.changes(&self.agent, &stamp);
        changes
            .ticket(taken, false, &stamp)
            .load_below(user, capacity)
            .unchanged(EntityRef::Team(team.id), team.version)
            .answers(EntityRef::Ticket(output.id));
        Ok(Planned::new(output, changes))
    }

    /// Gives a ticket to an agent of a team who has room.
    pub async fn assign(&self, ticket: TicketId, team: TeamId, agent: UserId) -> Result<Ticket> {
        TicketProcessor::new(self.crm.clone()).assign(&self.agent, ticket, Some(team), Some(agent)).await
    }

    /// Returns the response templates of the agent's teams and of everybody.
    pub async fn templates(&self, page: &PageRequest) -> Result<Page<Template>> {
        Ok(self.crm.store().templates(&Scope::of(&self.agent), page).await?)
    }

    /// Suggests an answer and articles for what a customer wrote. Internal articles count: the agent reads it, and
    /// nothing of it is sent by itself.
    pub async fn suggestions(&self, context: &str) -> Result<Suggestion> {
        self.user()?;
        let scope = Scope::of(&self.agent);
        let language = self.crm.detector().and_then(|detector| detector.detect(context));
        let answered = answer::answer(&self.crm, &scope, context, language.as_ref()).await?;
        let sources = answer::sources(&self.crm, &scope, &answered).await?;
        Ok(Suggestion {
            text: answered.draft.text,
            confidence: answered.draft.confidence,
            sources,
            articles: knowledge::by_article(answered.passages, 5),
        })
    }

    /// Returns the proposed answers of a ticket that wait for a verdict, latest first.
    pub async fn drafts(&self, ticket: TicketId) -> Result<Vec<Message>> {
        let scope = Scope::of(&self.agent);
        let ticket =
            self.crm.store().ticket(&scope, ticket).await?.ok_or(Error::NotFound { what: "ticket" })?;
        authorise(&self.agent, Action::UseAssistant, &ticket.resource(), "ticket")?;
        let from = Cursor { key: i64::from(ticket.messages).saturating_sub(200), id: ticket.id.as_uuid() };
        let page = self.crm.store().messages(&scope, ticket.id, &PageRequest::after(from, 200)).await?;
        Ok(page.items.into_iter().rev().filter(is_open_draft).collect())
    }

    /// Returns what an agent has at hand and has done within a frame.
    pub async fn stats(&self, agent: UserId, frame: TimeFrame) -> Result<AgentStats> {
        authorise(&self.agent, Action::ReadMetrics, &Resource::Tenant(self.agent.tenant), "tenant")?;
        Ok(self.crm.store().agent_stats(&Scope::of(&self.agent), agent, frame).await?)
    }

    /// Resolves a ticket unless it is resolved, and returns how long it took.
    pub async fn track_resolution(&self, ticket: TicketId) -> Result<Resolution> {
        let settled = transact(&self.crm, None, |_| self.plan_resolution(ticket)).await?;
        settled.into_done().map(|(resolution, _)| resolution)
    }

    async fn plan_resolution(&self, id: TicketId) -> Result<Planned<Resolution>> {
        self.user()?;
        let stamp = self.crm.stamp();
        let found = self.crm.store().ticket(&Scope::of(&self.agent), id).await?;
        let ticket = found.ok_or(Error::NotFound { what: "ticket" })?;
        authorise(&self.agent, Action::MoveTicket, &ticket.resource(), "ticket")?;
        let scheme = self.crm.scheme_of(self.agent.tenant, &stamp).await?;
        let mut changes = self.crm.changes(&self.agent, &stamp);
        let mut state = ticket;
        if state.status.category.is_live() {
            let status = scheme.default_status(StatusCategory::Resolved);
            let from = state.status.category;
            let illegal = TicketRefusal::IllegalMove { from, to: StatusCategory::Resolved };
            let moved = move_to(state, status.ok_or(illegal)?, &stamp)?;
            state = moved.state.clone();
            changes.ticket(moved, false, &stamp);
        }
        let end = state.resolved_at.unwrap_or_else(|| stamp.at());
        let seconds = |duration: Duration| duration.as_secs();
        let resolution = Resolution {
            ticket: state.id,
            first_response_seconds: state.first_response_at.map(|at| seconds(at.since(state.created_at))),
            resolution_seconds: seconds(end.since(state.created_at)),
        };
        Ok(Planned::new(resolution, changes))
    }

    fn user(&self) -> Result<UserId> {
        match self.agent.kind {
            ActorKind::Agent { user, .. } | ActorKind::Admin(user) => Ok(user),
            ActorKind::Customer(_) | ActorKind::System => Err(Error::Denied),
        }
    }
}

/// Returns the team under which the agent may take a ticket: the ticket's own, or for one without a team the first that
/// takes its category, else the agent's first.
fn team_for<'a>(ticket: &Ticket, own: &[&'a Team]) -> Option<&'a Team> {
    if let Some(id) = ticket.team {
        return own.iter().copied().find(|team| team.id == id);
    }
    let takes = |team: &&Team| ticket.category.as_ref().is_some_and(|key| team.categories.contains(key));
    own.iter().copied().find(takes).or_else(|| own.first().copied())
}
