//! The folder of an index: one process at a time, a folder for each space.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use autocrm_core::error::{Error, ErrorKind, Result};

use super::log::{failed, sync_folder};

const SPACE: &str = "space-";
const DROPPED: &str = "dropped-";

/// The folder, held by this process.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Held until the index is closed.
    _lock: File,
}

impl Folder {
    /// Makes and locks the folder.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let io = failed("vector_index.open", path);
        fs::create_dir_all(path).map_err(&io)?;
        let lock = File::create(path.join("lock")).map_err(&io)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Error::new(ErrorKind::Unavailable, "vector_index.open")
                .context("another process or handle has the index open"),
            TryLockError::Error(source) => io(source),
        })?;
        let folder = Self { path: path.to_owned(), _lock: lock };
        for dropped in folder.named(DROPPED)? {
            fs::remove_dir_all(&dropped).map_err(failed("vector_index.open", &dropped))?;
        }
        Ok(folder)
    }

    fn named(&self, prefix: &str) -> Result<Vec<PathBuf>> {
        let io = failed("vector_index.open", &self.path);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(&io)? {
            let entry = entry.map_err(&io)?;
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                found.push(entry.path());
            }
        }
        found.sort();
        Ok(found)
    }

    /// Returns the folders of the spaces.
    pub(super) fn spaces(&self) -> Result<Vec<PathBuf>> {
        self.named(SPACE)
    }

    /// Makes the folder of a new space.
    pub(super) fn make_space(&self) -> Result<PathBuf> {
        let number = |path: &PathBuf| -> u32 {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
        };
        let taken = self.named(SPACE)?.iter().chain(&self.named(DROPPED)?).map(number).max();
        let path = self.path.join(format!("{SPACE}{:08}", taken.unwrap_or(0) + 1));
        fs::create_dir(&path).map_err(failed("vector_index.apply", &path))?;
        sync_folder(&self.path)?;
        Ok(path)
    }

    /// Removes the folder of a space: at once for who opens the index next, then file by file.
    pub(super) fn remove_space(&self, space: &Path) -> Result<()> {
        let io = failed("vector_index.drop_space", space);
        let name = space.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let dropped = self.path.join(name.replacen(SPACE, DROPPED, 1));
        fs::rename(space, &dropped).map_err(&io)?;
        sync_folder(&self.path)?;
        fs::remove_dir_all(&dropped).map_err(&io)
    }
}
