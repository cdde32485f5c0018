//! The index: opening, applying changes, searching.

use std::{
    fmt, fs,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use async_trait::async_trait;
use autocrm_core::{
    change::Position,
    error::{Error, ErrorKind, Result},
    id::{ArticleId, ChunkId, TenantId},
    port::{IndexChange, TextHit, TextIndex, TextQuery},
};
use tantivy::{
    Index, IndexReader, IndexWriter, Order, ReloadPolicy, Searcher,
    collector::{
        TopDocs,
        sort_key::{SortBySimilarityScore, SortByStaticFastValue},
    },
    directory::{MmapDirectory, RamDirectory},
    indexer::LogMergePolicy,
};
use uuid::Uuid;

use super::{
    document::ArticleText,
    error::translate,
    payload::Payload,
    query::build,
    schema::{ARTICLE_COLUMNS, CHUNK_COLUMNS, DIGEST_COLUMN, Fields},
};
use crate::words::Stemmer;

/// What the writer may hold in memory before it writes a segment, in bytes.
const WRITER_MEMORY: usize = 32 * 1024 * 1024;

/// The largest number of hits of one search.
const MAX_LIMIT: usize = 200;

/// From this share of deleted passages on, a segment is rewritten, because they count in the word statistics.
const REWRITTEN_FROM: f32 = 0.2;

/// A BM25 index of passages, in a directory of its own or in memory.
///
/// Words are stemmed by the language of their article; codes are kept verbatim. The index is derived: if
/// [`open`](Self::open) refuses a directory, [`create`](Self::create) empties it and the follower fills it from the
/// feed. One process at a time applies changes to a directory; the handle that applies them sees them.
///
/// Word statistics span the whole index, so a score tells nothing certain about one tenant and is never shown.
#[derive(Clone)]
pub struct LexicalIndex {
    inner: Arc<Inner>,
}

struct Inner {
    index: Index,
    reader: IndexReader,
    fields: Fields,
    /// Opened by the first change, because it locks the directory against other writers.
    writer: Mutex<Option<IndexWriter>>,
    view: RwLock<Arc<View>>,
}

/// One commit as searches see it.
struct View {
    searcher: Searcher,
    stemmers: Vec<Stemmer>,
    payload: Payload,
}

impl LexicalIndex {
    /// Returns an empty index in memory.
    pub fn in_memory() -> Result<Self> {
        let index = new_index(RamDirectory::create(), "text_index.create")?;
        Self::over(index, "text_index.create")
    }

    /// Opens the index in `directory`.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is no index, `Corrupt` if it cannot be read, `SchemaOutdated` or `SchemaTooNew` if another
    /// version of this library wrote it, `Unavailable` if the directory cannot be read. All but the last are mended by
    /// [`create`](Self::create).
    pub fn open(directory: impl AsRef<Path>) -> Result<Self> {
        let operation = "text_index.open";
        if !directory.as_ref().join("meta.json").exists() {
            return Err(Error::new(ErrorKind::NotFound, operation));
        }
        let opened = guarded(operation, || {
            let index = Index::open_in_dir(directory.as_ref()).map_err(translate(operation))?;
            Payload::parse(metas(&index, operation)?.payload.as_deref())?;
            if index.schema() != Fields::new().schema {
                return Err(Error::new(ErrorKind::SchemaOutdated, operation).context("fields"));
            }
            Self::over(index, operation)
        });
        // An index that exists but lacks a file, or has one that makes no sense, is damaged.
        opened.map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::Internal => {
                Error::new(ErrorKind::Corrupt, operation).source(error)
            }
            _ => error,
        })
    }

    /// Makes an empty index in `directory`, which is created if it is missing. What an earlier index left there is
    /// deleted; files that no index wrote stay.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the directory cannot be written or another process applies changes to it.
    pub fn create(directory: impl AsRef<Path>) -> Result<Self> {
        let operation = "text_index.create";
        let unavailable =
            |source: std::io::Error| Error::new(ErrorKind::Unavailable, operation).source(source);
        fs::create_dir_all(directory.as_ref()).map_err(unavailable)?;
        for entry in fs::read_dir(directory.as_ref()).map_err(unavailable)? {
            let path = entry.map_err(unavailable)?.path();
            if is_index_file(&path) {
                fs::remove_file(path).map_err(unavailable)?;
            }
        }
        let storage =
            MmapDirectory::open(directory.as_ref()).map_err(|error| translate(operation)(error.into()))?;
        let index = new_index(storage, operation)?;
        Self::over(index, operation)
    }

    /// Opens the index in `directory`, or makes an empty one where there is none. A damaged or foreign index is an
    /// error as in [`open`](Self::open).
    pub fn open_or_create(directory: impl AsRef<Path>) -> Result<Self> {
        match Self::open(directory.as_ref()) {
            Err(error) if error.kind() == ErrorKind::NotFound => Self::create(directory),
            opened => opened,
        }
    }

    /// Reads every file of the index and compares checksums; for `doctor`, because it takes as long as reading does.
    ///
    /// # Errors
    ///
    /// `Corrupt` with the number of damaged files.
    pub fn verify(&self) -> Result<()> {
        let operation = "text_index.verify";
        let damaged =
            guarded(operation, || self.inner.index.validate_checksum().map_err(translate(operation)))?;
        if damaged.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Corrupt, operation)
            .context(format_args!("{} damaged files", damaged.len())))
    }

    /// Returns the number of passages that can be found, over all tenants.
    pub fn passages(&self) -> u64 {
        self.inner.view().searcher.num_docs()
    }

    /// Does everything that [`apply`](TextIndex::apply) does before it commits, as a process that dies then.
    #[cfg(test)]
    pub(crate) fn write_without_commit(&self, tenant: TenantId, changes: &[IndexChange]) -> Result<()> {
        let mut slot = self.inner.writer();
        let mut writer = match slot.take() {
            Some(writer) => writer,
            None => new_writer(&self.inner.index, "test")?,
        };
        for (article, change) in last_changes(changes) {
            self.inner.apply_one(&mut writer, &self.inner.view(), tenant, article, change)?;
        }
        *slot = Some(writer);
        Ok(())
    }

    fn over(index: Index, operation: &'static str) -> Result<Self> {
        let reader = index
            .reader_builder()
            // Reloaded by us after each commit, so that one view serves all pages between two changes.
            .reload_policy(ReloadPolicy::Manual)
            .try_into()
            .map_err(translate(operation))?;
        let fields = Fields::new();
        let view = RwLock::new(Arc::new(View::of(&index, &reader, &fields, operation)?));
        Ok(Self { inner: Arc::new(Inner { index, reader, fields, writer: Mutex::new(None), view }) })
    }
}

impl fmt::Debug for LexicalIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LexicalIndex").field("passages", &self.passages()).finish_non_exhaustive()
    }
}

/// Makes an index whose first commit already carries the format.
fn new_index(directory: impl tantivy::Directory, operation: &'static str) -> Result<Index> {
    let index = Index::builder()
        .schema(Fields::new().schema)
        .open_or_create(directory)
        .map_err(translate(operation))?;
    let mut writer = new_writer(&index, operation)?;
    commit(&mut writer, &Payload::new(), operation)?;
    Ok(index)
}

fn new_writer(index: &Index, operation: &'static str) -> Result<IndexWriter> {
    let writer = index.writer_with_num_threads(1, WRITER_MEMORY).map_err(translate(operation))?;
    let mut policy = LogMergePolicy::default();
    policy.set_del_docs_ratio_before_merge(REWRITTEN_FROM);
    writer.set_merge_policy(Box::new(policy));
    Ok(writer)
}

fn commit(writer: &mut IndexWriter, payload: &Payload, operation: &'static str) -> Result<()> {
    let text = payload.to_text()?;
    let mut prepared = writer.prepare_commit().map_err(translate(operation))?;
    prepared.set_payload(&text);
    prepared.commit().map_err(translate(operation))?;
    Ok(())
}

fn metas(index: &Index, operation: &'static str) -> Result<tantivy::IndexMeta> {
    index.load_metas().map_err(translate(operation))
}

/// Runs a call into tantivy, which panics on some damaged files.
fn guarded<T>(operation: &'static str, call: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Corrupt, operation).context("a file makes no sense")))
}

/// Returns whether tantivy wrote the file: its metas, locks, or a segment's part (32 hexadecimal digits and an ending).
fn is_index_file(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let is_segment = name
        .split_once('.')
        .is_some_and(|(stem, _)| stem.len() == 32 && stem.bytes().all(|byte| byte.is_ascii_hexdigit()));
    path.is_file()
        && (is_segment || name == "meta.json" || name == ".managed.json" || name.starts_with(".tantivy-"))
}

impl View {
    fn of(index: &Index, reader: &IndexReader, fields: &Fields, operation: &'static str) -> Result<Self> {
        reader.reload().map_err(translate(operation))?;
        let searcher = reader.searcher();
        let payload = Payload::parse(metas(index, operation)?.payload.as_deref())?;
        let mut languages = std::collections::BTreeSet::new();
        for segment in searcher.segment_readers() {
            let inverted = segment.inverted_index(fields.language).map_err(translate(operation))?;
            let mut terms = inverted.terms().stream().map_err(|error| translate(operation)(error.into()))?;
            while terms.advance() {
                languages.insert(String::from_utf8_lossy(terms.key()).into_owned());
            }
        }
        let stemmers = languages.iter().map(|language| Stemmer::of(Some(language))).collect();
        Ok(Self { searcher, stemmers, payload })
    }
}

impl Inner {
    fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn writer(&self) -> MutexGuard<'_, Option<IndexWriter>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `change` on the writer, commits with `payload` and shows the result. After a failure the writer is given
    /// up with everything that was not committed.
    fn write(
        &self,
        operation: &'static str,
        change: impl FnOnce(&mut IndexWriter, &View) -> Result<Payload>,
    ) -> Result<()> {
        let mut slot = self.writer();
        let mut writer = match slot.take() {
            Some(writer) => writer,
            None => new_writer(&self.index, operation)?,
        };
        let payload = change(&mut writer, &self.view())?;
        commit(&mut writer, &payload, operation)?;
        *slot = Some(writer);
        let view = View::of(&self.index, &self.reader, &self.fields, operation)?;
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
        Ok(())
    }

    fn apply(&self, tenant: TenantId, changes: &[IndexChange], upto: Position) -> Result<()> {
        let operation = "text_index.apply";
        self.write(operation, |writer, view| {
            for (article, change) in last_changes(changes) {
                self.apply_one(writer, view, tenant, article, change)?;
            }
            let mut payload = view.payload.clone();
            payload.advance(tenant, upto);
            Ok(payload)
        })
    }

    fn apply_one(
        &self,
        writer: &mut IndexWriter,
        view: &View,
        tenant: TenantId,
        article: ArticleId,
        change: &IndexChange,
    ) -> Result<()> {
        let operation = "text_index.apply";
        let mut documents = Vec::new();
        if let IndexChange::Replace { title, visibility, language, chunks, .. } = change {
            let text = ArticleText {
                tenant,
                article,
                title,
                visibility: *visibility,
                language: language.as_ref(),
                chunks,
            };
            // What is already searched is not written again: a replay then leaves even the word statistics alone.
            if view.holds(&self.fields, &text).map_err(translate(operation))? {
                return Ok(());
            }
            documents = text.documents(&self.fields);
        }
        writer.delete_term(self.fields.article_term(tenant, article));
        for document in documents {
            writer.add_document(document).map_err(translate(operation))?;
        }
        Ok(())
    }

    fn search(&self, query: &TextQuery) -> Result<Vec<TextHit>> {
        let operation = "text_index.search";
        if query.visibilities.is_empty() || !(1..=MAX_LIMIT).contains(&query.limit) {
            return Err(Error::new(ErrorKind::Invalid, operation).context("visibilities or limit"));
        }
        let view = self.view();
        let passages = usize::try_from(view.searcher.num_docs()).unwrap_or(usize::MAX);
        if query.offset >= passages {
            return Ok(Vec::new());
        }
        let Some(built) = build(&self.fields, query, &view.stemmers) else { return Ok(Vec::new()) };
        let column = |name: &str| (SortByStaticFastValue::<u64>::for_field(name), Order::Asc);
        let order =
            ((SortBySimilarityScore, Order::Desc), column(CHUNK_COLUMNS[0]), column(CHUNK_COLUMNS[1]));
        let collector =
            TopDocs::with_limit(query.limit.min(passages)).and_offset(query.offset).order_by(order);
        let found = view.searcher.search(&built, &collector).map_err(translate(operation))?;
        let mut hits = Vec::with_capacity(found.len());
        for ((score, high, low), address) in found {
            let columns = view.searcher.segment_reader(address.segment_ord).fast_fields();
            let value = |name: &str| -> Result<Option<u64>> {
                Ok(columns.u64(name).map_err(translate(operation))?.first(address.doc_id))
            };
            let article = (value(ARTICLE_COLUMNS[0])?, value(ARTICLE_COLUMNS[1])?);
            let ((Some(high), Some(low)), (Some(article_high), Some(article_low))) = ((high, low), article)
            else {
                return Err(Error::new(ErrorKind::Corrupt, operation).context("a passage without ids"));
            };
            hits.push(TextHit {
                chunk: ChunkId::from_uuid(Uuid::from_u64_pair(high, low)),
                article: ArticleId::from_uuid(Uuid::from_u64_pair(article_high, article_low)),
                score,
            });
        }
        Ok(hits)
    }
}

impl View {
    /// Returns whether exactly these passages of the article are searched already.
    fn holds(&self, fields: &Fields, text: &ArticleText<'_>) -> tantivy::Result<bool> {
        let term = fields.article_term(text.tenant, text.article);
        let wanted = text.digest();
        let mut found = 0;
        for segment in self.searcher.segment_readers() {
            let digests = segment.fast_fields().u64(DIGEST_COLUMN)?;
            let inverted = segment.inverted_index(fields.article)?;
            let option = tantivy::schema::IndexRecordOption::Basic;
            let Some(mut postings) = inverted.read_postings(&term, option)? else { continue };
            let mut document = tantivy::DocSet::doc(&postings);
            while document != tantivy::TERMINATED {
                if !segment.is_deleted(document) {
                    if digests.first(document) != Some(wanted) {
                        return Ok(false);
                    }
                    found += 1;
                }
                document = tantivy::DocSet::advance(&mut postings);
            }
        }
        Ok(found == text.chunks.len())
    }
}

/// Returns the last change of each article: earlier ones of the same batch were never visible.
fn last_changes(changes: &[IndexChange]) -> Vec<(ArticleId, &IndexChange)> {
    let mut seen = std::collections::HashSet::new();
    let mut last: Vec<(ArticleId, &IndexChange)> = Vec::new();
    for change in changes.iter().rev() {
        let article = match change {
            IndexChange::Replace { article, .. } | IndexChange::Remove { article } => *article,
        };
        if seen.insert(article) {
            last.push((article, change));
        }
    }
    last.reverse();
    last
}

/// Runs blocking work off the async threads. The work runs to its end even if the caller goes away.
async fn blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(move || guarded(operation, work)).await {
        Ok(outcome) => outcome,
        Err(source) => Err(Error::new(ErrorKind::Unavailable, operation).source(source)),
    }
}

#[async_trait]
impl TextIndex for LexicalIndex {
    async fn apply(&self, tenant: TenantId, changes: &[IndexChange], upto: Position) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        let owned = changes.to_vec();
        blocking("text_index.apply", move || inner.apply(tenant, &owned, upto)).await
    }

    async fn cursor(&self, tenant: TenantId) -> Result<Position> {
        Ok(self.inner.view().payload.cursor(tenant))
    }

    async fn search(&self, query: &TextQuery) -> Result<Vec<TextHit>> {
        let inner = Arc::clone(&self.inner);
        let owned = query.clone();
        blocking("text_index.search", move || inner.search(&owned)).await
    }

    async fn clear(&self) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        blocking("text_index.clear", move || {
            inner.write("text_index.clear", |writer, _| {
                writer.delete_all_documents().map_err(translate("text_index.clear"))?;
                Ok(Payload::new())
            })
        })
        .await
    }
}
