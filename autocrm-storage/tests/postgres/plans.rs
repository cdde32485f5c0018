//! Searches at 100,000 rows use their indexes: the server counts the scans of each, and none may be of a whole table.

use std::collections::BTreeSet;

use autocrm_core::{
    access::ArticleVisibility,
    change::Position,
    id::{ChunkId, TenantId},
    knowledge::{Embedding, EmbeddingSpace, Metric},
    port::{TextIndex as _, TextQuery, VectorBatch, VectorIndex as _, VectorQuery},
    text::{Key, Language, ModelName},
};
use autocrm_storage::postgres::{PostgresConfig, PostgresStore, PostgresTextIndex, PostgresVectorIndex};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::support::Database;

/// The dimensions of the vectors.
const DIMENSIONS: usize = 16;

/// Tenant 1 has 30,000 rows, each of the tenants 2 to 71 has 1,000.
const TENANT: &str = "(CASE WHEN g <= 30000 THEN 1 ELSE 2 + (g - 30001) / 1000 END)";

fn tenant(number: u128) -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(number))
}

async fn run(pool: &PgPool, text: &str) {
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(pool).await.unwrap();
}

/// Returns how often an index was asked, and how often a table was read as a whole. The pool has one connection, whose
/// counts are written first.
async fn scans(pool: &PgPool, table: &str, index: &str) -> (i64, i64) {
    run(pool, "SELECT pg_stat_force_next_flush()").await;
    sqlx::query_as(
        "SELECT (SELECT coalesce(sum(idx_scan), 0)::int8 FROM pg_stat_user_indexes WHERE indexrelname LIKE $2),
                (SELECT coalesce(sum(seq_scan), 0)::int8 FROM pg_stat_user_tables WHERE relname = $1)",
    )
    .bind(table)
    .bind(index)
    .fetch_one(pool)
    .await
    .unwrap()
}

/// Runs a search and asserts that it asked an index of the table and never read the table as a whole.
macro_rules! assert_uses {
    ($pool:expr, $table:expr, $index:expr, $search:expr) => {{
        let before = scans($pool, $table, $index).await;
        let found = $search.await.unwrap();
        let after = scans($pool, $table, $index).await;
        assert!(after.0 > before.0, "{} is not used", $index);
        assert_eq!(after.1, before.1, "{} is read as a whole", $table);
        found
    }};
}

fn uuid_of(number: &str) -> String {
    format!("lpad(to_hex({number}), 32, '0')::uuid")
}

struct Desk {
    pool: PgPool,
    index: PostgresVectorIndex,
    space: EmbeddingSpace,
    _database: Database,
}

impl Desk {
    async fn filled() -> Self {
        let database = Database::migrated().await;
        let pool = database.pool(1).await;
        PostgresVectorIndex::migrate(&pool).await.unwrap();
        let store = PostgresStore::open(pool.clone(), PostgresConfig::default()).await.unwrap();
        let index = PostgresVectorIndex::open(&store).await.unwrap();
        let (model, version) = (ModelName::new("example/sentences").unwrap(), Key::new("1").unwrap());
        let space = EmbeddingSpace::new(model, version, DIMENSIONS, Metric::Cosine).unwrap();
        let desk = Self { pool, index, space, _database: database };
        for number in [1, 2] {
            desk.step(number, 1).await;
        }
        let (owner, chunk) = (uuid_of(TENANT), uuid_of("g"));
        run(
            &desk.pool,
            &format!(
                "SELECT setseed(0.5);
                 INSERT INTO autocrm.autocrm_vector_1 (tenant, chunk, article, visibility, language, embedding)
                 SELECT {owner}, {chunk}, {chunk}, 0, CASE WHEN g % 6000 = 0 THEN 'de' ELSE 'en' END, l2_normalize(
                     ARRAY (SELECT random() - 0.5 + 0 * g FROM generate_series(1, {DIMENSIONS}))::float4[]::vector)
                 FROM generate_series(1, 100000) g;
                 UPDATE autocrm.autocrm_vector_cursor SET passages = '{{30000,0,0}}' WHERE tenant = {};
                 ANALYZE autocrm.autocrm_vector_1",
                uuid_of("1")
            ),
        )
        .await;
        // The first step after 20,000 passages makes the index of neighbours.
        desk.step(1, 2).await;
        desk
    }

    async fn step(&self, number: u128, upto: u64) {
        let batch = VectorBatch {
            space: self.space.clone(),
            tenant: tenant(number),
            after: Position::new(upto - 1),
            upto: Position::new(upto),
            changes: Vec::new(),
        };
        self.index.apply(&batch).await.unwrap();
    }

    fn query(&self, number: u128, limit: usize) -> VectorQuery {
        let mut values = [0.2; DIMENSIONS];
        values[3] = -1.0;
        VectorQuery {
            tenant: tenant(number),
            visibilities: vec![ArticleVisibility::Public],
            language: None,
            embedding: Embedding::new(&self.space, &values).unwrap(),
            offset: 0,
            limit,
        }
    }

    async fn chunks(&self, query: &VectorQuery) -> Vec<ChunkId> {
        self.index.search(query).await.unwrap().iter().map(|hit| hit.chunk).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vectors_are_found_through_their_indexes() {
    let desk = Desk::filled().await;
    let (pool, table) = (&desk.pool, "autocrm_vector_1");
    let query = desk.query(1, 10);
    let near = assert_uses!(pool, table, "autocrm_near_1_%", desk.index.search(&query));
    assert_eq!(near.len(), 10);
    let small = desk.query(2, 10);
    let before = scans(pool, table, "autocrm_near_1_%").await;
    let found = assert_uses!(pool, table, "autocrm_vector_1_%", desk.index.search(&small));
    assert_eq!(found.len(), 10);
    assert_eq!(scans(pool, table, "autocrm_near_1_%").await, before, "a small tenant is compared exactly");

    // What an exact comparison finds, without any index.
    let values: Vec<f32> = query.embedding.values().to_vec();
    let exact: Vec<String> = sqlx::query_scalar(
        "SELECT chunk::text FROM autocrm.autocrm_vector_1 WHERE tenant = '00000000-0000-0000-0000-000000000001'
         ORDER BY (embedding <#> $1::float4[]::vector) + 0 LIMIT 10",
    )
    .bind(values)
    .fetch_all(pool)
    .await
    .unwrap();
    let own: BTreeSet<String> = near.iter().map(|hit| hit.chunk.to_string()).collect();
    let common = exact.iter().filter(|chunk| own.contains(*chunk)).count();
    assert!(common >= 9, "{common} of the ten nearest are found");

    // Pages walk one list.
    let whole = desk.chunks(&desk.query(1, 100)).await;
    let mut walked = Vec::new();
    while walked.len() < 100 {
        let page = VectorQuery { offset: walked.len(), ..desk.query(1, 20) };
        walked.extend(desk.chunks(&page).await);
    }
    assert_eq!(walked, whole, "pages are parts of one list");

    // Five of 30,000 are in the language: the walk ends before it has seen them all, and the rest is compared.
    let mut narrow = desk.query(1, 10);
    narrow.language = Some(Language::new("de").unwrap());
    assert_eq!(desk.chunks(&narrow).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_are_found_through_their_indexes() {
    let database = Database::migrated().await;
    let pool = database.pool(1).await;
    PostgresTextIndex::migrate(&pool).await.unwrap();
    let store = PostgresStore::open(pool.clone(), PostgresConfig::default()).await.unwrap();
    let index = PostgresTextIndex::open(&store).await.unwrap();
    let (owner, chunk) = (uuid_of(TENANT), uuid_of("g"));
    run(
        &pool,
        &format!(
            "INSERT INTO autocrm.autocrm_passage (tenant, chunk, article, visibility, length, words)
             SELECT {owner}, {chunk}, {chunk}, 0, 4,
                 format('''@0%s'' ''printer'':1 ''word%s'':2', lpad(to_hex({TENANT}), 32, '0'), g % 5000)::tsvector
             FROM generate_series(1, 100000) g;
             INSERT INTO autocrm.autocrm_term (tenant, term, passages)
             SELECT {owner}, CASE WHEN g = 1 THEN 'password' WHEN g = 2 THEN 'printer' ELSE md5(g::text) END, 30000
             FROM generate_series(1, 100000) g;
             INSERT INTO autocrm.autocrm_term (tenant, term, passages)
             SELECT {one}, 'word' || g, 6 FROM generate_series(0, 4999) g;
             INSERT INTO autocrm.autocrm_passage_cursor (tenant, passages, length, configs)
             VALUES ({one}, 30000, 120000, '{{simple}}');
             ANALYZE autocrm.autocrm_passage, autocrm.autocrm_term",
            one = uuid_of("1")
        ),
    )
    .await;
    let query = |text: &str| TextQuery {
        tenant: tenant(1),
        visibilities: vec![ArticleVisibility::Public],
        text: text.to_owned(),
        language: None,
        offset: 0,
        limit: 10,
    };
    let hits = assert_uses!(
        &pool,
        "autocrm_passage",
        "autocrm_passage_words",
        index.search(&query("word77 printer"))
    );
    assert_eq!(hits.len(), 6, "the common word ranks, the rare one finds");
    let before = scans(&pool, "autocrm_term", "autocrm_term_pkey").await;
    assert_uses!(&pool, "autocrm_term", "autocrm_term_trigrams", index.search(&query("pasword")));
    assert!(
        scans(&pool, "autocrm_term", "autocrm_term_pkey").await.0 > before.0,
        "words are looked up by their key"
    );
}
