//! E-mail for AutoCRM.

#[cfg(feature = "parse")]
pub mod parse;
