//! Teams.

use async_trait::async_trait;
use autocrm_core::{access::Scope, error::Result, id::TeamId, port::TeamReader, team::Team};
use diesel::prelude::*;

use crate::{
    column::{Uid, from_json},
    schema::autocrm_team,
    sqlite::{SqliteStore, failure::During},
};

#[async_trait]
impl TeamReader for SqliteStore {
    async fn team(&self, scope: &Scope, id: TeamId) -> Result<Option<Team>> {
        if !scope.is_staff() {
            return Ok(None);
        }
        let key = (Uid::of(scope.tenant()), Uid::of(id));
        self.read("team", move |connection| {
            let document: Option<String> = autocrm_team::table
                .find(key)
                .select(autocrm_team::document)
                .get_result(connection)
                .optional()
                .during("team")?;
            document.map(|text| from_json(&text, "team")).transpose()
        })
        .await
    }

    async fn teams(&self, scope: &Scope) -> Result<Vec<Team>> {
        if !scope.is_staff() {
            return Ok(Vec::new());
        }
        let tenant = Uid::of(scope.tenant());
        self.read("teams", move |connection| {
            let documents: Vec<String> = autocrm_team::table
                .filter(autocrm_team::tenant.eq(tenant))
                .order(autocrm_team::id.asc())
                .select(autocrm_team::document)
                .load(connection)
                .during("teams")?;
            documents.iter().map(|text| from_json(text, "team")).collect()
        })
        .await
    }
}
