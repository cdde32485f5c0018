//! Searches: what the words are in the index, how rare they are, and then the passages that have any of them.

use std::collections::{BTreeMap, BTreeSet};

use autocrm_core::{
    access::ArticleVisibility,
    error::{Error, ErrorKind, Result},
    id::{ArticleId, ChunkId},
    port::{TextHit, TextQuery},
    text::truncate_bytes,
};
use sqlx::PgConnection;

use super::{PostgresTextIndex, words::words};
use crate::{
    column::{Code as _, Uid, number},
    postgres::{
        failure::During,
        session::{Access, SEARCHER, Session},
    },
};

const SEARCH: &str = "text_index.search";
/// The largest number of hits of one search.
const MAX_LIMIT: usize = 200;
/// How many bytes of a query count.
const MAX_QUERY: usize = 4_096;
/// How many distinct words of a query count: the rarest.
const MAX_TERMS: usize = 32;
/// Up to how many passages a word always finds.
const ALWAYS: i64 = 1_000;
/// Beyond, up to which part of a tenant's passages.
const PART: i64 = 5;
/// How many mistyped words are looked up, and how many alike words are taken for each.
const MISTYPED: usize = 8;
/// From how many characters on a word may be mistyped. One with a digit never is: a number means itself.
const SHORTEST: usize = 4;
const ALIKE: i64 = 3;

/// A word that is sought: what it may be in the index, and in how many passages that occurs.
struct Term {
    lexemes: BTreeSet<String>,
    passages: i64,
}

impl Term {
    /// Writes the word as PostgreSQL reads it. Lexemes hold letters and digits only, so that nothing needs to be quoted.
    fn expression(&self) -> String {
        let all: Vec<String> = self.lexemes.iter().map(|lexeme| format!("'{lexeme}'")).collect();
        all.join(" | ")
    }

    /// Returns how much an occurrence counts (Robertson and Zaragoza, 2009, the weight of BM25). `ts_rank` divides by the
    /// number of lexemes.
    fn weight(&self, passages: i64) -> f64 {
        let (all, having) = (real(passages), real(self.passages.min(passages)));
        (1.0 + (all - having + 0.5) / (having + 0.5)).ln() * real(number(self.lexemes.len()))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of passages are far below 2^53")]
fn real(count: i64) -> f64 {
    count as f64
}

/// Joins the marks of a tenant's visibilities with the words of which any is to be found.
fn expression(tenant: Uid, visibilities: &[ArticleVisibility], terms: &[Term], passages: i64) -> String {
    let marks: Vec<String> = visibilities
        .iter()
        .map(|visibility| format!("'@{}{}'", visibility.code(), tenant.0.simple()))
        .collect();
    let is_telling = |term: &&Term| term.passages <= ALWAYS.max(passages / PART);
    let mut finding: Vec<String> = terms.iter().filter(is_telling).map(Term::expression).collect();
    if finding.is_empty() {
        finding = terms.iter().map(Term::expression).collect();
    }
    format!("({}) & ({})", marks.join(" | "), finding.join(" | "))
}

/// Returns what the words are in the index, the rarest first; words that do not occur are left out.
async fn known(
    connection: &mut PgConnection,
    tenant: Uid,
    sought: &[String],
    configs: &[String],
) -> Result<Vec<Term>> {
    let rows: Vec<(i64, String, i64)> = sqlx::query_as(include_str!("../sql/text_terms.sql"))
        .bind(tenant)
        .bind(sought)
        .bind(configs)
        .fetch_all(connection)
        .await
        .during(SEARCH)?;
    let mut places: BTreeMap<i64, BTreeMap<String, i64>> = BTreeMap::new();
    for (place, lexeme, passages) in rows {
        if passages > 0 {
            places.entry(place).or_default().insert(lexeme, passages);
        }
    }
    let distinct: BTreeMap<BTreeSet<String>, i64> =
        places.into_values().map(|own| (own.keys().cloned().collect(), own.values().sum())).collect();
    let mut terms: Vec<Term> =
        distinct.into_iter().map(|(lexemes, passages)| Term { lexemes, passages }).collect();
    terms.sort_by_key(|term| term.passages);
    terms.truncate(MAX_TERMS);
    Ok(terms)
}

fn is_prose(word: &str) -> bool {
    word.chars().count() >= SHORTEST && !word.chars().any(char::is_numeric)
}

/// Returns words of the index that look like those that do not occur in it.
async fn alike(connection: &mut PgConnection, tenant: Uid, sought: &[String]) -> Result<Vec<Term>> {
    let mut found: BTreeMap<String, i64> = BTreeMap::new();
    for word in sought.iter().filter(|word| is_prose(word)).take(MISTYPED) {
        become_searcher(connection, "autocrm.mistyped", word, "system").await?;
        let rows: Vec<(String, i64)> = sqlx::query_as(include_str!("../sql/text_mistyped.sql"))
            .bind(tenant)
            .bind(word)
            .bind(ALIKE)
            .fetch_all(&mut *connection)
            .await
            .during(SEARCH)?;
        found.extend(rows.into_iter().filter(|(lexeme, _)| is_prose(lexeme)));
    }
    Ok(found.into_iter().map(|(lexeme, passages)| Term { lexemes: [lexeme].into(), passages }).collect())
}

/// Goes on as the role that searches, for a kind of reader, with what is sought.
async fn become_searcher(
    connection: &mut PgConnection,
    setting: &'static str,
    sought: &str,
    kind: &'static str,
) -> Result<()> {
    sqlx::query(
        "SELECT set_config('role', $1, true), set_config($2, $3, true), set_config('autocrm.kind', $4, true)",
    )
    .bind(SEARCHER)
    .bind(setting)
    .bind(sought)
    .bind(kind)
    .execute(connection)
    .await
    .during(SEARCH)?;
    Ok(())
}

impl PostgresTextIndex {
    pub(super) async fn search_passages(&self, query: &TextQuery) -> Result<Vec<TextHit>> {
        if query.visibilities.is_empty() || !(1..=MAX_LIMIT).contains(&query.limit) {
            return Err(Error::new(ErrorKind::Invalid, SEARCH).context("visibilities or limit"));
        }
        let sought: BTreeSet<String> =
            words(truncate_bytes(&query.text, MAX_QUERY), MAX_QUERY * 4).into_iter().collect();
        let sought: Vec<String> = sought.into_iter().collect();
        if sought.is_empty() {
            return Ok(Vec::new());
        }
        let tenant = Uid::of(query.tenant);
        let mut tx = self.begin(SEARCH, &Session::system(tenant), Access::Snapshot).await?;
        let kept: Option<(i64, i64, Vec<String>)> = sqlx::query_as(
            "SELECT passages, length, configs FROM autocrm.autocrm_passage_cursor WHERE tenant = $1",
        )
        .bind(tenant)
        .fetch_optional(&mut *tx)
        .await
        .during(SEARCH)?;
        let Some((passages, length, configs)) = kept else { return Ok(Vec::new()) };
        let mut terms = known(&mut tx, tenant, &sought, &configs).await?;
        if terms.is_empty() && self.corrects {
            terms = alike(&mut tx, tenant, &sought).await?;
        }
        if terms.is_empty() || passages == 0 {
            return Ok(Vec::new());
        }
        let kind =
            if query.visibilities.contains(&ArticleVisibility::Internal) { "system" } else { "customer" };
        let condition = expression(tenant, &query.visibilities, &terms, passages);
        become_searcher(&mut tx, "autocrm.query", &condition, kind).await?;
        let rows: Vec<(Uid, Uid, f32)> = sqlx::query_as(include_str!("../sql/text_search.sql"))
            .bind(tenant)
            .bind(terms.iter().map(Term::expression).collect::<Vec<String>>())
            .bind(terms.iter().map(|term| term.weight(passages)).collect::<Vec<f64>>())
            .bind((real(length) / real(passages)).max(1.0))
            .bind(query.visibilities.iter().map(|visibility| visibility.code()).collect::<Vec<i64>>())
            .bind(number(query.offset))
            .bind(number(query.limit))
            .fetch_all(&mut *tx)
            .await
            .during(SEARCH)?;
        let hit = |(chunk, article, score): (Uid, Uid, f32)| TextHit {
            chunk: chunk.to::<ChunkId>(),
            article: article.to::<ArticleId>(),
            score,
        };
        Ok(rows.into_iter().map(hit).collect())
    }
}
