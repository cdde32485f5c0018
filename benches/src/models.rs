//! Where the sentence model is.

use std::path::{Path, PathBuf};

use autocrm_ai::embed::{OnnxEmbedder, OnnxOptions, OnnxRuntime};

use crate::{
    failure::{Failure, Result},
    progress::say,
};

/// The model of `scripts/models` that is taken unless another is named.
const DEFAULT: &str = "all-MiniLM-L6-v2";

/// Which sentence model is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct ModelArguments {
    /// The directory of the sentence model (`model.onnx`, `tokenizer.json`), or `none` for words alone; that of
    /// `scripts/models` unless given.
    #[arg(long, value_name = "DIR")]
    model: Option<String>,
    /// The ONNX Runtime library; that of `scripts/models` unless given.
    #[arg(long, value_name = "FILE")]
    onnxruntime: Option<PathBuf>,
    /// How many threads the model computes with.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) threads: usize,
}

/// The folder of `scripts/models`.
pub(crate) fn home() -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "a program may be told by its environment where its models are"
    )]
    let told = std::env::var("AUTOCRM_MODELS_DIR").map(PathBuf::from);
    told.unwrap_or_else(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../.models"))
}

impl ModelArguments {
    /// Returns the directory of the model; `None` for `--model none`.
    pub(crate) fn directory(&self) -> Option<PathBuf> {
        match self.model.as_deref() {
            Some("none") => None,
            Some(directory) => Some(PathBuf::from(directory)),
            None => Some(home().join(DEFAULT)),
        }
    }

    /// Opens the model; `None` for `--model none`, and where none is named and none is in its usual place.
    pub(crate) fn open(&self) -> Result<Option<OnnxEmbedder>> {
        let Some(directory) = self.directory() else { return Ok(None) };
        if self.model.is_none() && !directory.exists() {
            say("there is no sentence model (`scripts/models fetch`): words alone are measured");
            return Ok(None);
        }
        let library =
            self.onnxruntime.clone().unwrap_or_else(|| home().join("onnxruntime").join("libonnxruntime.so"));
        let runtime = OnnxRuntime::open(&library)?;
        let options = OnnxOptions { threads: self.threads, ..OnnxOptions::default() };
        Ok(Some(OnnxEmbedder::open(&runtime, &directory, &options)?))
    }

    /// Opens the model and refuses to go on without one.
    pub(crate) fn require(&self, what: &str) -> Result<OnnxEmbedder> {
        self.open()?.ok_or_else(|| Failure::new(format!("{what} needs a model")))
    }
}
