//! Teams.

use async_trait::async_trait;

use crate::{
    access::Scope,
    error::Result,
    id::TeamId,
    memory::{
        MemoryStore,
        world::{Desk, put},
    },
    port::TeamReader,
    team::Team,
};

impl Desk {
    pub(super) fn set_team(&mut self, id: TeamId, row: Option<Team>) -> Option<Team> {
        put(&mut self.teams, id, row)
    }
}

#[async_trait]
impl TeamReader for MemoryStore {
    async fn team(&self, scope: &Scope, id: TeamId) -> Result<Option<Team>> {
        Ok(self.read(scope, |desk| desk.teams.get(&id).filter(|_| scope.is_staff()).cloned()))
    }

    async fn teams(&self, scope: &Scope) -> Result<Vec<Team>> {
        Ok(self.read(scope, |desk| desk.teams.values().filter(|_| scope.is_staff()).cloned().collect()))
    }
}
