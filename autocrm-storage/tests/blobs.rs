//! Blobs in a directory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use autocrm_core::{
    clock::Timestamp,
    conformance::{Backend, Harness, Probe},
    error::ErrorKind,
    id::{IdSource, RandomIds, TenantId},
    mail::BlobHash,
    port::BlobStore,
};
use autocrm_storage::blob::FileBlobs;
use bytes::Bytes;

struct Files;

/// A directory of blobs whose disk fails when asked to.
struct Disk(PathBuf);

fn place_of(root: &Path, tenant: TenantId, hash: BlobHash) -> PathBuf {
    let name = hash.to_string();
    root.join(tenant.to_string()).join(&name[..2]).join(name)
}

#[async_trait]
impl Probe for Disk {
    async fn spoil_blob(&self, tenant: TenantId, hash: BlobHash) -> bool {
        fs::write(place_of(&self.0, tenant, hash), "other bytes").unwrap();
        true
    }
}

fn open(root: &Path) -> Arc<dyn BlobStore> {
    Arc::new(FileBlobs::open(root).unwrap())
}

#[async_trait]
impl Harness<dyn BlobStore> for Files {
    async fn fresh(&self) -> Backend<dyn BlobStore> {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().to_owned();
        Backend::new(open(&root))
            .with_second(open(&root))
            .with_probe(Disk(root.clone()))
            .with_reopen(Box::new(move || Box::pin(async move { open(&root) })))
            .keeping(directory)
    }
}

mod suite {
    use super::Files;

    autocrm_core::blob_conformance!(Files);
}

fn tenant() -> TenantId {
    TenantId::from_uuid(RandomIds.uuid(Timestamp::EPOCH))
}

#[tokio::test]
async fn bytes_read_back_from_another_handle() {
    let directory = tempfile::tempdir().unwrap();
    let (first, owner) = (FileBlobs::open(directory.path().join("blobs")).unwrap(), tenant());
    let bytes = Bytes::from(vec![7; 300_000]);
    let hash = first.put(owner, bytes.clone()).await.unwrap();
    assert_eq!(hash, BlobHash::of(&bytes));
    assert_eq!(first.put(owner, bytes.clone()).await.unwrap(), hash);
    let second = FileBlobs::open(directory.path().join("blobs")).unwrap();
    assert_eq!(second.get(owner, hash).await.unwrap(), Some(bytes));
    assert_eq!(second.get(tenant(), hash).await.unwrap(), None);
    second.delete(owner, hash).await.unwrap();
    second.delete(owner, hash).await.unwrap();
    assert_eq!(first.get(owner, hash).await.unwrap(), None);
}

#[tokio::test]
async fn other_bytes_under_the_name_are_corrupt_and_leftovers_hinder_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let (blobs, owner) = (FileBlobs::open(directory.path()).unwrap(), tenant());
    let hash = blobs.put(owner, Bytes::from_static(b"a mail")).await.unwrap();
    let place = place_of(directory.path(), owner, hash);
    fs::write(place.with_extension("1.0.part"), "half").unwrap();
    assert!(blobs.get(owner, hash).await.unwrap().is_some());
    fs::write(place, "A mail").unwrap();
    assert_eq!(blobs.get(owner, hash).await.unwrap_err().kind(), ErrorKind::Corrupt);
}
