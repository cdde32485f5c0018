//! Figures, counted from the tickets themselves.

use async_trait::async_trait;
use autocrm_core::{
    access::Scope,
    error::Result,
    id::UserId,
    metrics::{AgentStats, TimeFrame},
    port::MetricsReader,
};
use diesel::{
    SqliteConnection,
    prelude::*,
    sql_types::{BigInt, Nullable},
};

use crate::{
    column::Uid,
    sqlite::{SqliteStore, failure::During, reader::snapshot, statement::Sql, ticket},
};

const STATS: &str = "agent_stats";

/// Counts and means; a mean of microseconds is rounded down to whole seconds.
const RESOLVED: &str = "SELECT count(*), \
    sum(max(first_response_at - created_at, 0)) / count(first_response_at) / 1000000, \
    sum(max(resolved_at - created_at, 0)) / count(*) / 1000000 \
    FROM autocrm_ticket INDEXED BY autocrm_ticket_assignee \
    WHERE tenant = ? AND assignee = ? AND deleted_at IS NULL AND resolved_at >= ? AND resolved_at < ?";

type Counts = (i64, Option<i64>, Option<i64>);

fn stats(connection: &mut SqliteConnection, tenant: Uid, agent: Uid, frame: TimeFrame) -> Result<AgentStats> {
    let open = ticket::load(connection, tenant, agent)?;
    let (resolved, response, resolution): Counts =
        Sql::<(BigInt, Nullable<BigInt>, Nullable<BigInt>)>::new(RESOLVED)
            .uid(tenant)
            .uid(agent)
            .number(frame.from.as_micros())
            .number(frame.until.as_micros())
            .get_result(connection)
            .during(STATS)?;
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(AgentStats {
        open: count(open),
        resolved: count(resolved),
        mean_first_response_seconds: response.map(count),
        mean_resolution_seconds: resolution.map(count),
    })
}

#[async_trait]
impl MetricsReader for SqliteStore {
    async fn agent_stats(&self, scope: &Scope, agent: UserId, frame: TimeFrame) -> Result<AgentStats> {
        if !scope.is_staff() {
            return Ok(AgentStats::default());
        }
        let tenant = Uid::of(scope.tenant());
        self.read(STATS, move |connection| {
            snapshot(connection, |connection| stats(connection, tenant, Uid::of(agent), frame))
        })
        .await
    }
}
