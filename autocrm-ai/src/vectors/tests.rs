//! The index in its files: crashes, damage, erasures, and a life beside the exact scan in memory.

use std::{fs, path::Path};

use autocrm_core::{
    access::ArticleVisibility,
    change::Position,
    error::ErrorKind,
    id::{ArticleId, ChunkId, TenantId},
    knowledge::{Embedding, EmbeddingSpace, Metric},
    memory::MemoryVectorIndex,
    port::{EmbeddedChunk, VectorBatch, VectorChange, VectorHit, VectorIndex, VectorQuery},
    testing::Dice,
    text::{Key, Language, ModelName},
};
use uuid::Uuid;

use super::FlatVectorIndex;

fn space(version: &str, dimensions: usize) -> EmbeddingSpace {
    EmbeddingSpace::new(ModelName::new("m").unwrap(), Key::new(version).unwrap(), dimensions, Metric::Cosine)
        .unwrap()
}

fn tenant(number: usize) -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(number as u128 + 1))
}

fn article(number: usize) -> ArticleId {
    ArticleId::from_uuid(Uuid::from_u128(number as u128 + 1))
}

fn embedding(space: &EmbeddingSpace, dice: &mut Dice) -> Embedding {
    let values: Vec<f32> = (0..space.dimensions())
        .map(|_| f32::from(u16::try_from(dice.below(2_001)).unwrap()) / 1_000.0 - 1.0)
        .collect();
    Embedding::new(space, &values).unwrap()
}

fn replace(number: usize, chunks: Vec<(usize, Embedding)>) -> VectorChange {
    let visibility =
        if number.is_multiple_of(3) { ArticleVisibility::Internal } else { ArticleVisibility::Public };
    let chunks = chunks
        .into_iter()
        .map(|(id, embedding)| EmbeddedChunk {
            id: ChunkId::from_uuid(Uuid::from_u128(id as u128 + 1)),
            embedding,
        })
        .collect();
    let language = number.is_multiple_of(2).then(|| Language::new("en").unwrap());
    VectorChange::Replace { article: article(number), visibility, language, chunks }
}

fn batch(space: &EmbeddingSpace, of: usize, after: u64, changes: Vec<VectorChange>) -> VectorBatch {
    let (after, upto) = (Position::new(after), Position::new(after + 1));
    VectorBatch { space: space.clone(), tenant: tenant(of), after, upto, changes }
}

fn query(of: usize, embedding: Embedding, limit: usize) -> VectorQuery {
    VectorQuery {
        tenant: tenant(of),
        visibilities: vec![ArticleVisibility::Public, ArticleVisibility::Internal],
        language: None,
        embedding,
        offset: 0,
        limit,
    }
}

fn ids(hits: &[VectorHit]) -> Vec<(ChunkId, ArticleId)> {
    hits.iter().map(|hit| (hit.chunk, hit.article)).collect()
}

fn logs(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        found.extend(fs::read_dir(entry.path()).unwrap().flatten().map(|entry| entry.path()));
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_cut_log_holds_whole_steps_only() {
    let (folder, own, mut dice) = (tempfile::tempdir().unwrap(), space("1", 4), Dice::new(1));
    let steps: Vec<Embedding> = (0..3).map(|_| embedding(&own, &mut dice)).collect();
    let index = FlatVectorIndex::open(folder.path()).unwrap();
    for (at, step) in steps.iter().enumerate() {
        let changes = vec![replace(at, vec![(at, step.clone())])];
        index.apply(&batch(&own, 0, at as u64, changes)).await.unwrap();
    }
    drop(index);
    let log = logs(folder.path()).pop().unwrap();
    let whole = fs::read(&log).unwrap();
    let mut reached = std::collections::BTreeSet::new();
    for length in 0..=whole.len() {
        fs::create_dir_all(log.parent().unwrap()).unwrap();
        fs::write(&log, &whole[..length]).unwrap();
        let index = FlatVectorIndex::open(folder.path()).unwrap();
        let cursor = index.cursor(&own, tenant(0)).await.unwrap().get();
        if cursor > 0 {
            let hits = index.search(&query(0, steps[0].clone(), 10)).await.unwrap();
            assert_eq!(hits.len() as u64, cursor, "cut after {length} bytes");
            // What was cut off can be written again.
            let at = usize::try_from(cursor).unwrap();
            index
                .apply(&batch(&own, 0, cursor, vec![replace(at, vec![(at, steps[0].clone())])]))
                .await
                .unwrap();
            drop(index);
            let again = FlatVectorIndex::open(folder.path()).unwrap();
            assert_eq!(again.cursor(&own, tenant(0)).await.unwrap().get(), cursor + 1);
        } else {
            assert!(index.spaces().await.unwrap().is_empty(), "cut after {length} bytes");
        }
        reached.insert(cursor);
        for left in logs(folder.path()) {
            fs::remove_file(left).unwrap();
        }
    }
    assert_eq!(reached.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[tokio::test]
async fn damage_before_the_end_is_corrupt_or_cut_and_never_searched() {
    let (folder, own, mut dice) = (tempfile::tempdir().unwrap(), space("1", 16), Dice::new(2));
    let index = FlatVectorIndex::open_sealing(folder.path(), 1).unwrap();
    for at in 0..3 {
        let changes = vec![replace(at, vec![(at, embedding(&own, &mut dice))])];
        index.apply(&batch(&own, 0, at as u64, changes)).await.unwrap();
    }
    drop(index);
    let sealed = logs(folder.path()).remove(0);
    let whole = fs::read(&sealed).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(&sealed, damaged).unwrap();
        let kind = FlatVectorIndex::open(folder.path()).unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::Corrupt | ErrorKind::SchemaTooNew), "byte {at}: {kind:?}");
    }
    fs::write(&sealed, whole).unwrap();
    let index = FlatVectorIndex::open(folder.path()).unwrap();
    assert_eq!(index.footprint().vectors, 3);
    assert_eq!(FlatVectorIndex::open(folder.path()).unwrap_err().kind(), ErrorKind::Unavailable, "held");
}

#[tokio::test]
async fn an_erased_article_leaves_the_files() {
    for sealed_from in [1, 1 << 20] {
        let (folder, own, mut dice) = (tempfile::tempdir().unwrap(), space("1", 32), Dice::new(3));
        let index = FlatVectorIndex::open_sealing(folder.path(), sealed_from).unwrap();
        // The erased article has had earlier vectors, too.
        let secrets: Vec<Embedding> = (0..3).map(|_| embedding(&own, &mut dice)).collect();
        let kept = embedding(&own, &mut dice);
        for (at, secret) in secrets.iter().enumerate() {
            let changes =
                vec![replace(7, vec![(70, secret.clone())]), replace(at + 20, vec![(at, kept.clone())])];
            index.apply(&batch(&own, 0, at as u64, changes)).await.unwrap();
        }
        let in_files = |embedding: &Embedding| {
            let pattern: Vec<u8> = embedding.values().iter().flat_map(|value| value.to_le_bytes()).collect();
            logs(folder.path())
                .iter()
                .any(|log| fs::read(log).unwrap().windows(pattern.len()).any(|window| window == pattern))
        };
        assert!(in_files(&secrets[2]));
        index.erase(tenant(0), article(7)).await.unwrap();
        assert!(!secrets.iter().any(in_files), "sealed from {sealed_from}");
        assert!(in_files(&kept));
        assert_eq!(index.search(&query(0, kept.clone(), 10)).await.unwrap().len(), 3);
        drop(index);
        let again = FlatVectorIndex::open(folder.path()).unwrap();
        assert_eq!(again.cursor(&own, tenant(0)).await.unwrap(), Position::new(3));
        assert_eq!(again.search(&query(0, kept.clone(), 10)).await.unwrap().len(), 3);
    }
}

#[tokio::test]
async fn what_is_replaced_makes_room() {
    let (folder, own, mut dice) = (tempfile::tempdir().unwrap(), space("1", 64), Dice::new(4));
    let index = FlatVectorIndex::open_sealing(folder.path(), 20_000).unwrap();
    for at in 0..400_usize {
        let chunks = (0..5).map(|chunk| (at % 10 * 5 + chunk, embedding(&own, &mut dice))).collect();
        index.apply(&batch(&own, 0, at as u64, vec![replace(at % 10, chunks)])).await.unwrap();
    }
    let footprint = index.footprint();
    assert_eq!(footprint.vectors, 50);
    assert!(footprint.disk < 100_000, "{footprint:?}");
    drop(index);
    let again = FlatVectorIndex::open(folder.path()).unwrap();
    assert_eq!((again.footprint().vectors, again.cursor(&own, tenant(0)).await.unwrap().get()), (50, 400));
}

/// A random life in two spaces and two tenants, with reopenings, in logs so small that they are sealed and emptied all
/// the time: whatever is asked, the exact scan in memory answers the same.
#[tokio::test]
async fn a_random_life_agrees_with_memory() {
    for seed in 0..12 {
        let (folder, mut dice, memory) =
            (tempfile::tempdir().unwrap(), Dice::new(seed), MemoryVectorIndex::new());
        let mut index = FlatVectorIndex::open_sealing(folder.path(), 3_000).unwrap();
        for _ in 0..120 {
            let own = space(["1", "2"][dice.below(2)], 24);
            let of = dice.below(2);
            match dice.below(20) {
                0 => {
                    drop(index);
                    index = FlatVectorIndex::open_sealing(folder.path(), 3_000).unwrap();
                }
                1 => {
                    let gone = article(dice.below(8));
                    index.erase(tenant(of), gone).await.unwrap();
                    memory.erase(tenant(of), gone).await.unwrap();
                }
                2 if dice.below(4) == 0 => {
                    index.drop_space(&own).await.unwrap();
                    memory.drop_space(&own).await.unwrap();
                }
                _ => {
                    let after = memory.cursor(&own, tenant(of)).await.unwrap().get();
                    let mut changes = Vec::new();
                    for _ in 0..dice.below(4) {
                        let number = dice.below(8);
                        if dice.below(4) == 0 {
                            changes.push(VectorChange::Remove { article: article(number) });
                        } else {
                            // Chunks wander between articles now and then.
                            let mut chunks = std::collections::BTreeMap::new();
                            for _ in 0..dice.below(4) {
                                chunks.insert(dice.below(30), embedding(&own, &mut dice));
                            }
                            changes.push(replace(number, chunks.into_iter().collect()));
                        }
                    }
                    let step = batch(&own, of, after, changes);
                    index.apply(&step).await.unwrap();
                    memory.apply(&step).await.unwrap();
                }
            }
            assert_eq!(index.spaces().await.unwrap(), memory.spaces().await.unwrap(), "seed {seed}");
            for own in memory.spaces().await.unwrap() {
                for of in 0..2 {
                    assert_eq!(
                        index.cursor(&own, tenant(of)).await.unwrap(),
                        memory.cursor(&own, tenant(of)).await.unwrap()
                    );
                    let mut asked = query(of, embedding(&own, &mut dice), 20);
                    if dice.below(2) == 0 {
                        asked.language = Language::new("en").ok();
                        asked.visibilities.truncate(1);
                    }
                    let (found, exact) =
                        (index.search(&asked).await.unwrap(), memory.search(&asked).await.unwrap());
                    assert_eq!(ids(&found), ids(&exact), "seed {seed}");
                }
            }
        }
    }
}

/// Beyond the number that is scored exactly, signs choose: a neighbour that lies clearly closer is found all the same,
/// also when the filter leaves one passage in a hundred.
#[tokio::test]
async fn signs_choose_among_many() {
    let (folder, own, mut dice) = (tempfile::tempdir().unwrap(), space("1", 128), Dice::new(5));
    let (index, memory) = (FlatVectorIndex::open(folder.path()).unwrap(), MemoryVectorIndex::new());
    for step in 0..4_usize {
        let changes = (0..500)
            .map(|at| {
                let number = step * 500 + at;
                let chunks = (0..4).map(|chunk| (number * 4 + chunk, embedding(&own, &mut dice))).collect();
                replace(number, chunks)
            })
            .collect();
        let batch = batch(&own, 0, step as u64, changes);
        index.apply(&batch).await.unwrap();
        memory.apply(&batch).await.unwrap();
    }
    let (mut hit, mut asked) = (0, 0);
    for _ in 0..50 {
        let query = query(0, embedding(&own, &mut dice), 10);
        let (found, exact) = (index.search(&query).await.unwrap(), memory.search(&query).await.unwrap());
        assert_eq!(found.len(), 10);
        hit += ids(&exact).iter().filter(|id| ids(&found).contains(id)).count();
        asked += exact.len();
    }
    // Uniform noise is the worst case: nothing is near anything.
    assert!(hit * 100 >= asked * 85, "{hit} of {asked}");
}

#[test]
fn the_stored_form_is_pinned() {
    let mut bytes = super::codec::header(&space("1", 2));
    let mut writer = super::codec::Writer::default();
    let half = Embedding::new(&space("1", 2), &[3.0, 4.0]).unwrap();
    writer.step(tenant(0), Position::new(9));
    writer.change(&replace(0, vec![(1, half)]));
    writer.change(&VectorChange::Remove { article: article(5) });
    writer.end();
    writer.erase(tenant(0), article(6));
    bytes.extend(writer.bytes);
    let hex = bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert_eq!(hex, include_str!("../../tests/golden/vector_log.hex").trim());
}
