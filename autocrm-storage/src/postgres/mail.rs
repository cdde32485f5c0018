//! Mail rows.

use async_trait::async_trait;
use autocrm_core::{
    access::Scope,
    error::Result,
    id::{MailId, OutboundId, TicketId},
    mail::{BlobHash, InboundMail, MailRef, MessageIdHeader, OutboundMail},
    port::MailReader,
    text::{EmailAddress, ExternalId},
};
use bytes::Bytes;
use sqlx::query_scalar;

use crate::{
    column::{Digest, Uid, number},
    postgres::{
        PostgresStore,
        document::{self, Documents},
        failure::During,
    },
    range::in_range,
    record::MailRefRecord,
};

impl PostgresStore {
    async fn one_mail<T: serde::de::DeserializeOwned>(
        &self,
        scope: &Scope,
        operation: &'static str,
        statement: Documents,
    ) -> Result<Option<T>> {
        if !scope.is_tenant_wide() {
            return Ok(None);
        }
        let mut tx = self.read(operation, scope).await?;
        document::one(&mut tx, operation, statement).await
    }
}

#[async_trait]
impl MailReader for PostgresStore {
    async fn inbound(&self, scope: &Scope, id: MailId) -> Result<Option<InboundMail>> {
        let statement =
            query_scalar("SELECT document FROM autocrm.autocrm_inbound WHERE tenant = $1 AND id = $2")
                .bind(Uid::of(scope.tenant()))
                .bind(Uid::of(id));
        self.one_mail(scope, "inbound", statement).await
    }

    async fn inbound_by_raw(
        &self,
        scope: &Scope,
        recipient: &EmailAddress,
        raw: BlobHash,
    ) -> Result<Option<InboundMail>> {
        let statement = query_scalar(include_str!("sql/inbound_by_raw.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(Digest(raw))
            .bind(recipient.as_str().to_owned());
        self.one_mail(scope, "inbound_by_raw", statement).await
    }

    async fn inbound_by_provider(
        &self,
        scope: &Scope,
        provider_id: &ExternalId,
    ) -> Result<Option<InboundMail>> {
        let statement = query_scalar(include_str!("sql/inbound_by_provider.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(provider_id.as_str().to_owned());
        self.one_mail(scope, "inbound_by_provider", statement).await
    }

    async fn outbound(&self, scope: &Scope, id: OutboundId) -> Result<Option<OutboundMail>> {
        let statement =
            query_scalar("SELECT document FROM autocrm.autocrm_outbound WHERE tenant = $1 AND id = $2")
                .bind(Uid::of(scope.tenant()))
                .bind(Uid::of(id));
        self.one_mail(scope, "outbound", statement).await
    }

    async fn outbounds(&self, scope: &Scope, after: OutboundId, limit: u16) -> Result<Vec<OutboundMail>> {
        in_range("outbounds", usize::from(limit), 1, 1_000)?;
        if !scope.is_tenant_wide() {
            return Ok(Vec::new());
        }
        let statement = query_scalar(include_str!("sql/outbounds.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(Uid::of(after))
            .bind(i64::from(limit));
        let mut tx = self.read("outbounds", scope).await?;
        document::all(&mut tx, "outbounds", statement).await
    }

    async fn mail_refs(&self, scope: &Scope, ids: &[MessageIdHeader]) -> Result<Vec<MailRef>> {
        in_range("mail_refs", ids.len(), 0, 100)?;
        if !scope.is_tenant_wide() {
            return Ok(Vec::new());
        }
        let asked: Vec<&str> = ids.iter().map(MessageIdHeader::as_str).collect();
        let mut tx = self.read("mail_refs", scope).await?;
        let records: Vec<MailRefRecord> = sqlx::query_as(include_str!("sql/mail_refs.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(asked)
            .fetch_all(&mut *tx)
            .await
            .during("mail_refs")?;
        records.into_iter().map(MailRefRecord::decode).collect()
    }

    async fn ticket_mail_refs(&self, scope: &Scope, ticket: TicketId, limit: u16) -> Result<Vec<MailRef>> {
        let most = in_range("ticket_mail_refs", usize::from(limit), 1, 50)?;
        if !scope.is_tenant_wide() {
            return Ok(Vec::new());
        }
        let mut tx = self.read("ticket_mail_refs", scope).await?;
        let records: Vec<MailRefRecord> = sqlx::query_as(include_str!("sql/ticket_mail_refs.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(Uid::of(ticket))
            .bind(number(most))
            .fetch_all(&mut *tx)
            .await
            .during("ticket_mail_refs")?;
        records.into_iter().rev().map(MailRefRecord::decode).collect()
    }

    async fn outlying_raws(&self, scope: &Scope, ticket: TicketId) -> Result<Vec<BlobHash>> {
        if !scope.is_tenant_wide() {
            return Ok(Vec::new());
        }
        let mut tx = self.read("outlying_raws", scope).await?;
        let hashes: Vec<Digest> = query_scalar(include_str!("sql/outlying_raws.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(Uid::of(ticket))
            .fetch_all(&mut *tx)
            .await
            .during("outlying_raws")?;
        Ok(hashes.into_iter().map(|digest| digest.0).collect())
    }

    async fn raw(&self, scope: &Scope, hash: BlobHash) -> Result<Option<Bytes>> {
        if !scope.is_tenant_wide() {
            return Ok(None);
        }
        let mut tx = self.read("raw", scope).await?;
        let bytes: Option<Vec<u8>> =
            query_scalar("SELECT bytes FROM autocrm.autocrm_raw WHERE tenant = $1 AND hash = $2")
                .bind(Uid::of(scope.tenant()))
                .bind(Digest(hash))
                .fetch_optional(&mut *tx)
                .await
                .during("raw")?;
        Ok(bytes.map(Bytes::from))
    }
}
