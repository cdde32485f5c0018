//! The writes of a change set, each with its checks.

use crate::{
    change::{EntityRef, JobFinish, Save, Write},
    error::{Error, ErrorKind, Result},
    id::{TenantId, TicketId},
    memory::{
        commit::{Attempt, COMMIT, conflict},
        world::World,
    },
    ticket::{Ticket, TicketNumber},
};

/// Writes a row with the setter of its noun and remembers how to take that back.
macro_rules! set {
    ($attempt:expr, $setter:ident, $id:expr, $row:expr) => {{
        let (tenant, id) = ($attempt.tenant, $id);
        let before = $attempt.desk().$setter(id.clone(), $row);
        $attempt.undo.push(Box::new(move |world: &mut World| {
            world.desks.entry(tenant).or_default().$setter(id, before);
        }));
    }};
}

impl Attempt<'_> {
    fn own(&self, tenant: TenantId) -> Result<()> {
        if tenant == self.tenant {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Invalid, COMMIT).context("a row names another tenant"))
    }

    /// Checks that a row belongs to the tenant and that the stored one has the version that was decided upon.
    fn expect<T>(&mut self, entity: EntityRef, tenant: TenantId, save: &Save<T>) -> Result<()> {
        self.own(tenant)?;
        if self.desk().version(entity) == save.from { Ok(()) } else { Err(conflict(entity)) }
    }

    /// Checks that a name is free, or the row's own.
    fn unique<T: PartialEq>(holder: Option<&T>, own: &T, what: &'static str) -> Result<()> {
        if holder.is_none_or(|holder| holder == own) { Ok(()) } else { Err(conflict(what)) }
    }

    pub(super) fn write(&mut self, write: &Write) -> Result<()> {
        match write {
            Write::Tenant(save) => {
                self.expect(EntityRef::Tenant, save.row.id, save)?;
                let address = save.row.support_address.as_ref();
                let holder = address.and_then(|address| self.world.addresses.get(address));
                Self::unique(holder, &save.row.id, "support address")?;
                let before = self.world.set_tenant(save.row.id, Some(save.row.clone()));
                let id = save.row.id;
                self.undo.push(Box::new(move |world| drop(world.set_tenant(id, before))));
            }
            Write::Scheme(save) => {
                self.expect(EntityRef::Scheme, save.row.tenant, save)?;
                set!(self, set_scheme, (), Some(save.row.clone()));
            }
            Write::User(save) => {
                self.expect(EntityRef::User(save.row.id), save.row.tenant, save)?;
                let (id, desk) = (save.row.id, self.desk());
                let email = save.row.email.as_ref().and_then(|email| desk.users_by_email.get(email));
                Self::unique(email, &id, "address")?;
                let external = save.row.external_id.as_ref();
                let external = external.and_then(|external| desk.users_by_external_id.get(external));
                Self::unique(external, &id, "external id")?;
                set!(self, set_user, id, Some(save.row.clone()));
            }
            Write::Team(save) => {
                self.expect(EntityRef::Team(save.row.id), save.row.tenant, save)?;
                let namesake = self.desk().teams.values().find(|team| team.name == save.row.name);
                Self::unique(namesake.map(|team| &team.id), &save.row.id, "team name")?;
                set!(self, set_team, save.row.id, Some(save.row.clone()));
            }
            Write::Ticket(save) => self.ticket(save)?,
            Write::EraseTicket(id) => self.erase(*id)?,
            Write::Message(save) => {
                self.expect(EntityRef::Message(save.row.id), save.row.tenant, save)?;
                let filed = self.desk().file(save.row.clone());
                set!(self, set_message, save.row.id, Some(filed));
            }
            Write::Template(save) => {
                self.expect(EntityRef::Template(save.row.id), save.row.tenant, save)?;
                set!(self, set_template, save.row.id, Some(save.row.clone()));
            }
            Write::Routing(decision) => {
                self.own(decision.tenant)?;
                set!(self, set_routing, decision.ticket, Some((**decision).clone()));
            }
            Write::Notification(save) => {
                self.expect(EntityRef::Notification(save.row.id), save.row.tenant, save)?;
                set!(self, set_notification, save.row.id, Some(save.row.clone()));
            }
            Write::FinishJob(finish) => self.finish(finish)?,
            knowledge @ (Write::Article(_) | Write::Revision(_) | Write::Chunks(_) | Write::Feedback(_)) => {
                self.knowledge(knowledge)?;
            }
            mail @ (Write::Mail(_)
            | Write::Raw(_)
            | Write::Outbound(_)
            | Write::Correspondent(_)
            | Write::MailRef(_)) => {
                self.mail(mail)?;
            }
        }
        Ok(())
    }

    fn ticket(&mut self, save: &Save<Ticket>) -> Result<()> {
        let mut row = save.row.clone();
        self.expect(EntityRef::Ticket(row.id), row.tenant, save)?;
        let tenant = self.tenant;
        let desk = self.desk();
        if let Some(stored) = desk.tickets.get(&row.id) {
            row.number = stored.number;
        } else {
            let earlier = desk.last_number;
            desk.last_number += 1;
            row.number = TicketNumber::new(desk.last_number);
            self.undo.push(Box::new(move |world| {
                world.desks.entry(tenant).or_default().last_number = earlier;
            }));
            self.numbers.push((row.id, row.number));
        }
        set!(self, set_ticket, row.id, Some(row));
        Ok(())
    }

    fn knowledge(&mut self, write: &Write) -> Result<()> {
        match write {
            Write::Article(save) => {
                self.expect(EntityRef::Article(save.row.id), save.row.tenant, save)?;
                let holder = self.desk().articles_by_slug.get(&save.row.slug);
                Self::unique(holder, &save.row.id, "short name")?;
                set!(self, set_article, save.row.id, Some(save.row.clone()));
            }
            Write::Revision(revision) => {
                self.own(revision.tenant)?;
                let key = (revision.article, revision.number);
                if self.desk().revisions.contains_key(&key) {
                    return Err(conflict("revision"));
                }
                set!(self, set_revision, key, Some((**revision).clone()));
            }
            Write::Chunks(set) => {
                for chunk in &set.chunks {
                    self.own(chunk.tenant)?;
                }
                set!(self, set_chunks, set.article, Some(set.chunks.clone()));
            }
            Write::Feedback(feedback) => {
                self.own(feedback.tenant)?;
                for earlier in self.desk().feedback_by(feedback.user, feedback.target) {
                    set!(self, set_feedback, earlier, None);
                }
                set!(self, set_feedback, feedback.id, Some((**feedback).clone()));
            }
            _ => {}
        }
        Ok(())
    }

    fn mail(&mut self, write: &Write) -> Result<()> {
        match write {
            Write::Mail(save) => {
                self.expect(EntityRef::Mail(save.row.id), save.row.tenant, save)?;
                let (id, desk) = (save.row.id, self.desk());
                let present = desk.inbound_by_raw.get(&(save.row.recipient.clone(), save.row.raw));
                Self::unique(present, &id, "raw mail")?;
                let provider = save.row.provider_id.as_ref();
                let provider = provider.and_then(|provider| desk.inbound_by_provider.get(provider));
                Self::unique(provider, &id, "provider id")?;
                set!(self, set_inbound, id, Some(save.row.clone()));
            }
            Write::Raw(blob) => {
                self.own(blob.tenant)?;
                set!(self, set_raw, blob.hash, Some(blob.bytes.clone()));
            }
            Write::Outbound(save) => {
                self.expect(EntityRef::Outbound(save.row.id), save.row.tenant, save)?;
                set!(self, set_outbound, save.row.id, Some(save.row.clone()));
            }
            Write::Correspondent(save) => {
                self.expect(EntityRef::Correspondent(save.row.id), save.row.tenant, save)?;
                let holder = self.desk().correspondents_by_address.get(&save.row.address);
                Self::unique(holder, &save.row.id, "address")?;
                set!(self, set_correspondent, save.row.id, Some(save.row.clone()));
            }
            Write::MailRef(reference) => {
                self.own(reference.tenant)?;
                let key = (reference.message_id.clone(), reference.message);
                if !self.desk().mail_refs.contains_key(&key) {
                    set!(self, set_mail_ref, key, Some((**reference).clone()));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, finish: &JobFinish) -> Result<()> {
        let id = finish.job;
        let held = self.world.queue.finish(self.tenant, finish).ok_or_else(|| conflict(id))?;
        self.undo.push(Box::new(move |world| drop(world.queue.set(id, Some(held)))));
        Ok(())
    }

    /// Removes a deleted ticket and everything that hangs on it.
    fn erase(&mut self, id: TicketId) -> Result<()> {
        let Some(ticket) = self.desk().tickets.get(&id) else { return Ok(()) };
        if ticket.deleted_at.is_none() {
            return Err(conflict(EntityRef::Ticket(id)));
        }
        let remains = self.desk().remains_of(id);
        for message in remains.messages {
            set!(self, set_message, message, None);
        }
        for feedback in remains.feedback {
            set!(self, set_feedback, feedback, None);
        }
        for mail in remains.inbound {
            set!(self, set_inbound, mail, None);
        }
        for raw in remains.raw {
            set!(self, set_raw, raw, None);
        }
        for mail in remains.outbound {
            set!(self, set_outbound, mail, None);
        }
        for reference in remains.mail_refs {
            set!(self, set_mail_ref, reference, None);
        }
        for notification in remains.notifications {
            set!(self, set_notification, notification, None);
        }
        for (position, event) in remains.events {
            set!(self, set_event, position, event);
        }
        set!(self, set_routing, id, None);
        set!(self, set_ticket, id, None);
        Ok(())
    }
}
