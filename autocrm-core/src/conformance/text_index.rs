//! Text indexes: the tenant's visible passages by their words, and a cursor that tells the truth.

use std::collections::BTreeSet;

use crate::{
    access::ArticleVisibility,
    change::Position,
    conformance::{
        Backend,
        cancel::{Drops, drop_after},
        ids::Ids,
    },
    id::{ArticleId, ChunkId, TenantId},
    port::{IndexChange, IndexedChunk, TextHit, TextIndex, TextQuery},
};

type Index = Backend<dyn TextIndex>;

const ALL: [ArticleVisibility; 3] =
    [ArticleVisibility::Public, ArticleVisibility::Tenant, ArticleVisibility::Internal];

fn article(
    ids: &Ids,
    visibility: ArticleVisibility,
    texts: &[&str],
) -> (IndexChange, ArticleId, Vec<ChunkId>) {
    let article = ids.next();
    let change = passages(ids, article, visibility, texts);
    let IndexChange::Replace { chunks, .. } = &change else { return (change, article, Vec::new()) };
    let chunks = chunks.iter().map(|chunk| chunk.id).collect();
    (change, article, chunks)
}

fn passages(ids: &Ids, article: ArticleId, visibility: ArticleVisibility, texts: &[&str]) -> IndexChange {
    let chunks = texts
        .iter()
        .map(|text| IndexedChunk { id: ids.next(), heading: "Heading".to_owned(), text: (*text).to_owned() })
        .collect();
    IndexChange::Replace { article, title: "Title".to_owned(), visibility, language: None, chunks }
}

async fn find(
    index: &dyn TextIndex,
    tenant: TenantId,
    seen: &[ArticleVisibility],
    text: &str,
) -> Vec<TextHit> {
    page(index, tenant, seen, text, 0, 200).await
}

async fn page(
    index: &dyn TextIndex,
    tenant: TenantId,
    seen: &[ArticleVisibility],
    text: &str,
    offset: usize,
    limit: usize,
) -> Vec<TextHit> {
    let query = TextQuery {
        tenant,
        visibilities: seen.to_vec(),
        text: text.to_owned(),
        language: None,
        offset,
        limit,
    };
    let hits = index.search(&query).await.expect("any text is a valid query");
    assert!(hits.len() <= limit);
    hits
}

async fn chunks(index: &dyn TextIndex, tenant: TenantId, text: &str) -> BTreeSet<ChunkId> {
    find(index, tenant, &ALL, text).await.into_iter().map(|hit| hit.chunk).collect()
}

/// X1: a search returns passages of its tenant and visibilities only, with their article.
pub async fn x1_hits_are_of_the_tenant_and_visibilities(backend: Index) {
    let (index, ids) = (backend.port(), Ids::new());
    let (one, two): (TenantId, TenantId) = (ids.next(), ids.next());
    let mut made = Vec::new();
    for tenant in [one, two] {
        let mut changes = Vec::new();
        for visibility in ALL {
            let (change, article, chunks) = article(&ids, visibility, &["resetting a forgotten password"]);
            changes.push(change);
            made.push((tenant, visibility, article, chunks[0]));
        }
        index.apply(tenant, &changes, Position::new(3)).await.unwrap();
    }
    for tenant in [one, two] {
        for seen in [&ALL[..1], &ALL[..2], &ALL[..], &ALL[2..]] {
            let hits = find(&*index, tenant, seen, "password").await;
            let found: BTreeSet<(ArticleId, ChunkId)> =
                hits.iter().map(|hit| (hit.article, hit.chunk)).collect();
            let expected: BTreeSet<(ArticleId, ChunkId)> = made
                .iter()
                .filter(|(own, visibility, ..)| *own == tenant && seen.contains(visibility))
                .map(|(_, _, article, chunk)| (*article, *chunk))
                .collect();
            assert_eq!(found, expected, "{seen:?}");
        }
    }
    assert_eq!(find(&*index, ids.next(), &ALL, "password").await, vec![], "an unknown tenant");
}

/// X1: the best come first, and ties by chunk id.
pub async fn x1_the_best_come_first(backend: Index) {
    let (index, ids) = (backend.port(), Ids::new());
    let tenant = ids.next();
    let mut changes = Vec::new();
    for text in
        ["gull on the roof", "gull gull gull", "nothing of that kind", "gull on the roof", "gull on the roof"]
    {
        changes.push(article(&ids, ArticleVisibility::Public, &[text]).0);
    }
    changes.reverse();
    index.apply(tenant, &changes, Position::new(1)).await.unwrap();
    let hits = find(&*index, tenant, &ALL, "gull").await;
    assert_eq!(hits.len(), 4);
    assert!(hits[0].score > hits[1].score, "a passage about nothing else is better");
    assert!(
        hits.is_sorted_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk.cmp(&b.chunk)).is_lt()),
        "best first, ties by chunk id: {hits:?}"
    );
    let both = find(&*index, tenant, &ALL, "gull roof").await;
    assert_ne!(both[0].chunk, hits[0].chunk, "both words are better than one");
}

/// X2: changes and cursor are stored together: after a crash the cursor names exactly what is searched.
pub async fn x2_the_cursor_survives_with_the_changes(backend: Index) {
    let ids = Ids::new();
    let (one, two): (TenantId, TenantId) = (ids.next(), ids.next());
    let (first, ..) = article(&ids, ArticleVisibility::Public, &["heron"]);
    let (second, ..) = article(&ids, ArticleVisibility::Public, &["heron again"]);
    {
        let index = backend.port();
        assert_eq!(index.cursor(one).await.unwrap(), Position::START);
        index.apply(one, &[first], Position::new(5)).await.unwrap();
        index.apply(one, &[], Position::new(9)).await.unwrap();
        index.apply(two, &[second], Position::new(2)).await.unwrap();
        assert_eq!(index.cursor(one).await.unwrap(), Position::new(9), "no change moves the cursor too");
    }
    let durable = backend.capabilities().durable;
    let backend = if durable { backend.reopened().await.expect("it opens again") } else { backend };
    let index = backend.port();
    for (tenant, cursor) in [(one, 9), (two, 2)] {
        assert_eq!(index.cursor(tenant).await.unwrap(), Position::new(cursor));
        assert_eq!(chunks(&*index, tenant, "heron").await.len(), 1);
    }
}

/// X2: an `apply` that was dropped half-way left both changes and cursor, or neither; applied again, both.
pub async fn x2_a_dropped_apply_is_whole_or_absent(backend: Index) {
    let (index, ids) = (backend.port(), Ids::new());
    let tenant = ids.next();
    let mut drops = Drops::of(&backend, "apply");
    loop {
        let (round, polls) = (drops.round(), drops.polls());
        let word = format!("word{round}");
        let (change, ..) = article(&ids, ArticleVisibility::Public, &[&word]);
        let changes = [change];
        let upto = Position::new(u64::try_from(round).unwrap() + 1);
        let before = index.cursor(tenant).await.unwrap();
        let done = drop_after(polls, index.apply(tenant, &changes, upto)).await.is_some();
        // A later, empty apply waits for whatever the dropped one left behind.
        index.apply(tenant, &[], before).await.unwrap();
        let moved = index.cursor(tenant).await.unwrap() == upto;
        assert_eq!(
            chunks(&*index, tenant, &word).await.len(),
            usize::from(moved),
            "dropped after {polls} polls"
        );
        index.apply(tenant, &changes, upto).await.unwrap();
        assert_eq!(index.cursor(tenant).await.unwrap(), upto);
        assert_eq!(chunks(&*index, tenant, &word).await.len(), 1);
        assert!(moved || !done, "a completed apply moves the cursor");
        if !drops.goes_on(done) {
            return;
        }
    }
}

/// X3: applying the same changes again changes nothing observable, the cursor included.
pub async fn x3_applying_again_changes_nothing(backend: Index) {
    let (index, ids) = (backend.port(), Ids::new());
    let tenant = ids.next();
    let (one, ..) = article(&ids, ArticleVisibility::Public, &["osprey nest", "osprey"]);
    let (two, gone, _) = article(&ids, ArticleVisibility::Internal, &["osprey feather"]);
    let (three, ..) = article(&ids, ArticleVisibility::Tenant, &["an osprey and a kite"]);
    let changes = [one, two, three, IndexChange::Remove { article: gone }];
    index.apply(tenant, &changes, Position::new(7)).await.unwrap();
    let hits = find(&*index, tenant, &ALL, "osprey nest").await;
    assert_eq!(hits.len(), 3);
    for _ in 0..3 {
        index.apply(tenant, &changes, Position::new(7)).await.unwrap();
        assert_eq!(find(&*index, tenant, &ALL, "osprey nest").await, hits);
        assert_eq!(index.cursor(tenant).await.unwrap(), Position::new(7));
    }
}

/// X4: after `apply` returned searches see it: new passages replace all earlier ones, also of another visibility.
pub async fn x4_searches_see_what_was_applied(backend: Index) {
    let (index, ids) = (backend.port(), Ids::new());
    let tenant = ids.next();
    let (first, own, _) = article(&ids, ArticleVisibility::Public, &["plover", "curlew"]);
    let (beside, _, kept) = article(&ids, ArticleVisibility::Public, &["plover too"]);
    index.apply(tenant, &[first, beside], Position::new(2)).await.unwrap();
    assert_eq!(chunks(&*index, tenant, "plover").await.len(), 2);
    let next = passages(&ids, own, ArticleVisibility::Internal, &["dunlin"]);
    index.apply(tenant, &[next], Position::new(3)).await.unwrap();
    let kept: BTreeSet<ChunkId> = kept.into_iter().collect();
    assert_eq!(chunks(&*index, tenant, "plover").await, kept, "earlier passages are gone");
    assert_eq!(chunks(&*index, tenant, "curlew").await, BTreeSet::new());
    assert_eq!(chunks(&*index, tenant, "dunlin").await.len(), 1);
    assert_eq!(
        find(&*index, tenant, &ALL[..2], "dunlin").await,
        vec![],
        "the visibility changed with the text"
    );
    let nowhere: ArticleId = ids.next();
    let changes = [IndexChange::Remove { article: own }, IndexChange::Remove { article: nowhere }];
    index.apply(tenant, &changes, Position::new(4)).await.unwrap();
    assert_eq!(chunks(&*index, tenant, "dunlin").await, BTreeSet::new());
    assert_eq!(chunks(&*index, tenant, "plover").await, kept);
}

/// X5: after `clear` nothing is found, every cursor is at the start, and the index can be filled again.
pub async fn x5_a_cleared_index_starts_anew(backend: Index) {
    let (index, ids) = (backend.port(), Ids::new());
    let tenants: [TenantId; 2] = [ids.next(), ids.next()];
    let (change, ..) = article(&ids, ArticleVisibility::Public, &["egret"]);
    for _ in 0..2 {
        for tenant in tenants {
            index.apply(tenant, std::slice::from_ref(&change), Position::new(4)).await.unwrap();
            assert_eq!(chunks(&*index, tenant, "egret").await.len(), 1);
        }
        index.clear().await.unwrap();
        for tenant in tenants {
            assert_eq!(chunks(&*index, tenant, "egret").await, BTreeSet::new());
            assert_eq!(index.cursor(tenant).await.unwrap(), Position::START);
        }
    }
}

/// X6: any text is a valid query: operators have no meaning, and one without words finds nothing.
pub async fn x6_any_text_is_a_valid_query(backend: Index) {
    let (index, ids) = (backend.port(), Ids::new());
    let tenant = ids.next();
    let (plain, _, own) = article(&ids, ArticleVisibility::Public, &["bittern"]);
    index.apply(tenant, &[plain], Position::new(1)).await.unwrap();
    let expected: BTreeSet<ChunkId> = own.into_iter().collect();
    for text in [
        "bittern",
        "\"bittern",
        "(bittern",
        "bittern)",
        "+bittern",
        "bittern*",
        "text:bittern",
        "bittern^2",
        "bittern~",
        "[bittern TO",
        "{bittern",
        "bittern \\",
        "!bittern?",
        "'bittern'",
        "bittern\u{0}",
        "bittern/",
        "bittern && ||",
        "bittern -",
        "IN [bittern",
    ] {
        assert_eq!(chunks(&*index, tenant, text).await, expected, "{text:?}");
    }
    for empty in ["", " ", "\t\n", "!?…", "\"\"", "*", "()", "-", "+", ":", "\\", "\u{0}", "~^"] {
        assert_eq!(chunks(&*index, tenant, empty).await, BTreeSet::new(), "{empty:?}");
    }
    let long = format!("bittern {}", "x".repeat(1 << 20));
    assert_eq!(chunks(&*index, tenant, &long).await, expected, "the first 4,096 bytes count");
    let late = format!("{} bittern", "é ".repeat(4_096));
    assert_eq!(chunks(&*index, tenant, &late).await, BTreeSet::new(), "only the first 4,096 bytes count");
}

/// X7: offset and limit walk one ranked list without gaps or repetitions.
pub async fn x7_pages_walk_one_list(backend: Index) {
    let (index, ids) = (backend.port(), Ids::new());
    let tenant = ids.next();
    let texts: Vec<String> =
        (0..30).map(|count| format!("stilt{}", " stilt other".repeat(count % 7))).collect();
    let changes: Vec<IndexChange> =
        texts.iter().map(|text| article(&ids, ArticleVisibility::Public, &[text]).0).collect();
    index.apply(tenant, &changes, Position::new(1)).await.unwrap();
    let whole = find(&*index, tenant, &ALL, "stilt").await;
    assert_eq!(whole.len(), 30);
    for size in [1, 4, 29, 30, 31] {
        let mut walked = Vec::new();
        loop {
            let hits = page(&*index, tenant, &ALL, "stilt", walked.len(), size).await;
            if hits.is_empty() {
                break;
            }
            walked.extend(hits);
        }
        assert_eq!(walked, whole, "pages of {size}");
    }
    assert_eq!(page(&*index, tenant, &ALL, "stilt", 1_000, 10).await, vec![]);
}
