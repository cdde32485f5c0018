//! Receipts kept under idempotency keys.

use autocrm_core::{
    change::{KEY_RETENTION, Receipt},
    error::{Error, ErrorKind, Result},
};
use diesel::{
    SqliteConnection,
    prelude::*,
    sql_types::{BigInt, Binary},
};

use crate::{
    column::{Digest, Uid, from_json, time, to_json},
    plan::KeyPlan,
    schema::autocrm_idempotency,
    sqlite::{failure::During, save::COMMIT, statement::Sql},
};

/// How many of the oldest keys are looked at whenever one is added: as long as two go for each that comes, the table
/// holds no more than the keys of the retention time.
const LOOKED_AT: i64 = 2;

#[derive(Debug, Insertable)]
#[diesel(table_name = autocrm_idempotency)]
struct NewKey<'a> {
    tenant: Uid,
    principal: &'a str,
    key: &'a str,
    request: Digest,
    receipt: String,
    at: i64,
}

/// A kept receipt.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = autocrm_idempotency)]
pub(crate) struct Kept {
    row: i64,
    request: Digest,
    receipt: String,
    at: i64,
}

/// Finds what is kept under a key.
pub(crate) fn find(connection: &mut SqliteConnection, tenant: Uid, key: &KeyPlan) -> Result<Option<Kept>> {
    autocrm_idempotency::table
        .filter(autocrm_idempotency::tenant.eq(tenant))
        .filter(autocrm_idempotency::principal.eq(&key.principal))
        .filter(autocrm_idempotency::key.eq(&key.key))
        .select(Kept::as_select())
        .get_result(connection)
        .optional()
        .during(COMMIT)
}

impl Kept {
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

    /// Removes the receipt.
    pub(crate) fn forget(&self, connection: &mut SqliteConnection) -> Result<()> {
        forget(connection, self.row)
    }
}

fn forget(connection: &mut SqliteConnection, row: i64) -> Result<()> {
    diesel::delete(autocrm_idempotency::table.find(row)).execute(connection).during(COMMIT)?;
    Ok(())
}

/// Keeps a receipt, and forgets some of the oldest that nobody can be answered with any more.
pub(crate) fn keep(
    connection: &mut SqliteConnection,
    tenant: Uid,
    at: i64,
    key: &KeyPlan,
    receipt: &Receipt,
) -> Result<()> {
    let receipt = to_json(receipt)?;
    let new = NewKey { tenant, principal: &key.principal, key: &key.key, request: key.request, receipt, at };
    diesel::insert_into(autocrm_idempotency::table).values(&new).execute(connection).during(COMMIT)?;
    let text = format!("SELECT row, at, tenant FROM autocrm_idempotency ORDER BY row LIMIT {LOOKED_AT}");
    let oldest: Vec<(i64, i64, Uid)> =
        Sql::<(BigInt, BigInt, Binary)>::new(text).load(connection).during(COMMIT)?;
    for (row, kept_at, owner) in oldest {
        // Only this tenant's clock says what has expired, and twice the time allows for its corrections.
        if owner == tenant && time(at) > time(kept_at).plus(KEY_RETENTION.saturating_mul(2)) {
            forget(connection, row)?;
        }
    }
    Ok(())
}
