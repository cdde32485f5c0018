//! Statements with any number of values on SQLite, and rows of any columns.

use std::path::Path;

use diesel::{
    Connection as _, QueryResult, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection as _,
    deserialize::{self, FromSql, QueryableByName},
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    row::{Field as _, NamedRow},
    sql_types::{BigInt, Binary, Double, Text, Untyped},
    sqlite::{Sqlite, SqliteType},
};

use super::row::{Cell, Row};
use crate::failure::{Failure, Result};

impl QueryableByName<Sqlite> for Row {
    fn build<'a>(row: &impl NamedRow<'a, Sqlite>) -> deserialize::Result<Self> {
        let (mut columns, mut cells) = (Vec::new(), Vec::new());
        for at in 0..row.field_count() {
            let Some(field) = diesel::row::Row::get(row, at) else { continue };
            columns.push(field.field_name().unwrap_or_default().to_owned());
            let Some(value) = field.value() else {
                cells.push(Cell::Null);
                continue;
            };
            cells.push(match value.value_type() {
                None => Cell::Null,
                Some(SqliteType::Binary) => Cell::Blob(FromSql::<Binary, Sqlite>::from_sql(value)?),
                Some(SqliteType::Text) => Cell::Text(FromSql::<Text, Sqlite>::from_sql(value)?),
                Some(SqliteType::Float | SqliteType::Double) => {
                    Cell::Real(FromSql::<Double, Sqlite>::from_sql(value)?)
                }
                Some(SqliteType::SmallInt | SqliteType::Integer | SqliteType::Long) => {
                    Cell::Integer(FromSql::<BigInt, Sqlite>::from_sql(value)?)
                }
            });
        }
        Ok(Self { columns, cells })
    }
}

/// A statement whose `?` take values; it is prepared once and kept.
#[derive(Debug)]
pub(crate) struct Statement<'a> {
    parts: &'a [String],
    cells: &'a [Cell],
}

impl<'a> Statement<'a> {
    /// Binds values to the places between the parts of a text that was cut at each `?`.
    pub(crate) fn new(parts: &'a [String], cells: &'a [Cell]) -> Self {
        Self { parts, cells }
    }
}

/// Cuts a text at each `?`.
pub(crate) fn parts(sql: &str) -> Vec<String> {
    sql.split('?').map(str::to_owned).collect()
}

impl QueryFragment<Sqlite> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let mut cells = self.cells.iter();
        for (at, part) in self.parts.iter().enumerate() {
            if at > 0 {
                match cells.next() {
                    None | Some(Cell::Null) => out.push_sql("NULL"),
                    Some(Cell::Integer(number)) => out.push_bind_param::<BigInt, _>(number)?,
                    Some(Cell::Real(number)) => out.push_bind_param::<Double, _>(number)?,
                    Some(Cell::Text(text)) => out.push_bind_param::<Text, _>(text)?,
                    Some(Cell::Blob(bytes)) => out.push_bind_param::<Binary, _>(bytes)?,
                }
            }
            out.push_sql(part);
        }
        Ok(())
    }
}

impl QueryId for Statement<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement<'_> {
    type SqlType = Untyped;
}

impl RunQueryDsl<SqliteConnection> for Statement<'_> {}

/// Returns the rows of a query.
pub(crate) fn rows(connection: &mut SqliteConnection, sql: &str, cells: &[Cell]) -> Result<Vec<Row>> {
    Ok(Statement::new(&parts(sql), cells).load(connection)?)
}

/// Opens a connection with the settings of the store's own writer.
pub(crate) fn connect(file: &Path, cache_kib: u32) -> Result<SqliteConnection> {
    let path = file.to_str().ok_or_else(|| Failure::in_file(file, None, "the path is not UTF-8"))?;
    let mut connection = SqliteConnection::establish(path)?;
    connection.batch_execute(&format!(
        "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{cache_kib}; PRAGMA wal_autocheckpoint = 4000;"
    ))?;
    Ok(connection)
}
