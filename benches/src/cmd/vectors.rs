//! `vectors`: how well and how fast nearest vectors are found.

use std::{collections::HashSet, ops::Range, sync::Arc, time::Instant};

use autocrm_ai::vectors::FlatVectorIndex;
use autocrm_core::{
    access::ArticleVisibility,
    change::Position,
    id::{ArticleId, ChunkId, TenantId},
    knowledge::{Embedding, EmbeddingRefusal, EmbeddingSpace, Metric},
    memory::MemoryVectorIndex,
    port::{EmbeddedChunk, VectorBatch, VectorChange, VectorIndex, VectorQuery},
    text::{Key, ModelName},
};
use autocrm_storage::postgres::PostgresVectorIndex;
use uuid::Uuid;

use crate::{
    failure::{Failure, Result},
    postgres::Database,
    progress::{Progress, say},
    report::Report,
    stats::{Latencies, rate},
    vectors::{Source, Vectors},
};

/// How many vectors an article has, and how many are applied at a time.
const PASSAGES: usize = 4;
const BATCH: usize = 4_000;
/// How many queries go unmeasured first, so that the table is in memory.
const WARM: usize = 20;

/// Fills a vector index with seeded unit vectors around 1,000 centres and compares what it finds with an exact scan.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What is measured.
    #[arg(long, value_enum, default_value = "memory")]
    store: Kind,
    /// The PostgreSQL server, on which a database is made for the measurement and removed afterwards.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// How many vectors there are; at least the sum of `--tenants`.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    documents: usize,
    /// How many numbers a vector has, 1..=2,000.
    #[arg(long, value_name = "D", default_value_t = 384)]
    dims: usize,
    /// How many neighbours are sought, 1..=200.
    #[arg(long, value_name = "K", default_value_t = 10)]
    k: usize,
    /// How many of the vectors tenants have, by commas; a further tenant has the rest.
    #[arg(long, value_name = "SIZES", value_delimiter = ',')]
    tenants: Vec<usize>,
    /// Which share of the vectors has a visibility of its own that is then sought alone, as 0.01.
    #[arg(long, value_name = "SHARE")]
    filter: Option<f64>,
    /// How many queries are asked of each tenant.
    #[arg(long, value_name = "N", default_value_t = 200)]
    queries: usize,
    /// What the vectors are drawn from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// The index in files of this process.
    Memory,
    /// The exact scan in memory.
    Exact,
    /// pgvector.
    Postgres,
}

impl From<EmbeddingRefusal> for Failure {
    fn from(refusal: EmbeddingRefusal) -> Self {
        Self::new(refusal.to_string())
    }
}

/// The index, its contents, and what is asked of it.
struct Measurement {
    index: Arc<dyn VectorIndex>,
    /// The same index, where it is the one in files, and its folder.
    files: Option<(FlatVectorIndex, tempfile::TempDir)>,
    space: EmbeddingSpace,
    drawn: Vectors,
    queries: Vectors,
    /// Every how many-th vector has the rare visibility.
    stride: Option<usize>,
    k: usize,
}

/// A tenant has the vectors of a range.
struct Tenant {
    id: TenantId,
    range: Range<usize>,
}

impl Tenant {
    /// Returns which of the tenant's articles a vector belongs to.
    fn article(&self, place: usize) -> usize {
        (place - self.range.start) / PASSAGES
    }
}

/// What the queries of a tenant found.
struct Found {
    recall: f64,
    latencies: Latencies,
    exact: Latencies,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Report> {
    let tenants = tenants(arguments)?;
    let space = EmbeddingSpace::new(
        ModelName::new("bench/vectors")?,
        Key::new("1")?,
        arguments.dims,
        Metric::Cosine,
    )?;
    let Opened { database, index, files } = open(arguments).await?;
    say("drawing vectors");
    let mut source = Source::new(arguments.seed, arguments.dims);
    let drawn = source.draw(tenants.iter().map(|tenant| tenant.range.len()).sum());
    let queries = source.draw(arguments.queries.max(1));
    let stride = arguments.filter.map(|share| (1.0 / share).round().max(1.0) as usize);
    let measured = Measurement { index, files, space, drawn, queries, stride, k: arguments.k };
    measured.measure(&tenants, database.as_ref()).await
}

fn tenants(arguments: &Arguments) -> Result<Vec<Tenant>> {
    if !(1..=200).contains(&arguments.k) {
        return Err(Failure::new("`--k` is within 1..=200"));
    }
    if arguments.filter.is_some_and(|share| !(share > 0.0 && share <= 1.0)) {
        return Err(Failure::new("`--filter` is above 0 and at most 1"));
    }
    let mut sizes = arguments.tenants.clone();
    if sizes.contains(&0) {
        return Err(Failure::new("a tenant of `--tenants` has no vectors"));
    }
    let rest = arguments.documents.saturating_sub(sizes.iter().sum());
    if rest > 0 {
        sizes.push(rest);
    }
    if sizes.is_empty() {
        return Err(Failure::new("there are no vectors"));
    }
    let (mut found, mut begin) = (Vec::new(), 0);
    for size in sizes {
        let id = TenantId::from_uuid(Uuid::from_u128(found.len() as u128 + 1));
        found.push(Tenant { id, range: begin..begin + size });
        begin += size;
    }
    Ok(found)
}

/// An empty index.
struct Opened {
    database: Option<Database>,
    index: Arc<dyn VectorIndex>,
    files: Option<(FlatVectorIndex, tempfile::TempDir)>,
}

async fn open(arguments: &Arguments) -> Result<Opened> {
    match (arguments.store, &arguments.url) {
        (Kind::Memory, None) => {
            let folder = tempfile::tempdir()?;
            let index = FlatVectorIndex::open(folder.path())?;
            Ok(Opened { database: None, index: Arc::new(index.clone()), files: Some((index, folder)) })
        }
        (Kind::Exact, None) => {
            Ok(Opened { database: None, index: Arc::new(MemoryVectorIndex::new()), files: None })
        }
        (Kind::Memory | Kind::Exact, Some(_)) => Err(Failure::new("--url needs --store postgres")),
        (Kind::Postgres, None) => Err(Failure::new("--store postgres needs --url")),
        (Kind::Postgres, Some(url)) => {
            let database = Database::create(url).await?;
            let store = database.store(1).await?;
            PostgresVectorIndex::migrate(store.pool()).await?;
            let index = PostgresVectorIndex::open(&store).await?;
            Ok(Opened { database: Some(database), index: Arc::new(index), files: None })
        }
    }
}

fn chunk_id(place: usize) -> ChunkId {
    ChunkId::from_uuid(Uuid::from_u128(place as u128 + 1))
}

impl Measurement {
    /// Returns whether a vector of a tenant has the rare visibility: all of an article have the same.
    fn is_rare(&self, tenant: &Tenant, place: usize) -> bool {
        self.stride.is_some_and(|stride| tenant.article(place).is_multiple_of(stride))
    }

    async fn measure(&self, tenants: &[Tenant], database: Option<&Database>) -> Result<Report> {
        let begun = Instant::now();
        let progress = Progress::new("vectors", self.drawn.len());
        for tenant in tenants {
            self.fill(tenant, &progress).await?;
        }
        let built = begun.elapsed();
        drop(progress);
        let mut report = Report::default();
        let largest = tenants.iter().max_by_key(|tenant| tenant.range.len());
        for tenant in tenants {
            let size = tenant.range.len();
            let mut found = self.ask(tenant, ArticleVisibility::Public).await?;
            if largest.is_some_and(|largest| largest.id == tenant.id) {
                let sum: f64 = found.latencies.total_s();
                report
                    .number("recall_10", found.recall)
                    .number("build_s", built.as_secs_f64())
                    .number("build_per_s", rate(self.drawn.len(), built))
                    .number(
                        "queries_per_s",
                        rate(found.latencies.len(), std::time::Duration::from_secs_f64(sum)),
                    )
                    .number("p50_ms", found.latencies.quantile_ms(0.5))
                    .number("p99_ms", found.latencies.quantile_ms(0.99))
                    .number("mb", self.megabytes(database).await?)
                    .number("exact_p50_ms", found.exact.quantile_ms(0.5));
            }
            report
                .number(format!("recall_10_tenant_{size}"), found.recall)
                .number(format!("p50_ms_tenant_{size}"), found.latencies.quantile_ms(0.5))
                .number(format!("p99_ms_tenant_{size}"), found.latencies.quantile_ms(0.99));
            if self.stride.is_some() {
                let mut few = self.ask(tenant, ArticleVisibility::Internal).await?;
                report
                    .number(format!("recall_10_filtered_{size}"), few.recall)
                    .number(format!("p99_ms_filtered_{size}"), few.latencies.quantile_ms(0.99));
            }
        }
        report.set("documents", self.drawn.len()).set("queries", self.queries.len()).set("k", self.k);
        Ok(report)
    }

    async fn fill(&self, tenant: &Tenant, progress: &Progress) -> Result<()> {
        let places: Vec<usize> = tenant.range.clone().collect();
        let mut position = 0;
        for group in places.chunks(BATCH) {
            let mut changes = Vec::with_capacity(group.len() / PASSAGES + 1);
            for passages in group.chunk_by(|one, other| tenant.article(*one) == tenant.article(*other)) {
                let Some(first) = passages.first() else { continue };
                let chunks = passages
                    .iter()
                    .map(|place| {
                        progress.tick();
                        let embedding = Embedding::new(&self.space, self.drawn.get(*place))?;
                        Ok(EmbeddedChunk { id: chunk_id(*place), embedding })
                    })
                    .collect::<Result<Vec<EmbeddedChunk>>>()?;
                let visibility = if self.is_rare(tenant, *first) {
                    ArticleVisibility::Internal
                } else {
                    ArticleVisibility::Public
                };
                let article = ArticleId::from_uuid(Uuid::from_u128(tenant.article(*first) as u128 + 1));
                changes.push(VectorChange::Replace { article, visibility, language: None, chunks });
            }
            let batch = VectorBatch {
                space: self.space.clone(),
                tenant: tenant.id,
                after: Position::new(position),
                upto: Position::new(position + 1),
                changes,
            };
            self.index.apply(&batch).await?;
            position += 1;
        }
        Ok(())
    }

    /// Asks every query of a tenant, for the passages of one visibility, or of both where `Public` is asked.
    async fn ask(&self, tenant: &Tenant, visibility: ArticleVisibility) -> Result<Found> {
        let is_filtered = visibility == ArticleVisibility::Internal;
        let visibilities = if is_filtered {
            vec![ArticleVisibility::Internal]
        } else {
            vec![ArticleVisibility::Public, ArticleVisibility::Internal]
        };
        let mut found = Found { recall: 0.0, latencies: Latencies::default(), exact: Latencies::default() };
        let (mut hit, mut sought) = (0, 0);
        let progress = Progress::new("queries", self.queries.len());
        let warming = (0..self.queries.len().min(WARM)).map(|place| (place, true));
        for (place, is_warming) in warming.chain((0..self.queries.len()).map(|place| (place, false))) {
            let values = self.queries.get(place);
            let query = VectorQuery {
                tenant: tenant.id,
                visibilities: visibilities.clone(),
                language: None,
                embedding: Embedding::new(&self.space, values)?,
                offset: 0,
                limit: self.k,
            };
            let asked = Instant::now();
            let hits = self.index.search(&query).await?;
            if is_warming {
                continue;
            }
            found.latencies.add(asked.elapsed());
            let scanned = Instant::now();
            let best = self.drawn.nearest(values, tenant.range.clone(), self.k, |place| {
                !is_filtered || self.is_rare(tenant, place)
            });
            found.exact.add(scanned.elapsed());
            let wanted: HashSet<ChunkId> = best.into_iter().map(chunk_id).collect();
            hit += hits.iter().filter(|hit| wanted.contains(&hit.chunk)).count();
            sought += wanted.len();
            progress.tick();
        }
        found.recall = crate::stats::share(hit, sought);
        Ok(found)
    }

    /// Returns how much room the vectors and their indexes take, in MB.
    async fn megabytes(&self, database: Option<&Database>) -> Result<f64> {
        let Some(made) = database else {
            if let Some((index, _)) = &self.files {
                let footprint = index.footprint();
                return Ok((footprint.memory + footprint.disk) as f64 / 1e6);
            }
            return Ok((self.drawn.len() * self.space.dimensions() * size_of::<f32>()) as f64 / 1e6);
        };
        let bytes: i64 = sqlx::query_scalar(
            "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::int8 FROM pg_class
             WHERE relnamespace = 'autocrm'::regnamespace AND relkind = 'r' AND relname ~ '^autocrm_vector_[0-9]+$'",
        )
        .fetch_one(&mut made.connect().await?)
        .await?;
        Ok(bytes as f64 / 1e6)
    }
}
