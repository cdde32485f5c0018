//! A BM25 index over passages of the knowledge base (tantivy).

mod analyze;
mod document;
mod error;
mod index;
mod payload;
mod query;
mod schema;
#[cfg(test)]
mod tests;

pub use index::LexicalIndex;
