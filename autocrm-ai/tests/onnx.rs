//! The sentence model in the directory that `AUTOCRM_TEST_MODELS_DIR` names; see `scripts/models`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{fs, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use autocrm_ai::embed::{OnnxEmbedder, OnnxOptions, OnnxRuntime};
use autocrm_core::{
    conformance::{Backend, Harness},
    error::ErrorKind,
    port::Embedder,
};

fn models() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "a test reads where its models are")]
    let folder = std::env::var("AUTOCRM_TEST_MODELS_DIR").expect(
        "AUTOCRM_TEST_MODELS_DIR is not set: `scripts/models fetch`, then `eval \"$(scripts/models env)\"`",
    );
    PathBuf::from(folder)
}

fn runtime() -> OnnxRuntime {
    OnnxRuntime::open(&models().join("onnxruntime/libonnxruntime.so")).unwrap()
}

fn open(name: &str) -> OnnxEmbedder {
    OnnxEmbedder::open(&runtime(), &models().join(name), &OnnxOptions::default()).unwrap()
}

struct Model(&'static str);

#[async_trait]
impl Harness<dyn Embedder> for Model {
    async fn fresh(&self) -> Backend<dyn Embedder> {
        Backend::new(Arc::new(open(self.0)) as Arc<dyn Embedder>)
    }
}

mod minilm {
    autocrm_core::embedder_conformance!(super::Model("all-MiniLM-L6-v2"));
}

mod minilm_int8 {
    autocrm_core::embedder_conformance!(super::Model("all-MiniLM-L6-v2-int8"));
}

/// The golden vectors were computed in 64 bits from the published weights of all-MiniLM-L6-v2, after its paper: mean
/// over the tokens, brought to length one.
#[tokio::test]
async fn vectors_are_those_of_the_published_model() {
    let long = "one two three four five six seven eight nine ten ".repeat(40);
    let texts = [
        "How do I reset my password?",
        "The invoice of October was charged twice; please refund the second payment.",
        "Fehler ERR_CONN_RESET beim Öffnen des Posteingangs 🙂",
        &long,
    ];
    let golden =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/minilm_vectors.txt")).unwrap();
    let published: Vec<Vec<f32>> =
        golden.lines().map(|line| line.split(' ').map(|number| number.parse().unwrap()).collect()).collect();
    assert_eq!(published.len(), texts.len());
    // Packed weights cost a little, quantised products a little more.
    for (name, least) in [("all-MiniLM-L6-v2", 0.995), ("all-MiniLM-L6-v2-int8", 0.98)] {
        let found = open(name).embed(&texts).await.unwrap();
        for ((embedding, expected), text) in found.iter().zip(&published).zip(texts) {
            let length: f32 = embedding.values().iter().map(|value| value * value).sum();
            assert!((length - 1.0).abs() < 1e-5);
            let cosine: f32 = embedding.values().iter().zip(expected).map(|(a, b)| a * b).sum();
            assert!(cosine >= least, "{name}, {text:?}: {cosine}");
        }
    }
}

#[tokio::test]
async fn variants_have_spaces_of_their_own() {
    let (full, small) = (open("all-MiniLM-L6-v2"), open("all-MiniLM-L6-v2-int8"));
    assert_eq!((full.space().dimensions(), full.space().model().as_str()), (384, "all-MiniLM-L6-v2"));
    assert_ne!(full.space().version(), small.space().version());
    let shorter = OnnxOptions { max_tokens: 128, ..OnnxOptions::default() };
    let shorter = OnnxEmbedder::open(&runtime(), &models().join("all-MiniLM-L6-v2"), &shorter).unwrap();
    assert_ne!(full.space(), shorter.space(), "what is read of a text is part of the space");
}

#[test]
fn what_is_missing_or_broken_is_a_typed_error() {
    let (runtime, folder) = (runtime(), tempfile::tempdir().unwrap());
    let model = folder.path().join("model");
    fs::create_dir(&model).unwrap();
    let kind = || OnnxEmbedder::open(&runtime, &model, &OnnxOptions::default()).unwrap_err().kind();
    assert_eq!(kind(), ErrorKind::NotFound, "an empty directory");
    let tokenizer = fs::read(models().join("all-MiniLM-L6-v2/tokenizer.json")).unwrap();
    fs::write(model.join("tokenizer.json"), &tokenizer).unwrap();
    assert_eq!(kind(), ErrorKind::NotFound, "no model");
    fs::write(model.join("model.onnx"), b"no model at all").unwrap();
    assert_eq!(kind(), ErrorKind::Corrupt, "another file");
    fs::write(model.join("tokenizer.json"), b"{}").unwrap();
    assert_eq!(kind(), ErrorKind::Corrupt, "no tokenizer");
    for (threads, max_tokens) in [(0, 256), (65, 256), (2, 7), (2, 8_193)] {
        let options = OnnxOptions { threads, max_tokens };
        let refused = OnnxEmbedder::open(&runtime, &models().join("all-MiniLM-L6-v2"), &options).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{options:?}");
    }
}
