//! Figures, counted from the tickets themselves.

use async_trait::async_trait;

use crate::{
    access::Scope,
    clock::Timestamp,
    error::Result,
    id::UserId,
    memory::{MemoryStore, world::Desk},
    metrics::{AgentStats, TimeFrame},
    port::MetricsReader,
};

/// Returns the mean of the spans between two instants, in whole seconds.
fn mean_seconds(spans: &[(Timestamp, Timestamp)]) -> Option<u64> {
    let count = u128::try_from(spans.len()).ok().filter(|count| *count > 0)?;
    let total: u128 = spans.iter().map(|(from, until)| until.since(*from).as_micros()).sum();
    u64::try_from(total / count / 1_000_000).ok()
}

impl Desk {
    fn stats(&self, agent: UserId, frame: TimeFrame) -> AgentStats {
        let mut stats = AgentStats { open: u64::from(self.load(agent)), ..AgentStats::default() };
        let mut answers = Vec::new();
        let mut resolutions = Vec::new();
        let own = self.tickets.values().filter(|ticket| ticket.assignee == Some(agent));
        for ticket in own.filter(|ticket| ticket.deleted_at.is_none()) {
            let Some(resolved_at) = ticket.resolved_at else { continue };
            if resolved_at < frame.from || resolved_at >= frame.until {
                continue;
            }
            stats.resolved += 1;
            resolutions.push((ticket.created_at, resolved_at));
            answers.extend(ticket.first_response_at.map(|answered_at| (ticket.created_at, answered_at)));
        }
        stats.mean_first_response_seconds = mean_seconds(&answers);
        stats.mean_resolution_seconds = mean_seconds(&resolutions);
        stats
    }
}

#[async_trait]
impl MetricsReader for MemoryStore {
    async fn agent_stats(&self, scope: &Scope, agent: UserId, frame: TimeFrame) -> Result<AgentStats> {
        if !scope.is_staff() {
            return Ok(AgentStats::default());
        }
        Ok(self.read(scope, |desk| desk.stats(agent, frame)))
    }
}
