//! A space in memory: what is searched, and in which logs its vectors are.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

use autocrm_core::{
    change::Position,
    error::Result,
    id::{ArticleId, TenantId},
    knowledge::EmbeddingSpace,
    port::{VectorHit, VectorQuery},
};

use super::{
    codec::{Change, Found, Record, Writer, corrupt, read_header, read_record},
    log::{Body, OpenLog, failed, numbers, path_of},
    shelf::{Place, Row, Shelf},
};

/// How large a step of moved vectors is about, in bytes.
const MOVED_STEP: usize = 4 << 20;

/// A log as it is searched.
#[derive(Debug)]
struct Log {
    body: Body,
    /// How many of its vectors are still searched.
    live: usize,
    /// How many vectors it holds.
    rows: usize,
    /// Whose vectors it holds, searched or not.
    held: HashSet<(TenantId, ArticleId)>,
}

impl Log {
    fn new(body: Body) -> Self {
        Self { body, live: 0, rows: 0, held: HashSet::new() }
    }
}

/// A space and everything in it.
#[derive(Debug)]
pub(super) struct Space {
    pub(super) folder: PathBuf,
    dimensions: usize,
    shelves: HashMap<TenantId, Shelf>,
    logs: BTreeMap<u32, Log>,
}

/// A space that was read from its folder.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) identity: EmbeddingSpace,
    pub(super) space: Space,
    pub(super) log: OpenLog,
    /// Logs that hold vectors of an article that was erased later.
    pub(super) unclean: Vec<u32>,
}

fn numbers_of(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number))
}

impl Space {
    pub(super) fn new(folder: PathBuf, identity: &EmbeddingSpace) -> Self {
        Self { folder, dimensions: identity.dimensions(), shelves: HashMap::new(), logs: BTreeMap::new() }
    }

    /// Reads the logs of a folder; `None` if a crash left it before anything was in it.
    pub(super) fn open(folder: &Path) -> Result<Option<Opened>> {
        let found = numbers(folder)?;
        let mut opened: Option<(EmbeddingSpace, Self)> = None;
        let mut unclean = HashSet::new();
        let mut last = None;
        for (at, number) in found.iter().enumerate() {
            let is_last = at + 1 == found.len();
            let path = path_of(folder, *number);
            let body = Body::map(&path)?;
            let Some((identity, begin)) = read_header(&body)? else {
                if is_last {
                    // A crash while the file was made: nothing was acknowledged in it.
                    std::fs::remove_file(&path).map_err(failed("vector_index.open", &path))?;
                    continue;
                }
                return Err(corrupt("a log ends early").context(path.display()));
            };
            let (known, space) =
                opened.get_or_insert_with(|| (identity.clone(), Self::new(folder.to_owned(), &identity)));
            if *known != identity {
                return Err(corrupt("a log of another space").context(path.display()));
            }
            let (end, erased) = space.replay(*number, body, begin)?;
            unclean.extend(erased);
            let length = space.logs.get(number).map_or(0, |log| log.body.len());
            if end < length && !is_last {
                return Err(corrupt("a record is damaged").context(path.display()));
            }
            last = Some((*number, end));
        }
        let (Some((identity, mut space)), Some((number, end))) = (opened, last) else { return Ok(None) };
        if space.shelves.is_empty() {
            return Ok(None);
        }
        let log = OpenLog::reopen(folder, number, end as u64)?;
        if let Some(own) = space.logs.get_mut(&number) {
            own.body = Body::Written(own.body.get(..end).unwrap_or_default().to_vec());
        }
        let mut unclean: Vec<u32> = unclean.into_iter().collect();
        unclean.sort_unstable();
        Ok(Some(Opened { identity, space, log, unclean }))
    }

    /// Reads a log: where its last whole record ends, and which logs hold vectors that it erases.
    fn replay(&mut self, number: u32, body: Body, begin: usize) -> Result<(usize, HashSet<u32>)> {
        self.logs.insert(number, Log::new(Body::Written(Vec::new())));
        let mut unclean = HashSet::new();
        let mut at = begin;
        while let Found::Record(record, next) = read_record(&body, at, self.dimensions)? {
            if let Record::Erase { tenant, article } = &record {
                unclean.extend(self.logs_with(*tenant, *article));
            }
            self.absorb_record(number, 0, &body, record)?;
            at = next;
        }
        if let Some(log) = self.logs.get_mut(&number) {
            log.body = body;
        }
        Ok((at, unclean))
    }

    /// Takes in a new log.
    pub(super) fn add_log(&mut self, number: u32, bytes: Vec<u8>) {
        self.logs.insert(number, Log::new(Body::Written(bytes)));
    }

    /// Lets a log be read from its file, which is not written to any more.
    pub(super) fn seal(&mut self, number: u32, body: Body) {
        if let Some(log) = self.logs.get_mut(&number) {
            log.body = body;
        }
    }

    /// Forgets a log without vectors that are searched.
    pub(super) fn forget_log(&mut self, number: u32) {
        self.logs.remove(&number);
    }

    /// Takes in records that were appended to a log at `base`.
    pub(super) fn absorb(&mut self, number: u32, base: usize, bytes: &[u8]) -> Result<()> {
        let mut at = 0;
        while let Found::Record(record, next) = read_record(bytes, at, self.dimensions)? {
            self.absorb_record(number, base, bytes, record)?;
            at = next;
        }
        if let Some(Log { body: Body::Written(held), .. }) = self.logs.get_mut(&number) {
            held.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn absorb_record(&mut self, number: u32, base: usize, bytes: &[u8], record: Record) -> Result<()> {
        match record {
            Record::Erase { tenant, article } => {
                let freed = self.shelves.get_mut(&tenant).map(|shelf| shelf.remove(article, self.dimensions));
                self.free(freed.unwrap_or_default());
            }
            Record::Step { tenant, upto, changes } => {
                for change in changes {
                    self.change(tenant, number, base, bytes, change)?;
                }
                let own = self.shelves.entry(tenant).or_default();
                own.cursor = own.cursor.max(upto);
            }
        }
        Ok(())
    }

    fn change(
        &mut self,
        tenant: TenantId,
        log: u32,
        base: usize,
        bytes: &[u8],
        change: Change,
    ) -> Result<()> {
        let dimensions = self.dimensions;
        let own = self.shelves.entry(tenant).or_default();
        let (article, freed, added) = match change {
            Change::Remove { article } => (article, own.remove(article, dimensions), 0),
            Change::Replace { article, visibility, language, chunks } => {
                let mut freed = own.remove(article, dimensions);
                let added = chunks.len();
                for (chunk, range) in chunks {
                    let offset = u32::try_from(base + range.start)
                        .map_err(|source| corrupt("a log is too long").source(source))?;
                    let place = Place { log, offset };
                    let row = Row { chunk, article, visibility, language: language.clone(), place };
                    let values = numbers_of(bytes.get(range).unwrap_or_default());
                    freed.extend(own.add(&row, values, dimensions));
                }
                (article, freed, added)
            }
        };
        if added > 0
            && let Some(holder) = self.logs.get_mut(&log)
        {
            holder.live += added;
            holder.rows += added;
            holder.held.insert((tenant, article));
        }
        self.free(freed);
        Ok(())
    }

    fn free(&mut self, places: Vec<Place>) {
        for place in places {
            if let Some(log) = self.logs.get_mut(&place.log) {
                log.live = log.live.saturating_sub(1);
            }
        }
    }

    /// Returns the position up to which a tenant's feed was applied.
    pub(super) fn cursor(&self, tenant: TenantId) -> Position {
        self.shelves.get(&tenant).map(|shelf| shelf.cursor).unwrap_or_default()
    }

    /// Returns how many vectors are searched, and the bytes of memory for them that are not mapped, about.
    pub(super) fn size(&self) -> (usize, usize) {
        let vectors: usize = self.shelves.values().map(Shelf::len).sum();
        // Signs, and ids, tag, place and the two maps of each row.
        let row = self.dimensions.div_ceil(64) * 8 + 32 + 4 + 8 + 48 + 40;
        let written = self.logs.values().filter(|log| matches!(log.body, Body::Written(_)));
        (vectors, vectors * row + written.map(|log| log.body.len()).sum::<usize>())
    }

    /// Returns the sum of the logs' lengths, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.logs.values().map(|log| log.body.len()).sum()
    }

    /// Returns the logs that hold vectors of an article, searched or not.
    pub(super) fn logs_with(&self, tenant: TenantId, article: ArticleId) -> Vec<u32> {
        let holds = |(_, log): &(&u32, &Log)| log.held.contains(&(tenant, article));
        self.logs.iter().filter(holds).map(|(number, _)| *number).collect()
    }

    /// Returns a log other than `open` of whose vectors less than half are searched.
    pub(super) fn mostly_dead(&self, open: u32) -> Option<u32> {
        let found = self.logs.iter().find(|(number, log)| **number != open && log.live * 2 <= log.rows);
        found.map(|(number, _)| *number)
    }

    /// Returns steps without changes that tell how far every tenant's feed was applied.
    pub(super) fn cursors(&self) -> Writer {
        let mut writer = Writer::default();
        for (tenant, shelf) in &self.shelves {
            writer.step(*tenant, shelf.cursor);
            writer.end();
        }
        writer
    }

    /// Returns steps that say again what a log holds and is still searched.
    pub(super) fn moves(&self, log: u32) -> Writer {
        let mut writer = Writer::default();
        for (tenant, shelf) in &self.shelves {
            let mut begun: Option<usize> = None;
            for (article, rows) in shelf.rows_in(log) {
                let Some(first) = rows.first() else { continue };
                if begun.is_some_and(|begin| writer.bytes.len() - begin > MOVED_STEP) {
                    writer.end();
                    begun = None;
                }
                if begun.is_none() {
                    begun = Some(writer.bytes.len());
                    writer.step(*tenant, shelf.cursor);
                }
                writer.replace(article, first.visibility, first.language.as_ref(), rows.len());
                for row in &rows {
                    writer.stored(row.chunk, self.vector(row.place));
                }
            }
            if begun.is_some() {
                writer.end();
            }
        }
        writer
    }

    /// Returns the bytes of a vector.
    fn vector(&self, place: Place) -> &[u8] {
        let begin = place.offset as usize;
        let end = begin + self.dimensions * size_of::<f32>();
        self.logs.get(&place.log).and_then(|log| log.body.get(begin..end)).unwrap_or_default()
    }

    /// Returns the hits of a query, whose check has passed.
    pub(super) fn search(&self, query: &VectorQuery) -> Vec<VectorHit> {
        let own = self.shelves.get(&query.tenant);
        own.map(|own| own.search(query, |place| self.vector(place))).unwrap_or_default()
    }
}
