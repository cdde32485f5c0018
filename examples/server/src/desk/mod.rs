//! The desk that the binary runs: a data directory, its adapters and the demo tenant.

mod database;
mod demo;
mod failure;
mod folder;
mod library;
mod meaning;
mod open;
mod post;
mod templates;
mod tokens;

pub(crate) use database::{Database, Server};
pub(crate) use demo::SUPPORT;
pub(crate) use failure::{Failure, Result};
pub(crate) use folder::{DataFolder, Hold};
pub(crate) use library::MAILS;
pub(crate) use meaning::{Meaning, ModelFiles, reason};
pub(crate) use open::{Access, Desk, Home, Senders, open_index};
pub(crate) use post::{Post, PostArguments, webhook_keys};
pub(crate) use templates::templates;
pub(crate) use tokens::DemoTokens;
