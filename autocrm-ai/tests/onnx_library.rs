//! A process without ONNX Runtime: the embedder is refused, and nothing panics.

use std::fs;

use autocrm_ai::embed::OnnxRuntime;
use autocrm_core::error::ErrorKind;

#[test]
fn another_file_is_no_library() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("libonnxruntime.so");
    fs::write(&file, b"not a library").unwrap();
    assert_eq!(OnnxRuntime::open(&file).unwrap_err().kind(), ErrorKind::Unsupported);
    let missing = folder.path().join("missing.so");
    assert_eq!(OnnxRuntime::open(&missing).unwrap_err().kind(), ErrorKind::NotFound);
}
