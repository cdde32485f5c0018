//! Teams.

use autocrm_core::{error::Result, team::Team};
#[cfg(feature = "sqlite")]
use diesel::prelude::*;

use crate::column::{Uid, number, to_json};

/// A row of `autocrm_team`.
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName, sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", derive(Insertable, AsChangeset))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_team, primary_key(tenant, id)))]
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
