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
    plan::{KeyPlan, Plan},
    schema::autocrm_idempotency,
    sqlite::{failure::During, save::COMMIT, statement::Sql, writer::Ledger},
};

/// How many of the oldest keys are looked at for each one that was added: as long as two go for each that comes, the
/// table holds no more than the keys of the retention time.
const LOOKED_AT: usize = 2;

/// A receipt that was kept: whose, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) tenant: Uid,
    pub(crate) at: i64,
}

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

/// A receipt as it is stored.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = autocrm_idempotency)]
pub(crate) struct Stored {
    row: i64,
    request: Digest,
    receipt: String,
    at: i64,
}

/// Finds what is kept under a key.
pub(crate) fn find(connection: &mut SqliteConnection, tenant: Uid, key: &KeyPlan) -> Result<Option<Stored>> {
    autocrm_idempotency::table
        .filter(autocrm_idempotency::tenant.eq(tenant))
        .filter(autocrm_idempotency::principal.eq(&key.principal))
        .filter(autocrm_idempotency::key.eq(&key.key))
        .select(Stored::as_select())
        .get_result(connection)
        .optional()
        .during(COMMIT)
}

impl Stored {
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

/// Keeps a receipt.
pub(crate) fn keep(
    connection: &mut SqliteConnection,
    ledger: &mut Ledger,
    plan: &Plan,
    key: &KeyPlan,
    receipt: &Receipt,
) -> Result<()> {
    let new = NewKey {
        tenant: plan.tenant,
        principal: &key.principal,
        key: &key.key,
        request: key.request,
        receipt: to_json(receipt)?,
        at: plan.at,
    };
    diesel::insert_into(autocrm_idempotency::table).values(&new).execute(connection).during(COMMIT)?;
    ledger.note_receipt(plan.tenant, plan.at);
    Ok(())
}

/// Forgets some of the oldest receipts that nobody can be answered with any more, after some were kept.
pub(crate) fn forget_oldest(connection: &mut SqliteConnection, kept: &[Kept]) -> Result<()> {
    if kept.is_empty() {
        return Ok(());
    }
    let mut expired = Vec::new();
    let text = "SELECT row, at, tenant FROM autocrm_idempotency ORDER BY row";
    let oldest = Sql::<(BigInt, BigInt, Binary)>::new(text);
    for found in
        oldest.load_iter::<(i64, i64, Uid), _>(connection).during(COMMIT)?.take(kept.len() * LOOKED_AT)
    {
        let (row, at, owner) = found.during(COMMIT)?;
        // Only this tenant's clock says what has expired, and twice the time allows for its corrections.
        let Some(latest) = kept.iter().filter(|kept| kept.tenant == owner).map(|kept| kept.at).max() else {
            continue;
        };
        if time(latest) <= time(at).plus(KEY_RETENTION.saturating_mul(2)) {
            // Keys are kept in the order of time: what follows is younger, and is looked at when this one has gone.
            break;
        }
        expired.push(row);
    }
    expired.into_iter().try_for_each(|row| forget(connection, row))
}
