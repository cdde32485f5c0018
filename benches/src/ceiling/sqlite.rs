//! The ceiling on SQLite: writing the stamped rows, and reading bare rows.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use autocrm_core::id::TenantId;
use autocrm_email::MimeParser;
use autocrm_storage::sqlite::Synchronous;
use diesel::{RunQueryDsl as _, SqliteConnection, connection::SimpleConnection as _};

use super::{
    BATCH, Ceiling,
    row::{Cell, Row},
    statement::{Statement, connect, parts, rows},
    stencil::{Pattern, Snapshot, Stencil},
};
use crate::{
    desk,
    failure::{Failure, Result},
    random::Random,
    stats::{Latencies, rate},
    store::{Workplace, open_sqlite},
    words::Vocabulary,
};

const CACHE_KIB: u32 = 8_192;

/// Records one create of the workload in a fresh database, then writes its rows again and again.
pub(crate) async fn measure(
    place: &Workplace,
    vocabulary: &Vocabulary,
    seed: u64,
    time: Duration,
) -> Result<Ceiling> {
    let file = place.file("ceiling.db");
    let mut stencil = record(place, &file, vocabulary, seed).await?;
    let mut connection = connect(&file, CACHE_KIB)?;
    let batched = tokio::task::block_in_place(|| write(&mut connection, &mut stencil, BATCH, time))?;
    let single = tokio::task::block_in_place(|| write(&mut connection, &mut stencil, 1, time))?;
    check(&mut connection)?;
    Ok(Ceiling {
        rows_per_create: stencil.rows_per_create(),
        rows: stencil.listed(),
        create_per_s: batched,
        single_per_s: single,
    })
}

/// Returns how many rows a create of the workload writes.
pub(crate) async fn rows_per_create(place: &Workplace, vocabulary: &Vocabulary, seed: u64) -> Result<usize> {
    let file = place.file("recorded.db");
    Ok(record(place, &file, vocabulary, seed).await?.rows_per_create())
}

async fn record(place: &Workplace, file: &Path, vocabulary: &Vocabulary, seed: u64) -> Result<Stencil> {
    let store = open_sqlite(file, Synchronous::Full)?;
    let crm = desk::assemble(store, MimeParser::default(), None, &place.file("ceiling-outbox"))?;
    let mut connection = connect(file, CACHE_KIB)?;
    Stencil::record(crm, vocabulary, seed, async || {
        taken_up(&mut connection).await?;
        snapshot(&mut connection)
    })
    .await
}

/// Waits until the search index holds every message, which it does a moment after the commit.
async fn taken_up(connection: &mut SqliteConnection) -> Result<()> {
    let behind = "SELECT count(*) AS messages FROM autocrm_message
                  WHERE row > (SELECT coalesce(max(id), 0) FROM autocrm_search_docsize)";
    let begun = Instant::now();
    while rows(connection, behind, &[])?.first().is_some_and(|row| row.get("messages").integer() > 0) {
        if begun.elapsed() > Duration::from_secs(10) {
            return Err(Failure::new("the search index does not take up its messages"));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Returns the statement that inserts a row, cut at its values.
fn insertion(pattern: &Pattern) -> Vec<String> {
    let places = vec!["?"; pattern.columns.len()].join(", ");
    parts(&format!("INSERT INTO {} ({}) VALUES ({places})", pattern.table, pattern.names()))
}

/// Reads everything; for small databases.
fn snapshot(connection: &mut SqliteConnection) -> Result<Snapshot> {
    let master = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name LIKE 'autocrm|_%' ESCAPE '|' ORDER BY name";
    let all = rows(connection, master, &[])?;
    let is_search = |row: &&Row| row.get("sql").text().to_lowercase().contains("using fts5");
    let search_table = all.iter().find(is_search).map(|row| row.get("name").text().to_owned());
    let mut tables = BTreeMap::new();
    for row in &all {
        let name = row.get("name").text();
        if search_table.as_deref().is_some_and(|search| name.starts_with(search)) {
            continue;
        }
        tables.insert(name.to_owned(), rows(connection, &format!("SELECT * FROM {name}"), &[])?);
    }
    let search = match &search_table {
        Some(table) => indexed_words(connection, table)?,
        None => BTreeMap::new(),
    };
    Ok(Snapshot { tables, search, search_table })
}

/// Returns for each row of a contentless index the words of each column in their order: the same words make the same
/// entries again.
fn indexed_words(
    connection: &mut SqliteConnection,
    table: &str,
) -> Result<BTreeMap<i64, BTreeMap<String, String>>> {
    connection.batch_execute(&format!(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.bench_words USING fts5vocab(main, {table}, instance);"
    ))?;
    let mut found: BTreeMap<i64, BTreeMap<String, String>> = BTreeMap::new();
    let ordered = "SELECT doc, col, term FROM temp.bench_words ORDER BY doc, col, \"offset\"";
    for row in rows(connection, ordered, &[])? {
        let text = found
            .entry(row.get("doc").integer())
            .or_default()
            .entry(row.get("col").text().to_owned())
            .or_default();
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(row.get("term").text());
    }
    connection.batch_execute("DROP TABLE temp.bench_words;")?;
    Ok(found)
}

/// Writes creates for a time, `batch` of them in a transaction; returns creates per second.
fn write(
    connection: &mut SqliteConnection,
    stencil: &mut Stencil,
    batch: usize,
    time: Duration,
) -> Result<f64> {
    let statements: Vec<Vec<String>> = stencil.patterns.iter().map(insertion).collect();
    let (mut creates, mut spent) = (0, Duration::ZERO);
    while spent < time {
        // Making the values is not the database's work.
        let stamped: Vec<Vec<Vec<Cell>>> = (0..batch).map(|_| stencil.stamp()).collect();
        let begun = Instant::now();
        connection.batch_execute("BEGIN IMMEDIATE")?;
        for (place, statement) in statements.iter().enumerate() {
            for cells in &stamped {
                Statement::new(statement, &cells[place]).execute(connection)?;
            }
        }
        connection.batch_execute("COMMIT")?;
        spent += begun.elapsed();
        creates += batch;
    }
    Ok(rate(creates, spent))
}

/// A ceiling that wrote something else would prove nothing.
fn check(connection: &mut SqliteConnection) -> Result<()> {
    let counts = "SELECT (SELECT count(*) FROM autocrm_ticket) AS tickets,
                         (SELECT count(*) FROM autocrm_message) AS messages,
                         (SELECT count(*) FROM autocrm_idempotency) AS keys";
    let found = rows(connection, counts, &[])?;
    let count = |column| found.first().map_or(0, |row| row.get(column).integer());
    if count("tickets") == 0 || count("tickets") != count("messages") || count("tickets") != count("keys") {
        return Err(Failure::new(format!("the ceiling wrote uneven rows: {found:?}")));
    }
    Ok(())
}

/// Returns how many tickets per second one connection reads by id.
pub(crate) fn bare_get_per_s(file: &Path, tenant: TenantId, time: Duration) -> Result<f64> {
    let mut connection = connect(file, CACHE_KIB)?;
    let tenant_cell = Cell::Blob(tenant.as_uuid().as_bytes().to_vec());
    let ids = rows(&mut connection, "SELECT id FROM autocrm_ticket", &[])?;
    let sql = parts("SELECT * FROM autocrm_ticket WHERE tenant = ? AND id = ?");
    let mut random = Random::new(3);
    let (mut count, begun) = (0, Instant::now());
    while begun.elapsed() < time {
        for _ in 0..100 {
            let Some(row) = random.pick(&ids) else { return Ok(0.0) };
            let cells = [tenant_cell.clone(), row.get("id").clone()];
            let found: Vec<Row> = Statement::new(&sql, &cells).load(&mut connection)?;
            count += found.len();
        }
    }
    Ok(rate(count, begun.elapsed()))
}

/// Returns how long one connection takes for a page of 50 tickets by status, newest first.
pub(crate) fn bare_list(file: &Path, tenant: TenantId, time: Duration) -> Result<Latencies> {
    let mut connection = connect(file, CACHE_KIB)?;
    let tenant_cell = Cell::Blob(tenant.as_uuid().as_bytes().to_vec());
    let statuses = rows(
        &mut connection,
        "SELECT status FROM autocrm_ticket GROUP BY status ORDER BY count(*) DESC",
        &[],
    )?;
    let Some(most) = statuses.first() else { return Ok(Latencies::default()) };
    let sql = parts(
        "SELECT * FROM autocrm_ticket WHERE tenant = ? AND status = ? AND deleted_at IS NULL ORDER BY id DESC LIMIT 51",
    );
    let cells = [tenant_cell, most.get("status").clone()];
    let (mut latencies, begun) = (Latencies::default(), Instant::now());
    while begun.elapsed() < time {
        let asked = Instant::now();
        let found: Vec<Row> = Statement::new(&sql, &cells).load(&mut connection)?;
        latencies.add(asked.elapsed());
        if found.is_empty() {
            return Err(Failure::new("the bare list is empty"));
        }
    }
    Ok(latencies)
}
