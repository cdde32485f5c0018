//! One model: which inputs it wants, and what becomes of its output.

use std::path::Path;

use autocrm_core::error::{Error, ErrorKind, Result};
use ort::{
    session::{Session, SessionInputValue},
    value::Tensor,
};

use super::{batch::mean, runtime::OnnxRuntime};

/// The names of outputs that hold one vector per token, by preference.
const TOKEN_OUTPUTS: [&str; 2] = ["last_hidden_state", "token_embeddings"];

/// A model that reads tokens. It is run by one caller at a time.
#[derive(Debug)]
pub(super) struct TokenModel {
    session: Session,
    output: String,
    has_types: bool,
}

fn failed(error: &impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, "embedder.embed").source(error.to_string())
}

impl TokenModel {
    /// Opens a model file with its own pool of `threads` threads.
    pub(super) fn open(runtime: &OnnxRuntime, file: &Path, threads: usize) -> Result<Self> {
        let error = |kind: ErrorKind| Error::new(kind, "embedder.open").context(file.display());
        if !file.is_file() {
            return Err(error(ErrorKind::NotFound));
        }
        let refused = |source: String| error(ErrorKind::Corrupt).source(source);
        let session = Session::builder(runtime.environment())
            .map_err(|source| refused(source.to_string()))?
            .with_intra_threads(threads)
            .map_err(|source| refused(source.to_string()))?
            .with_inter_threads(1)
            .map_err(|source| refused(source.to_string()))?
            // A desk waits more than it computes, and its other threads want the processor meanwhile.
            .with_intra_op_spinning(false)
            .map_err(|source| refused(source.to_string()))?
            .commit_from_file(file)
            .map_err(|source| refused(source.to_string()))?;
        let names: Vec<&str> = session.inputs().iter().map(ort::value::Outlet::name).collect();
        let has = |name: &str| names.contains(&name);
        let known = ["input_ids", "attention_mask", "token_type_ids"];
        if !(has("input_ids") && has("attention_mask")) || names.iter().any(|name| !known.contains(name)) {
            return Err(error(ErrorKind::Unsupported).source(format!("the model's inputs are {names:?}")));
        }
        let has_types = has("token_type_ids");
        let outputs: Vec<&str> = session.outputs().iter().map(ort::value::Outlet::name).collect();
        let Some(output) = TOKEN_OUTPUTS.iter().find(|name| outputs.contains(name)) else {
            return Err(error(ErrorKind::Unsupported).source(format!("the model's outputs are {outputs:?}")));
        };
        let output = (*output).to_owned();
        Ok(Self { session, output, has_types })
    }

    /// Runs the model on texts of one run and returns the mean of each text's token vectors.
    pub(super) fn means(&mut self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        let longest = texts.iter().map(|text| text.len()).max().unwrap_or(0).max(1);
        let mut ids: Vec<i64> = Vec::with_capacity(texts.len() * longest);
        let mut mask: Vec<i64> = Vec::with_capacity(texts.len() * longest);
        for text in texts {
            ids.extend(text.iter().map(|id| i64::from(*id)));
            mask.extend(std::iter::repeat_n(1, text.len()));
            ids.extend(std::iter::repeat_n(0, longest - text.len()));
            mask.extend(std::iter::repeat_n(0, longest - text.len()));
        }
        let shape = [texts.len(), longest];
        let tensor = |values: Vec<i64>| Tensor::from_array((shape, values)).map_err(|source| failed(&source));
        let mut inputs: Vec<(&str, SessionInputValue<'_>)> =
            vec![("input_ids", tensor(ids)?.into()), ("attention_mask", tensor(mask)?.into())];
        if self.has_types {
            inputs.push(("token_type_ids", tensor(vec![0; texts.len() * longest])?.into()));
        }
        let outputs = self.session.run(inputs).map_err(|source| failed(&source))?;
        let found = outputs.get(&self.output).ok_or_else(|| failed(&"no output"))?;
        let (dims, values) = found.try_extract_tensor::<f32>().map_err(|source| failed(&source))?;
        let (rows, width) = match **dims {
            [count, rows, width] if usize::try_from(count) == Ok(texts.len()) => {
                (usize::try_from(rows).unwrap_or(0), usize::try_from(width).unwrap_or(0))
            }
            _ => return Err(failed(&format!("an output of shape {dims:?}"))),
        };
        if rows == 0 || width == 0 {
            return Err(failed(&format!("an output of shape {dims:?}")));
        }
        let each = values.chunks_exact(rows * width);
        Ok(each.zip(texts).map(|(text_rows, text)| mean(text_rows, width, text.len())).collect())
    }
}
