//! The suites on the in-memory adapters.

use std::sync::Arc;

use async_trait::async_trait;
use autocrm_core::{
    conformance::{Backend, Delivered, Harness, Probe},
    id::{OutboundId, TenantId},
    mail::BlobHash,
    memory::{MemoryBlobs, MemoryIndex, MemoryMailer, MemoryStore, MemoryVectorIndex},
    port::{BlobStore, Mailer, Store, TextIndex, VectorIndex},
    text::EmailAddress,
};
use bytes::Bytes;

struct Memory;

#[async_trait]
impl Harness<dyn Store> for Memory {
    async fn fresh(&self) -> Backend {
        let store = MemoryStore::new();
        let spoiled = store.clone();
        Backend::new(Arc::new(store.clone()) as Arc<dyn Store>)
            .with_second(Arc::new(store))
            .with_job_spoiler(Box::new(move |job| {
                let found = spoiled.spoil_job(job);
                Box::pin(async move { assert!(found, "the job is stored") })
            }))
            .never_suspends()
    }
}

#[async_trait]
impl Harness<dyn TextIndex> for Memory {
    async fn fresh(&self) -> Backend<dyn TextIndex> {
        Backend::new(Arc::new(MemoryIndex::new()) as Arc<dyn TextIndex>).never_suspends()
    }
}

#[async_trait]
impl Harness<dyn VectorIndex> for Memory {
    async fn fresh(&self) -> Backend<dyn VectorIndex> {
        let index = MemoryVectorIndex::new();
        Backend::new(Arc::new(index.clone()) as Arc<dyn VectorIndex>)
            .with_second(Arc::new(index))
            .never_suspends()
    }
}

struct Blobs(MemoryBlobs);

#[async_trait]
impl Probe for Blobs {
    async fn spoil_blob(&self, tenant: TenantId, hash: BlobHash) -> bool {
        self.0.spoil(tenant, hash, Bytes::from_static(b"other bytes"))
    }
}

#[async_trait]
impl Harness<dyn BlobStore> for Memory {
    async fn fresh(&self) -> Backend<dyn BlobStore> {
        let blobs = MemoryBlobs::new();
        Backend::new(Arc::new(blobs.clone()) as Arc<dyn BlobStore>).with_probe(Blobs(blobs)).never_suspends()
    }
}

struct Outbox(MemoryMailer);

#[async_trait]
impl Probe for Outbox {
    async fn refuse(&self, recipient: &EmailAddress) -> bool {
        self.0.refuse(recipient.clone());
        true
    }

    async fn delivered(&self, mail: OutboundId) -> Option<Delivered> {
        let times = self.0.sent().iter().filter(|sent| sent.id == mail).count();
        Some(Delivered { times, raw: None })
    }
}

#[async_trait]
impl Harness<dyn Mailer> for Memory {
    async fn fresh(&self) -> Backend<dyn Mailer> {
        let mailer = MemoryMailer::new();
        Backend::new(Arc::new(mailer.clone()) as Arc<dyn Mailer>).with_probe(Outbox(mailer)).never_suspends()
    }
}

mod store {
    use super::Memory;

    autocrm_core::store_conformance!(Memory);
}

mod text_index {
    use super::Memory;

    autocrm_core::text_index_conformance!(Memory);
}

mod vector_index {
    use super::Memory;

    autocrm_core::vector_index_conformance!(Memory);
}

mod blob {
    use super::Memory;

    autocrm_core::blob_conformance!(Memory);
}

mod mailer {
    use super::Memory;

    autocrm_core::mailer_conformance!(Memory);
}
