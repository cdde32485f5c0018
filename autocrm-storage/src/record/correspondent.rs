//! Addresses that the desk writes to.

use autocrm_core::{clock::Timestamp, error::Result, mail::Correspondent};
#[cfg(feature = "sqlite")]
use diesel::prelude::*;

use crate::column::{Uid, number, to_json};

/// A row of `autocrm_correspondent`.
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName, sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", derive(Insertable, AsChangeset))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_correspondent, primary_key(tenant, id)))]
#[cfg_attr(feature = "sqlite", diesel(treat_none_as_default_value = false, treat_none_as_null = true))]
pub(crate) struct CorrespondentRecord {
    pub(crate) tenant: Uid,
    pub(crate) id: Uid,
    pub(crate) version: i64,
    pub(crate) address: String,
    pub(crate) suppressed: i64,
    pub(crate) acknowledged_at: Option<i64>,
    pub(crate) document: String,
}

impl CorrespondentRecord {
    /// Encodes an address.
    pub(crate) fn of(known: &Correspondent) -> Result<Self> {
        Ok(Self {
            tenant: Uid::of(known.tenant),
            id: Uid::of(known.id),
            version: number(known.version.get()),
            address: known.address.as_str().to_owned(),
            suppressed: i64::from(known.suppression.is_some()),
            acknowledged_at: known.acknowledged.last().copied().map(Timestamp::as_micros),
            document: to_json(known)?,
        })
    }
}
