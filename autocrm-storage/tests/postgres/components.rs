//! The indexes on a server as it is in production: the owner of the tables is no superuser, the pool's user owns nothing,
//! and an extension may be missing.

use std::collections::BTreeSet;

use autocrm_core::{
    access::ArticleVisibility,
    change::Position,
    error::ErrorKind,
    id::{ArticleId, ChunkId, TenantId},
    knowledge::{Embedding, EmbeddingSpace, Metric},
    port::{
        EmbeddedChunk, IndexChange, IndexedChunk, TextIndex as _, TextQuery, VectorBatch, VectorChange,
        VectorIndex as _, VectorQuery,
    },
    text::{Key, ModelName},
};
use autocrm_storage::postgres::{PostgresConfig, PostgresStore, PostgresTextIndex, PostgresVectorIndex};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool, postgres::PgPoolOptions};
use uuid::Uuid;

use crate::support::{Database, server};

fn id<T: From<Uuid>>(number: u128) -> T {
    Uuid::from_u128(number).into()
}

async fn run(pool: &PgPool, text: &str) {
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(pool).await.unwrap();
}

/// A database with an owner and a user that are no superusers.
struct Plain {
    database: Option<Database>,
    owner: String,
    user: String,
    root: PgPool,
}

impl Plain {
    async fn new() -> Self {
        let database = Database::empty().await;
        let root = database.pool(1).await;
        let name: String = sqlx::query_scalar("SELECT current_database()").fetch_one(&root).await.unwrap();
        let (owner, user) = (format!("{name}_owner"), format!("{name}_user"));
        // The two roles of the library are made by the first migration of the server.
        let other = Database::migrated().await;
        drop(other);
        for role in [&owner, &user] {
            run(&root, &format!("CREATE ROLE {role} LOGIN PASSWORD 'secret' NOSUPERUSER")).await;
            run(&root, &format!("GRANT autocrm_runtime, autocrm_search TO {role}")).await;
        }
        run(&root, &format!("GRANT CREATE ON DATABASE {name} TO {owner}")).await;
        Self { database: Some(database), owner, user, root }
    }

    async fn pool(&self, role: &str) -> PgPool {
        let options = self.database.as_ref().unwrap().options().username(role).password("secret");
        PgPoolOptions::new().max_connections(4).connect_with(options).await.unwrap()
    }

    async fn end(mut self, pools: Vec<PgPool>) {
        for pool in pools.iter().chain([&self.root]) {
            pool.close().await;
        }
        drop(self.database.take());
        let mut connection = PgConnection::connect_with(&server()).await.unwrap();
        let text = format!("DROP ROLE {}; DROP ROLE {}", self.owner, self.user);
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
    }
}

fn space() -> EmbeddingSpace {
    let (model, version) = (ModelName::new("example/sentences").unwrap(), Key::new("1").unwrap());
    EmbeddingSpace::new(model, version, 4, Metric::Cosine).unwrap()
}

fn embedding() -> Embedding {
    Embedding::new(&space(), &[1.0, 0.0, 0.0, 0.5]).unwrap()
}

fn batch(tenant: TenantId, article: u128, visibility: ArticleVisibility, after: u64) -> VectorBatch {
    let chunks = vec![EmbeddedChunk { id: id::<ChunkId>(article), embedding: embedding() }];
    VectorBatch {
        space: space(),
        tenant,
        after: Position::new(after),
        upto: Position::new(after + 1),
        changes: vec![VectorChange::Replace {
            article: id::<ArticleId>(article),
            visibility,
            language: None,
            chunks,
        }],
    }
}

fn query(tenant: TenantId) -> VectorQuery {
    let visibilities = vec![ArticleVisibility::Public, ArticleVisibility::Internal];
    VectorQuery { tenant, visibilities, language: None, embedding: embedding(), offset: 0, limit: 10 }
}

/// Goes through everything that an index does.
async fn use_both(pool: &PgPool) {
    let store = PostgresStore::open(pool.clone(), PostgresConfig::default()).await.unwrap();
    let vectors = PostgresVectorIndex::open(&store).await.unwrap();
    let (one, two): (TenantId, TenantId) = (id(1), id(2));
    for tenant in [one, two] {
        vectors.apply(&batch(tenant, 7, ArticleVisibility::Public, 0)).await.unwrap();
        assert_eq!(vectors.search(&query(tenant)).await.unwrap().len(), 1);
    }
    vectors.erase(one, id(7)).await.unwrap();
    assert!(vectors.search(&query(one)).await.unwrap().is_empty());
    assert_eq!(vectors.search(&query(two)).await.unwrap().len(), 1);
    // An index of neighbours is made through the function of the owner.
    let text = "UPDATE autocrm.autocrm_vector_cursor SET passages = '{20000,0,0}' WHERE tenant = $1::uuid";
    let mut connection = pool.acquire().await.unwrap();
    let mut tx = connection.begin().await.unwrap();
    let settings = format!(
        "SET LOCAL ROLE autocrm_runtime; SET LOCAL autocrm.kind = 'system'; SET LOCAL autocrm.tenant = '{two}'"
    );
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(&mut *tx).await.unwrap();
    sqlx::query(text).bind(two.to_string()).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    vectors.apply(&batch(two, 8, ArticleVisibility::Internal, 1)).await.unwrap();
    assert_eq!(vectors.search(&query(two)).await.unwrap().len(), 2);
    assert_eq!(vectors.spaces().await.unwrap(), [space()]);
    vectors.clear().await.unwrap();
    assert!(vectors.spaces().await.unwrap().is_empty());

    let passages = PostgresTextIndex::open(&store).await.unwrap();
    let change = IndexChange::Replace {
        article: id(7),
        title: "Printer".to_owned(),
        visibility: ArticleVisibility::Public,
        language: None,
        chunks: vec![IndexedChunk { id: id(7), heading: String::new(), text: "paper".to_owned() }],
    };
    passages.apply(one, &[change], Position::new(1)).await.unwrap();
    let sought = |text: &str| TextQuery {
        tenant: one,
        visibilities: vec![ArticleVisibility::Public],
        text: text.to_owned(),
        language: None,
        offset: 0,
        limit: 10,
    };
    for text in ["printer", "prinnter"] {
        assert_eq!(passages.search(&sought(text)).await.unwrap().len(), 1, "{text}");
    }
    passages.clear().await.unwrap();
    assert_eq!(passages.cursor(one).await.unwrap(), Position::START);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owner_and_user_need_not_be_superusers() {
    let plain = Plain::new().await;
    let (owner, user) = (plain.pool(&plain.owner).await, plain.pool(&plain.user).await);
    // An administrator makes pgvector; pg_trgm is a trusted extension, which whoever may write the schema makes.
    run(&plain.root, "CREATE EXTENSION vector").await;
    run(&plain.root, &format!("GRANT CREATE ON SCHEMA public TO {}", plain.owner)).await;
    PostgresStore::migrate(&owner).await.unwrap();
    for _ in 0..2 {
        PostgresVectorIndex::migrate(&owner).await.unwrap();
        PostgresTextIndex::migrate(&owner).await.unwrap();
    }
    use_both(&user).await;
    use_both(&owner).await;
    plain.end(vec![owner, user]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn extensions_may_be_in_any_schema() {
    let plain = Plain::new().await;
    run(&plain.root, "CREATE SCHEMA \"Odd one\"; CREATE EXTENSION vector SCHEMA \"Odd one\"; CREATE EXTENSION pg_trgm SCHEMA \"Odd one\"").await;
    run(&plain.root, "GRANT USAGE ON SCHEMA \"Odd one\" TO PUBLIC").await;
    let (owner, user) = (plain.pool(&plain.owner).await, plain.pool(&plain.user).await);
    PostgresStore::migrate(&owner).await.unwrap();
    PostgresVectorIndex::migrate(&owner).await.unwrap();
    PostgresTextIndex::migrate(&owner).await.unwrap();
    use_both(&user).await;
    plain.end(vec![owner, user]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_extension_everything_else_works() {
    let plain = Plain::new().await;
    let owner = plain.pool(&plain.owner).await;
    PostgresStore::migrate(&owner).await.unwrap();
    run(
        &plain.root,
        &format!(
            "REVOKE CREATE ON DATABASE {} FROM {}",
            owner.connect_options().get_database().unwrap(),
            plain.owner
        ),
    )
    .await;
    let refused = PostgresVectorIndex::migrate(&owner).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(refused.to_string().contains("CREATE EXTENSION vector"), "{refused}");
    PostgresTextIndex::migrate(&owner).await.unwrap();
    let store = PostgresStore::open(owner.clone(), PostgresConfig::default()).await.unwrap();
    let refused = PostgresVectorIndex::open(&store).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
    assert!(!PostgresTextIndex::open(&store).await.unwrap().corrects());
    // An administrator makes the extensions, and the migration is run again.
    run(&plain.root, "CREATE EXTENSION vector; CREATE EXTENSION pg_trgm").await;
    let outdated = PostgresVectorIndex::open(&store).await.unwrap_err();
    assert_eq!(outdated.kind(), ErrorKind::SchemaOutdated);
    assert_eq!(PostgresVectorIndex::migrate(&owner).await.unwrap().applied, ["vectors_0001"]);
    assert_eq!(PostgresTextIndex::migrate(&owner).await.unwrap().applied, ["trigrams_0001"]);
    use_both(&owner).await;
    plain.end(vec![owner, store.pool().clone()]).await;
}

/// Returns the chunks that the policies alone show, without any condition of ours.
async fn shown(pool: &PgPool, table: &str, role: &str, tenant: TenantId, kind: &str) -> BTreeSet<String> {
    let mut connection = pool.acquire().await.unwrap();
    let mut tx = connection.begin().await.unwrap();
    let settings = format!(
        "SET LOCAL ROLE {role}; SET LOCAL autocrm.tenant = '{tenant}'; SET LOCAL autocrm.kind = '{kind}';
         SET LOCAL autocrm.query = '''printer'''"
    );
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(&mut *tx).await.unwrap();
    let text = format!("SELECT tenant::text || chunk::text FROM autocrm.{table}");
    let all: Vec<String> = sqlx::query_scalar(AssertSqlSafe(text)).fetch_all(&mut *tx).await.unwrap();
    all.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_alone_keep_tenants_and_visibilities_apart() {
    let database = Database::migrated().await;
    let pool = database.pool(4).await;
    PostgresVectorIndex::migrate(&pool).await.unwrap();
    PostgresTextIndex::migrate(&pool).await.unwrap();
    let store = PostgresStore::open(pool.clone(), PostgresConfig::default()).await.unwrap();
    let vectors = PostgresVectorIndex::open(&store).await.unwrap();
    let passages = PostgresTextIndex::open(&store).await.unwrap();
    let (one, two): (TenantId, TenantId) = (id(1), id(2));
    for tenant in [one, two] {
        for (article, visibility) in
            [(1, ArticleVisibility::Public), (2, ArticleVisibility::Tenant), (3, ArticleVisibility::Internal)]
        {
            let position = u64::try_from(article).unwrap();
            vectors.apply(&batch(tenant, article, visibility, position - 1)).await.unwrap();
            let change = IndexChange::Replace {
                article: id(article),
                title: "Printer".to_owned(),
                visibility,
                language: None,
                chunks: vec![IndexedChunk { id: id(article), heading: String::new(), text: String::new() }],
            };
            passages.apply(tenant, &[change], Position::new(position)).await.unwrap();
        }
    }
    let rows = |articles: &[u128]| -> BTreeSet<String> {
        articles.iter().map(|article| format!("{one}{}", id::<ChunkId>(*article))).collect()
    };
    for (table, role) in [("autocrm_vector_1", "autocrm_runtime"), ("autocrm_passage", "autocrm_search")] {
        for (kind, articles) in [
            ("customer", &[1, 2][..]),
            ("agent", &[1, 2, 3]),
            ("system", &[1, 2, 3]),
            ("worker", &[]),
            ("", &[]),
        ] {
            assert_eq!(shown(&pool, table, role, one, kind).await, rows(articles), "{table} as {kind:?}");
        }
        assert!(shown(&pool, table, role, id(9), "system").await.is_empty(), "{table} of an unknown tenant");
    }
    let unprotected: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'autocrm'::regnamespace AND relkind IN ('r', 'p')
         AND NOT (relrowsecurity AND relforcerowsecurity)",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(unprotected, ["autocrm_migration"]);
    for kind in ["customer", "agent", "system", ""] {
        let mut connection = pool.acquire().await.unwrap();
        let mut tx = connection.begin().await.unwrap();
        let text = format!("SET LOCAL ROLE autocrm_runtime; SET LOCAL autocrm.kind = '{kind}'");
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *tx).await.unwrap();
        let refused = sqlx::query("SELECT autocrm.drop_space(1)").execute(&mut *tx).await;
        assert!(refused.is_err(), "a space is dropped as {kind:?}");
    }
}
