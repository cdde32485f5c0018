//! Embedders: texts as vectors.

use std::sync::Arc;

use crate::{
    conformance::Backend,
    error::ErrorKind,
    knowledge::Embedding,
    port::{Embedder, MAX_EMBEDDED_BYTES, MAX_EMBEDDED_TEXTS},
};

/// How close two embeddings of the same text are at least.
const SAME: f32 = 0.99;

/// Three topics, each with two texts that share words and meaning.
const TOPICS: [[&str; 2]; 3] = [
    ["How do I reset the password of my account?", "I forgot my password and cannot reset the account."],
    ["The train to Paris is late again.", "Is the late train to Paris cancelled?"],
    ["Please refund the invoice of October.", "The invoice of October was paid twice, I want a refund."],
];

const STRANGE: [&str; 8] =
    ["", " \n\t ", "\0\0\0", "🙂🙂👩🏽‍🚀", "漢字かな", "שלום עולם", "\u{202e}abc\u{feff}", "?!…—#*~"];

async fn embedded(embedder: &Arc<dyn Embedder>, texts: &[&str]) -> Vec<Embedding> {
    let found = embedder.embed(texts).await.expect("texts are embedded");
    assert_eq!(found.len(), texts.len(), "every text has one embedding");
    assert!(found.iter().all(|embedding| embedding.space() == embedder.space()), "all lie in the space");
    found
}

fn cosine(one: &Embedding, other: &Embedding) -> f32 {
    one.similarity(other).expect("one space")
}

fn assert_same(one: &[Embedding], other: &[Embedding], what: &str) {
    assert_eq!(one.len(), other.len());
    for (place, (left, right)) in one.iter().zip(other).enumerate() {
        assert!(cosine(left, right) >= SAME, "{what}: text {place} has moved to {}", cosine(left, right));
    }
}

/// N1: every text has one embedding, in its place and in the embedder's space.
pub async fn n1_every_text_has_its_embedding(backend: Backend<dyn Embedder>) {
    let embedder = backend.port();
    let space = embedder.space().clone();
    let mut texts = TOPICS.concat();
    // One stands twice.
    texts.push(TOPICS[0][0]);
    let together = embedded(&embedder, &texts).await;
    for (text, found) in texts.iter().zip(&together) {
        let alone = embedded(&embedder, &[text]).await;
        for (_, other) in texts.iter().zip(&together).filter(|(of, _)| *of != text) {
            assert!(cosine(&alone[0], found) > cosine(&alone[0], other), "{text:?} is in another's place");
        }
    }
    assert_eq!(*embedder.space(), space, "the space stays");
}

/// N2: neighbours, order and repetition do not matter, however long the neighbours are.
pub async fn n2_neighbours_do_not_matter(backend: Backend<dyn Embedder>) {
    let embedder = backend.port();
    let long = "the shelf of the library is full of books ".repeat(40);
    let texts = [TOPICS[0][0], &long, "", TOPICS[1][0], TOPICS[0][0]];
    let together = embedded(&embedder, &texts).await;
    let mut alone = Vec::new();
    for text in texts {
        alone.extend(embedded(&embedder, &[text]).await);
    }
    assert_same(&together, &alone, "alone");
    let reversed: Vec<&str> = texts.iter().rev().copied().collect();
    let mut back = embedded(&embedder, &reversed).await;
    back.reverse();
    assert_same(&together, &back, "in reversed order");
    assert_same(&together, &embedded(&embedder, &texts).await, "again");
}

/// N3: the two texts of a topic lie closer to each other than to those of another.
pub async fn n3_texts_of_one_topic_lie_close(backend: Backend<dyn Embedder>) {
    let embedder = backend.port();
    let found = embedded(&embedder, &TOPICS.concat()).await;
    for (place, one) in found.iter().enumerate() {
        let partner = place ^ 1;
        for (other, embedding) in found.iter().enumerate().filter(|(other, _)| other / 2 != place / 2) {
            let (near, far) = (cosine(one, &found[partner]), cosine(one, embedding));
            assert!(near > far, "text {place} lies closer to {other} ({far}) than to {partner} ({near})");
        }
    }
}

/// N4: any text is embedded, and what follows its first 20,000 bytes changes nothing.
pub async fn n4_any_text_is_embedded(backend: Backend<dyn Embedder>) {
    let embedder = backend.port();
    for text in STRANGE {
        embedded(&embedder, &[text]).await;
    }
    embedded(&embedder, &STRANGE).await;
    for filler in ["lorem ipsum ", "ä", "x"] {
        let mut text = filler.repeat(MAX_EMBEDDED_BYTES / filler.len() + 1);
        let mut cut = MAX_EMBEDDED_BYTES;
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        text.truncate(cut);
        let longer = format!("{text}{}", "zebra crossing ".repeat(20_000));
        let found = embedded(&embedder, &[&text, &longer]).await;
        assert_same(&found[..1], &found[1..], "more than 20,000 bytes");
    }
}

/// N5: more than 1,024 texts are refused, as many are taken, and none is a number, too.
pub async fn n5_the_number_of_texts_is_bounded(backend: Backend<dyn Embedder>) {
    let embedder = backend.port();
    assert_eq!(embedder.embed(&[]).await.expect("nothing to do"), vec![]);
    let refused = embedder.embed(&vec!["a"; MAX_EMBEDDED_TEXTS + 1]).await.expect_err("too many texts");
    assert_eq!(refused.kind(), ErrorKind::LimitExceeded);
    embedded(&embedder, &vec!["a"; MAX_EMBEDDED_TEXTS]).await;
}
