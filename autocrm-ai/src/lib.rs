//! Local intelligence for AutoCRM, behind the ports of `autocrm-core` without any service or key. Only `embed` wants a model file.
//!
//! | module | port | what it is |
//! |---|---|---|
//! | [`classify`] | `Classifier` | a linear support vector machine over words and pieces of words, that starts from the categories' own descriptions; urgency from phrases |
//! | [`ground`] | `LanguageModel` | an answerer that quotes sentences of the knowledge base, or abstains |
//! | `lexical` (feature `tantivy`) | `TextIndex` | a BM25 index over passages, with tenant and visibility inside every query |
//! | `embed` (feature `onnx`) | `Embedder` | sentence models in ONNX format, such as `MiniLM` |
//! | `vectors` (feature `vectors`) | `VectorIndex` | nearest vectors, in files of this process |
//! | `language` (feature `language`) | `LanguageDetector` | language detection |
//!
//! The classifier serves alone, too:
//!
//! ```
//! use autocrm_ai::classify::{Example, LabelText, LinearClassifier, TrainingOptions};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let labels = [
//!     LabelText::new("billing", "invoices, refunds, payments"),
//!     LabelText::new("login", "password, sign in, locked account"),
//! ];
//! let mut classifier = LinearClassifier::train(&labels, &[], &TrainingOptions::default())?;
//! assert_eq!(classifier.classify("I forgot my password")[0].label, "login");
//!
//! classifier.learn(&Example { text: "my voucher was refused", label: "billing" })?;
//! let stored = classifier.to_bytes();
//! let restored = LinearClassifier::from_bytes(&stored)?;
//! assert_eq!(restored.classify("a voucher")[0].label, "billing");
//! # Ok(())
//! # }
//! ```

pub mod classify;
#[cfg(feature = "onnx")]
pub mod embed;
pub mod ground;
#[cfg(feature = "language")]
pub mod language;
#[cfg(feature = "tantivy")]
pub mod lexical;
#[cfg(feature = "vectors")]
pub mod vectors;

mod hash;
mod words;
