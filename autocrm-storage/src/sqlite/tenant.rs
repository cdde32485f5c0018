//! Tenants and schemes.

use async_trait::async_trait;
use autocrm_core::{
    access::Scope, error::Result, id::TenantId, port::TenantReader, tenant::Tenant, text::EmailAddress,
    ticket::Scheme,
};
use diesel::prelude::*;

use crate::{
    column::{Uid, from_json},
    schema::{autocrm_scheme, autocrm_tenant},
    sqlite::{SqliteStore, failure::During},
};

#[async_trait]
impl TenantReader for SqliteStore {
    async fn tenant(&self, scope: &Scope) -> Result<Option<Tenant>> {
        let key = Uid::of(scope.tenant());
        self.read("tenant", move |connection| {
            let document: Option<String> = autocrm_tenant::table
                .find(key)
                .select(autocrm_tenant::document)
                .get_result(connection)
                .optional()
                .during("tenant")?;
            document.map(|text| from_json(&text, "tenant")).transpose()
        })
        .await
    }

    async fn scheme(&self, scope: &Scope) -> Result<Option<Scheme>> {
        let key = Uid::of(scope.tenant());
        self.read("scheme", move |connection| {
            let document: Option<String> = autocrm_scheme::table
                .find(key)
                .select(autocrm_scheme::document)
                .get_result(connection)
                .optional()
                .during("scheme")?;
            document.map(|text| from_json(&text, "scheme")).transpose()
        })
        .await
    }

    async fn tenants(&self, after: Option<TenantId>, limit: u16) -> Result<Vec<TenantId>> {
        self.read("tenants", move |connection| {
            let mut founded = autocrm_tenant::table
                .order(autocrm_tenant::tenant.asc())
                .limit(i64::from(limit))
                .select(autocrm_tenant::tenant)
                .into_boxed();
            if let Some(last) = after {
                founded = founded.filter(autocrm_tenant::tenant.gt(Uid::of(last)));
            }
            let ids: Vec<Uid> = founded.load(connection).during("tenants")?;
            Ok(ids.into_iter().map(Uid::to).collect())
        })
        .await
    }

    async fn tenant_by_address(&self, address: &EmailAddress) -> Result<Option<TenantId>> {
        let sought = address.as_str().to_owned();
        self.read("tenant_by_address", move |connection| {
            let found: Option<Uid> = autocrm_tenant::table
                .filter(autocrm_tenant::support_address.eq(sought))
                .select(autocrm_tenant::tenant)
                .get_result(connection)
                .optional()
                .during("tenant_by_address")?;
            Ok(found.map(Uid::to))
        })
        .await
    }
}
