//! The stored form of a classifier: little-endian, versioned, with a checksum over everything before it.
//!
//! ```text
//! magic "ACRMCLS" · version u8 · basis u8 · slope f64 · none f64 · examples u32 · documents u32
//! labels u32 · (length u32 · UTF-8)*  · biases f32*
//! features u32 · hashes u64* · document counts u32* · weights f32* · checksum u64 (FNV-1a)
//! ```

use autocrm_core::error::{Error, ErrorKind, Result};

use super::{
    calibrate::Softmax,
    model::{Basis, LinearClassifier, MAX_LABELS, MAX_WEIGHTS},
    vocabulary::{MAX_FEATURES, Vocabulary},
};
use crate::hash::Fnv1a;

const MAGIC: &[u8; 7] = b"ACRMCLS";
const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 8;

impl LinearClassifier {
    /// Returns the classifier as bytes that [`from_bytes`](Self::from_bytes) reads, on any machine.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (hashes, document_counts, documents) = self.vocabulary.parts();
        let mut bytes = Vec::with_capacity(64 + hashes.len() * 12 + self.weights.len() * 4);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        bytes.push(match self.basis {
            Basis::Descriptions => 0,
            Basis::Margins => 1,
        });
        bytes.extend(self.calibration.slope.to_le_bytes());
        bytes.extend(self.calibration.none.to_le_bytes());
        bytes.extend(self.examples.to_le_bytes());
        bytes.extend(documents.to_le_bytes());
        push_length(&mut bytes, self.labels.len());
        for label in &self.labels {
            push_length(&mut bytes, label.len());
            bytes.extend_from_slice(label.as_bytes());
        }
        bytes.extend(self.biases.iter().flat_map(|bias| bias.to_le_bytes()));
        push_length(&mut bytes, hashes.len());
        bytes.extend(hashes.iter().flat_map(|hash| hash.to_le_bytes()));
        bytes.extend(document_counts.iter().flat_map(|count| count.to_le_bytes()));
        bytes.extend(self.weights.iter().flat_map(|weight| weight.to_le_bytes()));
        let checksum = checksum_of(&bytes);
        bytes.extend(checksum.to_le_bytes());
        bytes
    }

    /// Reads a classifier that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// `SchemaTooNew` for a later version of the format; `Corrupt` for anything else that is not a whole classifier.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let Some((content, checksum)) = bytes.split_last_chunk::<CHECKSUM_BYTES>() else {
            return Err(corrupt("too short"));
        };
        let mut reader = Reader(content);
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(corrupt("not a classifier"));
        }
        let [version] = reader.array()?;
        if version > VERSION {
            let error = Error::new(ErrorKind::SchemaTooNew, "classifier.from_bytes");
            return Err(error.context(format_args!("version {version}")));
        }
        if checksum_of(content) != u64::from_le_bytes(*checksum) {
            return Err(corrupt("checksum"));
        }
        reader.classifier()
    }
}

fn checksum_of(content: &[u8]) -> u64 {
    let mut hash = Fnv1a::new();
    hash.add(content);
    hash.finish()
}

fn push_length(bytes: &mut Vec<u8>, length: usize) {
    // All lengths are bounded far below 2^32 by the limits of training.
    bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

fn corrupt(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, "classifier.from_bytes").context(what)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(|| corrupt("ends early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or_else(|| corrupt("ends early"))?;
        self.0 = rest;
        Ok(*taken)
    }

    fn array_list<const N: usize, T>(&mut self, count: usize, convert: fn([u8; N]) -> T) -> Result<Vec<T>> {
        let bytes = self.take(count.saturating_mul(N))?;
        Ok(bytes.as_chunks::<N>().0.iter().map(|chunk| convert(*chunk)).collect())
    }

    fn length(&mut self, largest: usize) -> Result<usize> {
        let length = u32::from_le_bytes(self.array()?) as usize;
        if length > largest { Err(corrupt("a length is out of range")) } else { Ok(length) }
    }

    fn classifier(&mut self) -> Result<LinearClassifier> {
        let basis = match self.array()? {
            [0] => Basis::Descriptions,
            [1] => Basis::Margins,
            _ => return Err(corrupt("basis")),
        };
        let calibration =
            Softmax { slope: f64::from_le_bytes(self.array()?), none: f64::from_le_bytes(self.array()?) };
        let examples = u32::from_le_bytes(self.array()?);
        let documents = u32::from_le_bytes(self.array()?);
        let label_count = self.length(MAX_LABELS)?;
        let mut labels = Vec::with_capacity(label_count);
        for _ in 0..label_count {
            let length = self.length(self.0.len())?;
            let label = str::from_utf8(self.take(length)?).map_err(|_| corrupt("a label is not UTF-8"))?;
            labels.push(label.to_owned());
        }
        let biases = self.array_list(label_count, f32::from_le_bytes)?;
        let features = self.length(MAX_FEATURES)?;
        let hashes = self.array_list(features, u64::from_le_bytes)?;
        let document_counts = self.array_list(features, u32::from_le_bytes)?;
        let weight_count = features * label_count;
        if weight_count > MAX_WEIGHTS {
            return Err(corrupt("too many weights"));
        }
        let weights = self.array_list(weight_count, f32::from_le_bytes)?;
        let vocabulary = Vocabulary::from_parts(hashes, document_counts, documents);
        let numbers_are_finite = calibration.slope.is_finite()
            && calibration.none.is_finite()
            && biases.iter().chain(&weights).all(|number: &f32| number.is_finite());
        match vocabulary {
            Some(vocabulary) if self.0.is_empty() && numbers_are_finite && label_count > 0 => {
                Ok(LinearClassifier { labels, vocabulary, weights, biases, basis, calibration, examples })
            }
            _ => Err(corrupt("the parts contradict each other")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{Example, LabelText, TrainingOptions},
        *,
    };

    fn classifier() -> LinearClassifier {
        let labels =
            [LabelText::new("billing", "invoice, refund"), LabelText::new("login", "password, sign in")];
        let examples = [
            Example { text: "my invoice is wrong", label: "billing" },
            Example { text: "cannot log in", label: "login" },
        ];
        LinearClassifier::train(&labels, &examples, &TrainingOptions::default()).unwrap()
    }

    #[test]
    fn what_is_written_reads_back_equal() {
        let original = classifier();
        let read = LinearClassifier::from_bytes(&original.to_bytes()).unwrap();
        assert_eq!(read.to_bytes(), original.to_bytes());
        assert_eq!(read.classify("the invoice"), original.classify("the invoice"));
    }

    #[test]
    fn other_versions_and_other_files_are_told_apart() {
        let mut newer = classifier().to_bytes();
        newer[MAGIC.len()] = VERSION + 1;
        assert_eq!(LinearClassifier::from_bytes(&newer).unwrap_err().kind(), ErrorKind::SchemaTooNew);
        for bad in [&b""[..], b"ACRMCLS", b"PK\x03\x04 some archive of another program"] {
            assert_eq!(LinearClassifier::from_bytes(bad).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }

    proptest! {
        #[test]
        fn no_damage_goes_unnoticed(at in 0_usize..100_000, flipped in 1_u8..=255) {
            let mut bytes = classifier().to_bytes();
            let position = at % bytes.len();
            bytes[position] ^= flipped;
            prop_assert!(LinearClassifier::from_bytes(&bytes).is_err());
        }

        #[test]
        fn every_cut_is_refused(at in 0_usize..100_000) {
            let bytes = classifier().to_bytes();
            prop_assert!(LinearClassifier::from_bytes(&bytes[..at % bytes.len()]).is_err());
        }
    }
}
