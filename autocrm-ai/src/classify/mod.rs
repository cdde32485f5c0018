//! A trainable linear text classifier that starts from its labels' own descriptions.

mod blend;
mod calibrate;
mod features;
mod label;
mod logistic;
mod model;
mod solver;
mod stored;
mod tenants;
mod urgency;
mod vocabulary;

pub use blend::{BlendedClassifier, EmbeddedExample, MeaningClassifier};
pub use features::MAX_TEXT_BYTES;
pub use label::{Example, LabelScore, LabelText, TrainingOptions};
pub use model::{LinearClassifier, MAX_EXAMPLES, MAX_LABELS};
pub use tenants::{LINEAR_MODEL, TenantClassifiers};
