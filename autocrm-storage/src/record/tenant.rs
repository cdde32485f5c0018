//! Tenants and schemes.

use autocrm_core::{error::Result, tenant::Tenant, ticket::Scheme};
#[cfg(feature = "sqlite")]
use diesel::prelude::*;

use crate::column::{Uid, number, to_json};

/// A row of `autocrm_tenant`.
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName, sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", derive(Insertable, AsChangeset))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_tenant, primary_key(tenant)))]
#[cfg_attr(feature = "sqlite", diesel(treat_none_as_default_value = false, treat_none_as_null = true))]
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
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName, sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", derive(Insertable, AsChangeset))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_scheme, primary_key(tenant)))]
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
