//! What PostgreSQL's full-text search adds to the contract of text indexes: stems, titles, mistyped words, followers at once.

use autocrm_core::{
    access::ArticleVisibility,
    change::Position,
    id::{ArticleId, ChunkId, TenantId},
    port::{IndexChange, IndexedChunk, TextIndex as _, TextQuery},
    text::Language,
};
use autocrm_storage::postgres::{PostgresConfig, PostgresStore, PostgresTextIndex};
use uuid::Uuid;

use crate::support::Database;

fn id<T: From<Uuid>>(number: u128) -> T {
    Uuid::from_u128(number).into()
}

/// An article of one passage, whose chunk has the article's number.
fn article(number: u128, language: Option<&str>, title: &str, text: &str) -> IndexChange {
    IndexChange::Replace {
        article: id::<ArticleId>(number),
        title: title.to_owned(),
        visibility: ArticleVisibility::Public,
        language: language.map(|code| Language::new(code).unwrap()),
        chunks: vec![IndexedChunk {
            id: id::<ChunkId>(number),
            heading: String::new(),
            text: text.to_owned(),
        }],
    }
}

async fn open(database: &Database) -> PostgresTextIndex {
    let pool = database.pool(4).await;
    PostgresTextIndex::migrate(&pool).await.unwrap();
    let store = PostgresStore::open(pool, PostgresConfig::default()).await.unwrap();
    PostgresTextIndex::open(&store).await.unwrap()
}

async fn found(index: &PostgresTextIndex, tenant: TenantId, text: &str) -> Vec<u128> {
    let query = TextQuery {
        tenant,
        visibilities: vec![ArticleVisibility::Public],
        text: text.to_owned(),
        language: None,
        offset: 0,
        limit: 50,
    };
    let hits = index.search(&query).await.unwrap();
    hits.iter().map(|hit| hit.chunk.as_uuid().as_u128()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_are_found_by_their_stems_and_without_marks() {
    let database = Database::migrated().await;
    let index = open(&database).await;
    let tenant = id(1);
    let changes = [
        article(1, Some("en"), "Accounts", "Resetting forgotten passwords"),
        article(2, Some("de"), "Rechnungen", "Bestellungen nach Zürich"),
        article(3, Some("ja"), "発注", "発注書を送る"),
        article(4, None, "Codes", "The printer says ERR_CONN_42"),
    ];
    index.apply(tenant, &changes, Position::new(1)).await.unwrap();
    for (text, expected) in [
        ("how do I reset a password?", vec![1]),
        ("Bestellung", vec![2]),
        ("zurich", vec![2]),
        ("発注書", vec![3]),
        ("err_conn_42", vec![4]),
        ("password Zürich", vec![1, 2]),
    ] {
        let mut hits = found(&index, tenant, text).await;
        hits.sort_unstable();
        assert_eq!(hits, expected, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn titles_and_rare_words_count_more() {
    let database = Database::migrated().await;
    let index = open(&database).await;
    let tenant = id(1);
    let mut changes = vec![
        article(1, None, "Printer", "what to do about paper here"),
        article(2, None, "Other things", "what to do about printer here"),
    ];
    changes.extend((10..30).map(|number| article(number, None, "Paper", "what to do about paper here")));
    index.apply(tenant, &changes, Position::new(1)).await.unwrap();
    assert_eq!(found(&index, tenant, "printer").await, [1, 2], "a word of the title counts more");
    assert_eq!(found(&index, tenant, "what printer").await[..2], [1, 2], "a rare word counts more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistyped_word_is_looked_up_only_where_nothing_is_found() {
    let database = Database::migrated().await;
    let index = open(&database).await;
    assert!(index.corrects(), "the server has pg_trgm");
    let (tenant, other) = (id(1), id(2));
    let changes =
        [article(1, Some("en"), "Passwords", "about the password"), article(2, None, "passwort", "")];
    index.apply(tenant, &changes, Position::new(1)).await.unwrap();
    index.apply(other, &[article(3, None, "Passwrd", "")], Position::new(1)).await.unwrap();
    assert_eq!(found(&index, tenant, "pasword").await.len(), 2);
    assert_eq!(found(&index, tenant, "passwort").await, [2], "a word that occurs means itself");
    assert_eq!(found(&index, tenant, "passw0rd").await, Vec::<u128>::new(), "a code means itself");
    assert_eq!(found(&index, id(9), "pasword").await, Vec::<u128>::new(), "an unknown tenant");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overtaken_step_is_passed_over() {
    let database = Database::migrated().await;
    let index = open(&database).await;
    let tenant = id(1);
    index.apply(tenant, &[article(1, None, "", "newer")], Position::new(9)).await.unwrap();
    index.apply(tenant, &[article(1, None, "", "older")], Position::new(8)).await.unwrap();
    assert_eq!(index.cursor(tenant).await.unwrap(), Position::new(9));
    assert_eq!(found(&index, tenant, "newer").await, [1]);
    assert_eq!(found(&index, tenant, "older").await, Vec::<u128>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_word_outlives_its_last_passage() {
    let database = Database::migrated().await;
    let index = open(&database).await;
    let tenant = id(1);
    let changes = [article(1, None, "", "shared secret"), article(2, None, "", "shared")];
    index.apply(tenant, &changes, Position::new(1)).await.unwrap();
    index.apply(tenant, &[IndexChange::Remove { article: id(1) }], Position::new(2)).await.unwrap();
    let pool = database.pool(1).await;
    let terms: Vec<(String, i64)> =
        sqlx::query_as("SELECT term, passages FROM autocrm.autocrm_term").fetch_all(&pool).await.unwrap();
    assert_eq!(terms, [("shared".to_owned(), 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_pg_trgm_everything_else_works() {
    let database = Database::migrated().await;
    let pool = database.pool(4).await;
    PostgresTextIndex::migrate(&pool).await.unwrap();
    sqlx::raw_sql("DROP EXTENSION pg_trgm CASCADE").execute(&pool).await.unwrap();
    let store = PostgresStore::open(pool, PostgresConfig::default()).await.unwrap();
    let index = PostgresTextIndex::open(&store).await.unwrap();
    assert!(!index.corrects());
    index.apply(id(1), &[article(1, None, "", "password")], Position::new(1)).await.unwrap();
    assert_eq!(found(&index, id(1), "password").await, [1]);
    assert_eq!(found(&index, id(1), "pasword").await, Vec::<u128>::new());
}
