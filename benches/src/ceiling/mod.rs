//! The ceiling: how fast the rows of one create can be written at all, and how fast tickets can be read, by bare
//! statements on the same schema.

mod postgres;
mod row;
mod sqlite;
mod statement;
mod stencil;
mod uid;

pub(crate) use postgres::fetch;
pub(crate) use row::{Cell, Row};
pub(crate) use statement::{connect, rows};

use std::time::Duration;

use autocrm_core::id::TenantId;

use crate::{
    desk::DATABASE,
    failure::{Failure, Result},
    stats::Latencies,
    store::{StoreKind, Workplace},
    words::Vocabulary,
};

/// Creates in one durable transaction.
const BATCH: usize = 1_000;

/// What bare statements reach.
#[derive(Debug)]
pub(crate) struct Ceiling {
    pub(crate) rows_per_create: usize,
    pub(crate) rows: Vec<String>,
    pub(crate) create_per_s: f64,
    pub(crate) single_per_s: f64,
}

/// Returns how many rows a create of the workload writes; `None`: the store has no rows to count.
pub(crate) async fn rows_per_create(
    kind: StoreKind,
    place: &Workplace,
    vocabulary: &Vocabulary,
    seed: u64,
) -> Result<Option<usize>> {
    match kind {
        StoreKind::Memory => Ok(None),
        StoreKind::Sqlite => sqlite::rows_per_create(place, vocabulary, seed).await.map(Some),
        StoreKind::Postgres => postgres::rows_per_create(place, vocabulary, seed).await.map(Some),
    }
}

/// Records one create of the workload in a fresh database, then writes its rows again and again.
pub(crate) async fn measure(
    kind: StoreKind,
    place: &Workplace,
    vocabulary: &Vocabulary,
    seed: u64,
    time: Duration,
) -> Result<Ceiling> {
    match kind {
        StoreKind::Memory => Err(none()),
        StoreKind::Sqlite => sqlite::measure(place, vocabulary, seed, time).await,
        StoreKind::Postgres => postgres::measure(place, vocabulary, seed, time).await,
    }
}

/// Returns how many tickets per second bare queries read by id on the loaded database, and how long they take for a
/// page of 50 by status, newest first.
pub(crate) async fn bare_reads(
    kind: StoreKind,
    place: &Workplace,
    tenant: TenantId,
    time: Duration,
) -> Result<(f64, Latencies)> {
    match kind {
        StoreKind::Memory => Err(none()),
        StoreKind::Sqlite => tokio::task::block_in_place(|| {
            let file = place.file(DATABASE);
            Ok((sqlite::bare_get_per_s(&file, tenant, time)?, sqlite::bare_list(&file, tenant, time)?))
        }),
        StoreKind::Postgres => {
            let per_s = postgres::bare_get_per_s(place, tenant, time).await?;
            Ok((per_s, postgres::bare_list(place, tenant, time).await?))
        }
    }
}

/// Says why there is no ceiling over the store in memory.
pub(crate) fn none() -> Failure {
    Failure::new("--ceiling needs --store sqlite or postgres: memory has no statements to compare with")
}
