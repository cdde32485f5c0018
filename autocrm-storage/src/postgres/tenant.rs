//! Tenants and their schemes.

use async_trait::async_trait;
use autocrm_core::{
    access::{Scope, View},
    error::Result,
    id::TenantId,
    port::TenantReader,
    tenant::Tenant,
    text::EmailAddress,
    ticket::Scheme,
};
use sqlx::query_scalar;

use crate::{
    column::Uid,
    postgres::{
        PostgresStore, document,
        failure::During,
        lookup::Sought,
        session::{Access, Session},
    },
};

#[async_trait]
impl TenantReader for PostgresStore {
    async fn tenant(&self, scope: &Scope) -> Result<Option<Tenant>> {
        if matches!(scope.view(), View::Tenant) {
            return self.document("tenant", scope, Sought::Tenant).await;
        }
        let statement = query_scalar("SELECT document FROM autocrm.autocrm_tenant WHERE tenant = $1")
            .bind(Uid::of(scope.tenant()));
        let mut tx = self.read("tenant", scope).await?;
        document::one(&mut tx, "tenant", statement).await
    }

    async fn scheme(&self, scope: &Scope) -> Result<Option<Scheme>> {
        if matches!(scope.view(), View::Tenant) {
            return self.document("scheme", scope, Sought::Scheme).await;
        }
        let statement = query_scalar("SELECT document FROM autocrm.autocrm_scheme WHERE tenant = $1")
            .bind(Uid::of(scope.tenant()));
        let mut tx = self.read("scheme", scope).await?;
        document::one(&mut tx, "scheme", statement).await
    }

    async fn tenants(&self, after: Option<TenantId>, limit: u16) -> Result<Vec<TenantId>> {
        let mut tx = self.begin("tenants", &Session::worker(), Access::Read).await?;
        let ids: Vec<Uid> = query_scalar(include_str!("sql/tenants.sql"))
            .bind(after.map(Uid::of))
            .bind(i64::from(limit))
            .fetch_all(&mut *tx)
            .await
            .during("tenants")?;
        Ok(ids.into_iter().map(Uid::to).collect())
    }

    async fn tenant_by_address(&self, address: &EmailAddress) -> Result<Option<TenantId>> {
        let mut tx = self.begin("tenant_by_address", &Session::worker(), Access::Read).await?;
        let found: Option<Uid> =
            query_scalar("SELECT tenant FROM autocrm.autocrm_directory WHERE support_address = $1")
                .bind(address.as_str())
                .fetch_optional(&mut *tx)
                .await
                .during("tenant_by_address")?;
        Ok(found.map(Uid::to))
    }
}
