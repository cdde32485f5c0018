//! Searches: an exact comparison where there are few passages, a walk through the neighbours where there are many.

use autocrm_core::{
    access::ArticleVisibility,
    error::{Error, ErrorKind, Result},
    id::{ArticleId, ChunkId},
    port::{VectorHit, VectorQuery},
    text::Language,
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{PostgresVectorIndex, Shelf, of_space, shelf};
use crate::{
    column::{Code as _, Uid, number},
    postgres::session::{Access, Session, nobody},
};

const SEARCH: &str = "vector_index.search";
/// Up to how many passages of the sought visibilities all are compared. From as many on a tenant has an index.
pub(super) const EXACT: i64 = 20_000;

/// A passage as the server ranks it: chunk, article, and the inner product turned round.
type Ranked = (Uid, Uid, f64);

/// What is sought, as the statements take it.
struct Sought<'a> {
    space: i64,
    tenant: Uid,
    embedding: &'a [f32],
    visibilities: Vec<i64>,
    language: Option<&'a str>,
}

impl Sought<'_> {
    /// Returns the nearest passages behind one, of all that pass the filter.
    async fn exact(
        &self,
        connection: &mut PgConnection,
        behind: (f64, Uid),
        limit: usize,
    ) -> Result<Vec<Ranked>> {
        sqlx::query_as(of_space(include_str!("../sql/vector_exact.sql"), self.space))
            .bind(self.embedding)
            .bind(self.tenant)
            .bind(&self.visibilities)
            .bind(self.language)
            .bind(behind.0)
            .bind(behind.1)
            .bind(number(limit))
            .fetch_all(connection)
            .await
            .map_err(dropped)
    }

    /// Returns the nearest passages that a walk finds.
    async fn near(&self, connection: &mut PgConnection, limit: usize) -> Result<Vec<Ranked>> {
        sqlx::query_as(of_space(include_str!("../sql/vector_near.sql"), self.space))
            .bind(self.embedding)
            .bind(self.tenant)
            .bind(&self.visibilities)
            .bind(self.language)
            .bind(number(limit))
            .fetch_all(connection)
            .await
            .map_err(dropped)
    }
}

/// Turns a driver's failure into one of the port: a table that is missing was dropped with its space a moment ago.
fn dropped(error: sqlx::Error) -> Error {
    let is_missing = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == "42P01");
    if is_missing {
        return Error::new(ErrorKind::NotFound, SEARCH).context("the space was dropped").source(error);
    }
    crate::postgres::failure::failure(SEARCH)(error)
}

/// Returns the session that sees no more than what is asked for.
fn reader(tenant: Uid, visibilities: &[ArticleVisibility]) -> Session {
    if visibilities.contains(&ArticleVisibility::Internal) {
        return Session::system(tenant);
    }
    Session { kind: "customer", actor: Some(nobody()), ..Session::system(tenant) }
}

/// Returns whether more passages than are compared one by one have the visibilities, and there is an index of neighbours.
fn is_large(shelf: &Shelf, visibilities: &[i64]) -> bool {
    let passages = (0..).zip(&shelf.passages).filter(|(code, _)| visibilities.contains(code));
    shelf.indexed && passages.map(|(_, passages)| *passages).sum::<i64>() > EXACT
}

impl PostgresVectorIndex {
    pub(super) async fn search_space(&self, query: &VectorQuery) -> Result<Vec<VectorHit>> {
        query.check()?;
        let tenant = Uid::of(query.tenant);
        let session = reader(tenant, &query.visibilities);
        let mut tx = self.begin(SEARCH, &session, Access::Read).await?;
        let space = query.embedding.space();
        let Some(own) = shelf(&mut tx, SEARCH, space, tenant).await? else {
            return Err(Error::new(ErrorKind::NotFound, SEARCH).context(format!("no space {space}")));
        };
        let sought = Sought {
            space: own.space,
            tenant,
            embedding: query.embedding.values(),
            visibilities: query.visibilities.iter().map(|visibility| visibility.code()).collect(),
            language: query.language.as_ref().map(Language::as_str),
        };
        let reach = query.offset + query.limit;
        let mut found = Vec::new();
        // No inner product of unit vectors is as small as this.
        let mut behind = (-2.0, Uid(Uuid::nil()));
        if is_large(&own, &sought.visibilities) {
            found = sought.near(&mut tx, reach).await?;
            if let Some((chunk, _, distance)) = found.last() {
                behind = (*distance, *chunk);
            }
        }
        if found.len() < reach {
            let rest = sought.exact(&mut tx, behind, reach - found.len()).await?;
            found.extend(rest);
        }
        let mut hits: Vec<VectorHit> = found.into_iter().map(hit).collect();
        // Scores are cut to 1, so that those beyond tie.
        hits.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.chunk.cmp(&other.chunk)));
        Ok(hits.into_iter().skip(query.offset).collect())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the server computes inner products as 32-bit numbers")]
fn hit((chunk, article, distance): Ranked) -> VectorHit {
    // Adding zero makes one zero of the two, so that they tie.
    let score = (-distance).clamp(-1.0, 1.0) as f32 + 0.0;
    VectorHit { chunk: chunk.to::<ChunkId>(), article: article.to::<ArticleId>(), score }
}
