//! Reading a received mail and filing it: a new ticket, a message on one, or a held message.
//!
//! A match only locates a ticket. A sender writes on it as its customer if they take part in it and are verified, as
//! staff if they are, are authenticated and hold a keyed token; everything else is held for staff. What a machine wrote
//! is held too and never opens an ordinary ticket. Nothing is dropped: what cannot be read opens a ticket with a note.

mod acknowledge;
mod locate;
mod write;

use std::time::Duration;

use crate::{
    access::{Action, Actor, MessageAudience, Scope},
    app::{
        AutoCrm, Error, Mailbox, Planned, Result, handle::authorise, suppression::heed, transact::transact,
    },
    change::{JobOutcome, LeasedJob},
    clock::Stamp,
    conversation::{Author, Message},
    id::{MailId, TenantId, UserId},
    mail::{
        InboundMail, InboundOutcome, MailEvent, MailFinding, MailReading, ParsedMail, SenderEvidence,
        SenderTrust, SenderVerdict, judge, settle,
    },
    page::{Cursor, PageRequest},
    tenant::Tenant,
    text::{EmailAddress, Name, one_line},
    ticket::{Scheme, Ticket},
    transition::Transition,
    user::{self, NewUser, Role, User, UserEvent},
};

use locate::{Located, Threads};

/// Stands in for the address of a sender whom the header does not name.
const UNKNOWN_SENDER: &str = "unknown-sender@invalid";
/// How many messages of one sender in a row, within the window, are a flood.
const FLOOD: u32 = 20;
const FLOOD_WINDOW: Duration = Duration::from_mins(10);
/// How many attempts wait for a verifier that cannot tell now; after them the sender is unverified.
const PATIENCE: u16 = 5;

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
    reading: MailReading,
    tenant: Tenant,
    scheme: Scheme,
    stamp: Stamp<'a>,
    /// Whether the mail continues a ticket that takes no more of it.
    continues: bool,
    /// What a report means, for staff to read.
    notice: Option<String>,
}

impl Mailbox {
    /// Reads a received mail and files it; the job ends in the same commit.
    pub(crate) async fn file(&self, tenant: TenantId, id: MailId, job: &LeasedJob) -> Result<InboundOutcome> {
        let scope = Scope::tenant_wide(tenant);
        let found = self.crm().store().inbound(&scope, id).await?;
        let mail = found.ok_or(Error::NotFound { what: "mail" })?;
        let raw = self.raw(&mail).await?;
        let parsed = self.crm().parser()?.parse(&raw);
        let verdict = self.verdict(&mail, &raw, &parsed, job.attempt).await?;
        let settled = transact(self.crm(), None, |_| async {
            let mut planned = self.plan_file(tenant, id, &parsed, verdict.as_ref()).await?;
            planned.changes_mut().finish(job, JobOutcome::Done);
            Ok(planned)
        })
        .await?;
        settled.into_done().map(|(outcome, _)| outcome)
    }

    /// Asks the verifier, unless the sender is vouched for or cannot be believed anyway.
    async fn verdict(
        &self,
        mail: &InboundMail,
        raw: &[u8],
        parsed: &ParsedMail,
        attempt: u16,
    ) -> Result<Option<SenderVerdict>> {
        let Some(verifier) = self.crm().verifier() else { return Ok(None) };
        if mail.trust == SenderTrust::Vouched || !parsed.names_its_author() {
            return Ok(None);
        }
        let evidence = SenderEvidence {
            raw,
            sender: mail.sender.as_ref(),
            client: mail.client.as_ref().map(|client| (client.ip, client.helo.as_str())),
        };
        match verifier.verify(&evidence).await {
            Ok(verdict) => Ok(Some(verdict)),
            Err(error) if error.is_retryable() && attempt < PATIENCE => Err(error.into()),
            Err(error) => {
                tracing::warn!(mail = %mail.id, %error, "the sender could not be verified");
                Ok(None)
            }
        }
    }

    async fn plan_file(
        &self,
        tenant: TenantId,
        id: MailId,
        parsed: &ParsedMail,
        verdict: Option<&SenderVerdict>,
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
        let threads = Threads::load(crm, &scope, &mail, parsed).await?;
        let seen = noticed(parsed, &threads, &tenant_row);
        let trust = judge(mail.trust, &seen, verdict);
        let reading = MailReading {
            class: seen.class,
            trust,
            verdict: verdict.cloned(),
            reply_to: seen.reply_to.clone(),
            findings: seen.findings.clone(),
        };
        let sender = find_sender(crm, &scope, &actor, &seen, &stamp).await?;
        let notice = match threads.reported(&seen) {
            Some(about) => heed(crm, &scope, about, &seen, &stamp, &mut changes).await?,
            None => None,
        };
        let located = threads.locate(crm, &scope, sender.user().id).await?;
        let filing = Filing {
            mail,
            parsed: &seen,
            reading,
            tenant: tenant_row,
            scheme,
            stamp,
            continues: located.is_some(),
            notice,
        };
        let outcome = match located {
            _ if filing.is_by_machine() => filing.report(located, sender, &mut changes)?,
            Some(found) if filing.may_continue(&found.ticket) => {
                if let Some(agent) = staff(crm, &filing, &found, &sender).await? {
                    filing.answer(crm, found.ticket, &agent, &mut changes).await?
                } else {
                    let floods = floods(crm, &scope, &filing, &found.ticket, sender.user().id).await?;
                    filing.append(found, sender, floods, &mut changes)?
                }
            }
            Some(closed) => filing.open(sender, Some(closed.ticket.id), &mut changes)?,
            None => filing.open(sender, None, &mut changes)?,
        };
        let due = acknowledge::is_due(&filing, &outcome);
        let mut settled = settle(filing.mail, filing.reading, outcome.clone())?;
        settled.events.extend(due.map(|ticket| MailEvent::AcknowledgementDue { mail: id, ticket }));
        changes.mail(settled, &stamp);
        Ok(Planned::new(outcome, changes))
    }
}

/// Returns whether one sender has written the last [`FLOOD`] messages of a ticket, within [`FLOOD_WINDOW`]: two machines
/// that answer each other unmarked do so, and no person does.
async fn floods(
    crm: &AutoCrm,
    scope: &Scope,
    filing: &Filing<'_>,
    ticket: &Ticket,
    sender: UserId,
) -> Result<bool> {
    let Some(before) = ticket.messages.checked_sub(FLOOD) else { return Ok(false) };
    let from = Cursor { key: i64::from(before), id: ticket.id.as_uuid() };
    let size = u16::try_from(FLOOD).unwrap_or(u16::MAX);
    let page = crm.store().messages(scope, ticket.id, &PageRequest::after(from, size)).await?;
    let lately = |message: &Message| filing.stamp.at().since(message.created_at) < FLOOD_WINDOW;
    let own = |message: &Message| message.author == Author::Customer { user: sender };
    Ok(page.items.len() >= usize::from(size) && page.items.iter().all(|one| own(one) && lately(one)))
}

/// Adds what only the desk can see: an id that came in before, and a mail of its own that came back.
fn noticed(parsed: &ParsedMail, threads: &Threads, tenant: &Tenant) -> ParsedMail {
    let mut seen = parsed.clone();
    if threads.repeats_an_id() {
        seen.findings.push(MailFinding::RepeatedMessageId);
    }
    if threads.is_own() || (seen.from.is_some() && seen.from == tenant.support_address) {
        seen.findings.push(MailFinding::OwnMail);
    }
    seen
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

/// Returns the member of staff who writes on the ticket by mail: authenticated, with a verified address, by a token that
/// only this desk makes, and allowed to write there.
async fn staff(
    crm: &AutoCrm,
    filing: &Filing<'_>,
    found: &Located,
    sender: &Sender,
) -> Result<Option<Actor>> {
    let Sender::Known(user) = sender else { return Ok(None) };
    let proved = filing.reading.trust.is_authenticated() && found.is_keyed() && !filing.parsed.is_automatic();
    if !proved || !user.role.is_staff() || !user.active || !user.email_verified {
        return Ok(None);
    }
    let agent = crm.actor(user.tenant, user.id).await?;
    let resource = found.ticket.message_resource(MessageAudience::Public);
    Ok(authorise(&agent, Action::WriteMessage, &resource, "ticket").is_ok().then_some(agent))
}
