//! Blob stores: bytes by tenant and hash, checked when they are read.

use bytes::Bytes;

use crate::{
    clock::{Stamp, Timestamp},
    conformance::{
        Backend,
        cancel::{Drops, drop_after},
        rig::{assert_refused, race},
    },
    error::ErrorKind,
    id::{RandomIds, TenantId},
    mail::BlobHash,
    port::BlobStore,
};

type Blobs = Backend<dyn BlobStore>;

fn tenant() -> TenantId {
    Stamp::new(Timestamp::from_micros(1_772_352_000_000_000), &RandomIds).id()
}

fn samples() -> Vec<Bytes> {
    let large: Vec<u8> = (0..300_000_u32).map(|index| (index * 7 % 251) as u8).collect();
    vec![Bytes::new(), Bytes::from_static(&[0]), Bytes::from_static(b"\xFF\0\r\n"), Bytes::from(large)]
}

/// B1: bytes read back under their hash, on every handle, also after every handle was lost.
pub async fn b1_bytes_read_back(backend: Blobs) {
    let (tenant, blobs) = (tenant(), backend.port());
    for bytes in samples() {
        let hash = BlobHash::of(&bytes);
        assert_eq!(blobs.get(tenant, hash).await.unwrap(), None);
        assert_eq!(blobs.put(tenant, bytes.clone()).await.unwrap(), hash, "the hash is that of the bytes");
        assert_eq!(backend.other().get(tenant, hash).await.unwrap(), Some(bytes));
    }
    drop(blobs);
    let durable = backend.capabilities().durable;
    let backend = if durable { backend.reopened().await.expect("it opens again") } else { backend };
    for bytes in samples() {
        assert_eq!(backend.port().get(tenant, BlobHash::of(&bytes)).await.unwrap(), Some(bytes));
    }
}

/// B2: putting the same bytes again succeeds and changes nothing, also at once.
pub async fn b2_the_same_bytes_again_change_nothing(backend: Blobs) {
    let tenant = tenant();
    for bytes in samples() {
        let writers = (0..8).map(|writer| {
            let blobs = if writer % 2 == 0 { backend.port() } else { backend.other() };
            let bytes = bytes.clone();
            async move { blobs.put(tenant, bytes).await.expect("the bytes are stored") }
        });
        let hash = BlobHash::of(&bytes);
        assert!(race(writers).await.into_iter().all(|given| given == hash));
        assert_eq!(backend.port().get(tenant, hash).await.unwrap(), Some(bytes));
    }
}

/// B3: bytes of one tenant are not found, and not deleted, under another.
pub async fn b3_tenants_are_apart(backend: Blobs) {
    let (one, two, blobs) = (tenant(), tenant(), backend.port());
    let bytes = Bytes::from_static(b"apart");
    let hash = blobs.put(one, bytes.clone()).await.unwrap();
    assert_eq!(blobs.get(two, hash).await.unwrap(), None);
    blobs.delete(two, hash).await.unwrap();
    assert_eq!(blobs.get(one, hash).await.unwrap(), Some(bytes.clone()));
    blobs.put(two, bytes.clone()).await.unwrap();
    blobs.delete(one, hash).await.unwrap();
    assert_eq!(blobs.get(one, hash).await.unwrap(), None);
    assert_eq!(blobs.get(two, hash).await.unwrap(), Some(bytes));
}

/// B4: deleting what is missing succeeds; what was deleted is gone and can be put again.
pub async fn b4_deleting_what_is_missing_succeeds(backend: Blobs) {
    let (tenant, blobs) = (tenant(), backend.port());
    let bytes = Bytes::from_static(b"gone");
    let hash = BlobHash::of(&bytes);
    for _ in 0..2 {
        blobs.delete(tenant, hash).await.expect("a missing blob is deleted");
        blobs.put(tenant, bytes.clone()).await.unwrap();
        blobs.delete(tenant, hash).await.unwrap();
        assert_eq!(blobs.get(tenant, hash).await.unwrap(), None);
    }
}

/// B5: bytes that no longer have the hash are `Corrupt`, never an answer; and a `put` that was dropped leaves no others.
pub async fn b5_other_bytes_are_corrupt(backend: Blobs) {
    let (tenant, blobs) = (tenant(), backend.port());
    let bytes = Bytes::from_static(b"the right bytes");
    let hash = blobs.put(tenant, bytes.clone()).await.unwrap();
    let spoilt = match backend.probe() {
        Some(probe) => probe.spoil_blob(tenant, hash).await,
        None => false,
    };
    if spoilt {
        assert_refused(blobs.get(tenant, hash).await, ErrorKind::Corrupt, "spoilt bytes");
    }
    let mut drops = Drops::of(&backend, "put");
    loop {
        let (round, polls) = (drops.round(), drops.polls());
        let bytes = Bytes::from(format!("bytes {round}"));
        let hash = BlobHash::of(&bytes);
        let done = drop_after(polls, blobs.put(tenant, bytes.clone())).await.is_some();
        let found = blobs.get(tenant, hash).await.expect("a dropped put leaves the bytes or none");
        assert!(found.as_ref().is_none_or(|found| *found == bytes));
        blobs.put(tenant, bytes.clone()).await.unwrap();
        assert_eq!(blobs.get(tenant, hash).await.unwrap(), Some(bytes));
        if !drops.goes_on(done) {
            return;
        }
    }
}
