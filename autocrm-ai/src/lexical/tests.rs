//! The index against its contract, against damage and against strange texts.

use autocrm_core::{
    access::ArticleVisibility,
    change::Position,
    error::ErrorKind,
    id::{ArticleId, ChunkId, TenantId},
    port::{IndexChange, IndexedChunk, TextHit, TextIndex, TextQuery},
    text::Language,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::LexicalIndex;

const EVERYBODY: [ArticleVisibility; 3] =
    [ArticleVisibility::Public, ArticleVisibility::Tenant, ArticleVisibility::Internal];

fn tenant(number: u128) -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(number))
}

fn article(number: u128) -> ArticleId {
    ArticleId::from_uuid(Uuid::from_u128(number))
}

fn chunk(number: u128) -> ChunkId {
    ChunkId::from_uuid(Uuid::from_u128(number))
}

/// An English article for everybody; its chunks are numbered from ten times its own number.
fn replace(number: u128, title: &str, texts: &[&str]) -> IndexChange {
    let chunks = (number * 10..)
        .zip(texts)
        .map(|(id, text)| IndexedChunk { id: chunk(id), heading: String::new(), text: (*text).to_owned() })
        .collect();
    IndexChange::Replace {
        article: article(number),
        title: title.to_owned(),
        visibility: ArticleVisibility::Public,
        language: Some(Language::new("en").unwrap()),
        chunks,
    }
}

fn query(text: &str) -> TextQuery {
    TextQuery {
        tenant: tenant(1),
        visibilities: EVERYBODY.to_vec(),
        text: text.to_owned(),
        language: None,
        offset: 0,
        limit: 200,
    }
}

async fn hits(index: &LexicalIndex, text: &str) -> Vec<TextHit> {
    index.search(&query(text)).await.unwrap()
}

async fn chunks_found(index: &LexicalIndex, text: &str) -> Vec<ChunkId> {
    hits(index, text).await.into_iter().map(|hit| hit.chunk).collect()
}

async fn filled() -> LexicalIndex {
    let index = LexicalIndex::in_memory().unwrap();
    let changes = [
        replace(
            1,
            "Resetting a password",
            &["Open the settings and choose reset.", "Codes expire after an hour."],
        ),
        replace(2, "Invoices", &["Invoices are sent monthly. Error E-1042 means the card was refused."]),
    ];
    index.apply(tenant(1), &changes, Position::new(5)).await.unwrap();
    index
}

#[tokio::test]
async fn words_find_passages_by_their_stems() {
    let index = filled().await;
    let found = hits(&index, "how do I reset my passwords?").await;
    assert_eq!((found[0].chunk, found[0].article), (chunk(10), article(1)));
    assert!(found.is_sorted_by(|a, b| a.score >= b.score));
    assert_eq!(chunks_found(&index, "invoice").await, [chunk(20)]);
}

#[tokio::test]
async fn codes_are_found_verbatim() {
    let index = filled().await;
    assert_eq!(chunks_found(&index, "E-1042").await, [chunk(20)]);
    assert_eq!(chunks_found(&index, "1042").await, [chunk(20)]);
    assert!(chunks_found(&index, "E-9999").await.iter().all(|found| *found != chunk(10)));
}

#[tokio::test]
async fn each_article_is_stemmed_in_its_own_language() {
    let index = filled().await;
    let german = IndexChange::Replace {
        article: article(3),
        title: "Häuser verwalten".to_owned(),
        visibility: ArticleVisibility::Public,
        language: Some(Language::new("de").unwrap()),
        chunks: vec![IndexedChunk {
            id: chunk(30),
            heading: String::new(),
            text: "Ein Haus anlegen.".to_owned(),
        }],
    };
    let japanese = IndexChange::Replace {
        article: article(4),
        title: "発注書".to_owned(),
        visibility: ArticleVisibility::Public,
        language: None,
        chunks: vec![IndexedChunk {
            id: chunk(40),
            heading: String::new(),
            text: "発注書を送る方法".to_owned(),
        }],
    };
    index.apply(tenant(1), &[german, japanese], Position::new(6)).await.unwrap();
    assert_eq!(chunks_found(&index, "Hausern").await, [chunk(30)]);
    assert_eq!(chunks_found(&index, "発注").await, [chunk(40)]);
}

#[tokio::test]
async fn tenants_and_visibilities_are_kept_apart() {
    let index = LexicalIndex::in_memory().unwrap();
    for number in [1, 2] {
        for (at, visibility) in (0..).zip(EVERYBODY) {
            let mut change = replace(number * 100 + at, "Secret", &["secret words"]);
            if let IndexChange::Replace { visibility: who, .. } = &mut change {
                *who = visibility;
            }
            index.apply(tenant(number), &[change], Position::new(1)).await.unwrap();
        }
    }
    for number in [1, 2] {
        for (at, visibility) in (0..).zip(EVERYBODY) {
            let asked =
                TextQuery { tenant: tenant(number), visibilities: vec![visibility], ..query("secret") };
            let found: Vec<_> =
                index.search(&asked).await.unwrap().into_iter().map(|hit| hit.article).collect();
            assert_eq!(found, [article(number * 100 + at)]);
        }
    }
    let foreign = TextQuery { tenant: tenant(3), ..query("secret") };
    assert!(index.search(&foreign).await.unwrap().is_empty());
    let nobody = TextQuery { visibilities: Vec::new(), ..query("secret") };
    assert_eq!(index.search(&nobody).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn replacing_and_removing_leave_nothing_behind() {
    let index = filled().await;
    let changes =
        [replace(1, "Two-factor codes", &["Scan the square."]), IndexChange::Remove { article: article(2) }];
    index.apply(tenant(1), &changes, Position::new(6)).await.unwrap();
    assert_eq!(index.passages(), 1);
    assert!(hits(&index, "password settings invoices").await.is_empty());
    assert_eq!(chunks_found(&index, "square").await, [chunk(10)]);
    let foreign = IndexChange::Remove { article: article(1) };
    index.apply(tenant(2), &[foreign], Position::new(1)).await.unwrap();
    assert_eq!(chunks_found(&index, "square").await, [chunk(10)], "another tenant removes nothing");
}

#[tokio::test]
async fn the_last_change_of_a_batch_counts() {
    let index = LexicalIndex::in_memory().unwrap();
    let changes = [
        replace(1, "First", &["one", "two"]),
        IndexChange::Remove { article: article(1) },
        replace(1, "Second", &["three"]),
    ];
    index.apply(tenant(1), &changes, Position::new(3)).await.unwrap();
    assert_eq!(chunks_found(&index, "first second three").await, [chunk(10)]);
    assert_eq!(index.passages(), 1);
}

#[tokio::test]
async fn applying_again_changes_nothing() {
    let index = filled().await;
    let before = hits(&index, "reset password invoice").await;
    let again =
        replace(2, "Invoices", &["Invoices are sent monthly. Error E-1042 means the card was refused."]);
    index.apply(tenant(1), &[again], Position::new(5)).await.unwrap();
    assert_eq!(hits(&index, "reset password invoice").await, before);
    assert_eq!(index.cursor(tenant(1)).await.unwrap(), Position::new(5));
}

#[tokio::test]
async fn pages_walk_one_list() {
    let index = LexicalIndex::in_memory().unwrap();
    let changes: Vec<_> =
        (1..=40).map(|number| replace(number, "Printer", &["paper jam", "paper tray"])).collect();
    index.apply(tenant(1), &changes, Position::new(40)).await.unwrap();
    let whole = chunks_found(&index, "paper").await;
    assert_eq!(whole.len(), 80);
    assert!(whole.is_sorted(), "equal scores come in the order of ids");
    let mut walked = Vec::new();
    for offset in (0..90).step_by(7) {
        let page = TextQuery { offset, limit: 7, ..query("paper") };
        walked.extend(index.search(&page).await.unwrap().into_iter().map(|hit| hit.chunk));
    }
    assert_eq!(walked, whole);
    for limit in [0, 201, usize::MAX] {
        let asked = TextQuery { limit, ..query("paper") };
        assert_eq!(index.search(&asked).await.unwrap_err().kind(), ErrorKind::Invalid);
    }
    let beyond = TextQuery { offset: usize::MAX, ..query("paper") };
    assert!(index.search(&beyond).await.unwrap().is_empty());
}

#[tokio::test]
async fn cursors_and_passages_survive_reopening_together() {
    let directory = tempfile::tempdir().unwrap();
    let index = LexicalIndex::open_or_create(directory.path()).unwrap();
    index.apply(tenant(1), &[replace(1, "Kept", &["kept"])], Position::new(3)).await.unwrap();
    index.apply(tenant(2), &[], Position::new(9)).await.unwrap();
    drop(index);
    let reopened = LexicalIndex::open_or_create(directory.path()).unwrap();
    assert_eq!(reopened.cursor(tenant(1)).await.unwrap(), Position::new(3));
    assert_eq!(reopened.cursor(tenant(2)).await.unwrap(), Position::new(9));
    assert_eq!(reopened.cursor(tenant(3)).await.unwrap(), Position::START);
    assert_eq!(chunks_found(&reopened, "kept").await, [chunk(10)]);
    reopened.verify().unwrap();
}

#[tokio::test]
async fn what_was_not_committed_is_gone_after_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let index = LexicalIndex::create(directory.path()).unwrap();
    index.apply(tenant(1), &[replace(1, "Kept", &["kept"])], Position::new(3)).await.unwrap();
    index
        .write_without_commit(tenant(1), &[replace(1, "Lost", &["lost"]), replace(2, "Lost", &["lost"])])
        .unwrap();
    drop(index);
    let reopened = LexicalIndex::open(directory.path()).unwrap();
    assert_eq!(reopened.cursor(tenant(1)).await.unwrap(), Position::new(3));
    assert_eq!(chunks_found(&reopened, "kept lost").await, [chunk(10)]);
    let replay = [replace(1, "Lost", &["lost"]), replace(2, "Lost", &["lost"])];
    reopened.apply(tenant(1), &replay, Position::new(5)).await.unwrap();
    assert_eq!(chunks_found(&reopened, "kept lost").await, [chunk(10), chunk(20)]);
    assert_eq!(reopened.passages(), 2);
}

#[tokio::test]
async fn clearing_forgets_passages_and_cursors() {
    let index = filled().await;
    index.clear().await.unwrap();
    assert!(hits(&index, "password invoice").await.is_empty());
    assert_eq!(index.cursor(tenant(1)).await.unwrap(), Position::START);
    index.apply(tenant(1), &[replace(1, "Back", &["back"])], Position::new(1)).await.unwrap();
    assert_eq!(chunks_found(&index, "back").await, [chunk(10)]);
}

#[tokio::test]
async fn damaged_and_foreign_directories_are_named_and_mended() {
    let directory = tempfile::tempdir().unwrap();
    let kind = || LexicalIndex::open(directory.path()).unwrap_err().kind();
    assert_eq!(kind(), ErrorKind::NotFound);
    assert_eq!(LexicalIndex::open(directory.path().join("missing")).unwrap_err().kind(), ErrorKind::NotFound);
    let note = directory.path().join("notes.txt");
    std::fs::write(&note, "mine").unwrap();
    let index = LexicalIndex::create(directory.path()).unwrap();
    index.apply(tenant(1), &[replace(1, "Kept", &["kept"])], Position::new(3)).await.unwrap();
    drop(index);

    let meta = directory.path().join("meta.json");
    let whole = std::fs::read_to_string(&meta).unwrap();
    std::fs::write(&meta, whole.replace(r#"\"format\":1"#, r#"\"format\":2"#)).unwrap();
    assert_eq!(kind(), ErrorKind::SchemaTooNew);
    std::fs::write(&meta, whole.replace(r#"\"format\":1"#, r#"\"format\":0"#)).unwrap();
    assert_eq!(kind(), ErrorKind::SchemaOutdated);
    std::fs::write(&meta, whole.replace("\"audience\"", "\"audients\"")).unwrap();
    assert_eq!(kind(), ErrorKind::SchemaOutdated);
    for damage in ["", "{", "null", "\u{0}\u{0}\u{0}"] {
        std::fs::write(&meta, damage).unwrap();
        assert_eq!(kind(), ErrorKind::Corrupt, "{damage:?}");
        assert!(
            LexicalIndex::open_or_create(directory.path()).is_err(),
            "damage is never overwritten unasked"
        );
    }
    std::fs::write(&meta, &whole).unwrap();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "term") {
            std::fs::remove_file(path).unwrap();
        }
    }
    assert_eq!(kind(), ErrorKind::Corrupt);

    let mended = LexicalIndex::create(directory.path()).unwrap();
    assert_eq!(mended.cursor(tenant(1)).await.unwrap(), Position::START);
    mended.apply(tenant(1), &[replace(1, "Kept", &["kept"])], Position::new(3)).await.unwrap();
    assert_eq!(chunks_found(&mended, "kept").await, [chunk(10)]);
    assert_eq!(std::fs::read_to_string(note).unwrap(), "mine");
}

#[tokio::test]
async fn a_flipped_byte_is_found_by_verify() {
    let directory = tempfile::tempdir().unwrap();
    let index = LexicalIndex::create(directory.path()).unwrap();
    index.apply(tenant(1), &[replace(1, "Kept", &["kept"])], Position::new(3)).await.unwrap();
    drop(index);
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "idx") {
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[0] ^= 1;
            std::fs::write(path, bytes).unwrap();
        }
    }
    let damage = LexicalIndex::open(directory.path()).and_then(|opened| opened.verify()).unwrap_err();
    assert_eq!(damage.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_second_writer_is_turned_away() {
    let directory = tempfile::tempdir().unwrap();
    let first = LexicalIndex::create(directory.path()).unwrap();
    first.apply(tenant(1), &[replace(1, "Kept", &["kept"])], Position::new(3)).await.unwrap();
    let second = LexicalIndex::open(directory.path()).unwrap();
    assert_eq!(chunks_found(&second, "kept").await, [chunk(10)], "reading needs no lock");
    let refused = second.apply(tenant(1), &[], Position::new(4)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert!(refused.is_retryable());
}

#[tokio::test]
async fn huge_passages_and_queries_are_taken() {
    let index = filled().await;
    let huge = "paper jam ".repeat(1_000_000);
    index.apply(tenant(1), &[replace(7, "Huge", &[&huge])], Position::new(6)).await.unwrap();
    assert_eq!(chunks_found(&index, "paper").await, [chunk(70)]);
    assert!(chunks_found(&index, &format!("{huge} invoice")).await.contains(&chunk(70)));
}

#[tokio::test]
async fn texts_without_words_find_nothing() {
    let index = filled().await;
    for text in ["", "   ", "🙂🙂", "\u{0}\u{0}", "+-&&||!(){}[]^\"~*?:\\/", "\u{202e}\u{200f}"] {
        assert!(hits(&index, text).await.is_empty(), "{text:?}");
    }
}

#[tokio::test]
async fn operators_are_words() {
    let index = filled().await;
    assert_eq!(chunks_found(&index, "-invoices").await, [chunk(20)]);
    assert_eq!(chunks_found(&index, "title:invoices OR *").await, [chunk(20)]);
    for text in ["* OR audience:*", "\"unclosed", "a AND (b OR", "[1 TO *]", "body:/.*/", "invoices^1000"] {
        let _ = hits(&index, text).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_a_query(text in "(?s).{0,200}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let found = filled().await.search(&query(&text)).await.unwrap();
            assert!(found.len() <= 3);
        });
    }
}
