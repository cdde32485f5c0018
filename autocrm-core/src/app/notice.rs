//! Mails that triggers ask for.

use std::collections::BTreeSet;

use crate::{
    access::{Actor, MessageAudience, Scope},
    app::{
        AutoCrm, Error, Planned, Result,
        agent::AUTOMATIC_TAG,
        outgoing::{self, Outgoing},
        transact::transact,
    },
    change::{ChangeSet, JobOutcome, LeasedJob},
    clock::{Stamp, Timestamp},
    conversation::{Author, Message},
    id::{MessageId, TicketId, UserId},
    mail::{MAX_QUOTED, MAX_RECIPIENTS, NoticeData, NoticeMessage, NoticeTicket, OutboundState, SenderTrust},
    page::{Cursor, PageRequest},
    port::NoticeRequest,
    tenant::{Party, Tenant, Trigger, TriggerEvent},
    text::{EmailAddress, Language, truncate_bytes},
    ticket::{Channel, Ticket},
    user::User,
};

/// How many of the latest messages are looked through for a public one.
const LOOKED_AT: u16 = 50;

/// What a job found to do.
enum Work {
    Send(Vec<Outgoing>),
    /// The answer that is told of can still be taken back.
    Wait(Timestamp),
}

/// Sends the mails of every trigger of the event; the job ends in the same commit.
pub(crate) async fn send_notices(
    crm: &AutoCrm,
    event: TriggerEvent,
    ticket: TicketId,
    message: Option<MessageId>,
    job: &LeasedJob,
) -> Result<()> {
    let work = work(crm, event, ticket, message, job).await?;
    let actor = Actor::system(job.tenant);
    let settled = transact(crm, None, |_| async {
        let stamp = crm.stamp();
        let mut changes = ChangeSet::new(&actor, &stamp);
        match &work {
            Work::Send(mails) => {
                for mail in mails {
                    outgoing::add(Some(mail.clone()), &mut changes, &stamp);
                }
                changes.finish(job, JobOutcome::Done);
            }
            Work::Wait(at) => {
                changes.finish(job, JobOutcome::Snooze { at: *at });
            }
        }
        Ok(Planned::new((), changes))
    })
    .await?;
    settled.into_done().map(drop)
}

async fn work(
    crm: &AutoCrm,
    event: TriggerEvent,
    id: TicketId,
    message: Option<MessageId>,
    job: &LeasedJob,
) -> Result<Work> {
    let nothing = || Ok(Work::Send(Vec::new()));
    let scope = Scope::tenant_wide(job.tenant);
    let Some(tenant) = crm.store().tenant(&scope).await? else { return nothing() };
    crm.remember_triggers(&tenant);
    let rules: Vec<&Trigger> = tenant.triggers.iter().filter(|trigger| trigger.event == event).collect();
    if rules.is_empty() {
        return nothing();
    }
    let found = crm.store().ticket(&scope, id).await?;
    let ticket = found.ok_or(Error::NotFound { what: "ticket" })?;
    let Some(scene) = Scene::load(crm, event, &tenant, ticket, message).await? else { return nothing() };
    if let Some(mail) = outgoing::of_message(crm, &scene.anchor).await?
        && mail.state == OutboundState::Pending
        && mail.has_window()
    {
        return Ok(Work::Wait(mail.due_at));
    }
    let mut mails = Vec::new();
    let stamp = crm.stamp();
    for rule in rules {
        mails.extend(scene.compose(crm, rule, &stamp).await?);
    }
    Ok(Work::Send(mails))
}

/// What every mail of an event has in common.
struct Scene<'a> {
    event: TriggerEvent,
    tenant: &'a Tenant,
    ticket: Ticket,
    requester: User,
    assignee: Option<User>,
    /// The message that the mail belongs to: the one that is told of, or the latest.
    anchor: Message,
    data: NoticeData,
    /// Whether customers are told: nobody answers machines, or strangers.
    tells_customers: bool,
}

impl<'a> Scene<'a> {
    /// Loads it; `None` where there is nothing to tell.
    async fn load(
        crm: &AutoCrm,
        event: TriggerEvent,
        tenant: &'a Tenant,
        ticket: Ticket,
        message: Option<MessageId>,
    ) -> Result<Option<Self>> {
        let scope = Scope::tenant_wide(tenant.id);
        let after = i64::from(ticket.messages).saturating_sub(i64::from(LOOKED_AT));
        let request = PageRequest::after(Cursor { key: after, id: ticket.id.as_uuid() }, LOOKED_AT);
        let latest = crm.store().messages(&scope, ticket.id, &request).await?.items;
        // What the customer may not read is not told, whoever gets the mail.
        let public = |found: &&Message| found.audience() == MessageAudience::Public;
        let (anchor, told) = if let Some(id) = message {
            let found = crm.store().message(&scope, id).await?;
            let Some(found) = found.filter(|found| public(&found)) else { return Ok(None) };
            (found.clone(), Some(found))
        } else {
            let Some(last) = latest.last() else { return Ok(None) };
            (last.clone(), latest.iter().rev().find(public).cloned())
        };
        let Some(requester) = crm.store().user(&scope, ticket.requester).await? else { return Ok(None) };
        let assignee = match ticket.assignee {
            Some(agent) => crm.store().user(&scope, agent).await?,
            None => None,
        };
        let stamp = crm.stamp();
        let scheme = crm.scheme_of(tenant.id, &stamp).await?;
        let status = scheme.statuses.iter().find(|status| status.key == ticket.status.key);
        let quoted = match told {
            None => None,
            Some(found) => {
                let author = match found.author {
                    Author::Customer { user } | Author::Agent { user } => {
                        crm.store().user(&scope, user).await?.map(|user| user.name.into_string())
                    }
                    Author::Assistant | Author::System => None,
                };
                let text = truncate_bytes(found.newest_text(), MAX_QUOTED).to_owned();
                Some(NoticeMessage { author: author.unwrap_or_else(|| tenant.name.to_string()), text })
            }
        };
        let data = NoticeData {
            event,
            desk: tenant.name.to_string(),
            ticket: NoticeTicket {
                number: ticket.number.get(),
                subject: ticket.subject.to_string(),
                status: status.map_or_else(|| ticket.status.key.to_string(), |known| known.name.to_string()),
                priority: ticket.priority.as_str().to_owned(),
            },
            requester: requester.name.to_string(),
            agent: assignee.as_ref().map(|agent| agent.name.to_string()),
            message: quoted,
        };
        let tells_customers = tells_customers(crm, &scope, &ticket, &anchor).await?;
        Ok(Some(Self { event, tenant, ticket, requester, assignee, anchor, data, tells_customers }))
    }

    /// Writes the mail of a rule; `None` where nobody is left who gets it.
    async fn compose(&self, crm: &AutoCrm, rule: &Trigger, stamp: &Stamp<'_>) -> Result<Option<Outgoing>> {
        let mut seen: BTreeSet<EmailAddress> = self.tenant.support_address.iter().cloned().collect();
        let (mut to, cc, bcc) = (
            self.addresses(crm, &rule.to, &mut seen).await?,
            self.addresses(crm, &rule.cc, &mut seen).await?,
            self.addresses(crm, &rule.bcc, &mut seen).await?,
        );
        if to.is_empty() {
            return Ok(None);
        }
        let first = to.remove(0);
        let language = first.language.clone().or_else(|| self.ticket.language.clone());
        let request = NoticeRequest {
            tenant: self.tenant.id,
            template: &rule.template,
            language: language.as_ref(),
            data: &self.data,
        };
        let notice = crm.templates()?.render(&request)?;
        let copies: Vec<EmailAddress> = to.into_iter().chain(cc).map(|one| one.address).collect();
        let blind: Vec<EmailAddress> = bcc.into_iter().map(|one| one.address).collect();
        let room = MAX_RECIPIENTS - 1;
        if copies.len() + blind.len() > room {
            tracing::warn!(ticket = %self.ticket.id, "a trigger names more recipients than a mail may have");
        }
        let shown = copies.len().min(room);
        let leaving = outgoing::Leaving {
            ticket: &self.ticket,
            message: self.anchor.id,
            to: first.address,
            cc: copies.into_iter().take(shown).collect(),
            bcc: blind.into_iter().take(room - shown).collect(),
            references: outgoing::REFERENCES,
            user: first.user.unwrap_or(self.ticket.requester),
            subject: notice.subject,
            text: notice.text,
            html: Some(notice.html),
            automatic: true,
            trigger: Some(self.event),
        };
        outgoing::compose_mail(crm, self.tenant, leaving, stamp).await
    }

    async fn addresses(
        &self,
        crm: &AutoCrm,
        parties: &[Party],
        seen: &mut BTreeSet<EmailAddress>,
    ) -> Result<Vec<Recipient>> {
        let mut found = Vec::new();
        for party in parties {
            let recipients = match party {
                Party::Requester => self.customer(&self.requester).into_iter().collect(),
                Party::Assignee => {
                    self.assignee.as_ref().and_then(|agent| self.staff(agent)).into_iter().collect()
                }
                Party::Address { address } => {
                    vec![Recipient { address: address.clone(), user: None, language: None }]
                }
                Party::Participants => {
                    let scope = Scope::tenant_wide(self.tenant.id);
                    let mut people = Vec::new();
                    for id in &self.ticket.participants {
                        let person = crm.store().user(&scope, *id).await?;
                        people.extend(person.and_then(|person| self.customer(&person)));
                    }
                    people
                }
            };
            found.extend(recipients.into_iter().filter(|one| seen.insert(one.address.clone())));
        }
        Ok(found)
    }

    /// A customer gets mail at an address that is known to be theirs. Who wrote the message knows it, and an answer on a
    /// mail ticket leaves as mail by itself.
    fn customer(&self, user: &User) -> Option<Recipient> {
        let leaves_by_itself = self.event == TriggerEvent::Updated
            && self.ticket.channel == Channel::Email
            && !matches!(self.anchor.author, Author::Customer { .. })
            && user.id == self.requester.id;
        let told = self.tells_customers && user.email_verified && !leaves_by_itself && !self.wrote(user.id);
        Recipient::of(user).filter(|_| told)
    }

    fn staff(&self, user: &User) -> Option<Recipient> {
        Recipient::of(user).filter(|_| !self.wrote(user.id))
    }

    fn wrote(&self, user: UserId) -> bool {
        let author = match self.anchor.author {
            Author::Customer { user } | Author::Agent { user } => Some(user),
            Author::Assistant | Author::System => None,
        };
        self.event == TriggerEvent::Updated && author == Some(user)
    }
}

/// Who gets a mail.
struct Recipient {
    address: EmailAddress,
    user: Option<UserId>,
    language: Option<Language>,
}

impl Recipient {
    fn of(user: &User) -> Option<Self> {
        let address = user.email.clone().filter(|_| user.active)?;
        Some(Self { address, user: Some(user.id), language: user.language.clone() })
    }
}

/// A machine's mail is answered by nobody, and neither is one whose sender nobody vouches for: the address may be a
/// victim's.
async fn tells_customers(crm: &AutoCrm, scope: &Scope, ticket: &Ticket, anchor: &Message) -> Result<bool> {
    if ticket.tags.iter().any(|tag| tag.as_str() == AUTOMATIC_TAG) {
        return Ok(false);
    }
    let Some(mail) = anchor.mail else { return Ok(true) };
    let mail = crm.store().inbound(scope, mail).await?;
    Ok(mail.is_some_and(|mail| mail.trust == SenderTrust::Vouched))
}
