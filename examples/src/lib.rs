//! Worked examples of embedding AutoCRM. Each program under `src/bin` is complete, and `tests/run.rs` runs it.
//!
//! | program | what it shows |
//! |---|---|
//! | `quickstart` | a desk in memory, in under 40 lines |
