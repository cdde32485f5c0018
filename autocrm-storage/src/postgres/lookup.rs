//! Reads of the small documents that almost every command begins with. Those that wait at the same time share a transaction
//! and a statement: each sees at least everything that was committed before it was asked for.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use autocrm_core::{
    access::Scope,
    error::{Error, ErrorKind, Result},
};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use crate::{
    column::{Uid, from_json},
    postgres::{
        failure::During,
        gate::Seat,
        session::{Access, RUNTIME, Session},
        store::{PostgresStore, Shared},
    },
};

const LOOK_UP: &str = "look up";
/// How many reads share a transaction.
const MOST: usize = 256;
/// How many transactions read at the same time, each on a connection of the pool.
const READERS: usize = 2;

/// A document of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sought {
    Tenant,
    Scheme,
    User(Uid),
}

/// A read that waits.
pub(crate) struct Asked {
    tenant: Uid,
    sought: Sought,
    reply: oneshot::Sender<Result<Option<Arc<str>>>>,
}

type Found = HashMap<(Uid, Sought), Arc<str>>;

impl PostgresStore {
    /// Reads a document for somebody who sees the whole tenant.
    pub(crate) async fn look_up<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        scope: &Scope,
        sought: Sought,
    ) -> Result<Option<T>> {
        let (reply, answer) = oneshot::channel();
        let asked = Asked { tenant: Uid::of(scope.tenant()), sought, reply };
        let queued = self.shared.lookups.queue(asked, self.shared.config.queue, READERS);
        if let Some(seat) = queued.map_err(|_| Error::new(ErrorKind::Overloaded, operation))? {
            #[expect(
                clippy::disallowed_methods,
                reason = "others wait for the same read when its caller is dropped"
            )]
            tokio::spawn(drive(Arc::clone(&self.shared), seat));
        }
        let lost = || Error::new(ErrorKind::Unavailable, operation).context("the runtime is shutting down");
        let document = answer.await.unwrap_or_else(|_| Err(lost()))?;
        document.map(|text| from_json(&text, operation)).transpose()
    }
}

/// Reads what waits until nothing does.
async fn drive(shared: Arc<Shared>, mut seat: Seat<Asked>) {
    loop {
        let mut waiting = seat.take(MOST);
        if waiting.is_empty() {
            return;
        }
        waiting.retain(|asked| !asked.reply.is_closed());
        let wanted: HashSet<(Uid, Sought)> =
            waiting.iter().map(|asked| (asked.tenant, asked.sought)).collect();
        let outcome = read(&shared, &wanted).await;
        for asked in waiting {
            let answer = match &outcome {
                Ok(found) => Ok(found.get(&(asked.tenant, asked.sought)).cloned()),
                Err(error) => Err(Error::new(error.kind(), LOOK_UP).context(error)),
            };
            // The caller may have gone meanwhile.
            drop(asked.reply.send(answer));
        }
    }
}

/// Reads documents: one transaction, and for each tenant, after its setting, one statement.
async fn read(shared: &Shared, wanted: &HashSet<(Uid, Sought)>) -> Result<Found> {
    let tenants: HashSet<Uid> = wanted.iter().map(|(tenant, _)| *tenant).collect();
    let mut found = Found::new();
    let Some(first) = tenants.iter().next().copied() else { return Ok(found) };
    let mut tx = shared.begin(LOOK_UP, &Session::system(first), Access::Read, RUNTIME).await?;
    for tenant in tenants {
        if tenant != first {
            sqlx::query("SELECT set_config('autocrm.tenant', $1, true)")
                .bind(tenant.0.to_string())
                .execute(&mut *tx)
                .await
                .during(LOOK_UP)?;
        }
        let users: Vec<Uid> = wanted
            .iter()
            .filter_map(|(of, sought)| match sought {
                Sought::User(id) if *of == tenant => Some(*id),
                _ => None,
            })
            .collect();
        let rows: Vec<(i64, Uid, String)> = sqlx::query_as(include_str!("sql/lookup.sql"))
            .bind(tenant)
            .bind(wanted.contains(&(tenant, Sought::Tenant)))
            .bind(wanted.contains(&(tenant, Sought::Scheme)))
            .bind(users)
            .fetch_all(&mut *tx)
            .await
            .during(LOOK_UP)?;
        for (kind, id, document) in rows {
            let sought = match kind {
                0 => Sought::Tenant,
                1 => Sought::Scheme,
                _ => Sought::User(id),
            };
            found.insert((tenant, sought), document.into());
        }
    }
    Ok(found)
}
