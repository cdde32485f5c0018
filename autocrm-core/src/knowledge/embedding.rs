//! Embeddings: texts as unit vectors, each of which knows the space that it lies in.

use std::{fmt, sync::Arc};

use crate::text::{Key, ModelName};

/// The largest number of dimensions of a space: what an HNSW index of pgvector 0.8 takes.
pub const MAX_DIMENSIONS: usize = 2_000;

/// How alike two vectors are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// The cosine of the angle between them, which for unit vectors is their inner product: -1..=1, higher is closer.
    Cosine,
}

impl Metric {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
        }
    }
}

/// Why an embedding or a space was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmbeddingRefusal {
    /// A space has 1..=2,000 dimensions.
    #[error("a space has 1 to {MAX_DIMENSIONS} dimensions, not {0}")]
    Dimensions(usize),
    /// The vector has more or fewer numbers than its space has dimensions.
    #[error("the space has {expected} dimensions, the vector {actual}")]
    WrongLength {
        /// The dimensions of the space.
        expected: usize,
        /// The numbers in the vector.
        actual: usize,
    },
    /// A number is infinite or none at all.
    #[error("a vector holds finite numbers only")]
    NotFinite,
    /// The vector is zero and points nowhere.
    #[error("the zero vector has no direction")]
    Zero,
    /// The vector lies in another space; similarities between spaces mean nothing.
    #[error("the vector lies in another space")]
    OtherSpace,
}

impl EmbeddingRefusal {
    /// Returns the stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Dimensions(_) => "embedding_dimensions",
            Self::WrongLength { .. } => "embedding_wrong_length",
            Self::NotFinite => "embedding_not_finite",
            Self::Zero => "embedding_zero",
            Self::OtherSpace => "embedding_other_space",
        }
    }
}

/// What makes vectors comparable: the model, its version, the dimensions and the metric. Two spaces are the same only
/// if all four are. Clones are cheap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmbeddingSpace {
    identity: Arc<Identity>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Identity {
    model: ModelName,
    version: Key,
    dimensions: usize,
    metric: Metric,
}

impl EmbeddingSpace {
    /// Returns the space of a model's version. Whatever changes the vectors of a text, such as pooling or
    /// quantisation, belongs into the version.
    ///
    /// # Errors
    ///
    /// [`EmbeddingRefusal::Dimensions`] outside of 1..=2,000.
    pub fn new(
        model: ModelName,
        version: Key,
        dimensions: usize,
        metric: Metric,
    ) -> Result<Self, EmbeddingRefusal> {
        if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
            return Err(EmbeddingRefusal::Dimensions(dimensions));
        }
        Ok(Self { identity: Arc::new(Identity { model, version, dimensions, metric }) })
    }

    /// Returns the model.
    pub fn model(&self) -> &ModelName {
        &self.identity.model
    }

    /// Returns the version of the model.
    pub fn version(&self) -> &Key {
        &self.identity.version
    }

    /// Returns the number of dimensions, 1..=2,000.
    pub fn dimensions(&self) -> usize {
        self.identity.dimensions
    }

    /// Returns the metric.
    pub fn metric(&self) -> Metric {
        self.identity.metric
    }
}

impl fmt::Display for EmbeddingSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { model, version, dimensions, metric } = &*self.identity;
        write!(f, "{model} {version}, {dimensions} dimensions, {}", metric.as_str())
    }
}

/// A text as a vector of length one in a space. The numbers are not shown by `Debug`: a text can be guessed from them.
/// Clones are cheap.
#[derive(Clone, PartialEq)]
pub struct Embedding {
    space: EmbeddingSpace,
    values: Arc<[f32]>,
}

impl Embedding {
    /// Brings a vector to length one.
    ///
    /// # Errors
    ///
    /// A refusal for a vector that has not the dimensions of the space, is zero, or holds a number that is not finite.
    #[expect(clippy::cast_possible_truncation, reason = "the components of a unit vector fit an f32")]
    pub fn new(space: &EmbeddingSpace, values: &[f32]) -> Result<Self, EmbeddingRefusal> {
        let expected = space.dimensions();
        if values.len() != expected {
            return Err(EmbeddingRefusal::WrongLength { expected, actual: values.len() });
        }
        if !values.iter().all(|value| value.is_finite()) {
            return Err(EmbeddingRefusal::NotFinite);
        }
        // In 64 bits no square of an f32 is too large, and none but that of zero is zero.
        let length = values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        if length == 0.0 {
            return Err(EmbeddingRefusal::Zero);
        }
        let values = values.iter().map(|value| (f64::from(*value) / length) as f32).collect();
        Ok(Self { space: space.clone(), values })
    }

    /// Returns the space.
    pub fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    /// Returns the components, as many as the space has dimensions; their squares add up to one.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Returns the cosine similarity to another embedding, -1..=1.
    ///
    /// # Errors
    ///
    /// [`EmbeddingRefusal::OtherSpace`] if the two lie in different spaces.
    #[expect(clippy::cast_possible_truncation, reason = "a cosine needs no more than the 24 bits of an f32")]
    pub fn similarity(&self, other: &Self) -> Result<f32, EmbeddingRefusal> {
        if self.space != other.space {
            return Err(EmbeddingRefusal::OtherSpace);
        }
        let pairs = self.values.iter().zip(other.values.iter());
        let product: f64 = pairs.map(|(one, other)| f64::from(*one) * f64::from(*other)).sum();
        // Adding zero makes one zero of the two, so that they tie.
        Ok(product.clamp(-1.0, 1.0) as f32 + 0.0)
    }
}

impl fmt::Debug for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedding").field("space", &self.space).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(model: &str, version: &str, dimensions: usize) -> EmbeddingSpace {
        let (model, version) = (ModelName::new(model).unwrap(), Key::new(version).unwrap());
        EmbeddingSpace::new(model, version, dimensions, Metric::Cosine).unwrap()
    }

    #[test]
    fn a_space_has_1_to_2000_dimensions() {
        for dimensions in [0, 2_001, usize::MAX] {
            let (model, version) = (ModelName::new("Mini/LM").unwrap(), Key::new("1").unwrap());
            let refused = EmbeddingSpace::new(model, version, dimensions, Metric::Cosine).unwrap_err();
            assert_eq!(refused, EmbeddingRefusal::Dimensions(dimensions));
        }
        assert_eq!(space("Mini/LM", "1", 2_000).to_string(), "Mini/LM 1, 2000 dimensions, cosine");
    }

    #[test]
    fn only_vectors_with_a_direction_are_taken() {
        let plane = space("m", "1", 2);
        for (values, refusal) in [
            (&[1.0][..], EmbeddingRefusal::WrongLength { expected: 2, actual: 1 }),
            (&[1.0, 0.0, 0.0], EmbeddingRefusal::WrongLength { expected: 2, actual: 3 }),
            (&[], EmbeddingRefusal::WrongLength { expected: 2, actual: 0 }),
            (&[f32::NAN, 1.0], EmbeddingRefusal::NotFinite),
            (&[1.0, f32::INFINITY], EmbeddingRefusal::NotFinite),
            (&[f32::NEG_INFINITY, 0.0], EmbeddingRefusal::NotFinite),
            (&[0.0, -0.0], EmbeddingRefusal::Zero),
        ] {
            assert_eq!(Embedding::new(&plane, values).unwrap_err(), refusal, "{values:?}");
        }
    }

    #[test]
    fn every_direction_has_length_one() {
        let plane = space("m", "1", 2);
        for scale in [1.0, f32::MAX, f32::MIN_POSITIVE, f32::from_bits(1)] {
            let even = Embedding::new(&plane, &[scale, -scale]).unwrap();
            let expected = [std::f32::consts::FRAC_1_SQRT_2, -std::f32::consts::FRAC_1_SQRT_2];
            assert_eq!(even.values(), expected, "{scale}");
        }
    }

    #[test]
    fn similarity_is_the_cosine_and_stays_within_a_space() {
        let plane = space("m", "1", 2);
        let east = Embedding::new(&plane, &[3.0, 0.0]).unwrap();
        for (values, cosine) in [([9.0, 0.0], 1.0), ([0.0, 2.0], 0.0), ([-1.0, 0.0], -1.0), ([3.0, 4.0], 0.6)]
        {
            let other = Embedding::new(&plane, &values).unwrap();
            assert!((east.similarity(&other).unwrap() - cosine).abs() < 1e-6, "{values:?}");
        }
        for other in [space("n", "1", 2), space("m", "2", 2), space("m", "1", 3)] {
            let foreign = Embedding::new(&other, &vec![1.0; other.dimensions()]).unwrap();
            assert_eq!(east.similarity(&foreign).unwrap_err(), EmbeddingRefusal::OtherSpace);
        }
    }

    #[test]
    fn debug_shows_no_numbers() {
        let east = Embedding::new(&space("m", "1", 2), &[0.6, 0.8]).unwrap();
        assert!(!format!("{east:?}").contains("0."));
    }
}
