//! An embedder without a model.

use async_trait::async_trait;

use crate::{
    error::{Error, ErrorKind, Result},
    knowledge::{Embedding, EmbeddingSpace, Metric},
    port::{Embedder, MAX_EMBEDDED_BYTES, check_embedded_texts},
    text::{Key, ModelName, truncate_bytes},
};

/// How many dimensions the space has.
const DIMENSIONS: usize = 256;

/// Embeds a text as the sum of directions that its words are thrown to, so that texts which share words lie close. It
/// knows no synonyms and completes every call in one poll.
#[derive(Debug, Clone)]
pub struct WordEmbedder {
    space: EmbeddingSpace,
}

impl WordEmbedder {
    /// Returns the embedder of a version; embedders of different versions have different spaces and directions.
    pub fn new(version: &str) -> Self {
        let model = ModelName::new("testing/words").expect("a name");
        let version = Key::new(version).expect("a key");
        let space = EmbeddingSpace::new(model, version, DIMENSIONS, Metric::Cosine).expect("a space");
        Self { space }
    }

    fn values(&self, text: &str) -> Vec<f32> {
        let mut values = vec![0.0; DIMENSIONS];
        // A text without words has a direction, too.
        *values.first_mut().expect("a dimension") = 0.01;
        let words = truncate_bytes(text, MAX_EMBEDDED_BYTES).to_lowercase();
        for word in words.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2) {
            let mut hash = 0xcbf2_9ce4_8422_2325_u64;
            for byte in self.space.version().as_str().bytes().chain(word.bytes()) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
            for throw in 0..4 {
                let place = usize::try_from((hash >> (8 * throw)) % 256).unwrap_or_default();
                let sign = if (hash >> (40 + throw)) & 1 == 0 { 1.0 } else { -1.0 };
                if let Some(value) = values.get_mut(place) {
                    *value += sign;
                }
            }
        }
        values
    }
}

#[async_trait]
impl Embedder for WordEmbedder {
    fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    async fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>> {
        check_embedded_texts(texts)?;
        texts
            .iter()
            .map(|text| {
                Embedding::new(&self.space, &self.values(text))
                    .map_err(|refusal| Error::new(ErrorKind::Internal, "embedder.embed").source(refusal))
            })
            .collect()
    }
}
