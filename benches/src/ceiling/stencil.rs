//! The rows of one recorded create, from which any number of others are stamped, byte for byte but for their keys.

use std::collections::{BTreeMap, HashMap, HashSet};

use autocrm_core::{
    access::Scope,
    app::AutoCrm,
    clock::{Clock as _, SystemClock},
    id::{IdSource as _, RandomIds},
};
use uuid::Uuid;

use super::row::{Cell, Row};
use crate::{
    desk::{self, Desk},
    failure::{Failure, Result},
    words::Vocabulary,
};

/// Columns whose numbers run on from row to row.
const RUNNING: [&str; 4] = ["row", "number", "position", "arrival"];

/// How the value of a column is made.
#[derive(Debug, Clone)]
enum Ink {
    /// The same in every row.
    Same(Cell),
    /// The next number of this column of the table.
    Running(usize),
    /// The number that this column of another row has.
    Like(usize),
    /// A fresh id.
    Fresh(usize),
    /// A text with fresh ids, or with the key of the request, at some places.
    Pieces(Vec<Piece>),
}

#[derive(Debug, Clone)]
enum Piece {
    Literal(String),
    Id(usize),
    Key,
}

/// A row to be stamped.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) table: String,
    pub(crate) columns: Vec<String>,
    inks: Vec<Ink>,
}

/// All rows of a create.
#[derive(Debug)]
pub(crate) struct Stencil {
    pub(crate) patterns: Vec<Pattern>,
    /// The number of rows by table.
    rows: BTreeMap<String, usize>,
    ids: usize,
    numbers: Vec<i64>,
    made: u64,
}

/// Every row of the tables, before or after the recorded create.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) tables: BTreeMap<String, Vec<Row>>,
    /// Rows of a search index that is no ordinary table, as the words that it holds for them.
    pub(crate) search: BTreeMap<i64, BTreeMap<String, String>>,
    pub(crate) search_table: Option<String>,
}

impl Pattern {
    /// Returns the names of the columns, quoted.
    pub(crate) fn names(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|name| format!("\"{name}\"")).collect();
        names.join(", ")
    }
}

impl Stencil {
    /// Records one create of the workload on a new desk: `look` reads everything that the database holds.
    pub(crate) async fn record(
        crm: AutoCrm,
        vocabulary: &Vocabulary,
        seed: u64,
        mut look: impl AsyncFnMut() -> Result<Snapshot>,
    ) -> Result<Self> {
        let small = desk::found(crm, 2).await?;
        // The first create of a tenant may write what later ones do not.
        small.open_ticket(vocabulary, seed, 0).await?;
        let scope = Scope::tenant_wide(small.tenant);
        // Whoever reads the head sees every commit in its place.
        small.crm.store().head(&scope).await?;
        let before = look().await?;
        let key = Desk::request_name(1);
        small.open_ticket(vocabulary, seed, 1).await?;
        small.crm.store().head(&scope).await?;
        Self::cut(&before, &look().await?, &key)
    }

    /// Cuts the stencil from what a create under the request key `key` added.
    fn cut(before: &Snapshot, after: &Snapshot, key: &str) -> Result<Self> {
        let known: HashSet<&Vec<u8>> = before.tables.values().flatten().flat_map(ids_of).collect();
        let mut cutter =
            Cutter { key, known, ids: HashMap::new(), numbers: Vec::new(), places: HashMap::new() };
        let mut patterns = Vec::new();
        let mut counts = BTreeMap::new();
        for (table, present) in &after.tables {
            let earlier = before.tables.get(table).map_or(&[][..], Vec::as_slice);
            if present.len() == earlier.len() {
                continue;
            }
            let added: Vec<&Row> = present.iter().filter(|row| !earlier.contains(row)).collect();
            counts.insert(table.clone(), added.len());
            for row in added {
                patterns.push(cutter.pattern(table, row, present));
            }
        }
        if let Some(table) = &after.search_table {
            for (row, words) in after.search.iter().filter(|(row, _)| !before.search.contains_key(row)) {
                *counts.entry(table.clone()).or_default() += 1;
                patterns.push(cutter.search_pattern(table, *row, words)?);
            }
        }
        if patterns.is_empty() {
            return Err(Failure::new("the recorded create wrote no rows"));
        }
        let (ids, numbers) = (cutter.ids.len(), cutter.numbers);
        Ok(Self { patterns, rows: counts, ids, numbers, made: 0 })
    }

    /// Returns the values of the next create, row by row.
    pub(crate) fn stamp(&mut self) -> Vec<Vec<Cell>> {
        self.made += 1;
        let now = SystemClock.now();
        let ids: Vec<Uuid> = (0..self.ids).map(|_| RandomIds.uuid(now)).collect();
        let key = format!("ceiling-{:09}", self.made);
        let mut stamped = Vec::with_capacity(self.patterns.len());
        for pattern in &self.patterns {
            let mut cells = Vec::with_capacity(pattern.inks.len());
            for ink in &pattern.inks {
                cells.push(match ink {
                    Ink::Same(cell) => cell.clone(),
                    Ink::Fresh(at) => Cell::Blob(ids[*at].as_bytes().to_vec()),
                    Ink::Running(at) => {
                        self.numbers[*at] += 1;
                        Cell::Integer(self.numbers[*at])
                    }
                    Ink::Like(at) => Cell::Integer(self.numbers[*at]),
                    Ink::Pieces(pieces) => Cell::Text(join(pieces, &ids, &key)),
                });
            }
            stamped.push(cells);
        }
        stamped
    }

    /// Returns how many rows a create writes.
    pub(crate) fn rows_per_create(&self) -> usize {
        self.patterns.len()
    }

    /// Returns the number of rows by table, as lines.
    pub(crate) fn listed(&self) -> Vec<String> {
        self.rows.iter().map(|(table, count)| format!("{table}: {count}")).collect()
    }
}

fn join(pieces: &[Piece], ids: &[Uuid], key: &str) -> String {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Literal(literal) => text.push_str(literal),
            Piece::Id(at) => text.push_str(ids[*at].hyphenated().encode_lower(&mut Uuid::encode_buffer())),
            Piece::Key => text.push_str(key),
        }
    }
    text
}

fn ids_of(row: &Row) -> impl Iterator<Item = &Vec<u8>> {
    row.cells.iter().filter_map(|cell| match cell {
        Cell::Blob(bytes) if bytes.len() == 16 => Some(bytes),
        _ => None,
    })
}

struct Cutter<'a> {
    key: &'a str,
    known: HashSet<&'a Vec<u8>>,
    ids: HashMap<Vec<u8>, usize>,
    numbers: Vec<i64>,
    /// The running number of a column of a table.
    places: HashMap<(String, String), usize>,
}

impl Cutter<'_> {
    fn pattern(&mut self, table: &str, row: &Row, present: &[Row]) -> Pattern {
        let mut inks = Vec::with_capacity(row.cells.len());
        for (column, cell) in row.columns.iter().zip(&row.cells) {
            inks.push(match cell {
                Cell::Integer(_) if RUNNING.contains(&column.as_str()) => {
                    let last = present.iter().map(|other| other.get(column).integer()).max().unwrap_or(0);
                    Ink::Running(self.running(table, column, last))
                }
                Cell::Blob(bytes) if bytes.len() == 16 && !self.known.contains(bytes) => {
                    let next = self.ids.len();
                    Ink::Fresh(*self.ids.entry(bytes.clone()).or_insert(next))
                }
                other => Ink::Same(other.clone()),
            });
        }
        for ink in &mut inks {
            if let Ink::Same(Cell::Text(text)) = ink {
                let pieces = self.pieces(text);
                if pieces.len() > 1 || !matches!(pieces.first(), Some(Piece::Literal(_)) | None) {
                    *ink = Ink::Pieces(pieces);
                }
            }
        }
        Pattern { table: table.to_owned(), columns: row.columns.clone(), inks }
    }

    fn running(&mut self, table: &str, column: &str, last: i64) -> usize {
        let next = self.numbers.len();
        let place = *self.places.entry((table.to_owned(), column.to_owned())).or_insert(next);
        if place == next {
            self.numbers.push(last);
        }
        place
    }

    fn search_pattern(&mut self, table: &str, row: i64, words: &BTreeMap<String, String>) -> Result<Pattern> {
        let message = ("autocrm_message".to_owned(), "row".to_owned());
        let place = self.places.get(&message).copied();
        let same_row = place.ok_or_else(|| {
            Failure::new(format!("row {row} of {table} does not follow the numbers of autocrm_message"))
        })?;
        let mut columns = vec!["rowid".to_owned()];
        let mut inks = vec![Ink::Like(same_row)];
        for (column, text) in words {
            columns.push(column.clone());
            inks.push(Ink::Same(Cell::Text(text.clone())));
        }
        Ok(Pattern { table: table.to_owned(), columns, inks })
    }

    /// Cuts a text at the ids and the key that it holds. Ids of a row come before its texts, and a create's ids are
    /// those of its rows, so that by the second pass every one is known.
    fn pieces(&mut self, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut rest = text;
        'text: while !rest.is_empty() {
            let marks = rest.char_indices().map(|(at, _)| at);
            for at in marks {
                let tail = &rest[at..];
                let (piece, length) = if tail.starts_with(self.key) {
                    (Piece::Key, self.key.len())
                } else if let Some(place) = self.id_at(tail) {
                    (Piece::Id(place), 36)
                } else {
                    continue;
                };
                if at > 0 {
                    pieces.push(Piece::Literal(rest[..at].to_owned()));
                }
                pieces.push(piece);
                rest = &rest[at + length..];
                continue 'text;
            }
            pieces.push(Piece::Literal(rest.to_owned()));
            break;
        }
        pieces
    }

    /// Returns the fresh id that `text` begins with, as a UUID with hyphens.
    fn id_at(&mut self, text: &str) -> Option<usize> {
        let uuid = Uuid::try_parse(text.get(..36)?).ok()?;
        let bytes = uuid.as_bytes().to_vec();
        if self.known.contains(&bytes) {
            return None;
        }
        let next = self.ids.len();
        Some(*self.ids.entry(bytes).or_insert(next))
    }
}
