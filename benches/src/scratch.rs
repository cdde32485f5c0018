//! A database of its own on a PostgreSQL server, for one measurement.

use std::str::FromStr as _;

use autocrm_core::{
    clock::{Clock as _, SystemClock},
    id::{IdSource as _, RandomIds},
};
use autocrm_storage::postgres::PostgresStore;
use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::failure::{Failure, Result};

/// How many connections the measurement has.
const CONNECTIONS: u32 = 8;

/// A database that was made for this measurement.
#[derive(Debug)]
pub(crate) struct Scratch {
    server: PgConnectOptions,
    name: String,
    pub(crate) pool: PgPool,
}

impl Scratch {
    /// Makes a database on the server that a URL names, with the schema of the store. The user may create databases.
    pub(crate) async fn make(url: Option<&str>) -> Result<Self> {
        let url = url.ok_or_else(|| Failure::new("`--store postgres` needs `--url postgres://…`"))?;
        let server = PgConnectOptions::from_str(url)?;
        let name = format!("autocrm_bench_{}", RandomIds.uuid(SystemClock.now()).simple());
        Self::say(&server, format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")).await?;
        let options = server.clone().database(&name);
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await?;
        PostgresStore::migrate(&pool).await?;
        Ok(Self { server, name, pool })
    }

    /// Removes the database.
    pub(crate) async fn remove(self) -> Result<()> {
        self.pool.close().await;
        Self::say(&self.server, format!("DROP DATABASE {} WITH (FORCE)", self.name)).await
    }

    async fn say(server: &PgConnectOptions, text: String) -> Result<()> {
        let mut connection = PgConnection::connect_with(server).await?;
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await?;
        connection.close().await?;
        Ok(())
    }
}
