//! The mailer suite on the journal: a named test for each scenario, and each scenario named after its clause.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use autocrm_core::{
    conformance::{Backend, Delivered, Harness, Probe},
    id::OutboundId,
    port::Mailer,
};
use autocrm_examples::journal_mailer::JournalMailer;

struct Journals;

#[async_trait]
impl Harness<dyn Mailer> for Journals {
    async fn fresh(&self) -> Backend<dyn Mailer> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mails.jsonl");
        let (first, reopened) = (JournalMailer::open(&path).unwrap(), path.clone());
        Backend::new(Arc::new(first.clone()) as Arc<dyn Mailer>)
            .with_second(Arc::new(first))
            .with_reopen(Box::new(move || Box::pin(async move { open(&reopened) })))
            .with_probe(Reader(path))
            .keeping(directory)
    }
}

fn open(path: &Path) -> Arc<dyn Mailer> {
    Arc::new(JournalMailer::open(path).unwrap())
}

/// Counts what the program that sends the mails would find.
struct Reader(PathBuf);

#[async_trait]
impl Probe for Reader {
    async fn delivered(&self, mail: OutboundId) -> Option<Delivered> {
        let journal = std::fs::read_to_string(&self.0).unwrap();
        let times = journal.lines().filter(|line| line.contains(&format!("{{\"id\":\"{mail}\""))).count();
        Some(Delivered { times, raw: None })
    }
}

mod mailer {
    use super::Journals;

    autocrm_core::mailer_conformance!(Journals);
}

#[test]
fn a_whole_line_that_is_no_mail_is_not_thrown_away() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mails.jsonl");
    std::fs::write(&path, "{\"id\":\"01\"}\n").unwrap();
    assert_eq!(JournalMailer::open(&path).unwrap_err().code(), "corrupt");
}

#[test]
fn a_second_writer_is_kept_out() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mails.jsonl");
    let held = JournalMailer::open(&path).unwrap();
    assert_eq!(JournalMailer::open(&path).unwrap_err().code(), "unavailable");
    drop(held);
    JournalMailer::open(&path).unwrap();
}
