//! The suites on the parser and the outbox.

#![expect(clippy::expect_used, reason = "a harness that cannot start fails")]

use std::sync::Arc;

use async_trait::async_trait;
use autocrm_core::{
    conformance::{Backend, Delivered, Harness, Probe},
    id::OutboundId,
    port::{MailParser, Mailer},
};
use autocrm_email::{FileOutbox, MimeParser};
use tempfile::TempDir;

struct Local;

/// Looks into the folder of an outbox.
struct Folder(TempDir);

#[async_trait]
impl Probe for Folder {
    async fn delivered(&self, mail: OutboundId) -> Option<Delivered> {
        let file = self.0.path().join(format!("{mail}.eml"));
        let raw = std::fs::read(file).ok();
        Some(Delivered { times: usize::from(raw.is_some()), raw: raw.map(Into::into) })
    }
}

#[async_trait]
impl Harness<dyn Mailer> for Local {
    async fn fresh(&self) -> Backend<dyn Mailer> {
        let folder = tempfile::tempdir().expect("a folder");
        let outbox = FileOutbox::open(folder.path()).expect("an outbox");
        Backend::new(Arc::new(outbox) as Arc<dyn Mailer>).with_probe(Folder(folder))
    }
}

#[async_trait]
impl Harness<dyn MailParser> for Local {
    async fn fresh(&self) -> Backend<dyn MailParser> {
        Backend::new(Arc::new(MimeParser::default()) as Arc<dyn MailParser>)
    }
}

mod mailer {
    use super::Local;

    autocrm_core::mailer_conformance!(Local);
}

mod parser {
    use super::Local;

    autocrm_core::mail_parser_conformance!(Local);
}
