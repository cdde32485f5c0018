//! Search by meaning: on with a sentence model, off without one, and never a reason not to start.

use std::path::PathBuf;

use autocrm_ai::{
    embed::{OnnxEmbedder, OnnxOptions, OnnxRuntime},
    vectors::FlatVectorIndex,
};
use autocrm_core::error::ErrorKind;

use crate::desk::{DataFolder, Failure, Result};

/// Where a sentence model and the library that runs it are.
#[derive(Debug, Clone)]
pub(crate) struct ModelFiles {
    /// The directory with `model.onnx` and `tokenizer.json`.
    pub(crate) directory: PathBuf,
    /// The ONNX Runtime library.
    pub(crate) library: PathBuf,
}

impl ModelFiles {
    /// Opens the model, on as many threads as are there, at most four.
    pub(crate) fn open(&self) -> autocrm_core::error::Result<OnnxEmbedder> {
        let threads = std::thread::available_parallelism().map_or(1, |count| count.get().min(4));
        let runtime = OnnxRuntime::open(&self.library)?;
        OnnxEmbedder::open(&runtime, &self.directory, &OnnxOptions { threads, ..OnnxOptions::default() })
    }
}

/// Search by meaning.
#[derive(Debug)]
pub(crate) enum Meaning {
    /// Passages are found by their words alone, and why.
    Off(String),
    /// Passages are found by their meaning, too.
    On { embedder: OnnxEmbedder, vectors: FlatVectorIndex },
}

impl Meaning {
    /// Opens model and index. A model that does not work switches meaning off and is told; a damaged index is a failure,
    /// as it is for words.
    pub(crate) fn open(files: Option<&ModelFiles>, folder: &DataFolder) -> Result<Self> {
        let Some(files) = files else {
            return Ok(Self::Off("no sentence model is named".to_owned()));
        };
        let embedder = match files.open() {
            Ok(embedder) => embedder,
            Err(error) => return Ok(Self::Off(reason(&error))),
        };
        match FlatVectorIndex::open(&folder.vectors()) {
            Ok(vectors) => Ok(Self::On { embedder, vectors }),
            Err(error) if error.kind() == ErrorKind::Unavailable => Ok(Self::Off(reason(&error))),
            Err(error) if error.kind() == ErrorKind::Corrupt => Err(Failure::Damaged {
                path: folder.vectors(),
                problem: "the index by meaning is damaged: run `autocrm-server reindex`".to_owned(),
            }),
            Err(error) => Err(error.into()),
        }
    }
}

/// Joins an error with its causes.
pub(crate) fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
