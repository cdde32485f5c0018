//! Large content-addressed bytes.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{error::Result, id::TenantId, mail::BlobHash};

/// Keeps bytes by tenant and hash.
///
/// # Contract
/// * **B1** After `put` returned, the bytes survive a crash of process and machine.
/// * **B2** Putting the same bytes again succeeds and changes nothing.
/// * **B3** Bytes of one tenant are not found under another.
/// * **B4** Deleting what is missing succeeds.
/// * **B5** `get` checks the hash; other bytes are `Corrupt`.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Stores bytes and returns their hash.
    async fn put(&self, tenant: TenantId, bytes: Bytes) -> Result<BlobHash>;

    /// Returns the bytes with the hash.
    async fn get(&self, tenant: TenantId, hash: BlobHash) -> Result<Option<Bytes>>;

    /// Removes the bytes with the hash.
    async fn delete(&self, tenant: TenantId, hash: BlobHash) -> Result<()>;
}
