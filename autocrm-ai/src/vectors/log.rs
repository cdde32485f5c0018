//! One file of records: how it is made, written to and read.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    ops::Deref,
    path::{Path, PathBuf},
};

use autocrm_core::error::{Error, ErrorKind, Result};
use tantivy::directory::{Directory as _, MmapDirectory, OwnedBytes};

/// Turns a failure of the file system into one of the port.
pub(super) fn failed(operation: &'static str, path: &Path) -> impl Fn(std::io::Error) -> Error + use<> {
    let name = path.display().to_string();
    move |source| Error::new(ErrorKind::Unavailable, operation).context(&name).source(source)
}

/// Makes what was created, renamed or removed in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|own| own.sync_all()).map_err(failed("vector_index.apply", folder))
}

/// The bytes of a log: mapped once it is sealed.
#[derive(Debug)]
pub(super) enum Body {
    Mapped(OwnedBytes),
    Written(Vec<u8>),
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(bytes) => bytes.as_slice(),
            Self::Written(bytes) => bytes,
        }
    }
}

impl Body {
    /// Maps a sealed log. The file is never written again, only removed, which leaves the mapping as it is.
    pub(super) fn map(path: &Path) -> Result<Self> {
        let operation = "vector_index.open";
        let unavailable = |source: String| Error::new(ErrorKind::Unavailable, operation).source(source);
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Error::new(ErrorKind::Internal, operation).context("a path without a name"));
        };
        let directory = MmapDirectory::open(folder).map_err(|source| unavailable(source.to_string()))?;
        let slice = directory.open_read(Path::new(name)).map_err(|source| unavailable(source.to_string()))?;
        Ok(Self::Mapped(slice.read_bytes().map_err(failed(operation, path))?))
    }
}

/// The log that is written to.
#[derive(Debug)]
pub(super) struct OpenLog {
    pub(super) number: u32,
    path: PathBuf,
    file: File,
    length: u64,
    /// A failed write could not be taken back: nothing is appended any more.
    broken: bool,
}

impl OpenLog {
    /// Makes a log that begins with `bytes`, durably. What an earlier attempt left under the number goes.
    pub(super) fn create(folder: &Path, number: u32, bytes: &[u8]) -> Result<Self> {
        let path = path_of(folder, number);
        let io = failed("vector_index.apply", &path);
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&path).map_err(&io)?;
        let made = file.write_all(bytes).and_then(|()| file.sync_all()).map_err(&io);
        if let Err(error) = made.and_then(|()| sync_folder(folder)) {
            // Half a log must not stand behind the one that goes on; if it cannot be removed, the error says enough.
            drop(fs::remove_file(&path));
            return Err(error);
        }
        Ok(Self { number, path, file, length: bytes.len() as u64, broken: false })
    }

    /// Opens a log to go on writing after its first `length` bytes; what follows them goes.
    pub(super) fn reopen(folder: &Path, number: u32, length: u64) -> Result<Self> {
        let path = path_of(folder, number);
        let io = failed("vector_index.open", &path);
        let file = OpenOptions::new().append(true).open(&path).map_err(&io)?;
        if file.metadata().map_err(&io)?.len() != length {
            file.set_len(length).and_then(|()| file.sync_all()).map_err(&io)?;
        }
        Ok(Self { number, path, file, length, broken: false })
    }

    /// Returns how long the log is, in bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends records durably and returns the place where they begin. On a failure the log is as it was.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<usize> {
        let io = failed("vector_index.apply", &self.path);
        if self.broken {
            let error = Error::new(ErrorKind::Unavailable, "vector_index.apply");
            return Err(error.context("an earlier write failed: open the index again"));
        }
        let written = self.file.write_all(bytes).and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            // After a failed sync nobody knows what is on disk; what can be taken back is.
            let taken_back = self.file.set_len(self.length).and_then(|()| self.file.sync_all());
            self.broken = taken_back.is_err();
            return Err(io(source));
        }
        let begin = self.length;
        self.length += bytes.len() as u64;
        usize::try_from(begin)
            .map_err(|source| Error::new(ErrorKind::Internal, "vector_index.apply").source(source))
    }
}

/// Returns the path of a log.
pub(super) fn path_of(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:08}.log"))
}

/// Returns the numbers of the logs of a folder, in order.
pub(super) fn numbers(folder: &Path) -> Result<Vec<u32>> {
    let io = failed("vector_index.open", folder);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(&io)? {
        let name = entry.map_err(&io)?.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_suffix(".log"))
            .and_then(|name| name.parse::<u32>().ok());
        found.extend(number);
    }
    found.sort_unstable();
    Ok(found)
}
