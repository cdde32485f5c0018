//! The library below the process: counts syncs, and undoes what was not synced.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::failure::{Failure, Result};

const SOURCE: &str = include_str!("../../shim/durability.c");
const SUFFIXES: [&str; 3] = ["", "-wal", "-journal"];

/// The compiled library and where it writes.
#[derive(Debug)]
pub(crate) struct Shim {
    library: PathBuf,
    folder: PathBuf,
    database: PathBuf,
    undo: bool,
}

/// What a write replaced.
struct Record {
    place: u64,
    size_before: u64,
    bytes: std::ops::Range<usize>,
}

impl Shim {
    /// Compiles the library with `cc`.
    pub(crate) fn build(folder: &Path, database: &Path, undo: bool) -> Result<Self> {
        if !cfg!(target_os = "linux") {
            return Err(Failure::new("counting syncs from outside needs Linux: it preloads a library"));
        }
        let (source, library) = (folder.join("durability.c"), folder.join("durability.so"));
        fs::write(&source, SOURCE)?;
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-o"])
            .args([&library, &source])
            .args(["-ldl", "-lpthread"])
            .output()
            .map_err(|error| Failure::new(format!("no C compiler: `cc` cannot be started: {error}")))?;
        if !compiled.status.success() {
            let said = String::from_utf8_lossy(&compiled.stderr).into_owned();
            return Err(Failure::new(format!(
                "`cc` could not compile the library that counts syncs: {said}"
            )));
        }
        Ok(Self { library, folder: folder.to_owned(), database: database.to_owned(), undo })
    }

    /// Has a process load the library.
    pub(crate) fn below(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("AUTOCRM_SHIM_FILE", &self.database)
            .env("AUTOCRM_SHIM_DIR", &self.folder)
            .env("AUTOCRM_SHIM_UNDO", if self.undo { "1" } else { "0" });
    }

    /// Returns how often the files of the database were synced.
    pub(crate) fn syncs(&self) -> u64 {
        fs::metadata(self.folder.join("syncs")).map_or(0, |file| file.len())
    }

    /// Leaves the files as the loss of power would: without what was not synced. Returns how many writes were undone.
    pub(crate) fn cut_power(&self) -> Result<usize> {
        let mut undone = 0;
        for (kind, suffix) in SUFFIXES.iter().enumerate() {
            let kept = self.folder.join(format!("undo-{kind}"));
            if !kept.exists() {
                continue;
            }
            undone += undo(&kept, &with_suffix(&self.database, suffix))?;
            File::create(&kept)?;
        }
        // The shared memory of a machine that lost its power is gone.
        let _ = fs::remove_file(with_suffix(&self.database, "-shm"));
        Ok(undone)
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Takes back the writes of an undo file, last first.
fn undo(kept: &Path, target: &Path) -> Result<usize> {
    let content = fs::read(kept)?;
    let records = records(&content);
    if records.is_empty() || !target.exists() {
        return Ok(0);
    }
    let file = OpenOptions::new().write(true).open(target)?;
    for record in records.iter().rev() {
        file.write_all_at(&content[record.bytes.clone()], record.place)?;
        file.set_len(record.size_before)?;
    }
    Ok(records.len())
}

/// Returns the records. The kill may have cut the last one short; its write was not yet made.
fn records(content: &[u8]) -> Vec<Record> {
    let number = |at: usize| {
        let bytes: [u8; 8] = content.get(at..at + 8)?.try_into().ok()?;
        Some(u64::from_ne_bytes(bytes))
    };
    let (mut found, mut at) = (Vec::new(), 0);
    while let (Some(place), Some(length), Some(size_before)) = (number(at), number(at + 8), number(at + 16)) {
        let begin = at + 24;
        let Some(end) = usize::try_from(length).ok().and_then(|length| begin.checked_add(length)) else {
            break;
        };
        if end > content.len() {
            break;
        }
        found.push(Record { place, size_before, bytes: begin..end });
        at = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(place: u64, size_before: u64, bytes: &[u8]) -> Vec<u8> {
        let mut record = Vec::new();
        for number in [place, bytes.len() as u64, size_before] {
            record.extend_from_slice(&number.to_ne_bytes());
        }
        record.extend_from_slice(bytes);
        record
    }

    #[test]
    fn writes_are_undone_last_first_and_a_cut_record_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, target) = (folder.path().join("undo"), folder.path().join("file"));
        // "abcd" became "aXcd", then "aXYZ", then grew by "!".
        fs::write(&target, b"aXYZ!").unwrap();
        let mut content = record(1, 4, b"b");
        content.extend(record(2, 4, b"cd"));
        content.extend(record(4, 4, b""));
        content.extend(&record(0, 4, b"zzzz")[..26]);
        fs::write(&kept, content).unwrap();
        assert_eq!(undo(&kept, &target).unwrap(), 3);
        assert_eq!(fs::read(&target).unwrap(), b"abcd");
    }
}
