//! Addresses that the desk writes to.

use async_trait::async_trait;
use autocrm_core::{
    access::Scope,
    clock::Timestamp,
    error::Result,
    mail::Correspondent,
    page::{Page, PageRequest},
    port::CorrespondentReader,
    text::EmailAddress,
};
use sqlx::query_scalar;

use crate::{
    column::{Uid, number},
    postgres::{
        PostgresStore,
        document::{self, before},
        failure::During,
    },
};

#[async_trait]
impl CorrespondentReader for PostgresStore {
    async fn correspondent(&self, scope: &Scope, address: &EmailAddress) -> Result<Option<Correspondent>> {
        if !scope.is_tenant_wide() {
            return Ok(None);
        }
        let text = "SELECT document FROM autocrm.autocrm_correspondent WHERE tenant = $1 AND address = $2";
        let statement = query_scalar(text).bind(Uid::of(scope.tenant())).bind(address.as_str().to_owned());
        let mut tx = self.read("correspondent", scope).await?;
        document::one(&mut tx, "correspondent", statement).await
    }

    async fn suppressed(&self, scope: &Scope, page: &PageRequest) -> Result<Page<Correspondent>> {
        if !scope.is_tenant_wide() {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let statement = query_scalar(include_str!("sql/suppressed.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(before(page))
            .bind(number(page.limit() + 1));
        let mut tx = self.read("suppressed", scope).await?;
        document::page(&mut tx, "suppressed", statement, page, |known: &Correspondent| known.id.as_uuid())
            .await
    }

    async fn acknowledged_since(&self, scope: &Scope, since: Timestamp) -> Result<u64> {
        if !scope.is_tenant_wide() {
            return Ok(0);
        }
        let mut tx = self.read("acknowledged_since", scope).await?;
        let count: i64 = query_scalar(include_str!("sql/acknowledged_since.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(since.as_micros())
            .fetch_one(&mut *tx)
            .await
            .during("acknowledged_since")?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}
