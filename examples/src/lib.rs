#![doc = include_str!("../../README.md")]

pub mod journal_mailer;

/// Compiles the code of the pages.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../docs/EMBEDDING.md")]
    mod embedding {}
    #[doc = include_str!("../../docs/ADAPTERS.md")]
    mod adapters {}
}
