//! Texts as vectors.

use async_trait::async_trait;

use crate::{
    error::{Error, ErrorKind, Result},
    knowledge::{Embedding, EmbeddingSpace},
};

/// The largest number of texts that an embedder takes at once.
pub const MAX_EMBEDDED_TEXTS: usize = 1_024;

/// How much of a text counts to an embedder at most, in bytes; a model may read less.
pub const MAX_EMBEDDED_BYTES: usize = 20_000;

/// Turns texts into embeddings, so that texts which speak of the same lie close to each other.
///
/// # Contract
/// * **N1** Every text gets one embedding, in the order of the texts and in the space that `space` names, which stays
///   the same as long as the embedder lives.
/// * **N2** A text's embedding depends neither on the texts beside it nor on when it is made: the cosine between two
///   embeddings of the same text is at least 0.99.
/// * **N3** Texts that speak of the same lie closer to each other than to texts that do not.
/// * **N4** Any text is embedded, however long, empty or strange; what follows its first 20,000 bytes changes nothing.
/// * **N5** More than 1,024 texts at once are `LimitExceeded`, and none is embedded; no texts give no embeddings.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// Returns the space in which all embeddings lie.
    fn space(&self) -> &EmbeddingSpace;

    /// Embeds texts.
    async fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>>;
}

/// Refuses more texts than an embedder takes at once; every adapter asks this first.
///
/// # Errors
///
/// `LimitExceeded` for more than [`MAX_EMBEDDED_TEXTS`].
pub fn check_embedded_texts(texts: &[&str]) -> Result<()> {
    if texts.len() <= MAX_EMBEDDED_TEXTS {
        return Ok(());
    }
    let context = format!("{} texts, the limit is {MAX_EMBEDDED_TEXTS}", texts.len());
    Err(Error::new(ErrorKind::LimitExceeded, "embedder.embed").context(context))
}
