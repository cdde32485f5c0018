//! The commit inside of a host's own transaction.

use autocrm_core::{
    change::{ChangeSet, Receipt},
    error::{Error, ErrorKind, Result},
};
use sqlx::{Connection as _, PgConnection};

use crate::{
    plan::Plan,
    postgres::{
        failure::During,
        round,
        session::{RUNTIME, Session},
    },
};

const COMMIT_IN: &str = "commit_in";

/// What the host's transaction had set before, to be set again.
const KEPT: [&str; 5] = ["autocrm.tenant", "autocrm.kind", "autocrm.actor", "autocrm.teams", "role"];

/// Applies a change set inside of the host's transaction: the host's rows and ours are committed or vanish together.
///
/// The transaction has to be begun through the driver (`PgConnection::begin`, `PgPool::begin`) with the isolation `READ
/// COMMITTED`, which is the default. The change set is applied in a savepoint as the role `autocrm_runtime`; role and
/// settings are the host's again before the answer. On an error nothing of it remains and the transaction stays usable;
/// the same holds when the future is dropped. The receipt counts once the host has committed. Until then, other creates of
/// the tenant's tickets wait: a transaction that goes on for long is better given its ticket last. Workers find the new
/// jobs when they poll next, and the events get their positions when a reader or another commit comes by.
///
/// # Errors
/// Those of [`Committer::commit`](autocrm_core::port::Committer::commit), and `NotInWriteTransaction`: there is no
/// transaction that the driver knows of, it only reads, or its isolation is stricter than `READ COMMITTED`.
pub async fn commit_in(connection: &mut PgConnection, changes: &ChangeSet) -> Result<Receipt> {
    let mut plan = Plan::of(changes)?;
    if !connection.is_in_transaction() {
        return Err(refused("there is no transaction: begin one through the driver"));
    }
    require_writing(connection).await?;
    // Dropped, the savepoint is rolled back, settings and role included.
    let mut savepoint = connection.begin().await.during(COMMIT_IN)?;
    let before: Vec<String> = sqlx::query_scalar(include_str!("sql/settings.sql"))
        .bind(KEPT.as_slice())
        .fetch_all(&mut *savepoint)
        .await
        .during(COMMIT_IN)?;
    let session = Session::system(plan.tenant);
    let mut ours: Vec<(&str, String)> = session.settings().to_vec();
    ours.push(("role", RUNTIME.to_owned()));
    set(&mut savepoint, ours).await?;
    let tenant = plan.tenant;
    let receipt = match round::apply_one(&mut savepoint, tenant, &mut plan).await.and_then(|outcome| outcome)
    {
        Ok(receipt) => receipt,
        Err(error) => {
            savepoint.rollback().await.during(COMMIT_IN)?;
            return Err(error);
        }
    };
    set(&mut savepoint, KEPT.into_iter().zip(before).collect()).await?;
    savepoint.commit().await.during(COMMIT_IN)?;
    Ok(receipt)
}

fn refused(context: &'static str) -> Error {
    Error::new(ErrorKind::NotInWriteTransaction, COMMIT_IN).context(context)
}

async fn require_writing(connection: &mut PgConnection) -> Result<()> {
    let (read_only, isolation): (String, String) = sqlx::query_as(
        "SELECT current_setting('transaction_read_only'), current_setting('transaction_isolation')",
    )
    .fetch_one(connection)
    .await
    .during(COMMIT_IN)?;
    if read_only != "off" {
        return Err(refused("the transaction only reads"));
    }
    if isolation != "read committed" {
        return Err(refused(
            "the isolation is not READ COMMITTED: what others commit meanwhile would not be seen",
        ));
    }
    Ok(())
}

/// Sets settings until the end of the transaction.
async fn set(connection: &mut PgConnection, settings: Vec<(&str, String)>) -> Result<()> {
    let (names, values): (Vec<&str>, Vec<String>) = settings.into_iter().unzip();
    sqlx::query(
        "SELECT set_config(s.name, s.value, true) FROM unnest($1::text[], $2::text[]) AS s (name, value)",
    )
    .bind(names)
    .bind(values)
    .execute(connection)
    .await
    .during(COMMIT_IN)?;
    Ok(())
}
