#![doc = include_str!("../../README.md")]

pub mod journal_mailer;
