//! The data directory: what lies where, who holds it, and its secrets.

use std::{
    fs::{self, File, TryLockError},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use data_encoding::HEXLOWER_PERMISSIVE;

use crate::desk::{Failure, Result};

/// The bytes of a secret.
const SECRET: usize = 32;

/// The data directory.
#[derive(Debug, Clone)]
pub(crate) struct DataFolder {
    path: PathBuf,
    /// Where that lies which all nodes of a desk have in common.
    shared: PathBuf,
}

/// Holds the data directory until it is dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    _lock: File,
}

impl DataFolder {
    /// Returns a directory of which other nodes share keys, tokens, raw mails and outbox when `shared` says where.
    pub(crate) fn new(path: PathBuf, shared: Option<PathBuf>) -> Self {
        Self { shared: shared.unwrap_or_else(|| path.clone()), path }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("autocrm.db")
    }

    pub(crate) fn index(&self) -> PathBuf {
        self.path.join("index")
    }

    pub(crate) fn vectors(&self) -> PathBuf {
        self.path.join("vectors")
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.shared.join("blobs")
    }

    pub(crate) fn outbox(&self) -> PathBuf {
        self.shared.join("outbox")
    }

    pub(crate) fn mail_key(&self) -> PathBuf {
        self.shared.join("mail-key")
    }

    /// Returns where earlier mail keys may lie, latest first.
    pub(crate) fn earlier_mail_keys(&self) -> Vec<PathBuf> {
        (1..=9).map(|number| self.shared.join(format!("mail-key.{number}"))).collect()
    }

    pub(crate) fn cursor_key(&self) -> PathBuf {
        self.shared.join("cursor-key")
    }

    pub(crate) fn tokens(&self) -> PathBuf {
        self.shared.join("demo-tokens.json")
    }

    /// Makes the directory and the shared one, readable by their owner only, unless they exist.
    pub(crate) fn make(&self) -> Result<()> {
        for path in [&self.path, &self.shared] {
            if path.is_dir() {
                continue;
            }
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(path).map_err(Failure::file(path))?;
        }
        Ok(())
    }

    /// Holds the directory against other processes that write to it.
    pub(crate) fn hold(&self) -> Result<Hold> {
        let path = self.path.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(Failure::file(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Hold { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Failure::Busy(self.path.clone())),
            Err(TryLockError::Error(source)) => Err(Failure::File { path, source }),
        }
    }

    /// Returns the secret in the file; the first call makes it.
    pub(crate) fn secret(&self, path: &Path) -> Result<Vec<u8>> {
        match fs::read_to_string(path) {
            Ok(text) => match HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()) {
                Ok(secret) if secret.len() >= SECRET => Ok(secret),
                _ => Err(Failure::Damaged {
                    path: path.to_owned(),
                    problem: format!("not a key of at least {SECRET} bytes in hexadecimal digits"),
                }),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let secret = random()?;
                match self.write_secret(path, HEXLOWER_PERMISSIVE.encode(&secret).as_bytes()) {
                    Ok(()) => Ok(secret.to_vec()),
                    // Another node that shares the directory was faster.
                    Err(Failure::File { source, .. }) if source.kind() == ErrorKind::AlreadyExists => {
                        self.secret(path)
                    }
                    Err(failure) => Err(failure),
                }
            }
            Err(source) => Err(Failure::File { path: path.to_owned(), source }),
        }
    }

    /// Writes a file that only its owner reads (mode 0600): whole or not at all, and never over another.
    pub(crate) fn write_secret(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        // Temporary files have mode 0600, and persisting keeps it.
        let mut file = tempfile::NamedTempFile::new_in(&self.shared).map_err(Failure::file(&self.shared))?;
        file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(Failure::file(path))?;
        file.persist_noclobber(path).map_err(|refused| Failure::file(path)(refused.error))?;
        Ok(())
    }
}

/// Returns random bytes of the operating system.
pub(crate) fn random() -> Result<[u8; SECRET]> {
    let mut bytes = [0; SECRET];
    getrandom::fill(&mut bytes).map_err(Failure::Random)?;
    Ok(bytes)
}
