//! Blobs.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    error::{Error, ErrorKind, Result},
    id::TenantId,
    mail::BlobHash,
    memory::lock,
    port::BlobStore,
};

/// Blobs in this process. Clones are handles on the same blobs.
#[derive(Clone, Default)]
pub struct MemoryBlobs {
    blobs: Arc<Mutex<BTreeMap<(TenantId, BlobHash), Bytes>>>,
}

impl MemoryBlobs {
    /// Returns a store without blobs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the bytes of a blob by others, as a failing disk would; `false` without such a blob.
    #[cfg(feature = "testing")]
    pub fn spoil(&self, tenant: TenantId, hash: BlobHash, bytes: Bytes) -> bool {
        lock(&self.blobs).get_mut(&(tenant, hash)).map(|blob| *blob = bytes).is_some()
    }
}

impl fmt::Debug for MemoryBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBlobs").field("blobs", &lock(&self.blobs).len()).finish()
    }
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn put(&self, tenant: TenantId, bytes: Bytes) -> Result<BlobHash> {
        let hash = BlobHash::of(&bytes);
        lock(&self.blobs).insert((tenant, hash), bytes);
        Ok(hash)
    }

    async fn get(&self, tenant: TenantId, hash: BlobHash) -> Result<Option<Bytes>> {
        let found = lock(&self.blobs).get(&(tenant, hash)).cloned();
        match found {
            Some(bytes) if BlobHash::of(&bytes) != hash => {
                Err(Error::new(ErrorKind::Corrupt, "get blob").context(hash))
            }
            other => Ok(other),
        }
    }

    async fn delete(&self, tenant: TenantId, hash: BlobHash) -> Result<()> {
        lock(&self.blobs).remove(&(tenant, hash));
        Ok(())
    }
}
