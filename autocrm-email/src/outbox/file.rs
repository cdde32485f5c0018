//! A folder of `.eml` files.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use autocrm_core::{
    error::{Error, ErrorKind, Result},
    mail::OutboundMail,
    port::{Delivery, Mailer},
};

use crate::compose::{Blind, render};

const OPEN: &str = "outbox.open";
const SEND: &str = "outbox.send";

/// Writes each mail as `<id>.eml` into a folder; the id is the mail's own, which also begins the local part of its
/// Message-ID and is the provider id. A `Bcc` field names the blind recipients: what hands the file over takes it out.
///
/// A file appears whole or not at all, and once `send` has answered it survives a power loss: it is written beside
/// its place, synced, put there without replacing anything, and the folder is synced. A file that is there already is
/// compared: the same bytes are the same mail, other bytes are `KeyReused`.
#[derive(Debug, Clone)]
pub struct FileOutbox {
    folder: PathBuf,
}

impl FileOutbox {
    /// Opens the folder, which is created if it does not exist.
    ///
    /// # Errors
    /// `Unavailable` if the folder cannot be created or is no folder.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let path = folder.into();
        fs::create_dir_all(&path).map_err(|error| unavailable(OPEN, error))?;
        Ok(Self { folder: path })
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

#[async_trait]
impl Mailer for FileOutbox {
    async fn send(&self, mail: &OutboundMail) -> Result<Delivery> {
        let bytes = render(mail, Blind::Kept)?;
        let provider_id = mail.id.to_string();
        let folder = self.folder.clone();
        let name = format!("{provider_id}.eml");
        let written = tokio::task::spawn_blocking(move || place(&folder, &name, &bytes)).await;
        match written {
            Ok(Ok(true)) => Ok(Delivery { provider_id }),
            Ok(Ok(false)) => Err(Error::new(ErrorKind::KeyReused, SEND).context(provider_id)),
            Ok(Err(error)) => Err(unavailable(SEND, error)),
            Err(stopped) => Err(Error::new(ErrorKind::Unavailable, SEND).source(stopped)),
        }
    }
}

/// Puts `bytes` under `name`; answers whether exactly these bytes are there now.
fn place(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<bool> {
    let target = folder.join(name);
    match fs::read(&target) {
        Ok(present) => {
            sync_folder(folder)?;
            return Ok(present == bytes);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = tempfile::Builder::new().prefix(".sending-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(&target) {
        Ok(_) => {}
        Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
            let same = fs::read(&target)? == bytes;
            sync_folder(folder)?;
            return Ok(same);
        }
        Err(refused) => return Err(refused.error),
    }
    sync_folder(folder)?;
    Ok(true)
}

/// The name of a new file lasts only when its folder is synced; Windows has no such call and needs none.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn unavailable(operation: &'static str, error: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, operation).source(error)
}
