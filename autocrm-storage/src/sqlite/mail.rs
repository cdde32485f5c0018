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
use diesel::{SqliteConnection, prelude::*, sql_types::Binary, sqlite::Sqlite};

use crate::{
    column::{Digest, Uid, from_json},
    range::in_range,
    record::{MailRefRecord, RawRecord},
    schema::{autocrm_inbound, autocrm_mail_ref, autocrm_outbound, autocrm_raw},
    sqlite::{
        SqliteStore,
        failure::During,
        reader::snapshot,
        save::COMMIT,
        statement::{Cached, Sql},
    },
};

/// Stores raw bytes; the same bytes again are nothing to do.
pub(crate) fn add_raw(connection: &mut SqliteConnection, record: &RawRecord) -> Result<()> {
    let added = diesel::insert_into(autocrm_raw::table).values(record).on_conflict_do_nothing();
    Cached(added).execute(connection).during(COMMIT)?;
    Ok(())
}

/// Remembers a Message-ID; the same again is nothing to do.
pub(crate) fn add_reference(connection: &mut SqliteConnection, record: &MailRefRecord) -> Result<()> {
    let added = diesel::insert_into(autocrm_mail_ref::table).values(record).on_conflict_do_nothing();
    Cached(added).execute(connection).during(COMMIT)?;
    Ok(())
}

type Selection = autocrm_inbound::BoxedQuery<'static, Sqlite, diesel::sql_types::Text>;

impl SqliteStore {
    /// Reads the one received mail of the tenant that `only` leaves.
    async fn one_inbound(
        &self,
        scope: &Scope,
        operation: &'static str,
        only: impl FnOnce(Selection) -> Selection + Send,
    ) -> Result<Option<InboundMail>> {
        if !scope.is_tenant_wide() {
            return Ok(None);
        }
        let mails = autocrm_inbound::table
            .filter(autocrm_inbound::tenant.eq(Uid::of(scope.tenant())))
            .select(autocrm_inbound::document)
            .into_boxed();
        let one = only(mails);
        self.read(operation, move |connection| {
            let document: Option<String> = one.get_result(connection).optional().during(operation)?;
            document.map(|text| from_json(&text, "inbound mail")).transpose()
        })
        .await
    }
}

#[async_trait]
impl MailReader for SqliteStore {
    async fn inbound(&self, scope: &Scope, id: MailId) -> Result<Option<InboundMail>> {
        self.one_inbound(scope, "inbound", |mails| mails.filter(autocrm_inbound::id.eq(Uid::of(id)))).await
    }

    async fn inbound_by_raw(
        &self,
        scope: &Scope,
        recipient: &EmailAddress,
        raw: BlobHash,
    ) -> Result<Option<InboundMail>> {
        let address = recipient.as_str().to_owned();
        self.one_inbound(scope, "inbound_by_raw", |mails| {
            mails.filter(autocrm_inbound::raw.eq(Digest(raw))).filter(autocrm_inbound::recipient.eq(address))
        })
        .await
    }

    async fn inbound_by_provider(
        &self,
        scope: &Scope,
        provider_id: &ExternalId,
    ) -> Result<Option<InboundMail>> {
        let id = provider_id.as_str().to_owned();
        self.one_inbound(scope, "inbound_by_provider", |mails| {
            mails.filter(autocrm_inbound::provider_id.eq(id))
        })
        .await
    }

    async fn outbound(&self, scope: &Scope, id: OutboundId) -> Result<Option<OutboundMail>> {
        if !scope.is_tenant_wide() {
            return Ok(None);
        }
        let key = (Uid::of(scope.tenant()), Uid::of(id));
        self.read("outbound", move |connection| {
            let document: Option<String> = autocrm_outbound::table
                .find(key)
                .select(autocrm_outbound::document)
                .get_result(connection)
                .optional()
                .during("outbound")?;
            document.map(|text| from_json(&text, "outbound mail")).transpose()
        })
        .await
    }

    async fn outbounds(&self, scope: &Scope, after: OutboundId, limit: u16) -> Result<Vec<OutboundMail>> {
        in_range("outbounds", usize::from(limit), 1, 1_000)?;
        if !scope.is_tenant_wide() {
            return Ok(Vec::new());
        }
        let (tenant, later) = (Uid::of(scope.tenant()), Uid::of(after));
        self.read("outbounds", move |connection| {
            let documents: Vec<String> = autocrm_outbound::table
                .filter(autocrm_outbound::tenant.eq(tenant))
                .filter(autocrm_outbound::id.gt(later))
                .order(autocrm_outbound::id)
                .limit(i64::from(limit))
                .select(autocrm_outbound::document)
                .load(connection)
                .during("outbounds")?;
            documents.iter().map(|text| from_json(text, "outbound mail")).collect()
        })
        .await
    }

    async fn mail_refs(&self, scope: &Scope, ids: &[MessageIdHeader]) -> Result<Vec<MailRef>> {
        in_range("mail_refs", ids.len(), 0, 100)?;
        if !scope.is_tenant_wide() {
            return Ok(Vec::new());
        }
        let tenant = Uid::of(scope.tenant());
        let asked: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
        self.read("mail_refs", move |connection| {
            snapshot(connection, |connection| {
                let mut refs = Vec::new();
                for id in &asked {
                    let records: Vec<MailRefRecord> = autocrm_mail_ref::table
                        .filter(autocrm_mail_ref::tenant.eq(tenant))
                        .filter(autocrm_mail_ref::message_id.eq(id))
                        .order(autocrm_mail_ref::message.asc())
                        .select(MailRefRecord::as_select())
                        .load(connection)
                        .during("mail_refs")?;
                    for record in records {
                        refs.push(record.decode()?);
                    }
                }
                Ok(refs)
            })
        })
        .await
    }

    async fn ticket_mail_refs(&self, scope: &Scope, ticket: TicketId, limit: u16) -> Result<Vec<MailRef>> {
        let most = in_range("ticket_mail_refs", usize::from(limit), 1, 50)?;
        if !scope.is_tenant_wide() {
            return Ok(Vec::new());
        }
        let tenant = Uid::of(scope.tenant());
        self.read("ticket_mail_refs", move |connection| {
            let latest = autocrm_mail_ref::table
                .filter(autocrm_mail_ref::tenant.eq(tenant))
                .filter(autocrm_mail_ref::ticket.eq(Uid::of(ticket)))
                .order((autocrm_mail_ref::message.desc(), autocrm_mail_ref::message_id.desc()))
                .select(MailRefRecord::as_select());
            let records = latest.load_iter::<MailRefRecord, _>(connection).during("ticket_mail_refs")?;
            let mut refs: Vec<MailRef> = records
                .take(most)
                .map(|record| record.during("ticket_mail_refs")?.decode())
                .collect::<Result<_>>()?;
            refs.reverse();
            Ok(refs)
        })
        .await
    }

    async fn outlying_raws(&self, scope: &Scope, ticket: TicketId) -> Result<Vec<BlobHash>> {
        if !scope.is_tenant_wide() {
            return Ok(Vec::new());
        }
        let outlying = Sql::<Binary>::new(
            "SELECT DISTINCT m.raw FROM autocrm_inbound m WHERE m.tenant = ? AND m.ticket = ? \
             AND NOT EXISTS (SELECT 1 FROM autocrm_raw r WHERE r.tenant = m.tenant AND r.hash = m.raw) \
             AND NOT EXISTS (SELECT 1 FROM autocrm_inbound o WHERE o.tenant = m.tenant AND o.raw = m.raw \
                             AND (o.ticket IS NULL OR o.ticket <> m.ticket)) \
             ORDER BY m.raw",
        )
        .uid(Uid::of(scope.tenant()))
        .uid(Uid::of(ticket));
        self.read("outlying_raws", move |connection| {
            let hashes: Vec<Digest> = outlying.load(connection).during("outlying_raws")?;
            Ok(hashes.into_iter().map(|digest| digest.0).collect())
        })
        .await
    }

    async fn raw(&self, scope: &Scope, hash: BlobHash) -> Result<Option<Bytes>> {
        if !scope.is_tenant_wide() {
            return Ok(None);
        }
        let key = (Uid::of(scope.tenant()), Digest(hash));
        self.read("raw", move |connection| {
            let bytes: Option<Vec<u8>> = autocrm_raw::table
                .find(key)
                .select(autocrm_raw::bytes)
                .get_result(connection)
                .optional()
                .during("raw")?;
            Ok(bytes.map(Bytes::from))
        })
        .await
    }
}
