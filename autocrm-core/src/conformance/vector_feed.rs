//! Vector indexes, as they follow the feed: a cursor in each space that tells the truth, and spaces that are apart.

use std::{collections::BTreeSet, sync::Arc};

use tokio::task::JoinSet;

use crate::{
    access::ArticleVisibility,
    change::Position,
    conformance::{
        cancel::{Drops, drop_after},
        vector_desk::{Desk, Filed, Index, TOLERANCE, at, space},
    },
    error::ErrorKind,
    id::ChunkId,
    knowledge::EmbeddingRefusal,
    port::{EmbeddedChunk, VectorBatch, VectorChange},
};

const PUBLIC: ArticleVisibility = ArticleVisibility::Public;

fn set(chunks: &[ChunkId]) -> BTreeSet<ChunkId> {
    chunks.iter().copied().collect()
}

/// V5: changes and cursor are stored together: after a crash the cursor names exactly what is searched.
pub async fn v5_the_cursor_survives_with_the_changes(backend: Index) {
    let one = Desk::new(&backend);
    let two = one.neighbour();
    let (first, second) = (one.file(PUBLIC, &[0.5]), two.file(PUBLIC, &[0.5]));
    assert_eq!(one.cursor().await, 0);
    one.apply(0, 5, &[first.change]).await;
    one.apply(5, 9, &[]).await;
    two.apply(0, 2, &[second.change]).await;
    assert_eq!(one.cursor().await, 9, "a batch without changes moves the cursor too");
    let (space, ids, tenants) = (one.space.clone(), Arc::clone(&one.ids), [one.tenant, two.tenant]);
    drop((one, two));
    let durable = backend.capabilities().durable;
    let backend = if durable { backend.reopened().await.expect("it opens again") } else { backend };
    for (tenant, cursor, chunks) in [(tenants[0], 9, first.chunks), (tenants[1], 2, second.chunks)] {
        let desk = Desk { index: backend.port(), space: space.clone(), tenant, ids: Arc::clone(&ids) };
        assert_eq!(desk.cursor().await, cursor);
        assert_eq!(desk.found().await, set(&chunks));
    }
    assert_eq!(backend.port().spaces().await.unwrap(), vec![space]);
}

/// V5: an `apply` that was dropped half-way left both changes and cursor, or neither; applied again, both.
pub async fn v5_a_dropped_apply_is_whole_or_absent(backend: Index) {
    let desk = Desk::new(&backend);
    let article = desk.ids.next();
    desk.apply(0, 1, &[]).await;
    let mut drops = Drops::of(&backend, "apply");
    loop {
        let before = desk.cursor().await;
        let polls = drops.polls();
        let Filed { change, chunks, .. } = desk.refile(article, PUBLIC, None, &[0.5]);
        let batch = desk.batch(before, before + 1, &[change]);
        let earlier = desk.found().await;
        let done = drop_after(polls, desk.index.apply(&batch)).await.is_some();
        // A later, empty apply waits for whatever the dropped one left behind.
        desk.apply(before, before, &[]).await;
        let moved = desk.cursor().await == before + 1;
        let expected = if moved { set(&chunks) } else { earlier };
        assert_eq!(desk.found().await, expected, "dropped after {polls} polls");
        assert!(moved || !done, "a completed apply moves the cursor");
        desk.index.apply(&batch).await.unwrap();
        assert_eq!(desk.cursor().await, before + 1);
        assert_eq!(desk.found().await, set(&chunks));
        if !drops.goes_on(done) {
            return;
        }
    }
}

/// V6: after `apply` returned every handle sees it: new vectors replace all earlier ones, also of another visibility.
pub async fn v6_searches_see_what_was_applied(backend: Index) {
    let desk = Desk::new(&backend);
    let other = desk.through(backend.other());
    let (first, beside) = (desk.file(PUBLIC, &[0.9, 0.8]), desk.file(PUBLIC, &[0.7]));
    desk.apply(0, 2, &[first.change, beside.change]).await;
    assert_eq!(other.found().await.len(), 3);
    let next = desk.refile(first.article, ArticleVisibility::Internal, Some("de"), &[0.1]);
    desk.apply(2, 3, &[next.change]).await;
    for seen in [&desk, &other] {
        let hits = seen.hits().await;
        let expected: Vec<ChunkId> = [&beside.chunks[..], &next.chunks[..]].concat();
        assert_eq!(
            hits.iter().map(|hit| hit.chunk).collect::<Vec<_>>(),
            expected,
            "earlier vectors are gone"
        );
        let mut query = seen.query();
        query.visibilities = vec![PUBLIC, ArticleVisibility::Tenant];
        let public: Vec<ChunkId> = seen.search(&query).await.iter().map(|hit| hit.chunk).collect();
        assert_eq!(public, beside.chunks, "the visibility changed with the vectors");
    }
    let removed = [first.article, desk.ids.next()].map(|article| VectorChange::Remove { article });
    desk.apply(3, 4, &removed).await;
    assert_eq!(other.found().await, set(&beside.chunks));
    let emptied = desk.refile(beside.article, PUBLIC, None, &[]);
    desk.apply(4, 5, &[emptied.change]).await;
    assert_eq!(other.found().await, BTreeSet::new(), "an article without passages is not found");
}

/// V6: of two changes of one batch the later counts, and a chunk belongs to the article that named it last.
pub async fn v6_a_chunk_belongs_to_one_article(backend: Index) {
    let desk = Desk::new(&backend);
    let first = desk.file(PUBLIC, &[0.9, 0.8]);
    let again = desk.refile(first.article, PUBLIC, None, &[0.7, 0.6]);
    desk.apply(0, 1, &[first.change, again.change]).await;
    assert_eq!(desk.found().await, set(&again.chunks), "the later change counts");
    let moved = VectorChange::Replace {
        article: desk.ids.next(),
        visibility: PUBLIC,
        language: None,
        chunks: vec![EmbeddedChunk { id: again.chunks[0], embedding: at(&desk.space, 0.1) }],
    };
    desk.apply(1, 2, &[moved]).await;
    let hits = desk.hits().await;
    assert_eq!(hits.iter().map(|hit| hit.chunk).collect::<Vec<_>>(), [again.chunks[1], again.chunks[0]]);
    assert_ne!(hits[1].article, first.article, "it moved");
    desk.apply(2, 3, &[VectorChange::Remove { article: first.article }]).await;
    assert_eq!(desk.found().await, set(&again.chunks[..1]), "it stays without its first article");
}

/// V7: applying the same batch again changes nothing observable, the cursor included.
pub async fn v7_applying_again_changes_nothing(backend: Index) {
    let desk = Desk::new(&backend);
    let (one, two) = (desk.file(PUBLIC, &[0.9, 0.8]), desk.file(ArticleVisibility::Internal, &[0.7]));
    let gone = desk.file(PUBLIC, &[0.6]);
    let changes = [one.change, two.change, gone.change, VectorChange::Remove { article: gone.article }];
    desk.apply(0, 7, &changes).await;
    let hits = desk.hits().await;
    assert_eq!(hits.len(), 3);
    for _ in 0..3 {
        desk.apply(0, 7, &changes).await;
        assert_eq!(desk.hits().await, hits);
        assert_eq!(desk.cursor().await, 7);
    }
}

/// V7: a batch that ends before the cursor was overtaken: it brings nothing back, and the cursor stays.
pub async fn v7_an_overtaken_batch_changes_nothing(backend: Index) {
    let desk = Desk::new(&backend);
    let old = desk.file(PUBLIC, &[0.9]);
    let new = desk.refile(old.article, PUBLIC, None, &[0.5]);
    desk.apply(0, 9, &[new.change]).await;
    for late in [old.change, VectorChange::Remove { article: old.article }] {
        desk.apply(0, 8, &[late]).await;
        assert_eq!(desk.found().await, set(&new.chunks), "what is newer stays");
        assert_eq!(desk.cursor().await, 9);
    }
    let newest = desk.refile(old.article, PUBLIC, None, &[0.4]);
    desk.apply(4, 10, &[newest.change]).await;
    assert_eq!(desk.found().await, set(&newest.chunks), "a batch that only begins before the cursor counts");
    assert_eq!(desk.cursor().await, 10);
}

/// V7: a batch that begins after the cursor would leave a gap: it is a conflict and changes nothing.
pub async fn v7_a_batch_after_a_gap_is_a_conflict(backend: Index) {
    let desk = Desk::new(&backend);
    let first = desk.file(PUBLIC, &[0.9]);
    let refused = desk.index.apply(&desk.batch(1, 2, std::slice::from_ref(&first.change))).await;
    assert!(refused.expect_err("the first step is missing").is_conflict());
    assert_eq!(desk.index.spaces().await.unwrap(), vec![], "a refused batch makes no space");
    desk.apply(0, 5, &[first.change]).await;
    let next = desk.file(PUBLIC, &[0.8]);
    let refused = desk.index.apply(&desk.batch(6, 9, std::slice::from_ref(&next.change))).await;
    assert!(refused.expect_err("a step is missing").is_conflict());
    assert_eq!(desk.cursor().await, 5);
    assert_eq!(desk.found().await, set(&first.chunks));
    desk.apply(5, 9, &[next.change]).await;
    assert_eq!(desk.found().await.len(), 2);
}

/// V7: followers that apply at once end with the state of the one that read last.
pub async fn v7_followers_at_once_converge(backend: Index) {
    let desk = Desk::new(&backend);
    let article = desk.ids.next();
    let mut running = JoinSet::new();
    for upto in 1..=16_u8 {
        let follower = desk.through(if upto % 2 == 0 { backend.port() } else { backend.other() });
        let filed = desk.refile(article, PUBLIC, None, &[f32::from(upto) / 20.0]);
        running.spawn(async move { follower.apply(0, upto.into(), &[filed.change]).await });
    }
    while let Some(ended) = running.join_next().await {
        ended.expect("a follower applies its batch");
    }
    assert_eq!(desk.cursor().await, 16);
    let hits = desk.hits().await;
    assert_eq!(hits.len(), 1, "one passage is filed");
    assert!((f64::from(hits[0].score) - 0.8).abs() <= TOLERANCE, "the newest state stays: {hits:?}");
}

/// V8: models, versions and dimensions are spaces of their own, each with its vectors and its cursor.
pub async fn v8_spaces_are_apart(backend: Index) {
    let first = Desk::new(&backend);
    let dimensions = first.space.dimensions();
    let others = [("example/others", "1", dimensions), ("example/sentences", "2", dimensions)];
    let mut desks = vec![first];
    for (model, version, dimensions) in others.into_iter().chain([("example/sentences", "1", dimensions * 2)])
    {
        desks.push(desks[0].within(&space(model, version, dimensions)));
    }
    let article = desks[0].ids.next();
    let mut made = Vec::new();
    for (desk, cursor) in desks.iter().zip(1..) {
        let filed = desk.refile(article, PUBLIC, None, &[0.5]);
        desk.apply(0, cursor, &[filed.change]).await;
        made.push(filed.chunks);
    }
    for ((desk, chunks), cursor) in desks.iter().zip(&made).zip(1..) {
        assert_eq!(desk.found().await, set(chunks), "{}", desk.space);
        assert_eq!(desk.cursor().await, cursor);
    }
    desks[1].apply(2, 3, &[VectorChange::Remove { article }]).await;
    assert_eq!(desks[1].found().await, BTreeSet::new());
    for (desk, chunks) in [(&desks[0], &made[0]), (&desks[2], &made[2]), (&desks[3], &made[3])] {
        assert_eq!(desk.found().await, set(chunks), "another space keeps the article: {}", desk.space);
    }
}

/// V8: a space is held from its first `apply` until it is dropped; one that is not held is told, not searched.
pub async fn v8_a_space_is_held_until_it_is_dropped(backend: Index) {
    let old = Desk::new(&backend);
    let new = old.within(&space("example/sentences", "2", old.space.dimensions()));
    let neighbour = new.neighbour();
    for desk in [&old, &new] {
        assert_eq!(desk.cursor().await, 0);
        let refused = desk.try_search(&desk.query()).await.expect_err("the space is not held");
        assert_eq!(refused.kind(), ErrorKind::NotFound);
    }
    assert_eq!(old.index.spaces().await.unwrap(), vec![]);
    old.index.drop_space(&old.space).await.expect("one that is not held may be dropped");
    let (one, two, three) =
        (old.file(PUBLIC, &[0.5]), new.file(PUBLIC, &[0.5]), neighbour.file(PUBLIC, &[0.5]));
    new.apply(0, 3, &[]).await;
    assert_eq!(new.hits().await, vec![], "an empty space is held");
    old.apply(0, 4, &[one.change]).await;
    new.apply(3, 5, &[two.change]).await;
    neighbour.apply(0, 2, &[three.change]).await;
    assert_eq!(
        old.index.spaces().await.unwrap(),
        vec![old.space.clone(), new.space.clone()],
        "in their order"
    );
    for _ in 0..2 {
        old.index.drop_space(&old.space).await.unwrap();
        let refused = old.try_search(&old.query()).await.expect_err("the space was dropped");
        assert_eq!(refused.kind(), ErrorKind::NotFound);
        assert_eq!(old.cursor().await, 0);
        assert_eq!(old.index.spaces().await.unwrap(), vec![new.space.clone()]);
        assert_eq!((new.cursor().await, new.found().await), (5, set(&two.chunks)));
        assert_eq!((neighbour.cursor().await, neighbour.found().await), (2, set(&three.chunks)));
    }
    let again = old.file(PUBLIC, &[0.4]);
    old.apply(0, 1, &[again.change]).await;
    assert_eq!(old.found().await, set(&again.chunks), "nothing of before the drop is left");
}

/// Asserts that a batch is refused and that the desk is as it was.
async fn assert_refused(desk: &Desk, batch: &VectorBatch, kind: ErrorKind, what: &str) {
    let before = (desk.cursor().await, desk.hits().await);
    let refused = desk.index.apply(batch).await.expect_err(what);
    assert_eq!(refused.kind(), kind, "{what}");
    if what.contains("space") {
        let source = std::error::Error::source(&refused).and_then(|source| source.downcast_ref());
        assert_eq!(source, Some(&EmbeddingRefusal::OtherSpace), "{what}");
    }
    assert_eq!((desk.cursor().await, desk.hits().await), before, "{what}: a refused batch changes nothing");
}

/// V9: one embedding of another space, by model, version or dimensions, refuses its whole batch.
pub async fn v9_embeddings_of_another_space_are_refused(backend: Index) {
    let desk = Desk::new(&backend);
    let kept = desk.file(PUBLIC, &[0.5]);
    desk.apply(0, 1, &[kept.change]).await;
    let dimensions = desk.space.dimensions();
    for (model, version, dimensions) in [
        ("example/others", "1", dimensions),
        ("example/sentences", "2", dimensions),
        ("example/sentences", "1", dimensions + 1),
        ("example/sentences", "1", dimensions - 1),
    ] {
        let foreign = space(model, version, dimensions);
        let mut changed = desk.refile(kept.article, PUBLIC, None, &[0.9, 0.8]).change;
        if let VectorChange::Replace { chunks, .. } = &mut changed {
            chunks[1].embedding = at(&foreign, 0.8);
        }
        let batch = desk.batch(1, 2, &[desk.file(PUBLIC, &[0.7]).change, changed]);
        assert_refused(&desk, &batch, ErrorKind::Invalid, &format!("a vector of the space {foreign}")).await;
    }
}

/// V9: a batch of more than 4,096 vectors or 1,000 changes, one that ends before it begins, or one that names a chunk
/// twice in a change is refused; the largest ones are applied.
pub async fn v9_batches_beyond_their_limits_are_refused(backend: Index) {
    let desk = Desk::new(&backend);
    desk.apply(0, 1, &[desk.file(PUBLIC, &[0.5]).change]).await;
    let many = |vectors: usize| -> Vec<VectorChange> {
        let (half, rest) = (vectors / 2, vectors - vectors / 2);
        [half, rest].map(|count| desk.file(PUBLIC, &vec![0.1; count]).change).to_vec()
    };
    let removals = |count: usize| -> Vec<VectorChange> {
        (0..count).map(|_| VectorChange::Remove { article: desk.ids.next() }).collect()
    };
    let limit = ErrorKind::LimitExceeded;
    let batch = desk.batch(1, 2, &many(VectorBatch::MAX_VECTORS + 1));
    assert_refused(&desk, &batch, limit, "a vector too many").await;
    let batch = desk.batch(1, 2, &removals(VectorBatch::MAX_CHANGES + 1));
    assert_refused(&desk, &batch, limit, "a change too many").await;
    let batch = VectorBatch { upto: Position::START, ..desk.batch(1, 1, &many(2)) };
    assert_refused(&desk, &batch, ErrorKind::Invalid, "an end before the beginning").await;
    let mut twice = desk.file(PUBLIC, &[0.4, 0.3]).change;
    if let VectorChange::Replace { chunks, .. } = &mut twice {
        chunks[1].id = chunks[0].id;
    }
    assert_refused(&desk, &desk.batch(1, 2, &[twice]), ErrorKind::Invalid, "a chunk named twice").await;
    desk.apply(1, 2, &many(VectorBatch::MAX_VECTORS)).await;
    desk.apply(2, 3, &removals(VectorBatch::MAX_CHANGES)).await;
    assert_eq!((desk.cursor().await, desk.hits().await.len()), (3, 200));
}

/// V10: an erased article is in no space any more; other articles, tenants and all cursors stay.
pub async fn v10_an_erased_article_is_in_no_space(backend: Index) {
    let old = Desk::new(&backend);
    let new = old.within(&space("example/sentences", "2", old.space.dimensions()));
    let (article, kept) = (old.ids.next(), old.ids.next());
    let desks = [old.neighbour(), old, new];
    let mut made = Vec::new();
    for desk in &desks {
        let (gone, stays) =
            (desk.refile(article, PUBLIC, None, &[0.9, 0.8]), desk.refile(kept, PUBLIC, None, &[0.7]));
        desk.apply(0, 4, &[gone.change, stays.change]).await;
        made.push((set(&gone.chunks), set(&stays.chunks)));
    }
    for _ in 0..2 {
        desks[1].index.erase(desks[1].tenant, article).await.expect("erasing again succeeds too");
        for (desk, (_, stays)) in desks.iter().zip(&made).skip(1) {
            assert_eq!(desk.found().await, *stays, "{}", desk.space);
            assert_eq!(desk.cursor().await, 4);
        }
        let (gone, stays) = &made[0];
        assert_eq!(desks[0].found().await, gone | stays, "another tenant keeps its article of the same id");
    }
}

/// V11: after `clear` no space is held, every cursor is at the start, and the index can be filled again.
pub async fn v11_a_cleared_index_holds_no_space(backend: Index) {
    let one = Desk::new(&backend);
    let two = one.neighbour().within(&space("example/others", "1", 8));
    for _ in 0..2 {
        for desk in [&one, &two] {
            let filed = desk.file(PUBLIC, &[0.5]);
            desk.apply(0, 4, &[filed.change]).await;
            assert_eq!(desk.found().await, set(&filed.chunks));
        }
        one.index.clear().await.unwrap();
        assert_eq!(one.index.spaces().await.unwrap(), vec![]);
        for desk in [&one, &two] {
            let refused = desk.try_search(&desk.query()).await.expect_err("no space is held");
            assert_eq!(refused.kind(), ErrorKind::NotFound);
            assert_eq!(desk.cursor().await, 0);
        }
    }
}
