//! The assistant: analyse, answer, route, in one commit.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    access::{Action, Actor, Scope},
    app::{
        AutoCrm, Error, Planned, Result,
        answer::{self, Answered, AskedAnswer, rests_on},
        handle::authorise,
        learning, outgoing,
        transact::transact,
    },
    assist::{
        Analysis, AssistEvent, Disposition, MAX_ALTERNATIVES, ReasonCode, Scored, SendConditions, dispose,
    },
    change::{ChangeSet, JobOutcome, LeasedJob},
    clock::Stamp,
    conversation::{AnswerMeta, AnswerState, Author, Draft, Message, MessageKind, write_answer},
    id::{MessageId, TicketId, UserId},
    page::{Cursor, PageRequest},
    routing::{RouteRequest, RoutingDecision, route},
    team::Team,
    tenant::Tenant,
    text::{Body, truncate_bytes},
    ticket::{
        Category, CategorySource, Priority, Scheme, Ticket, TicketChange, TicketEvent, assign, note_activity,
        update,
    },
    transition::Transition,
};

/// How much of a text is analysed, in bytes.
const MAX_ANALYSED: usize = 20_000;

/// What the assistant did with a ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketProcessingResult {
    /// What the ticket is about.
    pub analysis: Analysis,
    /// The answer, or why there is none.
    pub response: Answered,
    /// What became of the answer.
    pub disposition: Disposition,
    /// Why it was not sent by itself.
    pub reasons: Vec<ReasonCode>,
    /// Who takes the ticket, and why not the others.
    pub assignment: RoutingDecision,
}

/// The assistant. It reads with the customer's eyes, has no tools, and what it wrote is checked before it is kept.
#[derive(Debug, Clone)]
pub struct AiAgent {
    crm: AutoCrm,
}

/// What is worked out before the commit is decided: nothing of it is repeated on a conflict.
struct Thoughts {
    analysis: Analysis,
    answered: Answered,
}

impl AiAgent {
    pub(super) fn new(crm: AutoCrm) -> Self {
        Self { crm }
    }

    /// Analyses, answers and routes the customer's latest message of a ticket.
    pub async fn process_ticket(&self, actor: &Actor, ticket: TicketId) -> Result<TicketProcessingResult> {
        self.process(actor, ticket, None, None).await
    }

    /// Returns what a text is about, without storing anything.
    pub async fn analyze_content(&self, actor: &Actor, text: &str) -> Result<Analysis> {
        authorise(actor, Action::UseAssistant, &crate::access::Resource::Tenant(actor.tenant), "tenant")?;
        let tenant = self.crm.tenant_of(actor).await?;
        let stamp = self.crm.stamp();
        let scheme = self.crm.scheme_of(actor.tenant, &stamp).await?;
        self.analyse(&tenant, &scheme, text).await
    }

    /// Answers a question from what the actor may read, without storing anything.
    pub async fn ask(&self, actor: &Actor, question: &str) -> Result<AskedAnswer> {
        authorise(actor, Action::UseAssistant, &crate::access::Resource::Tenant(actor.tenant), "tenant")?;
        let tenant = self.crm.tenant_of(actor).await?;
        if !tenant.flags.ai_responses {
            return Err(Error::SwitchedOff { flag: "aiResponses" });
        }
        let scope = Scope::of(actor);
        let language = self.crm.detector().and_then(|detector| detector.detect(question));
        let answered = answer::answer(&self.crm, &scope, question, language.as_ref()).await?;
        let sources = answer::sources(&self.crm, &scope, &answered).await?;
        let draft = answered.draft;
        Ok(AskedAnswer {
            text: draft.text,
            confidence: draft.confidence,
            abstention: draft.abstention,
            model: draft.model,
            sources,
        })
    }

    /// Processes a message; the job that asked for it ends in the same commit.
    pub(crate) async fn process(
        &self,
        actor: &Actor,
        id: TicketId,
        wanted: Option<MessageId>,
        job: Option<&LeasedJob>,
    ) -> Result<TicketProcessingResult> {
        let scope = Scope::of(actor);
        let ticket = self.crm.store().ticket(&scope, id).await?.ok_or(Error::NotFound { what: "ticket" })?;
        authorise(actor, Action::UseAssistant, &ticket.resource(), "ticket")?;
        let message = self.question(&scope, &ticket, wanted).await?;
        let tenant = self.crm.tenant_of(actor).await?;
        let stamp = self.crm.stamp();
        let scheme = self.crm.scheme_of(actor.tenant, &stamp).await?;
        let text = format!("{}\n{}", ticket.subject, message.newest_text());
        let analysis = self.analyse(&tenant, &scheme, &text).await?;
        let answered = if tenant.flags.ai_responses {
            let asker = Scope::customer(ticket.tenant, ticket.requester);
            answer::answer(&self.crm, &asker, &text, analysis.language.as_ref()).await?
        } else {
            answer::switched_off()
        };
        let verified = self.sender_is_verified(&ticket, &message).await?;
        let thoughts = Thoughts { analysis, answered };
        let settled = transact(&self.crm, None, |_| async {
            let mut planned = self.plan_process(actor, id, &message, &tenant, verified, &thoughts).await?;
            if let Some(job) = job {
                planned.changes_mut().finish(job, JobOutcome::Done);
            }
            Ok(planned)
        })
        .await?;
        settled.into_done().map(|(result, _)| result)
    }

    /// Returns the message to be answered: the one asked for, or the customer's latest.
    async fn question(&self, scope: &Scope, ticket: &Ticket, wanted: Option<MessageId>) -> Result<Message> {
        let missing = Error::NotFound { what: "message" };
        if let Some(id) = wanted {
            let found = self.crm.store().message(scope, id).await?;
            return found.filter(|message| message.ticket == ticket.id).ok_or(missing);
        }
        let newest = Cursor { key: i64::from(ticket.messages).saturating_sub(50), id: ticket.id.as_uuid() };
        let page = self.crm.store().messages(scope, ticket.id, &PageRequest::after(newest, 50)).await?;
        let by_customer =
            |message: &Message| matches!(message.author, Author::Customer { .. }) && !message.held;
        page.items.into_iter().rev().find(by_customer).ok_or(missing)
    }

    async fn analyse(&self, tenant: &Tenant, scheme: &Scheme, text: &str) -> Result<Analysis> {
        let text = truncate_bytes(text, MAX_ANALYSED);
        let language =
            self.crm.detector().filter(|_| tenant.flags.multi_language).and_then(|d| d.detect(text));
        let Some(classifier) = self.crm.classifier() else {
            let priority = Scored { value: Priority::Normal, confidence: 0.0 };
            return Ok(Analysis {
                language,
                category: None,
                alternatives: Vec::new(),
                priority,
                model: "none".into(),
            });
        };
        learning::ensure_trained(&self.crm, classifier, scheme).await?;
        let found = classifier.classify(tenant.id, text).await?;
        let threshold = self.crm.settings().category_threshold;
        let known = found.categories.into_iter().filter(|scored| scheme.category(&scored.value).is_some());
        let mut ranked: Vec<_> = known.take(MAX_ALTERNATIVES + 1).collect();
        let sure = ranked.first().is_some_and(|best| best.confidence >= threshold);
        let category = sure.then(|| ranked.remove(0));
        ranked.truncate(MAX_ALTERNATIVES);
        Ok(Analysis {
            language,
            category,
            alternatives: ranked,
            priority: found.priority,
            model: found.model,
        })
    }

    /// The portal's customers were let in by the host; a mail's sender was judged when it was filed.
    async fn sender_is_verified(&self, ticket: &Ticket, message: &Message) -> Result<bool> {
        let Some(mail) = message.mail else { return Ok(true) };
        let scope = Scope::tenant_wide(ticket.tenant);
        let mail = self.crm.store().inbound(&scope, mail).await?;
        Ok(mail.is_some_and(|mail| mail.trust.is_verified()))
    }

    async fn plan_process(
        &self,
        actor: &Actor,
        id: TicketId,
        message: &Message,
        tenant: &Tenant,
        verified: bool,
        thoughts: &Thoughts,
    ) -> Result<Planned<TicketProcessingResult>> {
        let stamp = self.crm.stamp();
        let found = self.crm.store().ticket(&Scope::of(actor), id).await?;
        let ticket = found.ok_or(Error::NotFound { what: "ticket" })?;
        let scheme = self.crm.scheme_of(actor.tenant, &stamp).await?;
        let sorted = sort(&scheme, ticket, &thoughts.analysis, &stamp)?;
        let routed = route_ticket(&self.crm, sorted.state.clone(), &scheme, &stamp).await?;
        let category = sorted.state.category.as_ref().and_then(|key| scheme.category(key));
        let conditions =
            self.conditions(&sorted.state, message, tenant, category, verified, &thoughts.answered);
        let (disposition, reasons) = dispose(conditions);

        let mut changes = self.crm.changes(actor, &stamp);
        let decision = routed.decision;
        let mut transition = Transition { state: routed.transition.state, events: sorted.events };
        transition.events.extend(routed.transition.events);
        let version = transition.state.version.next();
        let mut answer = None;
        if disposition != Disposition::HandOff {
            let public = disposition == Disposition::Send;
            transition =
                transition.and_then(|ticket| note_activity(ticket, &scheme, false, public, &stamp))?;
            let draft = draft_of(&thoughts.answered, public)?;
            answer = Some(write_answer(&transition.state, draft, &stamp)?);
        }
        let answer_id = answer.as_ref().map(|written| written.state.id);
        let leaving = match &answer {
            Some(written) if disposition == Disposition::Send => {
                outgoing::prepare(&self.crm, &transition.state, &written.state, true, &stamp).await?
            }
            _ => None,
        };
        // The row is written even when nothing about the ticket changed: its version orders the assistant's event.
        changes.ticket(transition, true, &stamp);
        if let Some(written) = answer {
            changes.message(written, &stamp);
        }
        outgoing::add(leaving, &mut changes, &stamp);
        if let Some((agent, limit)) = routed.limit {
            changes.load_below(agent, limit);
        }
        changes.routing(decision.clone());
        let event = AssistEvent::Processed {
            ticket: id,
            message: message.id,
            analysis: thoughts.analysis.clone(),
            disposition,
            reasons: reasons.clone(),
            answer: answer_id,
        };
        changes.assist(id, version, event, &stamp);
        let result = TicketProcessingResult {
            analysis: thoughts.analysis.clone(),
            response: thoughts.answered.clone(),
            disposition,
            reasons,
            assignment: decision,
        };
        Ok(Planned::new(result, changes))
    }

    fn conditions(
        &self,
        ticket: &Ticket,
        message: &Message,
        tenant: &Tenant,
        category: Option<&Category>,
        verified: bool,
        answered: &Answered,
    ) -> SendConditions {
        let draft = &answered.draft;
        SendConditions {
            flag_on: tenant.flags.ai_responses,
            answered: draft.abstention.is_none(),
            category_allowed: category.is_some_and(|category| category.auto_send),
            confident: draft.confidence >= self.crm.settings().send_threshold,
            cited: rests_on(draft, &answered.passages),
            sender_verified: verified && !message.held,
            nobody_involved: ticket.first_response_at.is_none(),
            written_by_person: !ticket.tags.contains(AUTOMATIC_TAG),
        }
    }
}

/// Turns an answer into a message.
fn draft_of(answered: &Answered, sent: bool) -> Result<Draft> {
    let draft = &answered.draft;
    let meta = AnswerMeta {
        model: draft.model.clone(),
        sources: draft.citations.clone(),
        confidence: draft.confidence,
        state: if sent { AnswerState::Sent } else { AnswerState::Draft },
    };
    Ok(Draft { body: Body::new(&draft.text)?, meta })
}

/// The tag of tickets that automatic mail opened.
pub(super) const AUTOMATIC_TAG: &str = "automatic-mail";

/// Gives the ticket the category, urgency and language found, where people have not set them.
fn sort(
    scheme: &Scheme,
    ticket: Ticket,
    analysis: &Analysis,
    stamp: &Stamp<'_>,
) -> Result<Transition<Ticket, TicketEvent>> {
    let by_person = ticket.category_source == Some(CategorySource::Person);
    let urgency = analysis.priority.value;
    let change = TicketChange {
        category: analysis.category.as_ref().filter(|_| !by_person).map(|found| found.value.clone()),
        priority: (urgency > ticket.priority && ticket.priority == Priority::Normal).then_some(urgency),
        language: analysis.language.clone().filter(|_| ticket.language.is_none()),
        ..TicketChange::default()
    };
    let actor = Actor::system(ticket.tenant);
    Ok(update(scheme, &actor, ticket, change, CategorySource::Model, stamp)?)
}

/// A routing decision and what it changes.
pub(super) struct Routed {
    pub(super) decision: RoutingDecision,
    pub(super) transition: Transition<Ticket, TicketEvent>,
    pub(super) limit: Option<(UserId, u32)>,
}

impl Routed {
    pub(super) fn apply(self, changes: &mut ChangeSet, stamp: &Stamp<'_>) -> RoutingDecision {
        changes.ticket(self.transition, false, stamp).routing(self.decision.clone());
        if let Some((agent, limit)) = self.limit {
            changes.load_below(agent, limit);
        }
        self.decision
    }
}

/// Decides team and agent. A ticket that already has an agent keeps them.
pub(super) async fn route_ticket(
    crm: &AutoCrm,
    ticket: Ticket,
    scheme: &Scheme,
    stamp: &Stamp<'_>,
) -> Result<Routed> {
    let scope = Scope::tenant_wide(ticket.tenant);
    let teams: Vec<Team> = crm.store().teams(&scope).await?;
    let members: BTreeSet<UserId> =
        teams.iter().flat_map(|team| team.members.iter().map(|member| member.user)).collect();
    let listed: Vec<UserId> = members.iter().copied().collect();
    let loads: BTreeMap<UserId, u32> = crm.store().loads(&scope, &listed).await?.into_iter().collect();
    let inactive = BTreeSet::new();
    let request = RouteRequest { ticket: &ticket, scheme, teams: &teams, loads: &loads, inactive: &inactive };
    let mut decision = route(&request, stamp);
    // Only the agent who would get the ticket is looked up: a deactivated one is passed over and the next considered.
    let mut passed_over = BTreeSet::new();
    while let Some(agent) = decision.agent {
        if crm.store().user(&scope, agent).await?.is_some_and(|user| user.active) {
            break;
        }
        passed_over.insert(agent);
        decision = route(&RouteRequest { inactive: &passed_over, ..request }, stamp);
    }
    let team = decision.team.and_then(|id| teams.iter().find(|team| team.id == id));
    let keeps_agent = ticket.assignee.is_some();
    let agent = if keeps_agent { None } else { decision.agent };
    let capacity = agent.and_then(|user| Some((user, u32::from(team?.member(user)?.capacity.get()))));
    let transition = match (keeps_agent, team) {
        (false, Some(team)) => assign(ticket, Some(team), agent, stamp)?,
        _ => Transition::unchanged(ticket),
    };
    Ok(Routed { decision, transition, limit: capacity })
}

/// Returns whether a message is an answer that waits for an agent.
#[must_use]
pub(super) fn is_open_draft(message: &Message) -> bool {
    matches!(&message.kind, MessageKind::Answer(answer) if answer.state == AnswerState::Draft)
}
