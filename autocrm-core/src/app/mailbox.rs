//! The way in for mail.

use bytes::Bytes;

use crate::{
    access::{Action, Actor, Resource, Scope},
    app::{AutoCrm, Error, Planned, Result, handle::authorise, transact::transact},
    change::{ChangeSet, EntityRef},
    id::{MailId, TenantId},
    mail::{BlobHash, Envelope, INLINE_BLOB, InboundMail, MailRefusal, RawBlob, receive},
    text::{EmailAddress, ExternalId},
};

/// How a received mail was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The tenant whose mail it is.
    pub tenant: TenantId,
    /// The mail's row.
    pub mail: MailId,
    /// Whether the same mail was taken in before: nothing was done.
    pub duplicate: bool,
}

/// The way in for mail. A mail is stored raw first; reading and filing it is a job of the same commit.
#[derive(Debug, Clone)]
pub struct Mailbox {
    crm: AutoCrm,
}

impl Mailbox {
    pub(super) fn new(crm: AutoCrm) -> Self {
        Self { crm }
    }

    pub(super) fn crm(&self) -> &AutoCrm {
        &self.crm
    }

    /// Takes in a raw mail (RFC 5322), 1..=41,943,040 bytes, for the tenant whose address the envelope's recipient is.
    /// The same bytes for the same recipient, or the same provider's id, are taken in once.
    pub async fn receive(&self, envelope: &Envelope, raw: &Bytes) -> Result<Received> {
        self.crm.parser()?;
        let tenant = self.tenant_for(&envelope.recipient).await?.ok_or(MailRefusal::UnknownRecipient)?;
        let hash = BlobHash::of(raw);
        if raw.len() > INLINE_BLOB && raw.len() <= crate::mail::MAX_RAW {
            let blobs = self.crm.blobs().ok_or(Error::NoAdapter { adapter: "blob store" })?;
            blobs.put(tenant, raw.clone()).await?;
        }
        let settled = transact(&self.crm, None, |_| self.plan_receive(tenant, envelope, raw, hash)).await?;
        settled.into_done().map(|(received, _)| received)
    }

    async fn plan_receive(
        &self,
        tenant: TenantId,
        envelope: &Envelope,
        raw: &Bytes,
        hash: BlobHash,
    ) -> Result<Planned<Received>> {
        let actor = Actor::system(tenant);
        authorise(&actor, Action::IngestMail, &Resource::Tenant(tenant), "tenant")?;
        let stamp = self.crm.stamp();
        let mut changes = ChangeSet::new(&actor, &stamp);
        if let Some(known) = self.known(tenant, envelope, hash).await? {
            return Ok(Planned::new(Received { tenant, mail: known.id, duplicate: true }, changes));
        }
        let received = receive(tenant, envelope.clone(), hash, raw.len(), &stamp)?;
        let mail = received.state.id;
        if raw.len() <= INLINE_BLOB {
            changes.raw(RawBlob { tenant, hash, bytes: raw.clone() });
        }
        changes.mail(received, &stamp).answers(EntityRef::Mail(mail));
        Ok(Planned::new(Received { tenant, mail, duplicate: false }, changes))
    }

    async fn known(
        &self,
        tenant: TenantId,
        envelope: &Envelope,
        hash: BlobHash,
    ) -> Result<Option<InboundMail>> {
        let scope = Scope::tenant_wide(tenant);
        if let Some(provider_id) = &envelope.provider_id
            && let Some(mail) = self.crm.store().inbound_by_provider(&scope, provider_id).await?
        {
            return Ok(Some(mail));
        }
        Ok(self.crm.store().inbound_by_raw(&scope, &envelope.recipient, hash).await?)
    }

    /// The recipient is a support address, or one with a tag behind a plus: a reply address or whatever a sender made up.
    async fn tenant_for(&self, recipient: &EmailAddress) -> Result<Option<TenantId>> {
        if let Some(tenant) = self.crm.store().tenant_by_address(recipient).await? {
            return Ok(Some(tenant));
        }
        let bare = recipient.rsplit_once('@').and_then(|(local, domain)| {
            let (support, _) = local.split_once('+')?;
            EmailAddress::new(format!("{support}@{domain}")).ok()
        });
        match bare {
            Some(support) => Ok(self.crm.store().tenant_by_address(&support).await?),
            None => Ok(None),
        }
    }

    /// Returns whether a mail with a provider's id was taken in for the recipient, or never will be, because the recipient is
    /// no address of a tenant.
    pub async fn has_received(&self, recipient: &EmailAddress, provider_id: &ExternalId) -> Result<bool> {
        let Some(tenant) = self.tenant_for(recipient).await? else { return Ok(true) };
        let scope = Scope::tenant_wide(tenant);
        Ok(self.crm.store().inbound_by_provider(&scope, provider_id).await?.is_some())
    }

    /// Returns what became of a received mail; administrators only.
    pub async fn inbound(&self, actor: &Actor, id: MailId) -> Result<InboundMail> {
        authorise(actor, Action::ManageJobs, &Resource::Tenant(actor.tenant), "tenant")?;
        let found = self.crm.store().inbound(&Scope::of(actor), id).await?;
        found.ok_or(Error::NotFound { what: "mail" })
    }

    /// Returns the raw bytes of a received mail.
    pub(super) async fn raw(&self, mail: &InboundMail) -> Result<Bytes> {
        let scope = Scope::tenant_wide(mail.tenant);
        if let Some(raw) = self.crm.store().raw(&scope, mail.raw).await? {
            return Ok(raw);
        }
        let blobs = self.crm.blobs().ok_or(Error::NoAdapter { adapter: "blob store" })?;
        blobs.get(mail.tenant, mail.raw).await?.ok_or(Error::NotFound { what: "raw mail" })
    }
}
