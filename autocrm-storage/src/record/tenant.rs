//! Tenants and schemes.

use autocrm_core::{error::Result, tenant::Tenant, ticket::Scheme};
use diesel::prelude::*;

use crate::{
    column::{Uid, number, to_json},
    schema::{autocrm_scheme, autocrm_tenant},
};

/// A row of `autocrm_tenant`.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = autocrm_tenant, primary_key(tenant))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct TenantRecord {
    pub(crate) tenant: Uid,
    pub(crate) version: i64,
    pub(crate) support_address: Option<String>,
    pub(crate) document: String,
}

impl TenantRecord {
    /// Encodes a tenant.
    pub(crate) fn of(tenant: &Tenant) -> Result<Self> {
        Ok(Self {
            tenant: Uid::of(tenant.id),
            version: number(tenant.version.get()),
            support_address: tenant
                .support_address
                .clone()
                .map(autocrm_core::text::EmailAddress::into_string),
            document: to_json(tenant)?,
        })
    }
}

/// A row of `autocrm_scheme`.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = autocrm_scheme, primary_key(tenant))]
pub(crate) struct SchemeRecord {
    pub(crate) tenant: Uid,
    pub(crate) version: i64,
    pub(crate) document: String,
}

impl SchemeRecord {
    /// Encodes a scheme.
    pub(crate) fn of(scheme: &Scheme) -> Result<Self> {
        Ok(Self {
            tenant: Uid::of(scheme.tenant),
            version: number(scheme.version.get()),
            document: to_json(scheme)?,
        })
    }
}
