//! The suites on the in-memory adapters.

use std::sync::Arc;

use async_trait::async_trait;
use autocrm_core::{
    conformance::{Backend, Harness},
    memory::MemoryStore,
    port::Store,
};

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

mod store {
    use super::Memory;

    autocrm_core::store_conformance!(Memory);
}
