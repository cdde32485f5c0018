//! Broken embedders.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;

use crate::{
    error::{Error, ErrorKind, Result},
    knowledge::{Embedding, EmbeddingSpace},
    port::{Embedder, MAX_EMBEDDED_TEXTS},
    testing::WordEmbedder,
};

/// How an embedder is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EmbedFault {
    /// N1: the embeddings come in another order.
    Reversed,
    /// N1: texts that stood before get no embedding of their own.
    Deduplicated,
    /// N1: the embeddings lie in another space than is said.
    OtherSpace,
    /// N2: texts lean towards the first one.
    Leaning,
    /// N2: directions change from call to call.
    Moody,
    /// N3: every text has a direction of its own.
    Meaningless,
    /// N4: an empty text is refused.
    EmptyRefused,
    /// N4: the end of a text counts.
    Unbounded,
    /// N5: texts beyond the limit are left out.
    Cut,
}

/// An embedder with a fault.
pub(crate) struct BrokenEmbedder {
    inner: Arc<dyn Embedder>,
    other: WordEmbedder,
    fault: EmbedFault,
    calls: AtomicUsize,
}

impl BrokenEmbedder {
    pub(crate) fn new(inner: Arc<dyn Embedder>, fault: EmbedFault) -> Self {
        Self { inner, other: WordEmbedder::new("other"), fault, calls: AtomicUsize::new(0) }
    }
}

fn sum(one: &Embedding, other: &Embedding) -> Embedding {
    let values: Vec<f32> = one.values().iter().zip(other.values()).map(|(a, b)| a + b).collect();
    Embedding::new(one.space(), &values).expect("a direction")
}

#[async_trait]
impl Embedder for BrokenEmbedder {
    fn space(&self) -> &EmbeddingSpace {
        self.inner.space()
    }

    async fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>> {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        match self.fault {
            EmbedFault::Cut if texts.len() > MAX_EMBEDDED_TEXTS => {
                return self.inner.embed(texts.get(..MAX_EMBEDDED_TEXTS).unwrap_or_default()).await;
            }
            EmbedFault::OtherSpace => return self.other.embed(texts).await,
            EmbedFault::EmptyRefused if texts.iter().any(|text| text.trim().is_empty()) => {
                return Err(Error::new(ErrorKind::Invalid, "embedder.embed"));
            }
            _ => {}
        }
        let mut changed: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        for text in &mut changed {
            match self.fault {
                EmbedFault::Moody => text.push_str(&format!(" mood{calls} ").repeat(5)),
                EmbedFault::Meaningless => *text = text.split_whitespace().collect(),
                EmbedFault::Unbounded => {
                    *text = text.split_whitespace().rev().take(1_000).collect::<Vec<_>>().join(" ");
                }
                _ => {}
            }
        }
        let asked: Vec<&str> = changed.iter().map(String::as_str).collect();
        let mut found = self.inner.embed(&asked).await?;
        match self.fault {
            EmbedFault::Reversed => found.reverse(),
            EmbedFault::Deduplicated => {
                let mut seen = std::collections::BTreeSet::new();
                let mut fresh = texts.iter().map(|text| seen.insert(*text));
                found.retain(|_| fresh.next().unwrap_or_default());
            }
            EmbedFault::Leaning => {
                if let Some(first) = found.first().cloned() {
                    found = found.iter().map(|embedding| sum(embedding, &first)).collect();
                }
            }
            _ => {}
        }
        Ok(found)
    }
}
