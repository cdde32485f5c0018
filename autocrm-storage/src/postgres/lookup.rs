//! Reads of single rows by id, with which almost every command begins. Those that wait at the same time share a transaction
//! and its statements: each sees at least everything that was committed before it was asked for.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use autocrm_core::{
    access::Scope,
    error::{Error, ErrorKind, Result},
    id::TicketId,
};
use serde::de::DeserializeOwned;
use sqlx::{FromRow as _, PgConnection, Row as _, postgres::PgRow};
use tokio::sync::oneshot;

use crate::{
    column::{Uid, from_json},
    postgres::{
        failure::During,
        gate::Seat,
        session::{Access, RUNTIME, Session},
        store::{PostgresStore, Shared},
    },
    record::TicketRecord,
};

const LOOK_UP: &str = "look up";
/// How many reads share a transaction.
const MOST: usize = 256;
/// How many transactions read at the same time, each on a connection of the pool.
const READERS: usize = 2;

/// A row of a tenant. A deleted ticket is not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sought {
    Tenant,
    Scheme,
    User(Uid),
    Ticket(Uid),
}

/// A read that waits.
pub(crate) struct Asked {
    tenant: Uid,
    sought: Sought,
    reply: oneshot::Sender<Result<Option<Arc<PgRow>>>>,
}

type Found = HashMap<(Uid, Sought), Arc<PgRow>>;

impl PostgresStore {
    /// Reads a document for somebody who sees the whole tenant.
    pub(crate) async fn document<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        scope: &Scope,
        sought: Sought,
    ) -> Result<Option<T>> {
        let Some(row) = self.look_up(operation, scope, sought).await? else { return Ok(None) };
        let text: &str = row.try_get("document").during(operation)?;
        from_json(text, operation).map(Some)
    }

    /// Reads a ticket that is not deleted for somebody who sees the whole tenant.
    pub(crate) async fn whole_ticket(
        &self,
        operation: &'static str,
        scope: &Scope,
        id: TicketId,
    ) -> Result<Option<TicketRecord>> {
        let row = self.look_up(operation, scope, Sought::Ticket(Uid::of(id))).await?;
        row.map(|row| TicketRecord::from_row(&*row)).transpose().during(operation)
    }

    async fn look_up(
        &self,
        operation: &'static str,
        scope: &Scope,
        sought: Sought,
    ) -> Result<Option<Arc<PgRow>>> {
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
        answer.await.unwrap_or_else(|_| Err(lost()))
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

/// Reads rows: one transaction, and for each tenant, after its setting, a statement or two.
async fn read(shared: &Shared, wanted: &HashSet<(Uid, Sought)>) -> Result<Found> {
    let tenants: HashSet<Uid> = wanted.iter().map(|(tenant, _)| *tenant).collect();
    let mut found = Found::new();
    let Some(first) = tenants.iter().next().copied() else { return Ok(found) };
    let mut tx = shared.begin(LOOK_UP, &Session::system(first), Access::Keyed, RUNTIME).await?;
    for tenant in tenants {
        if tenant != first {
            sqlx::query("SELECT set_config('autocrm.tenant', $1, true)")
                .bind(tenant.0.to_string())
                .execute(&mut *tx)
                .await
                .during(LOOK_UP)?;
        }
        let of_tenant = wanted.iter().filter(|(of, _)| *of == tenant).map(|(_, sought)| *sought).collect();
        read_tenant(&mut tx, tenant, of_tenant, &mut found).await?;
    }
    Ok(found)
}

async fn read_tenant(
    connection: &mut PgConnection,
    tenant: Uid,
    wanted: Vec<Sought>,
    found: &mut Found,
) -> Result<()> {
    let (mut users, mut tickets) = (Vec::new(), Vec::new());
    for sought in &wanted {
        match sought {
            Sought::User(id) => users.push(*id),
            Sought::Ticket(id) => tickets.push(*id),
            Sought::Tenant | Sought::Scheme => {}
        }
    }
    if tickets.len() < wanted.len() {
        let rows = sqlx::query(include_str!("sql/lookup.sql"))
            .bind(tenant)
            .bind(wanted.contains(&Sought::Tenant))
            .bind(wanted.contains(&Sought::Scheme))
            .bind(users)
            .fetch_all(&mut *connection)
            .await
            .during(LOOK_UP)?;
        for row in rows {
            let sought = match row.try_get::<i64, _>("kind").during(LOOK_UP)? {
                0 => Sought::Tenant,
                1 => Sought::Scheme,
                _ => Sought::User(row.try_get("id").during(LOOK_UP)?),
            };
            found.insert((tenant, sought), Arc::new(row));
        }
    }
    if !tickets.is_empty() {
        let text = "SELECT * FROM autocrm.autocrm_ticket WHERE tenant = $1 AND id = ANY ($2::uuid[]) AND deleted_at IS NULL";
        let rows =
            sqlx::query(text).bind(tenant).bind(tickets).fetch_all(connection).await.during(LOOK_UP)?;
        for row in rows {
            let id = row.try_get("id").during(LOOK_UP)?;
            found.insert((tenant, Sought::Ticket(id)), Arc::new(row));
        }
    }
    Ok(())
}
