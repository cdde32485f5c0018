//! The bytes of a log: its header and its records, little-endian.
//!
//! ```text
//! header  "ACRMVEC" · format u8 · length u32 · crc u32 · space
//! space   model length u16 · model · version length u16 · version · metric u8 · dimensions u32
//! record  length u32 · crc u32 · content
//! content 1 · tenant · position u64 · changes u32 · change*      a step of a tenant's feed
//!         2 · tenant · article                                   an erasure
//! change  0 · article                                            removed
//!         1 · article · visibility u8 · language length u8 · language · chunks u32 · (chunk · f32*)*
//! ```

use std::ops::Range;

use autocrm_core::{
    access::ArticleVisibility,
    change::Position,
    error::{Error, ErrorKind, Result},
    id::{ArticleId, ChunkId, TenantId},
    knowledge::{EmbeddingSpace, Metric},
    port::VectorChange,
    text::{Key, Language, ModelName},
};
use uuid::Uuid;

const MAGIC: &[u8; 7] = b"ACRMVEC";
const FORMAT: u8 = 1;
/// What stands before the content of a record.
pub(super) const FRAME: usize = 8;
const HEADER_FRAME: usize = 16;

/// A change as a log holds it: its vectors are ranges of the bytes that were read.
#[derive(Debug)]
pub(super) enum Change {
    Replace {
        article: ArticleId,
        visibility: ArticleVisibility,
        language: Option<Language>,
        chunks: Vec<(ChunkId, Range<usize>)>,
    },
    Remove {
        article: ArticleId,
    },
}

/// What a record says.
#[derive(Debug)]
pub(super) enum Record {
    Step { tenant: TenantId, upto: Position, changes: Vec<Change> },
    Erase { tenant: TenantId, article: ArticleId },
}

/// What stands at a place of a log.
#[derive(Debug)]
pub(super) enum Found {
    /// A whole record, and where the next one begins.
    Record(Record, usize),
    /// The end.
    End,
    /// Bytes that are no whole record: what a crash left, or damage.
    Torn,
}

pub(super) fn corrupt(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, "vector_index.open").context(what)
}

fn push_length(bytes: &mut Vec<u8>, length: usize) {
    // Records are bounded far below 4 GiB by the limits of a batch.
    bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

/// Returns the header of the logs of a space.
pub(super) fn header(space: &EmbeddingSpace) -> Vec<u8> {
    let mut content = Vec::new();
    for text in [space.model().as_str(), space.version().as_str()] {
        content.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
        content.extend_from_slice(text.as_bytes());
    }
    content.push(match space.metric() {
        Metric::Cosine => 0,
    });
    push_length(&mut content, space.dimensions());
    let mut bytes = MAGIC.to_vec();
    bytes.push(FORMAT);
    push_length(&mut bytes, content.len());
    bytes.extend(crc32fast::hash(&content).to_le_bytes());
    bytes.extend(content);
    bytes
}

/// Reads a header: the space and where the records begin; `None` if it was cut off by a crash.
pub(super) fn read_header(bytes: &[u8]) -> Result<Option<(EmbeddingSpace, usize)>> {
    if bytes.len() < HEADER_FRAME {
        return Ok(None);
    }
    let mut reader = Reader { bytes, at: 0 };
    if reader.take(MAGIC.len())? != MAGIC {
        return Err(corrupt("not a log of vectors"));
    }
    let format = reader.byte()?;
    if format > FORMAT {
        let error = Error::new(ErrorKind::SchemaTooNew, "vector_index.open");
        return Err(error.context(format_args!("format {format}")));
    }
    let (length, crc) = (reader.length()?, reader.u32()?);
    let Ok(content) = reader.take(length) else { return Ok(None) };
    if crc32fast::hash(content) != crc {
        return Err(corrupt("the header of a log"));
    }
    let end = reader.at;
    let mut inner = Reader { bytes: content, at: 0 };
    let (model, version) = (inner.text()?.to_owned(), inner.text()?.to_owned());
    let metric = match inner.byte()? {
        0 => Metric::Cosine,
        _ => return Err(corrupt("a metric")),
    };
    let dimensions = inner.length()?;
    let model = ModelName::new(model).map_err(|source| corrupt("a model").source(source))?;
    let version = Key::new(version).map_err(|source| corrupt("a version").source(source))?;
    let space = EmbeddingSpace::new(model, version, dimensions, metric)
        .map_err(|source| corrupt("a space").source(source))?;
    Ok(Some((space, end)))
}

/// Puts a frame around the content that begins at `start`.
fn frame(bytes: &mut [u8], start: usize) {
    let Some((head, content)) = bytes.get_mut(start..).and_then(|own| own.split_at_mut_checked(FRAME)) else {
        return;
    };
    let (length, crc) = head.split_at_mut(4);
    length.copy_from_slice(&u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes());
    crc.copy_from_slice(&crc32fast::hash(content).to_le_bytes());
}

/// Writes records one after the other.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
    start: usize,
    counted: usize,
    changes: u32,
}

impl Writer {
    /// Begins a step of a tenant's feed.
    pub(super) fn step(&mut self, tenant: TenantId, upto: Position) {
        self.start = self.bytes.len();
        self.bytes.extend([0; FRAME]);
        self.bytes.push(1);
        self.bytes.extend_from_slice(tenant.as_uuid().as_bytes());
        self.bytes.extend(upto.get().to_le_bytes());
        self.counted = self.bytes.len();
        self.changes = 0;
        self.bytes.extend(0_u32.to_le_bytes());
    }

    /// Adds a change of the feed to the step.
    pub(super) fn change(&mut self, change: &VectorChange) {
        match change {
            VectorChange::Remove { article } => {
                self.changes += 1;
                self.bytes.push(0);
                self.bytes.extend_from_slice(article.as_uuid().as_bytes());
            }
            VectorChange::Replace { article, visibility, language, chunks } => {
                self.replace(*article, *visibility, language.as_ref(), chunks.len());
                for chunk in chunks {
                    self.bytes.extend_from_slice(chunk.id.as_uuid().as_bytes());
                    self.bytes.extend(chunk.embedding.values().iter().flat_map(|value| value.to_le_bytes()));
                }
            }
        }
    }

    /// Begins an article's passages; `chunks` of them follow.
    pub(super) fn replace(
        &mut self,
        article: ArticleId,
        visibility: ArticleVisibility,
        language: Option<&Language>,
        chunks: usize,
    ) {
        self.changes += 1;
        self.bytes.push(1);
        self.bytes.extend_from_slice(article.as_uuid().as_bytes());
        self.bytes.push(match visibility {
            ArticleVisibility::Public => 0,
            ArticleVisibility::Tenant => 1,
            ArticleVisibility::Internal => 2,
        });
        let code = language.map_or("", |language| language.as_str());
        self.bytes.push(u8::try_from(code.len()).unwrap_or(0));
        self.bytes.extend_from_slice(code.as_bytes());
        push_length(&mut self.bytes, chunks);
    }

    /// Adds a passage whose vector is stored already.
    pub(super) fn stored(&mut self, chunk: ChunkId, vector: &[u8]) {
        self.bytes.extend_from_slice(chunk.as_uuid().as_bytes());
        self.bytes.extend_from_slice(vector);
    }

    /// Ends the step.
    pub(super) fn end(&mut self) {
        if let Some(count) = self.bytes.get_mut(self.counted..self.counted + 4) {
            count.copy_from_slice(&self.changes.to_le_bytes());
        }
        frame(&mut self.bytes, self.start);
    }

    /// Writes an erasure.
    pub(super) fn erase(&mut self, tenant: TenantId, article: ArticleId) {
        let start = self.bytes.len();
        self.bytes.extend([0; FRAME]);
        self.bytes.push(2);
        self.bytes.extend_from_slice(tenant.as_uuid().as_bytes());
        self.bytes.extend_from_slice(article.as_uuid().as_bytes());
        frame(&mut self.bytes, start);
    }
}

/// Reads what stands at `at`. The ranges of vectors count from the beginning of `bytes`.
pub(super) fn read_record(bytes: &[u8], at: usize, dimensions: usize) -> Result<Found> {
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.is_empty() {
        return Ok(Found::End);
    }
    let mut reader = Reader { bytes, at };
    let (Ok(length), Ok(crc)) = (reader.length(), reader.u32()) else { return Ok(Found::Torn) };
    let begin = reader.at;
    let Ok(content) = reader.take(length) else { return Ok(Found::Torn) };
    if length == 0 || crc32fast::hash(content) != crc {
        return Ok(Found::Torn);
    }
    let end = reader.at;
    let mut inner = Reader { bytes: bytes.get(..end).unwrap_or_default(), at: begin };
    // A record whose checksum holds was written whole: what it says wrongly, a defect wrote.
    let record = inner.record(dimensions)?;
    if inner.at != end {
        return Err(corrupt("a record is longer than it says"));
    }
    Ok(Found::Record(record, end))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(count).ok_or_else(|| corrupt("a length"))?;
        let taken = self.bytes.get(self.at..end).ok_or_else(|| corrupt("a record ends early"))?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| corrupt("a record ends early"))
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn length(&mut self) -> Result<usize> {
        Ok(self.u32()? as usize)
    }

    fn uuid(&mut self) -> Result<Uuid> {
        Ok(Uuid::from_bytes(self.array()?))
    }

    fn text(&mut self) -> Result<&'a str> {
        let length = usize::from(u16::from_le_bytes(self.array()?));
        std::str::from_utf8(self.take(length)?).map_err(|source| corrupt("a name").source(source))
    }

    fn record(&mut self, dimensions: usize) -> Result<Record> {
        let (kind, tenant) = (self.byte()?, TenantId::from_uuid(self.uuid()?));
        match kind {
            1 => {
                let upto = Position::new(u64::from_le_bytes(self.array()?));
                let count = self.length()?;
                let mut changes = Vec::new();
                for _ in 0..count {
                    changes.push(self.change(dimensions)?);
                }
                Ok(Record::Step { tenant, upto, changes })
            }
            2 => Ok(Record::Erase { tenant, article: ArticleId::from_uuid(self.uuid()?) }),
            _ => Err(corrupt("a kind of record")),
        }
    }

    fn change(&mut self, dimensions: usize) -> Result<Change> {
        let (kind, article) = (self.byte()?, ArticleId::from_uuid(self.uuid()?));
        if kind == 0 {
            return Ok(Change::Remove { article });
        }
        let visibility = match (kind, self.byte()?) {
            (1, 0) => ArticleVisibility::Public,
            (1, 1) => ArticleVisibility::Tenant,
            (1, 2) => ArticleVisibility::Internal,
            _ => return Err(corrupt("a change")),
        };
        let length = usize::from(self.byte()?);
        let code = std::str::from_utf8(self.take(length)?).map_err(|_| corrupt("a language"))?;
        let language = match code {
            "" => None,
            known => Some(Language::new(known).map_err(|source| corrupt("a language").source(source))?),
        };
        let count = self.length()?;
        let mut chunks = Vec::new();
        for _ in 0..count {
            let id = ChunkId::from_uuid(self.uuid()?);
            let begin = self.at;
            self.take(dimensions * size_of::<f32>())?;
            chunks.push((id, begin..self.at));
        }
        Ok(Change::Replace { article, visibility, language, chunks })
    }
}
