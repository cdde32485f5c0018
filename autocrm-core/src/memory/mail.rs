//! Mail rows.

use std::ops::Bound;

use async_trait::async_trait;
use bytes::Bytes;
use uuid::Uuid;

use crate::{
    access::Scope,
    error::Result,
    id::{MailId, MessageId, OutboundId, TicketId},
    mail::{BlobHash, InboundMail, MailRef, MessageIdHeader, OutboundMail},
    memory::{
        MemoryStore, in_range,
        world::{Desk, put},
    },
    port::MailReader,
    text::{EmailAddress, ExternalId},
};

impl Desk {
    pub(super) fn set_inbound(&mut self, id: MailId, row: Option<InboundMail>) -> Option<InboundMail> {
        if let Some(before) = self.inbound.get(&id) {
            self.inbound_by_raw.remove(&(before.recipient.clone(), before.raw));
            if let Some(provider_id) = &before.provider_id {
                self.inbound_by_provider.remove(provider_id);
            }
        }
        if let Some(mail) = &row {
            self.inbound_by_raw.insert((mail.recipient.clone(), mail.raw), id);
            self.inbound_by_provider.extend(mail.provider_id.clone().map(|provider_id| (provider_id, id)));
        }
        put(&mut self.inbound, id, row)
    }

    pub(super) fn set_outbound(&mut self, id: OutboundId, row: Option<OutboundMail>) -> Option<OutboundMail> {
        put(&mut self.outbound, id, row)
    }

    pub(super) fn set_raw(&mut self, hash: BlobHash, row: Option<Bytes>) -> Option<Bytes> {
        put(&mut self.raw, hash, row)
    }

    pub(super) fn set_mail_ref(
        &mut self,
        key: (MessageIdHeader, MessageId),
        row: Option<MailRef>,
    ) -> Option<MailRef> {
        if let Some(before) = self.mail_refs.get(&key)
            && let Some(keys) = self.mail_refs_by_ticket.get_mut(&before.ticket)
        {
            keys.remove(&(key.1, key.0.clone()));
            if keys.is_empty() {
                self.mail_refs_by_ticket.remove(&before.ticket);
            }
        }
        if let Some(reference) = &row {
            let keys = self.mail_refs_by_ticket.entry(reference.ticket).or_default();
            keys.insert((key.1, key.0.clone()));
        }
        put(&mut self.mail_refs, key, row)
    }

    /// Returns the keys of a ticket's references, by message.
    pub(super) fn mail_ref_keys(
        &self,
        ticket: TicketId,
    ) -> impl DoubleEndedIterator<Item = (MessageIdHeader, MessageId)> + '_ {
        let keys = self.mail_refs_by_ticket.get(&ticket).into_iter().flatten();
        keys.map(|(message, header)| (header.clone(), *message))
    }
}

impl MemoryStore {
    fn read_mail<T: Default>(&self, scope: &Scope, look: impl FnOnce(&Desk) -> T) -> T {
        if scope.is_tenant_wide() { self.read(scope, look) } else { T::default() }
    }
}

#[async_trait]
impl MailReader for MemoryStore {
    async fn inbound(&self, scope: &Scope, id: MailId) -> Result<Option<InboundMail>> {
        Ok(self.read_mail(scope, |desk| desk.inbound.get(&id).cloned()))
    }

    async fn inbound_by_raw(
        &self,
        scope: &Scope,
        recipient: &EmailAddress,
        raw: BlobHash,
    ) -> Result<Option<InboundMail>> {
        Ok(self.read_mail(scope, |desk| {
            let id = desk.inbound_by_raw.get(&(recipient.clone(), raw))?;
            desk.inbound.get(id).cloned()
        }))
    }

    async fn inbound_by_provider(
        &self,
        scope: &Scope,
        provider_id: &ExternalId,
    ) -> Result<Option<InboundMail>> {
        Ok(self.read_mail(scope, |desk| {
            let id = desk.inbound_by_provider.get(provider_id)?;
            desk.inbound.get(id).cloned()
        }))
    }

    async fn outbound(&self, scope: &Scope, id: OutboundId) -> Result<Option<OutboundMail>> {
        Ok(self.read_mail(scope, |desk| desk.outbound.get(&id).cloned()))
    }

    async fn outbounds(&self, scope: &Scope, after: OutboundId, limit: u16) -> Result<Vec<OutboundMail>> {
        in_range("outbounds", usize::from(limit), 1, 1_000)?;
        Ok(self.read_mail(scope, |desk| {
            let later = desk.outbound.range((Bound::Excluded(after), Bound::Unbounded));
            later.take(usize::from(limit)).map(|(_, mail)| mail.clone()).collect()
        }))
    }

    async fn mail_refs(&self, scope: &Scope, ids: &[MessageIdHeader]) -> Result<Vec<MailRef>> {
        in_range("mail_refs", ids.len(), 0, 100)?;
        let (first, last) = (MessageId::from_uuid(Uuid::nil()), MessageId::from_uuid(Uuid::max()));
        Ok(self.read_mail(scope, |desk| {
            let known =
                ids.iter().flat_map(|id| desk.mail_refs.range((id.clone(), first)..=(id.clone(), last)));
            known.map(|(_, reference)| reference.clone()).collect()
        }))
    }

    async fn ticket_mail_refs(&self, scope: &Scope, ticket: TicketId, limit: u16) -> Result<Vec<MailRef>> {
        let most = in_range("ticket_mail_refs", usize::from(limit), 1, 50)?;
        Ok(self.read_mail(scope, |desk| {
            let latest = desk.mail_ref_keys(ticket).rev().take(most);
            let mut refs: Vec<MailRef> = latest.filter_map(|key| desk.mail_refs.get(&key).cloned()).collect();
            refs.reverse();
            refs
        }))
    }

    async fn outlying_raws(&self, scope: &Scope, ticket: TicketId) -> Result<Vec<BlobHash>> {
        Ok(self.read_mail(scope, |desk| {
            let mut hashes = desk.remains_of(ticket).raw;
            hashes.retain(|hash| !desk.raw.contains_key(hash));
            hashes.sort_unstable();
            hashes.dedup();
            hashes
        }))
    }

    async fn raw(&self, scope: &Scope, hash: BlobHash) -> Result<Option<Bytes>> {
        Ok(self.read_mail(scope, |desk| desk.raw.get(&hash).cloned()))
    }
}
