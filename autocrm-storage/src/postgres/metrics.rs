//! Figures, counted from the tickets themselves.

use async_trait::async_trait;
use autocrm_core::{
    access::Scope,
    error::Result,
    id::UserId,
    metrics::{AgentStats, TimeFrame},
    port::MetricsReader,
};

use crate::{
    column::Uid,
    postgres::{
        PostgresStore,
        failure::During,
        rows,
        session::{Access, Session},
    },
};

const STATS: &str = "agent_stats";

#[async_trait]
impl MetricsReader for PostgresStore {
    async fn agent_stats(&self, scope: &Scope, agent: UserId, frame: TimeFrame) -> Result<AgentStats> {
        if !scope.is_staff() {
            return Ok(AgentStats::default());
        }
        // The whole tenant is counted, whatever the scope's teams.
        let (tenant, agent) = (Uid::of(scope.tenant()), Uid::of(agent));
        let mut tx = self.begin(STATS, &Session::system(tenant), Access::Snapshot).await?;
        let open = rows::loads(&mut tx, tenant, &[agent]).await?.first().map_or(0, |(_, load)| *load);
        let (resolved, response, resolution): (i64, Option<i64>, Option<i64>) =
            sqlx::query_as(include_str!("sql/agent_stats.sql"))
                .bind(tenant)
                .bind(agent)
                .bind(frame.from.as_micros())
                .bind(frame.until.as_micros())
                .fetch_one(&mut *tx)
                .await
                .during(STATS)?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(AgentStats {
            open: count(open),
            resolved: count(resolved),
            mean_first_response_seconds: response.map(count),
            mean_resolution_seconds: resolution.map(count),
        })
    }
}
