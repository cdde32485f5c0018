//! Users.

use autocrm_core::{
    error::Result,
    text::{EmailAddress, ExternalId},
    user::User,
};
use diesel::prelude::*;

use crate::{
    column::{Code, Uid, number, to_json},
    schema::autocrm_user,
};

/// A row of `autocrm_user`.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = autocrm_user, primary_key(tenant, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
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
