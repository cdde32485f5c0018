//! Mail rows.

use autocrm_core::{
    error::Result,
    id::TenantId,
    mail::{InboundMail, MailRef, MailRefDirection, MessageIdHeader, OutboundMail, RawBlob},
    text::ExternalId,
};
#[cfg(feature = "sqlite")]
use diesel::prelude::*;

use crate::column::{Digest, Uid, corrupt, number, to_json};

/// A row of `autocrm_inbound`.
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName, sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", derive(Insertable, AsChangeset))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_inbound, primary_key(tenant, id)))]
#[cfg_attr(feature = "sqlite", diesel(treat_none_as_default_value = false, treat_none_as_null = true))]
pub(crate) struct InboundRecord {
    pub(crate) tenant: Uid,
    pub(crate) id: Uid,
    pub(crate) version: i64,
    pub(crate) recipient: String,
    pub(crate) raw: Digest,
    pub(crate) provider_id: Option<String>,
    pub(crate) ticket: Option<Uid>,
    pub(crate) document: String,
}

impl InboundRecord {
    /// Encodes a received mail.
    pub(crate) fn of(mail: &InboundMail) -> Result<Self> {
        Ok(Self {
            tenant: Uid::of(mail.tenant),
            id: Uid::of(mail.id),
            version: number(mail.version.get()),
            recipient: mail.recipient.as_str().to_owned(),
            raw: Digest(mail.raw),
            provider_id: mail.provider_id.clone().map(ExternalId::into_string),
            ticket: mail.outcome.ticket().map(Uid::of),
            document: to_json(mail)?,
        })
    }
}

/// A row of `autocrm_outbound`.
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName, sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", derive(Insertable, AsChangeset))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_outbound, primary_key(tenant, id)))]
pub(crate) struct OutboundRecord {
    pub(crate) tenant: Uid,
    pub(crate) id: Uid,
    pub(crate) version: i64,
    pub(crate) ticket: Uid,
    pub(crate) document: String,
}

impl OutboundRecord {
    /// Encodes a mail that leaves.
    pub(crate) fn of(mail: &OutboundMail) -> Result<Self> {
        Ok(Self {
            tenant: Uid::of(mail.tenant),
            id: Uid::of(mail.id),
            version: number(mail.version.get()),
            ticket: Uid::of(mail.ticket),
            document: to_json(mail)?,
        })
    }
}

/// A row of `autocrm_mail_ref`.
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName))]
#[cfg_attr(feature = "sqlite", derive(Insertable, Queryable, Selectable))]
#[cfg_attr(feature = "postgres", derive(sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_mail_ref, treat_none_as_default_value = false))]
pub(crate) struct MailRefRecord {
    pub(crate) tenant: Uid,
    pub(crate) message_id: String,
    pub(crate) message: Uid,
    pub(crate) ticket: Uid,
    pub(crate) user: Uid,
    pub(crate) outbound: Option<Uid>,
}

impl MailRefRecord {
    /// Encodes a reference.
    pub(crate) fn of(reference: &MailRef) -> Self {
        let outbound = match reference.direction {
            MailRefDirection::Inbound => None,
            MailRefDirection::Outbound { outbound } => Some(Uid::of(outbound)),
        };
        Self {
            tenant: Uid::of(reference.tenant),
            message_id: reference.message_id.as_str().to_owned(),
            message: Uid::of(reference.message),
            ticket: Uid::of(reference.ticket),
            user: Uid::of(reference.user),
            outbound,
        }
    }

    /// Decodes the reference.
    pub(crate) fn decode(self) -> Result<MailRef> {
        let direction = match self.outbound {
            None => MailRefDirection::Inbound,
            Some(outbound) => MailRefDirection::Outbound { outbound: outbound.to() },
        };
        Ok(MailRef {
            tenant: self.tenant.to(),
            message_id: MessageIdHeader::new(&self.message_id)
                .map_err(|error| corrupt("message_id").source(error))?,
            ticket: self.ticket.to(),
            message: self.message.to(),
            direction,
            user: self.user.to(),
        })
    }
}

/// A row of `autocrm_raw`.
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName, sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", derive(Insertable))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_raw))]
pub(crate) struct RawRecord {
    pub(crate) tenant: Uid,
    pub(crate) hash: Digest,
    pub(crate) bytes: Vec<u8>,
}

impl RawRecord {
    /// Encodes raw bytes.
    pub(crate) fn of(tenant: TenantId, blob: &RawBlob) -> Self {
        Self { tenant: Uid::of(tenant), hash: Digest(blob.hash), bytes: blob.bytes.to_vec() }
    }
}
