//! The SQLite file that is copied: one state of it, from the beginning to the end.

use autocrm_core::error::{Error, ErrorKind, Result};
use diesel::{
    RunQueryDsl as _, SqliteConnection,
    connection::SimpleConnection as _,
    query_builder::BoxedSqlQuery,
    sql_query,
    sql_types::{BigInt, Binary, Text},
    sqlite::Sqlite,
};

use crate::{
    column::Uid,
    sqlite::{SqliteConfig, failure::During as _, migrate},
    transfer::{
        COPY, Value,
        table::{Carried, Layout},
    },
};

/// A file that is being read. Reads run on threads for blocking work.
pub(crate) struct Source {
    /// Absent while a read is under way, and after one that was given up.
    connection: Option<SqliteConnection>,
}

#[derive(diesel::QueryableByName)]
struct One {
    #[diesel(sql_type = Binary)]
    id: Uid,
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

impl Source {
    /// Opens a file that has this library's schema, and holds its present state until the end.
    pub(crate) async fn open(config: &SqliteConfig) -> Result<Self> {
        config.check()?;
        let config = config.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let mut connection = config.connect_existing()?;
            migrate::require_current(&mut connection)?;
            connection.batch_execute("BEGIN").during(COPY)?;
            // The state is that of the first read.
            count(&mut connection, "autocrm_tenant")?;
            Ok(connection)
        });
        let connection = opened.await.map_err(ended)??;
        Ok(Self { connection: Some(connection) })
    }

    async fn read<T: Send + 'static>(
        &mut self,
        look: impl FnOnce(&mut SqliteConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut connection = self
            .connection
            .take()
            .ok_or_else(|| Error::new(ErrorKind::Internal, COPY).context("the last read was given up"))?;
        let done = tokio::task::spawn_blocking(move || {
            let answer = look(&mut connection);
            (connection, answer)
        });
        let (connection, answer) = done.await.map_err(ended)?;
        self.connection = Some(connection);
        answer
    }

    /// Returns the tenants, in order.
    pub(crate) async fn tenants(&mut self) -> Result<Vec<Uid>> {
        let text =
            "SELECT tenant AS id FROM autocrm_tenant UNION SELECT tenant FROM autocrm_counter ORDER BY 1";
        let found: Vec<One> =
            self.read(move |connection| sql_query(text).load(connection).during(COPY)).await?;
        Ok(found.into_iter().map(|one| one.id).collect())
    }

    /// Returns the least id of a tenant's messages from one on.
    pub(crate) async fn first_message(&mut self, tenant: Uid, from: Uid) -> Result<Option<Uid>> {
        let text = "SELECT id FROM autocrm_message WHERE tenant = ? AND id >= ? ORDER BY id LIMIT 1";
        let found: Vec<One> = self
            .read(move |connection| {
                let query = sql_query(text).bind::<Binary, _>(tenant).bind::<Binary, _>(from);
                query.load(connection).during(COPY)
            })
            .await?;
        Ok(found.into_iter().next().map(|one| one.id))
    }

    /// Returns how many rows a table has.
    pub(crate) async fn count(&mut self, table: &'static str) -> Result<u64> {
        self.read(move |connection| count(connection, table)).await
    }

    /// Returns the next rows of a tenant's after one, in the order in which they are copied.
    pub(crate) async fn page<R: Carried>(
        &mut self,
        tenant: Uid,
        after: Option<Vec<Value<'static>>>,
        most: i64,
    ) -> Result<Vec<R>> {
        let layout = R::layout();
        self.read(move |connection| {
            let mut query = sql_query(statement(&layout, after.is_some())).into_boxed::<Sqlite>();
            query = query.bind::<Binary, _>(tenant);
            for value in after.into_iter().flatten() {
                query = bind(query, value);
            }
            query.bind::<BigInt, _>(most).load(connection).during(COPY)
        })
        .await
    }
}

fn ended(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Unavailable, COPY).context("the runtime is shutting down").source(error)
}

fn count(connection: &mut SqliteConnection, table: &'static str) -> Result<u64> {
    let text = format!("SELECT count(*) AS \"rows\" FROM {table}");
    let count: Count = sql_query(text).get_result(connection).during(COPY)?;
    Ok(u64::try_from(count.rows).unwrap_or(0))
}

fn statement(layout: &Layout, is_continued: bool) -> String {
    let (columns, table, order) = (layout.columns(), layout.name, layout.order());
    let after = if is_continued && !layout.order.is_empty() {
        let places = vec!["?"; layout.order.len()].join(", ");
        format!(" AND ({order}) > ({places})")
    } else if is_continued {
        " AND 0".to_owned()
    } else {
        String::new()
    };
    let sorted = if order.is_empty() { String::new() } else { format!(" ORDER BY {order}") };
    format!("SELECT {columns} FROM {table} WHERE tenant = ?{after}{sorted} LIMIT ?")
}

type Statement = BoxedSqlQuery<'static, Sqlite, diesel::query_builder::SqlQuery>;

fn bind(query: Statement, value: Value<'static>) -> Statement {
    match value {
        Value::Null => query.bind::<diesel::sql_types::Nullable<BigInt>, _>(None::<i64>),
        Value::Number(number) => query.bind::<BigInt, _>(number),
        Value::Uid(uid) => query.bind::<Binary, _>(uid),
        Value::Bytes(bytes) => query.bind::<Binary, _>(bytes.into_owned()),
        Value::Text(text) => query.bind::<Text, _>(text.into_owned()),
    }
}
