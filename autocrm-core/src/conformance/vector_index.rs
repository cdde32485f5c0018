//! Vector indexes, as they are searched: under a filter that is part of the search, the best first.

use std::collections::BTreeSet;

use crate::{
    access::ArticleVisibility,
    conformance::vector_desk::{ALL, Desk, Filed, Index, TOLERANCE, at, space},
    error::ErrorKind,
    id::{ArticleId, ChunkId},
    knowledge::Embedding,
    port::{EmbeddedChunk, VectorChange, VectorHit},
    testing::Dice,
    text::Language,
};

/// How many passages lie before those that a narrow filter leaves: a hundred for each of them.
const CROWD: usize = 2_000;
/// How many passages a narrow filter leaves.
const FEW: usize = 20;

fn is_ranked(hits: &[VectorHit]) -> bool {
    hits.is_sorted_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk.cmp(&b.chunk)).is_lt())
}

fn chunks(hits: &[VectorHit]) -> BTreeSet<ChunkId> {
    hits.iter().map(|hit| hit.chunk).collect()
}

/// V1: a search returns passages of its tenant and visibilities only, with their article.
pub async fn v1_hits_are_of_the_tenant_and_visibilities(backend: Index) {
    let one = Desk::new(&backend);
    let two = one.neighbour();
    let mut made = Vec::new();
    for desk in [&one, &two] {
        let mut changes = Vec::new();
        for visibility in ALL {
            let filed = desk.file(visibility, &[0.9]);
            changes.push(filed.change);
            made.push((desk.tenant, visibility, filed.article, filed.chunks[0]));
        }
        desk.apply(0, 3, &changes).await;
    }
    for desk in [&one, &two] {
        for seen in [&ALL[..1], &ALL[..2], &ALL[..], &ALL[2..]] {
            let mut query = desk.query();
            query.visibilities = seen.to_vec();
            let hits = desk.search(&query).await;
            let found: BTreeSet<(ArticleId, ChunkId)> =
                hits.iter().map(|hit| (hit.article, hit.chunk)).collect();
            let expected: BTreeSet<(ArticleId, ChunkId)> = made
                .iter()
                .filter(|(own, visibility, ..)| *own == desk.tenant && seen.contains(visibility))
                .map(|(_, _, article, chunk)| (*article, *chunk))
                .collect();
            assert_eq!(found, expected, "{seen:?}");
        }
    }
    assert_eq!(one.neighbour().hits().await, vec![], "an unknown tenant");
}

/// V1: with a language, only passages of articles that are known to be in it are found; without one, all are.
pub async fn v1_a_language_narrows_the_search(backend: Index) {
    let desk = Desk::new(&backend);
    let filed: Vec<Filed> = [Some("en"), Some("de"), None]
        .into_iter()
        .map(|language| desk.refile(desk.ids.next(), ArticleVisibility::Public, language, &[0.5]))
        .collect();
    let changes: Vec<VectorChange> = filed.iter().map(|filed| filed.change.clone()).collect();
    desk.apply(0, 1, &changes).await;
    assert_eq!(desk.found().await.len(), 3);
    for (language, expected) in [("en", Some(0)), ("de", Some(1)), ("fr", None)] {
        let mut query = desk.query();
        query.language = Some(Language::new(language).unwrap());
        let expected = expected.map(|place: usize| filed[place].chunks[0]).into_iter().collect();
        assert_eq!(chunks(&desk.search(&query).await), expected, "{language}");
    }
}

/// V2: the best come first, and ties by chunk id, whatever the order in which they were applied.
pub async fn v2_the_best_come_first(backend: Index) {
    let desk = Desk::new(&backend);
    let mut filed: Vec<Filed> = [0.2, 0.7, -0.4, 0.7, 1.0, 0.7]
        .iter()
        .map(|cosine| desk.file(ArticleVisibility::Public, &[*cosine]))
        .collect();
    filed.reverse();
    let changes: Vec<VectorChange> = filed.iter().map(|filed| filed.change.clone()).collect();
    desk.apply(0, 1, &changes).await;
    let hits = desk.hits().await;
    assert!(is_ranked(&hits), "best first, ties by chunk id: {hits:?}");
    filed.reverse();
    let order: Vec<ChunkId> = [4, 1, 3, 5, 0, 2].iter().map(|place| filed[*place].chunks[0]).collect();
    assert_eq!(hits.iter().map(|hit| hit.chunk).collect::<Vec<_>>(), order);
}

/// V2: a score is the cosine similarity, from the same direction to the opposite one.
pub async fn v2_scores_are_cosines(backend: Index) {
    let desk = Desk::new(&backend);
    let cosines = [1.0, 0.999, 0.75, 0.123, 0.0, -0.321, -0.75, -1.0];
    desk.apply(0, 1, &[desk.file(ArticleVisibility::Public, &cosines).change]).await;
    let hits = desk.hits().await;
    assert_eq!(hits.len(), cosines.len());
    for (hit, cosine) in hits.iter().zip(cosines) {
        assert!((-1.0..=1.0).contains(&hit.score), "{hit:?}");
        assert!((f64::from(hit.score) - f64::from(cosine)).abs() <= TOLERANCE, "{hit:?} is not {cosine}");
    }
}

/// V2: in a tenant of 1,000 passages the nearest 200 are found, each with its own score.
pub async fn v2_nothing_better_is_missed(backend: Index) {
    let desk = Desk::new(&backend);
    let desk = desk.within(&space("example/sentences", "1", 32));
    let mut dice = Dice::new(20);
    let mut random = || {
        let values: Vec<f32> = (0..32)
            .map(|_| {
                let thrown = u16::try_from(dice.below(20_001)).unwrap();
                f32::from(thrown) / 10_000.0 - 1.0
            })
            .collect();
        Embedding::new(&desk.space, &values).unwrap()
    };
    let chunks: Vec<EmbeddedChunk> =
        (0..1_000).map(|_| EmbeddedChunk { id: desk.ids.next(), embedding: random() }).collect();
    let mut query = desk.query();
    query.embedding = random();
    let exact = |embedding: &Embedding| -> f64 {
        let pairs = embedding.values().iter().zip(query.embedding.values());
        pairs.map(|(one, other)| f64::from(*one) * f64::from(*other)).sum()
    };
    let changes: Vec<VectorChange> = chunks
        .chunks(10)
        .map(|chunks| VectorChange::Replace {
            article: desk.ids.next(),
            visibility: ArticleVisibility::Public,
            language: None,
            chunks: chunks.to_vec(),
        })
        .collect();
    desk.apply(0, 1, &changes).await;
    let mut best: Vec<f64> = chunks.iter().map(|chunk| exact(&chunk.embedding)).collect();
    best.sort_by(|one, other| other.total_cmp(one));
    let hits = desk.search(&query).await;
    assert_eq!(hits.len(), 200);
    assert!(is_ranked(&hits));
    for (hit, best) in hits.iter().zip(best) {
        let own = chunks.iter().find(|chunk| chunk.id == hit.chunk).expect("the chunk was applied");
        assert!(
            (f64::from(hit.score) - exact(&own.embedding)).abs() <= TOLERANCE,
            "{hit:?} has another score"
        );
        assert!(exact(&own.embedding) >= best - TOLERANCE, "{hit:?} stands where {best} should");
    }
}

/// Returns a crowd near the query and a few far from it.
fn crowd_and_few(
    crowd: &Desk,
    few: &Desk,
    seen: ArticleVisibility,
    language: Option<&str>,
) -> [Vec<VectorChange>; 2] {
    let near = [0.9; 10];
    let far = [-0.5; FEW];
    let many = (0..CROWD / near.len())
        .map(|_| crowd.refile(crowd.ids.next(), ArticleVisibility::Public, Some("en"), &near).change);
    [many.collect(), vec![few.refile(few.ids.next(), seen, language, &far).change]]
}

/// V3: a tenant of few passages finds them all in an index that holds a hundred times as many of another.
pub async fn v3_a_small_tenant_gets_its_hits(backend: Index) {
    let large = Desk::new(&backend);
    let small = large.neighbour();
    let [many, few] = crowd_and_few(&large, &small, ArticleVisibility::Public, Some("en"));
    large.apply(0, 1, &many).await;
    small.apply(0, 1, &few).await;
    for limit in [FEW, 200] {
        let mut query = small.query();
        query.limit = limit;
        assert_eq!(small.search(&query).await.len(), FEW, "a limit of {limit}");
    }
}

/// V3: a filter that leaves one in a hundred of a tenant's passages still finds them all, although all others are
/// nearer.
pub async fn v3_a_narrow_filter_gets_its_hits(backend: Index) {
    let desk = Desk::new(&backend);
    for (narrow, seen, language) in [
        (desk.neighbour(), ArticleVisibility::Internal, None),
        (desk.neighbour(), ArticleVisibility::Public, Some("de")),
    ] {
        let [many, few] = crowd_and_few(&narrow, &narrow, seen, language);
        narrow.apply(0, 1, &many).await;
        narrow.apply(1, 2, &few).await;
        let wanted: BTreeSet<ChunkId> = few[0].chunks().iter().map(|chunk| chunk.id).collect();
        for limit in [FEW, 200] {
            let mut query = narrow.query();
            query.visibilities = vec![seen];
            query.language = language.map(|code| Language::new(code).unwrap());
            query.limit = limit;
            assert_eq!(chunks(&narrow.search(&query).await), wanted, "{seen:?}, a limit of {limit}");
        }
    }
}

/// V4: offset and limit walk one ranked list without gaps or repetitions, as far as 1,000.
pub async fn v4_pages_walk_one_list(backend: Index) {
    let desk = Desk::new(&backend);
    let cosines: Vec<f32> = (0..30_u8).map(|count| f32::from(count % 7) / 10.0).collect();
    desk.apply(0, 1, &[desk.file(ArticleVisibility::Public, &cosines).change]).await;
    let whole = desk.hits().await;
    assert_eq!(whole.len(), 30);
    for size in [1, 4, 29, 30, 31] {
        let mut walked = Vec::new();
        loop {
            let mut query = desk.query();
            (query.offset, query.limit) = (walked.len(), size);
            let hits = desk.search(&query).await;
            if hits.is_empty() {
                break;
            }
            walked.extend(hits);
        }
        assert_eq!(walked, whole, "pages of {size}");
    }
    let mut query = desk.query();
    query.offset = 800;
    assert_eq!(desk.search(&query).await, vec![], "the farthest page");
}

/// V9: a query outside of its ranges is refused, not clamped.
pub async fn v9_queries_outside_of_their_ranges_are_refused(backend: Index) {
    let desk = Desk::new(&backend);
    desk.apply(0, 1, &[desk.file(ArticleVisibility::Public, &[0.5]).change]).await;
    for (offset, limit) in [(0, 0), (0, 201), (801, 200), (1_000, 1), (usize::MAX, 1), (0, usize::MAX)] {
        let mut query = desk.query();
        (query.offset, query.limit) = (offset, limit);
        let refused = desk.try_search(&query).await.expect_err("a number is outside of its range");
        assert_eq!(refused.kind(), ErrorKind::Invalid, "offset {offset}, limit {limit}");
    }
    let mut query = desk.query();
    query.visibilities.clear();
    assert_eq!(desk.try_search(&query).await.expect_err("nothing is visible").kind(), ErrorKind::Invalid);
    let mut query = desk.query();
    query.embedding = at(&space("example/sentences", "1", desk.space.dimensions() + 1), 1.0);
    let refused = desk.try_search(&query).await.expect_err("the space is not held");
    assert_eq!(refused.kind(), ErrorKind::NotFound, "another dimension is another space");
}
