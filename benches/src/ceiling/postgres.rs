//! The ceiling on PostgreSQL: the stamped rows written by one statement per table, and bare reads.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use autocrm_core::id::TenantId;
use autocrm_email::MimeParser;
use sqlx::{
    Arguments as _, AssertSqlSafe, Column as _, Connection as _, PgConnection, Row as _, SqlSafeStr as _,
    SqlStr, TypeInfo as _, ValueRef as _,
    postgres::{PgArguments, PgRow},
};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{
    BATCH, Ceiling,
    row::{Cell, Row},
    stencil::{Pattern, Snapshot, Stencil},
    uid::Uid,
};
use crate::{
    desk,
    failure::{Failure, Result},
    postgres::Database,
    random::Random,
    stats::{Latencies, rate},
    store::Workplace,
    words::Vocabulary,
};

/// The types of the columns by table.
type Kinds = HashMap<String, Vec<(String, String)>>;

/// Records one create of the workload in a fresh database, then writes its rows again and again: in batches on one
/// connection, and one transaction per ticket from as many connections as there are callers.
pub(crate) async fn measure(
    place: &Workplace,
    vocabulary: &Vocabulary,
    seed: u64,
    time: Duration,
) -> Result<Ceiling> {
    let database = place.database()?.sibling().await?;
    let mut stencil = record(place, &database, vocabulary, seed).await?;
    let mut connection = database.connect().await?;
    let kinds = kinds(&mut connection).await?;
    unprotect(&mut connection, &kinds).await?;
    let batched = batches(&mut connection, &mut stencil, &kinds, time).await?;
    let (rows_per_create, rows) = (stencil.rows_per_create(), stencil.listed());
    let single = singles(&database, stencil, &kinds, place.callers, time).await?;
    check(&mut connection).await?;
    Ok(Ceiling { rows_per_create, rows, create_per_s: batched, single_per_s: single })
}

/// Returns how many rows a create of the workload writes.
pub(crate) async fn rows_per_create(place: &Workplace, vocabulary: &Vocabulary, seed: u64) -> Result<usize> {
    let database = place.database()?.sibling().await?;
    Ok(record(place, &database, vocabulary, seed).await?.rows_per_create())
}

async fn record(
    place: &Workplace,
    database: &Database,
    vocabulary: &Vocabulary,
    seed: u64,
) -> Result<Stencil> {
    let store = database.store(1).await?;
    let crm = desk::assemble(store, MimeParser::default(), None, &place.file("ceiling-outbox"))?;
    let mut connection = database.connect().await?;
    let known = kinds(&mut connection).await?;
    Stencil::record(crm, vocabulary, seed, async || snapshot(&mut connection, &known).await).await
}

/// Reads the columns of every table.
async fn kinds(connection: &mut PgConnection) -> Result<Kinds> {
    let found: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod)
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relnamespace = 'autocrm'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
         ORDER BY c.relname, a.attnum",
    )
    .fetch_all(connection)
    .await?;
    let mut kinds = Kinds::new();
    for (table, column, kind) in found {
        kinds.entry(table).or_default().push((column, kind));
    }
    Ok(kinds)
}

/// Reads everything; for small databases.
async fn snapshot(connection: &mut PgConnection, kinds: &Kinds) -> Result<Snapshot> {
    let mut tables = BTreeMap::new();
    for (table, columns) in kinds {
        let columns: Vec<String> = columns
            .iter()
            .map(|(name, kind)| match kind.as_str() {
                "uuid" | "bigint" | "bytea" | "text" => format!("\"{name}\""),
                _ => format!("\"{name}\"::text"),
            })
            .collect();
        let sql = format!("SELECT {} FROM autocrm.{table}", columns.join(", "));
        tables.insert(table.clone(), fetch(connection, &sql).await?);
    }
    Ok(Snapshot { tables, ..Snapshot::default() })
}

/// Returns the rows of a query whose columns are ids, whole numbers, bytes or texts.
pub(crate) async fn fetch(connection: &mut PgConnection, sql: &str) -> Result<Vec<Row>> {
    let found = sqlx::query(AssertSqlSafe(sql)).fetch_all(connection).await?;
    found.iter().map(row).collect()
}

fn row(found: &PgRow) -> Result<Row> {
    let (mut columns, mut cells) = (Vec::new(), Vec::new());
    for (at, column) in found.columns().iter().enumerate() {
        columns.push(column.name().to_owned());
        if found.try_get_raw(at)?.is_null() {
            cells.push(Cell::Null);
            continue;
        }
        cells.push(match column.type_info().name() {
            "UUID" => Cell::Blob(found.try_get::<Uid, _>(at)?.0.as_bytes().to_vec()),
            "INT8" => Cell::Integer(found.try_get(at)?),
            "BYTEA" => Cell::Blob(found.try_get(at)?),
            _ => Cell::Text(found.try_get(at)?),
        });
    }
    Ok(Row { columns, cells })
}

/// Row-level security would weaken the ceiling.
async fn unprotect(connection: &mut PgConnection, kinds: &Kinds) -> Result<()> {
    for table in kinds.keys() {
        let text =
            format!("ALTER TABLE autocrm.{table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY");
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The rows of one table: where they stand in a create, and the statements that write them.
#[derive(Debug)]
struct Sheet {
    places: Vec<usize>,
    kinds: Vec<String>,
    /// Any number of rows, as one array per column.
    many: SqlStr,
    /// The rows of one create, as values.
    few: SqlStr,
}

impl Sheet {
    fn all(stencil: &Stencil, kinds: &Kinds) -> Result<Vec<Self>> {
        let mut by_table: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, pattern) in stencil.patterns.iter().enumerate() {
            by_table.entry(&pattern.table).or_default().push(place);
        }
        let sheets = by_table.into_values().map(|places| {
            let first = places.first().and_then(|place| stencil.patterns.get(*place));
            let pattern = first.ok_or_else(|| Failure::new("a table without rows"))?;
            Self::new(pattern, kinds.get(&pattern.table).map_or(&[][..], Vec::as_slice), places.clone())
        });
        sheets.collect()
    }

    fn new(pattern: &Pattern, columns: &[(String, String)], places: Vec<usize>) -> Result<Self> {
        let names: Vec<&String> = columns.iter().map(|(name, _)| name).collect();
        if !pattern.columns.iter().eq(names) {
            return Err(Failure::new(format!("the columns of {} changed", pattern.table)));
        }
        let kinds: Vec<String> = columns.iter().map(|(_, kind)| kind.clone()).collect();
        let head =
            format!("INSERT INTO autocrm.{} ({}) OVERRIDING SYSTEM VALUE", pattern.table, pattern.names());
        let sent = |kind: &str| {
            if matches!(kind, "uuid" | "bigint" | "bytea") { kind.to_owned() } else { "text".to_owned() }
        };
        let arrays: Vec<String> =
            kinds.iter().enumerate().map(|(at, kind)| format!("${}::{}[]", at + 1, sent(kind))).collect();
        let aliases: Vec<String> = (0..kinds.len()).map(|at| format!("c{at}")).collect();
        let selected: Vec<String> =
            kinds.iter().enumerate().map(|(at, kind)| format!("c{at}::{kind}")).collect();
        let many = format!(
            "{head} SELECT {} FROM unnest({}) AS u ({})",
            selected.join(", "),
            arrays.join(", "),
            aliases.join(", ")
        );
        let mut number = 0;
        let tuples: Vec<String> = places
            .iter()
            .map(|_| {
                let values: Vec<String> = kinds
                    .iter()
                    .map(|kind| {
                        number += 1;
                        if sent(kind) == *kind {
                            format!("${number}")
                        } else {
                            format!("${number}::text::{kind}")
                        }
                    })
                    .collect();
                format!("({})", values.join(", "))
            })
            .collect();
        let few = format!("{head} VALUES {}", tuples.join(", "));
        Ok(Self {
            places,
            kinds,
            many: AssertSqlSafe(many).into_sql_str(),
            few: AssertSqlSafe(few).into_sql_str(),
        })
    }

    /// Returns one array per column, of the rows of many creates.
    fn arrays(&self, stamped: &[Vec<Vec<Cell>>]) -> Result<PgArguments> {
        let mut arguments = PgArguments::default();
        for (at, kind) in self.kinds.iter().enumerate() {
            let cells =
                stamped.iter().flat_map(|create| self.places.iter().map(move |place| &create[*place][at]));
            let added = match kind.as_str() {
                "uuid" => arguments.add(cells.map(id).collect::<Vec<_>>()),
                "bigint" => arguments.add(cells.map(number).collect::<Vec<_>>()),
                "bytea" => arguments.add(cells.map(bytes).collect::<Vec<_>>()),
                _ => arguments.add(cells.map(text).collect::<Vec<_>>()),
            };
            added.map_err(sqlx::Error::Encode)?;
        }
        Ok(arguments)
    }

    /// Returns the values of the rows of one create.
    fn values(&self, create: &[Vec<Cell>]) -> Result<PgArguments> {
        let mut arguments = PgArguments::default();
        for place in &self.places {
            for (kind, cell) in self.kinds.iter().zip(&create[*place]) {
                let added = match kind.as_str() {
                    "uuid" => arguments.add(id(cell)),
                    "bigint" => arguments.add(number(cell)),
                    "bytea" => arguments.add(bytes(cell)),
                    _ => arguments.add(text(cell)),
                };
                added.map_err(sqlx::Error::Encode)?;
            }
        }
        Ok(arguments)
    }
}

fn id(cell: &Cell) -> Option<Uid> {
    if let Cell::Blob(bytes) = cell { Uuid::from_slice(bytes).ok().map(Uid) } else { None }
}

fn number(cell: &Cell) -> Option<i64> {
    if let Cell::Integer(number) = cell { Some(*number) } else { None }
}

fn bytes(cell: &Cell) -> Option<&[u8]> {
    if let Cell::Blob(bytes) = cell { Some(bytes) } else { None }
}

fn text(cell: &Cell) -> Option<&str> {
    if let Cell::Text(text) = cell { Some(text) } else { None }
}

/// Writes batches of creates for a time, each in one transaction; returns creates per second.
async fn batches(
    connection: &mut PgConnection,
    stencil: &mut Stencil,
    kinds: &Kinds,
    time: Duration,
) -> Result<f64> {
    let sheets = Sheet::all(stencil, kinds)?;
    let (mut creates, mut spent) = (0, Duration::ZERO);
    while spent < time {
        // Making the values is not the database's work.
        let stamped: Vec<Vec<Vec<Cell>>> = (0..BATCH).map(|_| stencil.stamp()).collect();
        let mut ready = Vec::with_capacity(sheets.len());
        for sheet in &sheets {
            ready.push((sheet.many.clone(), sheet.arrays(&stamped)?));
        }
        let begun = Instant::now();
        let mut tx = connection.begin().await?;
        for (statement, arguments) in ready {
            sqlx::query_with(statement, arguments).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        spent += begun.elapsed();
        creates += BATCH;
    }
    Ok(rate(creates, spent))
}

/// Writes one create per transaction from many connections for a time; returns creates per second.
async fn singles(
    database: &Database,
    stencil: Stencil,
    kinds: &Kinds,
    callers: usize,
    time: Duration,
) -> Result<f64> {
    let sheets = Arc::new(Sheet::all(&stencil, kinds)?);
    let stencil = Arc::new(Mutex::new(stencil));
    let connections = connections(database, callers).await?;
    let begun = Instant::now();
    let mut writers = JoinSet::new();
    for mut connection in connections {
        let (sheets, stencil) = (Arc::clone(&sheets), Arc::clone(&stencil));
        writers.spawn(async move {
            let mut creates = 0;
            while begun.elapsed() < time {
                let stamped = stencil.lock().unwrap_or_else(PoisonError::into_inner).stamp();
                let mut tx = connection.begin().await?;
                for sheet in sheets.iter() {
                    sqlx::query_with(sheet.few.clone(), sheet.values(&stamped)?).execute(&mut *tx).await?;
                }
                tx.commit().await?;
                creates += 1;
            }
            Ok::<_, Failure>(creates)
        });
    }
    let mut creates = 0;
    while let Some(writer) = writers.join_next().await {
        creates += writer??;
    }
    Ok(rate(creates, begun.elapsed()))
}

async fn connections(database: &Database, count: usize) -> Result<Vec<PgConnection>> {
    let mut opened = Vec::with_capacity(count);
    for _ in 0..count.clamp(1, 64) {
        opened.push(database.connect().await?);
    }
    Ok(opened)
}

/// A ceiling that wrote something else would prove nothing.
async fn check(connection: &mut PgConnection) -> Result<()> {
    let found: (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM autocrm.autocrm_ticket), (SELECT count(*) FROM autocrm.autocrm_message),
                (SELECT count(*) FROM autocrm.autocrm_idempotency)",
    )
    .fetch_one(connection)
    .await?;
    let (tickets, messages, keys) = found;
    if tickets == 0 || tickets != messages || tickets != keys {
        return Err(Failure::new(format!("the ceiling wrote uneven rows: {found:?}")));
    }
    Ok(())
}

/// Returns how many tickets per second as many connections as there are callers read by id.
pub(crate) async fn bare_get_per_s(place: &Workplace, tenant: TenantId, time: Duration) -> Result<f64> {
    let database = place.database()?;
    let mut first = database.connect().await?;
    let ids: Vec<Uid> =
        sqlx::query_scalar("SELECT id FROM autocrm.autocrm_ticket").fetch_all(&mut first).await?;
    let ids = Arc::new(ids);
    let connections = connections(database, place.callers).await?;
    let begun = Instant::now();
    let mut readers = JoinSet::new();
    for (at, mut connection) in connections.into_iter().enumerate() {
        let ids = Arc::clone(&ids);
        readers.spawn(async move {
            let mut random = Random::new(3 + at as u64);
            let mut count = 0;
            while begun.elapsed() < time {
                let Some(id) = random.pick(&ids) else { return Ok(0) };
                let found = sqlx::query("SELECT * FROM autocrm.autocrm_ticket WHERE tenant = $1 AND id = $2")
                    .bind(Uid(tenant.as_uuid()))
                    .bind(id)
                    .fetch_all(&mut connection)
                    .await?;
                count += found.len();
            }
            Ok::<_, Failure>(count)
        });
    }
    let mut count = 0;
    while let Some(reader) = readers.join_next().await {
        count += reader??;
    }
    Ok(rate(count, begun.elapsed()))
}

/// Returns how long one connection takes for a page of 50 tickets by status, newest first.
pub(crate) async fn bare_list(place: &Workplace, tenant: TenantId, time: Duration) -> Result<Latencies> {
    let mut connection = place.database()?.connect().await?;
    let most: i64 = sqlx::query_scalar(
        "SELECT status FROM autocrm.autocrm_ticket GROUP BY status ORDER BY count(*) DESC LIMIT 1",
    )
    .fetch_one(&mut connection)
    .await?;
    let (mut latencies, begun) = (Latencies::default(), Instant::now());
    while begun.elapsed() < time {
        let asked = Instant::now();
        let found = sqlx::query(
            "SELECT * FROM autocrm.autocrm_ticket
             WHERE tenant = $1 AND status = $2 AND deleted_at IS NULL ORDER BY id DESC LIMIT 51",
        )
        .bind(Uid(tenant.as_uuid()))
        .bind(most)
        .fetch_all(&mut connection)
        .await?;
        latencies.add(asked.elapsed());
        if found.is_empty() {
            return Err(Failure::new("the bare list is empty"));
        }
    }
    Ok(latencies)
}
