//! Search by meaning: it finds what words do not, moves from one model to the next, and is never missed when it fails.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use autocrm_core::{
    access::ArticleVisibility,
    app::AutoCrm,
    error::{Error, ErrorKind, Result},
    knowledge::{Embedding, EmbeddingSpace, Metric},
    memory::{MemoryIndex, MemoryStore, MemoryVectorIndex},
    port::{Embedder, VectorIndex},
    tenant::FeatureFlags,
    text::{Key, ModelName},
};

use support::{Desk, QuotesTheBest};

/// Knows three topics by words of its own, and fails after as many texts as it was given.
#[derive(Clone)]
struct Topics {
    space: EmbeddingSpace,
    left: Arc<AtomicUsize>,
}

impl Topics {
    fn new(version: &str) -> Self {
        let (model, version) = (ModelName::new("topics").unwrap(), Key::new(version).unwrap());
        let space = EmbeddingSpace::new(model, version, 4, Metric::Cosine).unwrap();
        Self { space, left: Arc::new(AtomicUsize::new(usize::MAX)) }
    }

    fn give(&self, texts: usize) {
        self.left.store(texts, Ordering::SeqCst);
    }
}

#[async_trait]
impl Embedder for Topics {
    fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    async fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>> {
        let taken =
            self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(texts.len()));
        if taken.is_err() {
            return Err(Error::new(ErrorKind::Unavailable, "embedder.embed"));
        }
        let topics =
            [["vpn", "tunnel", "remote"], ["refund", "money", "invoice"], ["password", "sign", "login"]];
        let of = |text: &&str| {
            let lower = text.to_lowercase();
            let mut values = vec![0.1];
            values.extend(
                topics.map(|topic| if topic.iter().any(|word| lower.contains(word)) { 1.0 } else { 0.0 }),
            );
            Embedding::new(&self.space, &values).unwrap()
        };
        Ok(texts.iter().map(of).collect())
    }
}

/// A desk whose parts outlive its handle.
struct Parts {
    desk: Desk,
    store: MemoryStore,
    vectors: MemoryVectorIndex,
}

impl Parts {
    async fn open() -> Self {
        let store = MemoryStore::new();
        let desk = Desk::on(store.clone()).await;
        let articles = [
            ("tunnel", "Tunnel", "Open the tunnel with your token."),
            ("refunds", "Refunds", "Money comes back within five days."),
            ("sign-in", "Sign in", "Ask for a link when the login fails."),
        ];
        for (slug, title, text) in articles {
            desk.article(slug, title, text, ArticleVisibility::Public).await;
        }
        desk.article(
            "secret",
            "Remote work",
            "The remote gateway is gate.example.",
            ArticleVisibility::Internal,
        )
        .await;
        Self { desk, store, vectors: MemoryVectorIndex::new() }
    }

    /// Opens the same desk anew, as after a restart with other models.
    fn with(&self, embedder: &Topics, earlier: Option<&Topics>) -> AutoCrm {
        let builder = AutoCrm::builder()
            .store(self.store.clone())
            .index(MemoryIndex::new())
            .vectors(self.vectors.clone())
            .embedder(embedder.clone())
            .model(QuotesTheBest);
        match earlier {
            Some(earlier) => builder.earlier_embedder(earlier.clone()),
            None => builder,
        }
        .build()
        .unwrap()
    }

    async fn ask(&self, crm: &AutoCrm, question: &str) -> String {
        crm.agent().ask(&self.desk.customer, question).await.unwrap().text
    }
}

#[tokio::test]
async fn meaning_finds_what_words_do_not() {
    let (parts, topics) = (Parts::open().await, Topics::new("1"));
    let crm = parts.with(&topics, None);
    assert_eq!(parts.ask(&crm, "VPN?").await, "", "nothing is indexed yet");
    crm.feed().sync_index().await.unwrap();
    assert_eq!(parts.ask(&crm, "VPN?").await, "Open the tunnel with your token.");
    assert_eq!(parts.ask(&crm, "my invoice").await, "Money comes back within five days.");
    let shown = crm.agent().ask(&parts.desk.agent, "remote VPN").await.unwrap();
    assert!(!shown.text.is_empty());
}

#[tokio::test]
async fn the_flag_switches_meaning_off() {
    let (parts, topics) = (Parts::open().await, Topics::new("1"));
    let crm = parts.with(&topics, None);
    crm.feed().sync_index().await.unwrap();
    let flags = FeatureFlags { vector_search: false, ..FeatureFlags::default() };
    crm.admin().change_flags(&parts.desk.admin, flags).await.unwrap();
    assert_eq!(parts.ask(&crm, "VPN?").await, "");
}

#[tokio::test]
async fn a_customer_never_finds_internal_passages_by_meaning() {
    let (parts, topics) = (Parts::open().await, Topics::new("1"));
    let crm = parts.with(&topics, None);
    crm.feed().sync_index().await.unwrap();
    for question in ["remote", "VPN tunnel remote gateway", "gate.example"] {
        let answer = crm.agent().ask(&parts.desk.customer, question).await.unwrap();
        assert!(!answer.text.contains("gate.example"), "{question}");
        assert!(answer.sources.iter().all(|source| !source.quote.contains("gate.example")));
    }
}

#[tokio::test]
async fn without_a_working_embedder_words_are_searched() {
    let (parts, topics) = (Parts::open().await, Topics::new("1"));
    let crm = parts.with(&topics, None);
    crm.feed().sync_index().await.unwrap();
    topics.give(0);
    assert_eq!(parts.ask(&crm, "VPN?").await, "");
    assert_eq!(parts.ask(&crm, "five days").await, "Money comes back within five days.");
}

#[tokio::test]
async fn a_new_model_is_built_beside_the_old_one_which_serves_until_then() {
    let (parts, old, new) = (Parts::open().await, Topics::new("1"), Topics::new("2"));
    parts.with(&old, None).feed().sync_index().await.unwrap();
    let crm = parts.with(&new, Some(&old));
    new.give(0);
    assert!(crm.feed().sync_index().await.is_err(), "the new model does not work yet");
    // Words follow the feed first; meaning is answered by the space that is whole.
    assert_eq!(parts.ask(&crm, "VPN?").await, "Open the tunnel with your token.");
    new.give(usize::MAX);
    crm.feed().sync_index().await.unwrap();
    assert_eq!(parts.vectors.spaces().await.unwrap(), [new.space().clone()], "the old space is dropped");
    old.give(0);
    assert_eq!(parts.ask(&crm, "VPN?").await, "Open the tunnel with your token.");
}

#[tokio::test]
async fn a_half_built_space_is_not_asked() {
    let (parts, topics) = (Parts::open().await, Topics::new("1"));
    // Many articles, so that a step ends before the last of them.
    for number in 0..100 {
        let text = format!("Login {number}. ").repeat(600);
        parts.desk.article(&format!("n{number}"), "Sign in", &text, ArticleVisibility::Public).await;
    }
    let crm = parts.with(&topics, None);
    topics.give(300);
    assert!(crm.feed().sync_index().await.is_err(), "the embedder stops half-way");
    let begun = 300 - topics.left.load(Ordering::SeqCst);
    let reached = parts.vectors.cursor(topics.space(), parts.desk.admin.tenant).await.unwrap();
    assert!(reached.get() > 0 && begun > 0, "what was embedded is kept");
    topics.give(10_000);
    assert_eq!(parts.ask(&crm, "VPN?").await, "", "a half-built space would hide what it does not know");
    crm.feed().sync_index().await.unwrap();
    let resumed = 10_000 - topics.left.load(Ordering::SeqCst);
    let anew = Topics::new("2");
    anew.give(10_000);
    parts.with(&anew, None).feed().sync_index().await.unwrap();
    let all = 10_000 - anew.left.load(Ordering::SeqCst);
    assert_eq!(begun + resumed, all, "nothing is embedded twice");
}
