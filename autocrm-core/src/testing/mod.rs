//! What tests are built from: a clock that obeys, ids that repeat, scenes, random worlds, an embedder of words, and a store that fails on
//! command.
//!
//! A [`Scene`] plans change sets with the same pure functions as the use cases, so that nothing here knows a second
//! way to make a row.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a fixture panics on a text that its type refuses: the test that gave it is wrong"
)]

mod clock;
mod embedder;
mod failing;
mod ids;
mod random;
mod scene;

pub use clock::ManualClock;
pub use embedder::WordEmbedder;
pub use failing::{FailingStore, Moment};
pub use ids::SequentialIds;
pub use random::{Dice, RandomTenant, RandomWorld};
pub use scene::Scene;
