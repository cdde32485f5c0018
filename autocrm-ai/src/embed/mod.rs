//! Sentence embeddings by models in ONNX format, computed in this process (feature `onnx`).
//!
//! The ONNX Runtime library is opened when the host says so, from a path that the host names; nothing is linked and
//! nothing is searched. Without the library or the model the host gets a typed error and goes on without embeddings.

mod batch;
mod onnx;
mod runtime;
mod session;

pub use onnx::{OnnxEmbedder, OnnxOptions};
pub use runtime::OnnxRuntime;
