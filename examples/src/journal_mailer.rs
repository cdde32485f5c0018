//! An adapter of one's own: a [`Mailer`] that appends each mail to a file, one line of JSON each.

use std::{
    collections::HashMap,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use autocrm_core::{
    blob::BlobHash,
    error::{Error, ErrorKind, Result},
    id::OutboundId,
    mail::{OutboundMail, OutboundState},
    port::{Delivery, Mailer},
    transition::Version,
};

/// Appends mails to a journal, for another program to send. What `send` has answered survives a crash of the process.
/// Clones share one journal; another process is kept out by a lock.
#[derive(Debug, Clone)]
pub struct JournalMailer {
    journal: Arc<Mutex<Journal>>,
}

#[derive(Debug)]
struct Journal {
    file: File,
    end: u64,
    taken: HashMap<OutboundId, BlobHash>,
}

impl JournalMailer {
    /// Opens the journal, which is created if it is missing. A last line that a crash left unfinished is dropped: its
    /// mail was never answered, so the worker hands it over again.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        file.try_lock().map_err(|error| Error::new(ErrorKind::Unavailable, OPEN).source(error))?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let whole = text.rfind('\n').map_or(0, |last| last + 1);
        let mut taken = HashMap::new();
        for line in text[..whole].lines() {
            let mail: OutboundMail = serde_json::from_str(line).map_err(corrupt)?;
            taken.insert(mail.id, BlobHash::of(line.as_bytes()));
        }
        Ok(Self { journal: Arc::new(Mutex::new(Journal { file, end: whole as u64, taken })) })
    }
}

#[async_trait]
impl Mailer for JournalMailer {
    async fn send(&self, mail: &OutboundMail) -> Result<Delivery> {
        let (id, journal) = (mail.id, Arc::clone(&self.journal));
        // Version and state belong to the store and change between attempts; a recipient would read neither.
        let content = OutboundMail { version: Version::NEW, state: OutboundState::Pending, ..mail.clone() };
        let line = serde_json::to_string(&content)
            .map_err(|error| Error::new(ErrorKind::Invalid, SEND).source(error))?;
        let work = move || journal.lock().unwrap_or_else(PoisonError::into_inner).append(id, &line);
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Error::new(ErrorKind::Unavailable, SEND).source(error))??;
        Ok(Delivery { provider_id: id.to_string() })
    }
}

impl Journal {
    fn append(&mut self, id: OutboundId, line: &str) -> Result<()> {
        let hash = BlobHash::of(line.as_bytes());
        match self.taken.get(&id) {
            Some(known) if *known == hash => return Ok(()),
            Some(_) => return Err(Error::new(ErrorKind::KeyReused, SEND).context(id)),
            None => {}
        }
        // A failed attempt may have left half a line beyond the end: the next one writes over it.
        self.file
            .set_len(self.end)
            .and_then(|()| self.file.seek(SeekFrom::Start(self.end)))
            .map_err(failed)?;
        self.file
            .write_all(format!("{line}\n").as_bytes())
            .and_then(|()| self.file.sync_all())
            .map_err(failed)?;
        self.end += line.len() as u64 + 1;
        self.taken.insert(id, hash);
        Ok(())
    }
}

const OPEN: &str = "journal.open";
const SEND: &str = "journal.send";

fn failed(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, SEND).source(error)
}

fn corrupt(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Corrupt, OPEN).source(error)
}
