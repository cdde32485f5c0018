//! The embedder port, on a sentence model in a directory.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use autocrm_core::{
    error::{Error, ErrorKind, Result},
    knowledge::{Embedding, EmbeddingSpace, Metric},
    port::{Embedder, MAX_EMBEDDED_BYTES, check_embedded_texts},
    text::{Key, ModelName, truncate_bytes},
};
use tokenizers::{Tokenizer, TruncationParams};

use super::{
    batch::{RUN_TEXTS, runs},
    runtime::OnnxRuntime,
    session::TokenModel,
};
use crate::hash::Fnv1a;

/// The fewest and the most tokens of a text that a model may be told to read.
const TOKENS: std::ops::RangeInclusive<usize> = 8..=8_192;

/// From this cosine on, a text counts as told the same alone and beside another one.
const APART: f32 = 0.999;

/// The most threads of one model.
const MAX_THREADS: usize = 64;

/// How an embedder runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnnxOptions {
    /// How many threads compute at most, 1..=64, however many callers there are.
    pub threads: usize,
    /// How many tokens of a text are read, 8..=8,192; what the model was trained for is best.
    pub max_tokens: usize,
}

impl Default for OnnxOptions {
    /// Two threads, and the 256 tokens of `MiniLM`.
    fn default() -> Self {
        Self { threads: 2, max_tokens: 256 }
    }
}

/// Embeds texts with a sentence model: the mean over its tokens, brought to length one.
///
/// Of a text its first `max_tokens` tokens count. Texts of like length are computed together, unless the model lets them
/// colour each other, as dynamically quantised ones do: these compute text by text. Calls from several tasks
/// take turns between runs, so that a question does not wait for a whole knowledge base. Clones share the model.
#[derive(Clone)]
pub struct OnnxEmbedder {
    space: EmbeddingSpace,
    inner: Arc<Inner>,
}

struct Inner {
    tokenizer: Tokenizer,
    model: Mutex<TokenModel>,
    /// How many texts run together at most.
    together: usize,
}

impl fmt::Debug for OnnxEmbedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxEmbedder").field("space", &self.space).finish_non_exhaustive()
    }
}

fn opening(kind: ErrorKind) -> Error {
    Error::new(kind, "embedder.open")
}

impl OnnxEmbedder {
    /// Opens the model of a directory that holds `model.onnx` and `tokenizer.json`, as exported for sentence
    /// transformers. The space is named after the directory; its version tells the contents of both files and what is
    /// read of a text, so that any change of them is another space.
    ///
    /// # Errors
    ///
    /// `NotFound` when a file is missing, `Corrupt` for one that cannot be read, `Unsupported` for a model with other
    /// inputs and outputs than tokens and their vectors, `Invalid` for options or a directory name outside of their
    /// ranges.
    pub fn open(runtime: &OnnxRuntime, directory: &Path, options: &OnnxOptions) -> Result<Self> {
        if !TOKENS.contains(&options.max_tokens) || !(1..=MAX_THREADS).contains(&options.threads) {
            return Err(opening(ErrorKind::Invalid).context(format!("{options:?}")));
        }
        let (model_file, tokenizer_file) = (directory.join("model.onnx"), directory.join("tokenizer.json"));
        let tokenizer_bytes = bytes_of(&tokenizer_file)?;
        let version = version(&bytes_of(&model_file)?, &tokenizer_bytes, options.max_tokens)?;
        let mut tokenizer = Tokenizer::from_bytes(&tokenizer_bytes)
            .map_err(|source| opening(ErrorKind::Corrupt).context(tokenizer_file.display()).source(source))?;
        let truncation = TruncationParams { max_length: options.max_tokens, ..TruncationParams::default() };
        tokenizer
            .with_truncation(Some(truncation))
            .map_err(|source| opening(ErrorKind::Corrupt).context("truncation").source(source))?;
        tokenizer.with_padding(None);
        let mut model = TokenModel::open(runtime, &model_file, options.threads)?;
        let (dimensions, mixes) = probe(&tokenizer, &mut model)?;
        let together = if mixes { 1 } else { RUN_TEXTS };
        let name = directory.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let invalid = |what: String| opening(ErrorKind::Invalid).source(what);
        let name = ModelName::new(name).map_err(|refusal| invalid(refusal.to_string()))?;
        let space = EmbeddingSpace::new(name, version, dimensions, Metric::Cosine)
            .map_err(|refusal| opening(ErrorKind::Unsupported).source(refusal))?;
        Ok(Self { space, inner: Arc::new(Inner { tokenizer, model: Mutex::new(model), together }) })
    }
}

/// Shows whether the model works, how many dimensions it has, and whether a text is told otherwise beside another one.
fn probe(tokenizer: &Tokenizer, model: &mut TokenModel) -> Result<(usize, bool)> {
    let tokens =
        encode(tokenizer, &["", "The library of the town is open on Sundays, and it lends films, too."])?;
    let texts: Vec<&[u32]> = tokens.iter().map(Vec::as_slice).collect();
    let together = model.means(&texts)?;
    let alone = model.means(texts.get(..1).unwrap_or_default())?;
    let (Some(one), Some(other)) = (together.first(), alone.first()) else { return Ok((0, false)) };
    let product = |one: &[f32], other: &[f32]| -> f32 { one.iter().zip(other).map(|(a, b)| a * b).sum() };
    let cosine = product(one, other) / (product(one, one) * product(other, other)).sqrt();
    Ok((one.len(), cosine < APART))
}

fn bytes_of(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|source| {
        let kind = match source.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            _ => ErrorKind::Unavailable,
        };
        opening(kind).context(file.display()).source(source)
    })
}

/// Tells everything that changes the vectors of a text.
fn version(model: &[u8], tokenizer: &[u8], max_tokens: usize) -> Result<Key> {
    let mut hash = Fnv1a::new();
    for part in [model, tokenizer] {
        hash.add(&(part.len() as u64).to_le_bytes());
        hash.add(part);
    }
    let name = format!("mean-{max_tokens}-{:016x}", hash.finish());
    Key::new(name).map_err(|refusal| opening(ErrorKind::Internal).source(refusal))
}

fn encode(tokenizer: &Tokenizer, texts: &[&str]) -> Result<Vec<Vec<u32>>> {
    let read: Vec<&str> = texts.iter().map(|text| truncate_bytes(text, MAX_EMBEDDED_BYTES)).collect();
    let encoded = tokenizer
        .encode_batch_fast(read, true)
        .map_err(|source| Error::new(ErrorKind::Internal, "embedder.embed").source(source))?;
    Ok(encoded.iter().map(|encoding| encoding.get_ids().to_vec()).collect())
}

impl Inner {
    fn embed(&self, space: &EmbeddingSpace, texts: &[&str]) -> Result<Vec<Embedding>> {
        let tokens = encode(&self.tokenizer, texts)?;
        let lengths: Vec<usize> = tokens.iter().map(Vec::len).collect();
        let mut found: Vec<Option<Embedding>> = vec![None; texts.len()];
        for run in runs(&lengths, self.together) {
            let rows: Vec<&[u32]> = run.iter().map(|place| tokens[*place].as_slice()).collect();
            let means = self.model.lock().unwrap_or_else(PoisonError::into_inner).means(&rows)?;
            for (place, values) in run.into_iter().zip(means) {
                let embedding = Embedding::new(space, &values)
                    .map_err(|refusal| Error::new(ErrorKind::Internal, "embedder.embed").source(refusal))?;
                found[place] = Some(embedding);
            }
        }
        found.into_iter().collect::<Option<Vec<Embedding>>>().ok_or_else(|| {
            Error::new(ErrorKind::Internal, "embedder.embed").context("fewer vectors than texts")
        })
    }
}

#[async_trait]
impl Embedder for OnnxEmbedder {
    fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    async fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>> {
        check_embedded_texts(texts)?;
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let (inner, space) = (Arc::clone(&self.inner), self.space.clone());
        let owned: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let embedding = tokio::task::spawn_blocking(move || {
            let borrowed: Vec<&str> = owned.iter().map(String::as_str).collect();
            inner.embed(&space, &borrowed)
        });
        embedding.await.map_err(|source| Error::new(ErrorKind::Internal, "embedder.embed").source(source))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_tells_every_part_apart() {
        let base = version(b"model", b"tokenizer", 256).unwrap();
        assert_eq!(base.as_str(), version(b"model", b"tokenizer", 256).unwrap().as_str());
        for other in [
            version(b"modelt", b"okenizer", 256),
            version(b"model", b"tokenizes", 256),
            version(b"model", b"tokenizer", 128),
        ] {
            assert_ne!(base, other.unwrap());
        }
    }

    #[test]
    fn a_missing_library_is_a_typed_error() {
        let folder = tempfile::tempdir().unwrap();
        let missing = OnnxRuntime::open(&folder.path().join("libonnxruntime.so")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }
}
