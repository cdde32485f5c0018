//! Teams.

use async_trait::async_trait;
use autocrm_core::{access::Scope, error::Result, id::TeamId, port::TeamReader, team::Team};
use sqlx::query_scalar;

use crate::{
    column::Uid,
    postgres::{PostgresStore, document},
};

#[async_trait]
impl TeamReader for PostgresStore {
    async fn team(&self, scope: &Scope, id: TeamId) -> Result<Option<Team>> {
        if !scope.is_staff() {
            return Ok(None);
        }
        let statement =
            query_scalar("SELECT document FROM autocrm.autocrm_team WHERE tenant = $1 AND id = $2")
                .bind(Uid::of(scope.tenant()))
                .bind(Uid::of(id));
        let mut tx = self.read("team", scope).await?;
        document::one(&mut tx, "team", statement).await
    }

    async fn teams(&self, scope: &Scope) -> Result<Vec<Team>> {
        if !scope.is_staff() {
            return Ok(Vec::new());
        }
        let statement =
            query_scalar("SELECT document FROM autocrm.autocrm_team WHERE tenant = $1 ORDER BY id")
                .bind(Uid::of(scope.tenant()));
        let mut tx = self.read("teams", scope).await?;
        document::all(&mut tx, "teams", statement).await
    }
}
