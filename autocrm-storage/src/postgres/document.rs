//! Rows that are one JSON text: how they are read.

use autocrm_core::{
    error::Result,
    page::{Cursor, Page, PageRequest},
};
use serde::de::DeserializeOwned;
use sqlx::{PgConnection, Postgres, postgres::PgArguments, query::QueryScalar};
use uuid::Uuid;

use crate::{
    column::{Uid, from_json},
    postgres::failure::During,
};

/// A statement that answers with documents.
pub(crate) type Documents = QueryScalar<'static, Postgres, String, PgArguments>;

/// Reads one document.
pub(crate) async fn one<T: DeserializeOwned>(
    connection: &mut PgConnection,
    what: &'static str,
    statement: Documents,
) -> Result<Option<T>> {
    let document = statement.fetch_optional(connection).await.during(what)?;
    document.map(|text| from_json(&text, what)).transpose()
}

/// Reads documents.
pub(crate) async fn all<T: DeserializeOwned>(
    connection: &mut PgConnection,
    what: &'static str,
    statement: Documents,
) -> Result<Vec<T>> {
    let documents = statement.fetch_all(connection).await.during(what)?;
    documents.iter().map(|text| from_json(text, what)).collect()
}

/// Reads a page of documents that are ordered by id alone.
pub(crate) async fn page<T: DeserializeOwned>(
    connection: &mut PgConnection,
    what: &'static str,
    statement: Documents,
    page: &PageRequest,
    id: impl Fn(&T) -> Uuid,
) -> Result<Page<T>> {
    let found = all(connection, what, statement).await?;
    Ok(Page::from_overfetch(found, page.limit(), |item| Cursor { key: 0, id: id(item) }))
}

/// Returns the id before which a page that comes newest first begins.
pub(crate) fn before(page: &PageRequest) -> Uid {
    Uid(page.cursor().map_or(Uuid::max(), |cursor| cursor.id))
}

/// Returns the id after which a page that comes oldest first begins.
pub(crate) fn after(page: &PageRequest) -> Uid {
    Uid(page.cursor().map_or(Uuid::nil(), |cursor| cursor.id))
}
