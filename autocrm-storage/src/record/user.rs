//! Users.

use autocrm_core::{
    error::Result,
    text::{EmailAddress, ExternalId},
    user::User,
};
#[cfg(feature = "sqlite")]
use diesel::prelude::*;

use crate::column::{Code, Uid, number, to_json};

/// A row of `autocrm_user`.
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName, sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", derive(Insertable, AsChangeset))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_user, primary_key(tenant, id)))]
#[cfg_attr(feature = "sqlite", diesel(treat_none_as_default_value = false, treat_none_as_null = true))]
pub(crate) struct UserRecord {
    pub(crate) tenant: Uid,
    pub(crate) id: Uid,
    pub(crate) version: i64,
    pub(crate) email: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) role: i64,
    pub(crate) active: i64,
    pub(crate) document: String,
}

impl UserRecord {
    /// Encodes a user.
    pub(crate) fn of(user: &User) -> Result<Self> {
        Ok(Self {
            tenant: Uid::of(user.tenant),
            id: Uid::of(user.id),
            version: number(user.version.get()),
            email: user.email.clone().map(EmailAddress::into_string),
            external_id: user.external_id.clone().map(ExternalId::into_string),
            role: user.role.code(),
            active: i64::from(user.active),
            document: to_json(user)?,
        })
    }
}
