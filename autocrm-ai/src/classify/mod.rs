//! A trainable linear text classifier that starts from its labels' own descriptions.

mod calibrate;
mod features;
mod model;
mod solver;
mod stored;
mod tenants;
mod urgency;
mod vocabulary;

pub use features::MAX_TEXT_BYTES;
pub use model::{
    Example, LabelScore, LabelText, LinearClassifier, MAX_EXAMPLES, MAX_LABELS, TrainingOptions,
};
pub use tenants::{LINEAR_MODEL, TenantClassifiers};
