//! Local intelligence for AutoCRM, behind the ports of `autocrm-core` and without any service, key or model file.
//!
//! | module | port | what it is |
//! |---|---|---|
//! | [`classify`] | `Classifier` | a linear support vector machine over words and pieces of words, that starts from the categories' own descriptions; urgency from phrases |
//! | [`ground`] | `LanguageModel` | an answerer that quotes sentences of the knowledge base, or abstains |
//! | `lexical` (feature `tantivy`) | `TextIndex` | a BM25 index over passages, with tenant and visibility inside every query |
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
pub mod ground;
#[cfg(feature = "language")]
pub mod language;
#[cfg(feature = "tantivy")]
pub mod lexical;

mod hash;
mod words;
