//! The vector index port, in files.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use async_trait::async_trait;
use autocrm_core::{
    change::Position,
    error::{Error, ErrorKind, Result},
    id::{ArticleId, TenantId},
    knowledge::EmbeddingSpace,
    port::{VectorBatch, VectorHit, VectorIndex, VectorQuery},
};

use super::{
    codec::{Writer, header},
    folder::Folder,
    log::{Body, OpenLog, failed, path_of, sync_folder},
    space::Space,
};

/// From this length on, in bytes, a log is sealed and mapped; until then its bytes are in memory, too.
const SEALED_FROM: u64 = 32 << 20;

/// A vector index in a folder, held by one process.
///
/// A search compares the signs of every vector of its tenant with those of the query, 1 bit per dimension and without
/// a graph that would have to be kept up, and scores the 1,024 nearest that pass the filter exactly. Where at most 2,048
/// vectors pass it, or the space has fewer than 128 dimensions, all of them are scored and nothing is missed. A search
/// takes time in proportion to its tenant's passages, so this is the index for up to about a million of them. Vectors
/// are mapped from files; signs and ids, some 200 bytes per vector, are in memory. Clones are handles on the same index.
///
/// A new model is built in a space beside the old one, and one that is erased is removed from the files as well, not
/// only from what is searched.
#[derive(Debug, Clone)]
pub struct FlatVectorIndex {
    inner: Arc<Inner>,
}

/// How large an index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Footprint {
    /// How many vectors are searched, in all spaces.
    pub vectors: usize,
    /// The bytes of memory that are not mapped from files, about.
    pub memory: usize,
    /// The bytes on disk.
    pub disk: usize,
}

#[derive(Debug)]
struct Inner {
    /// From which length on a log is sealed.
    sealed_from: u64,
    /// Held while something is written: what is decided from the spaces stays true until it is on disk.
    writer: Mutex<Files>,
    spaces: RwLock<BTreeMap<EmbeddingSpace, Space>>,
}

#[derive(Debug)]
struct Files {
    folder: Folder,
    logs: BTreeMap<EmbeddingSpace, OpenLog>,
}

impl FlatVectorIndex {
    /// Opens the index in a folder, and makes it where there is none. What a crash left half-written is removed; what
    /// was acknowledged is there.
    ///
    /// # Errors
    ///
    /// `Unavailable` if another process or handle has the index open, or a file cannot be read or written; `Corrupt` if
    /// a file is damaged elsewhere than at its end, after which the folder can be removed and the index built anew;
    /// `SchemaTooNew` for files of a later version.
    pub fn open(folder: &Path) -> Result<Self> {
        Self::open_sealing(folder, SEALED_FROM)
    }

    pub(super) fn open_sealing(folder: &Path, sealed_from: u64) -> Result<Self> {
        let folder = Folder::open(folder)?;
        let (mut spaces, mut logs, mut unclean) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for path in folder.spaces()? {
            match Space::open(&path)? {
                None => folder.remove_space(&path)?,
                Some(opened) => {
                    unclean.push((opened.identity.clone(), opened.unclean));
                    logs.insert(opened.identity.clone(), opened.log);
                    if spaces.insert(opened.identity, opened.space).is_some() {
                        return Err(super::codec::corrupt("a space stands twice"));
                    }
                }
            }
        }
        let inner =
            Inner { sealed_from, writer: Mutex::new(Files { folder, logs }), spaces: RwLock::new(spaces) };
        for (space, found) in unclean {
            inner.purge(&mut inner.files(), &space, &found)?;
        }
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Returns how large the index is.
    pub fn footprint(&self) -> Footprint {
        let mut found = Footprint::default();
        for space in self.inner.read().values() {
            let (vectors, memory) = space.size();
            found.vectors += vectors;
            found.memory += memory;
            found.disk += space.bytes();
        }
        found
    }

    /// Does what takes long on a thread that may wait. Once begun it ends, also when its caller is gone.
    async fn work<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.inner);
        let working = tokio::task::spawn_blocking(move || work(&inner));
        working.await.map_err(|source| Error::new(ErrorKind::Internal, operation).source(source))?
    }
}

impl Inner {
    fn files(&self) -> MutexGuard<'_, Files> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<EmbeddingSpace, Space>> {
        self.spaces.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<EmbeddingSpace, Space>> {
        self.spaces.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, batch: &VectorBatch) -> Result<()> {
        batch.check()?;
        let mut files = self.files();
        let cursor =
            self.read().get(&batch.space).map(|space| space.cursor(batch.tenant)).unwrap_or_default();
        if !batch.follows(cursor)? {
            return Ok(());
        }
        let mut records = Writer::default();
        records.step(batch.tenant, batch.upto);
        for change in &batch.changes {
            records.change(change);
        }
        records.end();
        self.append(&mut files, &batch.space, &records)?;
        // What was asked for is done, whatever becomes of this: tidying up that fails is tried again after the next step.
        drop(self.tidy(&mut files, &batch.space));
        Ok(())
    }

    /// Puts records on disk, then into what is searched.
    fn append(&self, files: &mut Files, space: &EmbeddingSpace, records: &Writer) -> Result<()> {
        if !files.logs.contains_key(space) {
            let folder = files.folder.make_space()?;
            let head = header(space);
            let mut log = OpenLog::create(&folder, 1, &head)?;
            let mut own = Space::new(folder, space);
            own.add_log(log.number, head);
            // Without its first records a space is not held: a folder that has none goes when the index is opened.
            let base = log.append(&records.bytes)?;
            own.absorb(log.number, base, &records.bytes)?;
            files.logs.insert(space.clone(), log);
            self.write().insert(space.clone(), own);
            return Ok(());
        }
        let Some(log) = files.logs.get_mut(space) else { return Ok(()) };
        let base = log.append(&records.bytes)?;
        match self.write().get_mut(space) {
            Some(own) => own.absorb(log.number, base, &records.bytes),
            None => Ok(()),
        }
    }

    /// Seals a full log, and empties one of which little is searched any more.
    fn tidy(&self, files: &mut Files, space: &EmbeddingSpace) -> Result<()> {
        let Some(log) = files.logs.get(space) else { return Ok(()) };
        if log.length() >= self.sealed_from {
            self.roll(files, space)?;
        }
        let open = files.logs.get(space).map_or(0, |log| log.number);
        let dead = self.read().get(space).and_then(|own| own.mostly_dead(open));
        dead.map_or(Ok(()), |number| self.empty(files, space, number))
    }

    /// Goes on in a new log, which begins with every tenant's cursor, so that earlier logs can go.
    fn roll(&self, files: &mut Files, space: &EmbeddingSpace) -> Result<()> {
        let Some(full) = files.logs.get(space) else { return Ok(()) };
        let (folder, mut head) =
            (full.path().parent().unwrap_or_else(|| Path::new("")).to_owned(), header(space));
        if let Some(own) = self.read().get(space) {
            head.extend(own.cursors().bytes);
        }
        let (number, body) = (full.number, Body::map(full.path())?);
        let next = OpenLog::create(&folder, number + 1, &head)?;
        if let Some(own) = self.write().get_mut(space) {
            own.seal(number, body);
            own.add_log(next.number, head);
        }
        files.logs.insert(space.clone(), next);
        Ok(())
    }

    /// Moves what a sealed log still holds into the open one, and removes its file.
    fn empty(&self, files: &mut Files, space: &EmbeddingSpace, number: u32) -> Result<()> {
        let moves = self.read().get(space).map(|own| (own.moves(number), own.folder.clone()));
        let Some((records, folder)) = moves else { return Ok(()) };
        if !records.bytes.is_empty() {
            self.append(files, space, &records)?;
        }
        if let Some(own) = self.write().get_mut(space) {
            own.forget_log(number);
        }
        let path = path_of(&folder, number);
        fs::remove_file(&path).map_err(failed("vector_index.apply", &path))?;
        sync_folder(&folder)
    }

    /// Empties logs, the open one included.
    fn purge(&self, files: &mut Files, space: &EmbeddingSpace, logs: &[u32]) -> Result<()> {
        let open = files.logs.get(space).map_or(0, |log| log.number);
        if logs.contains(&open) {
            self.roll(files, space)?;
        }
        for number in logs {
            self.empty(files, space, *number)?;
        }
        Ok(())
    }

    fn erase(&self, tenant: TenantId, article: ArticleId) -> Result<()> {
        let mut files = self.files();
        let holding: Vec<(EmbeddingSpace, Vec<u32>)> = self
            .read()
            .iter()
            .map(|(space, own)| (space.clone(), own.logs_with(tenant, article)))
            .filter(|(_, logs)| !logs.is_empty())
            .collect();
        for (space, logs) in holding {
            // The record comes first: an erasure that is cut short is finished when the index is opened.
            let mut records = Writer::default();
            records.erase(tenant, article);
            self.append(&mut files, &space, &records)?;
            self.purge(&mut files, &space, &logs)?;
        }
        Ok(())
    }

    fn drop_spaces(&self, is_dropped: impl Fn(&EmbeddingSpace) -> bool) -> Result<()> {
        let mut files = self.files();
        let dropped: Vec<EmbeddingSpace> =
            self.read().keys().filter(|space| is_dropped(space)).cloned().collect();
        for space in dropped {
            files.logs.remove(&space);
            let own = self.write().remove(&space);
            if let Some(own) = own {
                files.folder.remove_space(&own.folder)?;
            }
        }
        Ok(())
    }

    fn search(&self, query: &VectorQuery) -> Result<Vec<VectorHit>> {
        let spaces = self.read();
        let space = query.embedding.space();
        let own = spaces.get(space).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "vector_index.search").context(format!("no space {space}"))
        })?;
        Ok(own.search(query))
    }
}

#[async_trait]
impl VectorIndex for FlatVectorIndex {
    async fn apply(&self, batch: &VectorBatch) -> Result<()> {
        let own = batch.clone();
        self.work("vector_index.apply", move |inner| inner.apply(&own)).await
    }

    async fn cursor(&self, space: &EmbeddingSpace, tenant: TenantId) -> Result<Position> {
        Ok(self.inner.read().get(space).map(|own| own.cursor(tenant)).unwrap_or_default())
    }

    async fn search(&self, query: &VectorQuery) -> Result<Vec<VectorHit>> {
        query.check()?;
        let own = query.clone();
        self.work("vector_index.search", move |inner| inner.search(&own)).await
    }

    async fn erase(&self, tenant: TenantId, article: ArticleId) -> Result<()> {
        self.work("vector_index.erase", move |inner| inner.erase(tenant, article)).await
    }

    async fn spaces(&self) -> Result<Vec<EmbeddingSpace>> {
        Ok(self.inner.read().keys().cloned().collect())
    }

    async fn drop_space(&self, space: &EmbeddingSpace) -> Result<()> {
        let own = space.clone();
        self.work("vector_index.drop_space", move |inner| inner.drop_spaces(|space| *space == own)).await
    }

    async fn clear(&self) -> Result<()> {
        self.work("vector_index.clear", |inner| inner.drop_spaces(|_| true)).await
    }
}
