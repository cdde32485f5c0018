//! Addresses that the desk writes to.

use async_trait::async_trait;
use autocrm_core::{
    access::Scope,
    clock::Timestamp,
    error::Result,
    mail::Correspondent,
    page::{Cursor, Page, PageRequest},
    port::CorrespondentReader,
    text::EmailAddress,
};
use diesel::prelude::*;

use crate::{
    column::{Uid, from_json, number},
    schema::autocrm_correspondent,
    sqlite::{SqliteStore, failure::During},
};

#[async_trait]
impl CorrespondentReader for SqliteStore {
    async fn correspondent(&self, scope: &Scope, address: &EmailAddress) -> Result<Option<Correspondent>> {
        if !scope.is_tenant_wide() {
            return Ok(None);
        }
        let known = autocrm_correspondent::table
            .filter(autocrm_correspondent::tenant.eq(Uid::of(scope.tenant())))
            .filter(autocrm_correspondent::address.eq(address.as_str().to_owned()))
            .select(autocrm_correspondent::document);
        self.read("correspondent", move |connection| {
            let document: Option<String> = known.get_result(connection).optional().during("correspondent")?;
            document.map(|text| from_json(&text, "correspondent")).transpose()
        })
        .await
    }

    async fn suppressed(&self, scope: &Scope, page: &PageRequest) -> Result<Page<Correspondent>> {
        let limit = page.limit();
        if !scope.is_tenant_wide() {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let mut rows = autocrm_correspondent::table
            .filter(autocrm_correspondent::tenant.eq(Uid::of(scope.tenant())))
            .filter(autocrm_correspondent::suppressed.eq(1))
            .order(autocrm_correspondent::id.desc())
            .limit(number(limit + 1))
            .select(autocrm_correspondent::document)
            .into_boxed();
        if let Some(cursor) = page.cursor() {
            rows = rows.filter(autocrm_correspondent::id.lt(Uid(cursor.id)));
        }
        self.read("suppressed", move |connection| {
            let documents: Vec<String> = rows.load(connection).during("suppressed")?;
            let found =
                documents.iter().map(|text| from_json(text, "correspondent")).collect::<Result<_>>()?;
            Ok(Page::from_overfetch(found, limit, |known: &Correspondent| Cursor {
                key: 0,
                id: known.id.as_uuid(),
            }))
        })
        .await
    }

    async fn acknowledged_since(&self, scope: &Scope, since: Timestamp) -> Result<u64> {
        if !scope.is_tenant_wide() {
            return Ok(0);
        }
        let lately = autocrm_correspondent::table
            .filter(autocrm_correspondent::tenant.eq(Uid::of(scope.tenant())))
            .filter(autocrm_correspondent::acknowledged_at.ge(since.as_micros()))
            .count();
        self.read("acknowledged_since", move |connection| {
            let count: i64 = lately.get_result(connection).during("acknowledged_since")?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
        .await
    }
}
