//! Teams.

use autocrm_core::{error::Result, team::Team};
use diesel::prelude::*;

use crate::{
    column::{Uid, number, to_json},
    schema::autocrm_team,
};

/// A row of `autocrm_team`.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = autocrm_team, primary_key(tenant, id))]
pub(crate) struct TeamRecord {
    pub(crate) tenant: Uid,
    pub(crate) id: Uid,
    pub(crate) version: i64,
    pub(crate) name: String,
    pub(crate) document: String,
}

impl TeamRecord {
    /// Encodes a team.
    pub(crate) fn of(team: &Team) -> Result<Self> {
        Ok(Self {
            tenant: Uid::of(team.tenant),
            id: Uid::of(team.id),
            version: number(team.version.get()),
            name: team.name.as_str().to_owned(),
            document: to_json(team)?,
        })
    }
}
