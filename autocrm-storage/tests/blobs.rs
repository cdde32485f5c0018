//! Blobs in a directory.

use std::fs;

use autocrm_core::{
    clock::Timestamp,
    error::ErrorKind,
    id::{IdSource, RandomIds, TenantId},
    mail::BlobHash,
    port::BlobStore,
};
use autocrm_storage::blob::FileBlobs;
use bytes::Bytes;

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
    let folder = directory.path().join(owner.to_string()).join(&hash.to_string()[..2]);
    fs::write(folder.join(format!("{hash}.1.0.part")), "half").unwrap();
    assert!(blobs.get(owner, hash).await.unwrap().is_some());
    fs::write(folder.join(hash.to_string()), "A mail").unwrap();
    assert_eq!(blobs.get(owner, hash).await.unwrap_err().kind(), ErrorKind::Corrupt);
}
