//! Receipts kept under idempotency keys.

use std::time::Duration;

use autocrm_core::{
    change::{KEY_RETENTION, Receipt},
    error::{Error, ErrorKind, Result},
};
use sqlx::PgConnection;

use crate::{
    column::{Digest, Uid, from_json, number, time, to_json},
    plan::KeyPlan,
    postgres::{failure::During, round::conflict},
};

const COMMIT: &str = "commit";
/// One of so many batches forgets expired receipts, as many as all of them together keep, and as many again.
const FORGETTERS: u8 = 16;

/// A kept receipt.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Kept {
    principal: String,
    key: String,
    request: Digest,
    receipt: String,
    at: i64,
}

/// Finds what is kept under keys of a tenant.
pub(crate) async fn find(connection: &mut PgConnection, tenant: Uid, keys: &[&KeyPlan]) -> Result<Vec<Kept>> {
    let principals: Vec<&str> = keys.iter().map(|key| key.principal.as_str()).collect();
    let names: Vec<&str> = keys.iter().map(|key| key.key.as_str()).collect();
    sqlx::query_as(include_str!("sql/receipts.sql"))
        .bind(tenant)
        .bind(principals)
        .bind(names)
        .fetch_all(connection)
        .await
        .during(COMMIT)
}

impl Kept {
    /// Returns whether the receipt is kept under the key.
    pub(crate) fn is_under(&self, key: &KeyPlan) -> bool {
        self.principal == key.principal && self.key == key.key
    }

    /// Returns whether the receipt is replayed to a change set of the instant.
    pub(crate) fn counts_at(&self, at: i64) -> bool {
        time(at) <= time(self.at).plus(KEY_RETENTION)
    }

    /// Returns the receipt again; `KeyReused` when it was kept for another request.
    pub(crate) fn replay(&self, key: &KeyPlan) -> Result<Receipt> {
        if self.request != key.request {
            return Err(Error::new(ErrorKind::KeyReused, COMMIT));
        }
        let receipt: Receipt = from_json(&self.receipt, "receipt")?;
        Ok(Receipt { replayed: true, ..receipt })
    }
}

/// A receipt to be kept.
#[derive(Debug)]
pub(crate) struct Keeping<'a> {
    pub(crate) key: &'a KeyPlan,
    pub(crate) at: i64,
    pub(crate) receipt: &'a Receipt,
}

/// Keeps receipts in place of expired ones, and forgets some that nobody can be answered with any more.
pub(crate) async fn keep(connection: &mut PgConnection, tenant: Uid, all: &[Keeping<'_>]) -> Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    let mut receipts = Vec::with_capacity(all.len());
    for keeping in all {
        receipts.push(to_json(keeping.receipt)?);
    }
    let principals: Vec<&str> = all.iter().map(|keeping| keeping.key.principal.as_str()).collect();
    let keys: Vec<&str> = all.iter().map(|keeping| keeping.key.key.as_str()).collect();
    let requests: Vec<Digest> = all.iter().map(|keeping| keeping.key.request).collect();
    let instants: Vec<i64> = all.iter().map(|keeping| keeping.at).collect();
    // Twice the time allows for corrections of the tenant's clock.
    let latest = instants.iter().copied().min().unwrap_or_default();
    let expired = time(latest).as_micros().saturating_sub(micros(KEY_RETENTION.saturating_mul(2)));
    let kept = sqlx::query(include_str!("sql/keep_receipts.sql"))
        .bind(tenant)
        .bind(principals)
        .bind(keys)
        .bind(requests)
        .bind(receipts)
        .bind(instants)
        .bind(micros(KEY_RETENTION))
        .execute(&mut *connection)
        .await
        .during(COMMIT)?;
    if number(kept.rows_affected()) != number(all.len()) {
        return Err(conflict("a key was taken meanwhile"));
    }
    // Some batches forget for the others: those whose first request has one of the digests that begin so.
    let digest = all.first().and_then(|keeping| keeping.key.request.0.as_array().first().copied());
    if !digest.unwrap_or_default().is_multiple_of(FORGETTERS) {
        return Ok(());
    }
    let most = all.len().saturating_mul(2 * usize::from(FORGETTERS));
    sqlx::query(include_str!("sql/forget_receipts.sql"))
        .bind(tenant)
        .bind(expired)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .execute(connection)
        .await
        .during(COMMIT)?;
    Ok(())
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
