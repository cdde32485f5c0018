//! Blobs as files of a directory.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use autocrm_core::{
    error::{Error, ErrorKind, Result},
    id::TenantId,
    mail::BlobHash,
    port::BlobStore,
};
use bytes::Bytes;

/// Keeps each blob as the file `<tenant>/<first two digits>/<hash>` of a directory.
///
/// A blob is written beside its place, synced, renamed into it, and the directories are synced: after a crash of
/// process or machine it is there whole or not at all. A file that is left over from a crash ends in `.part` and is
/// never read. Calls run on tokio's threads for blocking work.
#[derive(Debug, Clone)]
pub struct FileBlobs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
}

impl FileBlobs {
    /// Opens a directory of blobs, and makes it when it is missing.
    ///
    /// # Errors
    /// `Unavailable` when the directory cannot be made or read.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let path = root.into();
        fs::create_dir_all(&path).map_err(failure("open a directory of blobs"))?;
        Ok(Self { inner: Arc::new(Inner { root: path }) })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.inner);
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(outcome) => outcome,
            Err(error) => Err(Error::new(ErrorKind::Internal, operation).source(error)),
        }
    }
}

fn failure(operation: &'static str) -> impl Fn(io::Error) -> Error {
    move |error| Error::new(ErrorKind::Unavailable, operation).context(error.kind()).source(error)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

impl Inner {
    fn folder(&self, tenant: TenantId, hash: BlobHash) -> PathBuf {
        let name = hash.to_string();
        let shard = name.get(..2).unwrap_or_default();
        self.root.join(tenant.to_string()).join(shard)
    }

    fn place(&self, tenant: TenantId, hash: BlobHash) -> PathBuf {
        self.folder(tenant, hash).join(hash.to_string())
    }

    fn put(&self, tenant: TenantId, bytes: &[u8]) -> io::Result<BlobHash> {
        let hash = BlobHash::of(bytes);
        let (folder, place) = (self.folder(tenant, hash), self.place(tenant, hash));
        // A file of that name was renamed into its place after it was synced; its directory is synced again, because
        // the process that renamed it may have died before.
        if fs::metadata(&place).is_ok_and(|present| usize::try_from(present.len()) == Ok(bytes.len())) {
            sync_directory(&folder)?;
            return Ok(hash);
        }
        fs::create_dir_all(&folder)?;
        let (part, file) = new_part(&folder, hash)?;
        let written = write_synced(file, bytes).and_then(|()| fs::rename(&part, &place));
        if let Err(error) = written {
            drop(fs::remove_file(&part));
            return Err(error);
        }
        // The file's entry, then the entries of the directories that may be new.
        for directory in folder.ancestors() {
            sync_directory(directory)?;
            if directory == self.root {
                break;
            }
        }
        Ok(hash)
    }

    fn get(&self, tenant: TenantId, hash: BlobHash) -> Result<Option<Bytes>> {
        const GET: &str = "get a blob";
        let bytes = match fs::read(self.place(tenant, hash)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failure(GET)(error)),
        };
        if BlobHash::of(&bytes) == hash {
            return Ok(Some(Bytes::from(bytes)));
        }
        Err(Error::new(ErrorKind::Corrupt, GET).context(hash))
    }

    fn delete(&self, tenant: TenantId, hash: BlobHash) -> io::Result<()> {
        match fs::remove_file(self.place(tenant, hash)) {
            Ok(()) => sync_directory(&self.folder(tenant, hash)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Makes a file that nobody else writes: neither another handle of this process nor one that died with the same id.
fn new_part(folder: &Path, hash: BlobHash) -> io::Result<(PathBuf, File)> {
    static PARTS: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = PARTS.fetch_add(1, Ordering::Relaxed);
        let part = folder.join(format!("{hash}.{}.{count}.part", std::process::id()));
        match File::create_new(&part) {
            Ok(file) => return Ok((part, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

fn write_synced(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

#[async_trait]
impl BlobStore for FileBlobs {
    async fn put(&self, tenant: TenantId, bytes: Bytes) -> Result<BlobHash> {
        const PUT: &str = "put a blob";
        self.blocking(PUT, move |inner| inner.put(tenant, &bytes).map_err(failure(PUT))).await
    }

    async fn get(&self, tenant: TenantId, hash: BlobHash) -> Result<Option<Bytes>> {
        self.blocking("get a blob", move |inner| inner.get(tenant, hash)).await
    }

    async fn delete(&self, tenant: TenantId, hash: BlobHash) -> Result<()> {
        const DELETE: &str = "delete a blob";
        self.blocking(DELETE, move |inner| inner.delete(tenant, hash).map_err(failure(DELETE))).await
    }
}
