//! Addresses that nothing is sent to, and what reports about mails of ours change.

use crate::{
    access::{Action, Actor, Resource, Scope},
    app::{AutoCrm, Mailbox, Planned, Result, handle::authorise, transact::transact},
    change::ChangeSet,
    clock::Stamp,
    conversation::{NewMessage, write_message},
    id::{OutboundId, TenantId},
    mail::{
        Correspondent, Fate, MailClass, MailEvent, OutboundMail, ParsedMail, SOFT_LIMIT, SuppressionReason,
        meet, note_fate, release, suppress,
    },
    page::{Page, PageRequest},
    text::{Body, EmailAddress},
    ticket::note_activity,
    transition::Transition,
};

/// The code of a mail that was not handed over, because nothing is sent to its recipient.
pub(super) const SUPPRESSED: &str = "address_suppressed";

impl Mailbox {
    /// Stops sending to an address; administrators only. An address that is suppressed already keeps its first reason.
    pub async fn suppress(&self, actor: &Actor, address: &EmailAddress) -> Result<Correspondent> {
        self.change(actor, address, |known, stamp| suppress(known, SuppressionReason::Manual, None, stamp))
            .await
    }

    /// Sends to an address again; administrators only. An address that is not suppressed stays as it is.
    pub async fn release(&self, actor: &Actor, address: &EmailAddress) -> Result<Correspondent> {
        self.change(actor, address, release).await
    }

    /// Returns the addresses that nothing is sent to, newest first; administrators only.
    pub async fn suppressed(&self, actor: &Actor, page: &PageRequest) -> Result<Page<Correspondent>> {
        authorise(actor, Action::ManageTenant, &Resource::Tenant(actor.tenant), "tenant")?;
        Ok(self.crm().store().suppressed(&Scope::of(actor), page).await?)
    }

    async fn change(
        &self,
        actor: &Actor,
        address: &EmailAddress,
        decide: impl Fn(Correspondent, &Stamp<'_>) -> Transition<Correspondent, MailEvent> + Sync,
    ) -> Result<Correspondent> {
        authorise(actor, Action::ManageTenant, &Resource::Tenant(actor.tenant), "tenant")?;
        let settled = transact(self.crm(), None, |_| async {
            let stamp = self.crm().stamp();
            let known = correspondent(self.crm(), &Scope::of(actor), address, &stamp).await?;
            let decided = decide(known, &stamp);
            let mut output = decided.state.clone();
            if !decided.events.is_empty() {
                output.version = output.version.next();
            }
            let mut changes = ChangeSet::new(actor, &stamp);
            changes.correspondent(decided, &stamp);
            Ok(Planned::new(output, changes))
        })
        .await?;
        settled.into_done().map(|(known, _)| known)
    }

    /// Returns whether nothing is sent to an address.
    pub(crate) async fn is_suppressed(&self, tenant: TenantId, address: &EmailAddress) -> Result<bool> {
        let known = self.crm().store().correspondent(&Scope::tenant_wide(tenant), address).await?;
        Ok(known.is_some_and(|known| known.suppression.is_some()))
    }

    /// Returns a mail without the copies that nothing is sent to.
    pub(super) async fn without_suppressed_copies(&self, mut mail: OutboundMail) -> Result<OutboundMail> {
        for copies in [&mut mail.cc, &mut mail.bcc] {
            let mut left = Vec::with_capacity(copies.len());
            for address in copies.drain(..) {
                if !self.is_suppressed(mail.tenant, &address).await? {
                    left.push(address);
                }
            }
            *copies = left;
        }
        Ok(mail)
    }

    /// Tells staff on the ticket that a mail was not sent.
    pub(super) async fn tell_unsent(
        &self,
        mail: &OutboundMail,
        stamp: &Stamp<'_>,
        changes: &mut ChangeSet,
    ) -> Result<()> {
        let text = format!(
            "A mail to {} was not sent ({SUPPRESSED}): nothing is sent to this address until it is released.",
            mail.to
        );
        self.tell(mail, text, stamp, changes).await
    }

    /// Tells staff what became of a mail on its ticket, if that is still there and takes a note.
    async fn tell(
        &self,
        mail: &OutboundMail,
        text: String,
        stamp: &Stamp<'_>,
        changes: &mut ChangeSet,
    ) -> Result<()> {
        let scope = Scope::tenant_wide(mail.tenant);
        let Some(ticket) = self.crm().store().ticket(&scope, mail.ticket).await? else { return Ok(()) };
        if ticket.messages >= crate::conversation::MAX_MESSAGES {
            return Ok(());
        }
        let scheme = self.crm().scheme_of(mail.tenant, stamp).await?;
        let counted = note_activity(ticket, &scheme, false, false, stamp)?;
        let system = Actor::system(mail.tenant);
        let note = write_message(&system, &counted.state, NewMessage::text(Body::new(text)?, true), stamp)?;
        changes.ticket(counted, true, stamp).message(note, stamp);
        Ok(())
    }

    /// Draws the consequences of what a provider tells of a mail with one recipient, as those of a report that came as mail.
    pub(super) async fn heed_news(
        &self,
        mail: &OutboundMail,
        fate: Fate,
        stamp: &Stamp<'_>,
        changes: &mut ChangeSet,
    ) -> Result<()> {
        let scope = Scope::tenant_wide(mail.tenant);
        match remember(self.crm(), &scope, mail, (fate, String::new()), stamp, changes).await? {
            Some(text) => self.tell(mail, text, stamp, changes).await,
            None => Ok(()),
        }
    }
}

/// Returns what is remembered of an address, or a first memory of it.
pub(super) async fn correspondent(
    crm: &AutoCrm,
    scope: &Scope,
    address: &EmailAddress,
    stamp: &Stamp<'_>,
) -> Result<Correspondent> {
    let known = crm.store().correspondent(scope, address).await?;
    Ok(known.unwrap_or_else(|| meet(scope.tenant(), address.clone(), stamp)))
}

/// Draws the consequences of a report about a mail of ours, and returns what staff is told. The report counts for the
/// address that the mail went to and for no other: whoever was written to knows its Message-ID.
pub(super) async fn heed(
    crm: &AutoCrm,
    scope: &Scope,
    about: OutboundId,
    parsed: &ParsedMail,
    stamp: &Stamp<'_>,
    changes: &mut ChangeSet,
) -> Result<Option<String>> {
    let Some(mail) = crm.store().outbound(scope, about).await? else { return Ok(None) };
    let Some(told) = told(parsed, &mail.to) else { return Ok(None) };
    remember(crm, scope, &mail, told, stamp, changes).await
}

/// Remembers the fate of a mail for its address, and returns what staff is told.
async fn remember(
    crm: &AutoCrm,
    scope: &Scope,
    mail: &OutboundMail,
    (fate, status): (Fate, String),
    stamp: &Stamp<'_>,
    changes: &mut ChangeSet,
) -> Result<Option<String>> {
    let known = correspondent(crm, scope, &mail.to, stamp).await?;
    let noted = note_fate(known, fate, mail.id, stamp);
    let often = noted.state.soft_bounces.len() >= SOFT_LIMIT;
    changes.correspondent(noted, stamp);
    Ok(notice(fate, &mail.to, &status, often))
}

/// Returns what a report says about one address. A report that names no recipient speaks of the one that there was, and
/// one that is not understood says that something may work later.
fn told(parsed: &ParsedMail, address: &EmailAddress) -> Option<(Fate, String)> {
    let report = parsed.report.as_ref()?;
    if report.recipients.is_empty() {
        return (parsed.class == MailClass::Delivery).then(|| (Fate::Soft, String::new()));
    }
    let meant =
        report.recipients.iter().find(|one| one.address.as_ref().is_none_or(|named| named == address))?;
    Some((meant.fate, meant.status.clone().unwrap_or_default()))
}

fn notice(fate: Fate, address: &EmailAddress, status: &str, often: bool) -> Option<String> {
    let code = if status.is_empty() { fate.code() } else { status };
    Some(match fate {
        Fate::Reached => return None,
        Fate::Hard => format!(
            "The mail to {address} came back for good ({code}). Nothing more is sent to this address until it is \
             released."
        ),
        Fate::Complained => format!(
            "{address} complained about a mail of this ticket. Nothing more is sent to this address until it is \
             released."
        ),
        Fate::Policy => format!(
            "The mail to {address} was refused by a rule of its mail server ({code}). The address itself may be fine."
        ),
        Fate::Soft if often => format!(
            "The mail to {address} has not arrived for now ({code}). {SOFT_LIMIT} or more mails to it did not within \
             seven days."
        ),
        Fate::Soft => format!("The mail to {address} has not arrived for now ({code})."),
    })
}
