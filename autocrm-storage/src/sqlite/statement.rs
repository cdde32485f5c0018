//! Statements whose prepared form is kept. Diesel prepares updates and hand-written SQL anew for each call, because
//! their text may depend on values; here the text itself is the key of the cache.
//!
//! SQLite compiles a statement anew whenever a bound LIMIT changes hands, even to the same number. Hot statements
//! therefore write their limit into the text, or take from an iterator; `get_result` reads one row without a LIMIT, which
//! Diesel's `first` would bind.

use std::{borrow::Cow, marker::PhantomData};

use diesel::{
    RunQueryDsl, SqliteConnection,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::QueryResult,
    sql_types::{BigInt, Binary, Text},
    sqlite::Sqlite,
};

use crate::column::Uid;

/// A statement of Diesel's language, kept by its text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cached<Q>(pub(crate) Q);

impl<Q: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Cached<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Sqlite) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Cached<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Cached<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<SqliteConnection> for Cached<Q> {}

/// A value for a placeholder.
#[derive(Debug, Clone)]
pub(crate) enum Bind {
    /// An id.
    Uid(Uid),
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
}

/// Hand-written SQL with `?` as placeholder, which answers with rows of type `T`.
#[derive(Debug, Clone)]
pub(crate) struct Sql<T> {
    text: Cow<'static, str>,
    binds: Vec<Bind>,
    kept: bool,
    rows: PhantomData<fn() -> T>,
}

impl<T> Sql<T> {
    /// Returns a statement without values.
    pub(crate) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), binds: Vec::new(), kept: true, rows: PhantomData }
    }

    /// Has the statement prepared anew, because there are too many like it to keep.
    pub(crate) fn once(mut self) -> Self {
        self.kept = false;
        self
    }

    /// Gives the next placeholder an id.
    pub(crate) fn uid(self, uid: Uid) -> Self {
        self.bind(Bind::Uid(uid))
    }

    /// Gives the next placeholder a number.
    pub(crate) fn number(self, number: i64) -> Self {
        self.bind(Bind::Number(number))
    }

    /// Gives the next placeholder a text.
    pub(crate) fn text(self, text: impl Into<String>) -> Self {
        self.bind(Bind::Text(text.into()))
    }

    /// Gives the next placeholder a value.
    pub(crate) fn bind(mut self, bind: Bind) -> Self {
        self.binds.push(bind);
        self
    }
}

impl<T> QueryFragment<Sqlite> for Sql<T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        if !self.kept {
            out.unsafe_to_cache_prepared();
        }
        let mut binds = self.binds.iter();
        for (index, part) in self.text.split('?').enumerate() {
            if index > 0 {
                match binds.next() {
                    Some(Bind::Uid(uid)) => out.push_bind_param::<Binary, _>(uid)?,
                    Some(Bind::Number(number)) => out.push_bind_param::<BigInt, _>(number)?,
                    Some(Bind::Text(text)) => out.push_bind_param::<Text, _>(text)?,
                    None => out.push_sql("NULL"),
                }
            }
            out.push_sql(part);
        }
        Ok(())
    }
}

impl<T> QueryId for Sql<T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T> Query for Sql<T> {
    type SqlType = T;
}

impl<T> RunQueryDsl<SqliteConnection> for Sql<T> {}
