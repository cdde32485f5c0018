//! `retrieve`: how well passages of a knowledge base are found.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
    time::Instant,
};

use autocrm_ai::{language::TrigramDetector, lexical::LexicalIndex};
use autocrm_core::{
    access::ArticleVisibility,
    change::Position,
    clock::{Clock as _, SystemClock},
    id::{ArticleId, ChunkId, IdSource as _, RandomIds, TenantId},
    knowledge::split_markdown,
    port::{IndexChange, IndexedChunk, LanguageDetector as _, TextIndex, TextQuery},
};

use crate::{
    failure::{Failure, Result},
    input::{self, json_text},
    progress::Progress,
    report::Report,
    stats::{Latencies, peak_rss_mb, rate},
};

const DEPTH: usize = 10;
const PAGE: usize = 50;

/// Searches a corpus in BEIR layout.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Documents: JSONL with `_id`, `title` and `text`.
    #[arg(long, value_name = "FILE")]
    corpus: PathBuf,
    /// Queries: JSONL with `_id` and `text`.
    #[arg(long, value_name = "FILE")]
    queries: PathBuf,
    /// Judgements: TSV `query-id corpus-id score` with a header.
    #[arg(long, value_name = "FILE")]
    qrels: PathBuf,
    /// What searches.
    #[arg(long, value_enum, default_value = "lexical")]
    mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Mode {
    /// BM25 over words.
    Lexical,
    /// Nearest vectors.
    Vector,
    /// Both lists, by reciprocal ranks.
    Rrf,
    /// Both lists, by scores.
    Hybrid,
    /// Both lists, reordered by a model.
    Rerank,
}

struct Document {
    id: String,
    title: String,
    text: String,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Report> {
    if arguments.mode != Mode::Lexical {
        return Err(Failure::new("this build searches without a model: only `--mode lexical` is there"));
    }
    let documents = documents(arguments)?;
    let queries = queries(arguments)?;
    let judged = input::qrels(&arguments.qrels, &input::text_of(&arguments.qrels)?)?;
    if let Some(unknown) = judged.keys().find(|id| !queries.contains_key(id.as_str())) {
        return Err(Failure::in_file(&arguments.qrels, None, format!("there is no query `{unknown}`")));
    }

    let tenant = TenantId::from_uuid(RandomIds.uuid(SystemClock.now()));
    let index = LexicalIndex::in_memory()?;
    let begun = Instant::now();
    let names = fill(&index, tenant, &documents).await?;
    let indexed = begun.elapsed();

    let progress = Progress::new("queries", judged.len());
    let mut latencies = Latencies::default();
    let (mut ndcg, mut recall, mut reciprocal) = (0.0, 0.0, 0.0);
    let started = Instant::now();
    for (query, gains) in &judged {
        let Some(text) = queries.get(query) else { continue };
        let asked = Instant::now();
        let found = search(&index, tenant, text, &names).await?;
        latencies.add(asked.elapsed());
        ndcg += ndcg_of(&found, gains);
        recall += found.iter().filter(|id| gains.contains_key(**id)).count() as f64 / gains.len() as f64;
        let first = found.iter().position(|id| gains.contains_key(*id));
        reciprocal += first.map_or(0.0, |rank| 1.0 / (rank + 1) as f64);
        progress.tick();
    }
    let searched = started.elapsed();
    drop(progress);

    let count = judged.len().max(1) as f64;
    let mut report = Report::default();
    report
        .number("ndcg_10", ndcg / count)
        .number("recall_10", recall / count)
        .number("mrr_10", reciprocal / count)
        .number("index_s", indexed.as_secs_f64())
        .number("queries_per_s", rate(judged.len(), searched))
        .number("query_p50_ms", latencies.quantile_ms(0.5))
        .number("query_p99_ms", latencies.quantile_ms(0.99))
        .number("search_p50_ms", latencies.quantile_ms(0.5))
        .set("documents", documents.len())
        .set("passages", index.passages())
        .set("queries", judged.len())
        .set("rss_mb", peak_rss_mb().map(f64::round));
    Ok(report)
}

fn documents(arguments: &Arguments) -> Result<Vec<Document>> {
    let path = &arguments.corpus;
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    for (line, object) in input::json_lines(path, &input::text_of(path)?)? {
        let id = json_text(path, line, &object, "_id")?;
        if !seen.insert(id.clone()) {
            return Err(Failure::in_file(path, Some(line), format!("the document `{id}` stands twice")));
        }
        let title = json_text(path, line, &object, "title")?;
        found.push(Document { id, title, text: json_text(path, line, &object, "text")? });
    }
    if found.is_empty() {
        return Err(Failure::in_file(path, None, "there are no documents"));
    }
    Ok(found)
}

fn queries(arguments: &Arguments) -> Result<BTreeMap<String, String>> {
    let path = &arguments.queries;
    let mut found = BTreeMap::new();
    for (line, object) in input::json_lines(path, &input::text_of(path)?)? {
        let id = json_text(path, line, &object, "_id")?;
        found.insert(id, json_text(path, line, &object, "text")?);
    }
    Ok(found)
}

/// Indexes the documents as articles, cut into passages as the knowledge base cuts them.
async fn fill(
    index: &LexicalIndex,
    tenant: TenantId,
    documents: &[Document],
) -> Result<HashMap<ArticleId, String>> {
    let now = SystemClock.now();
    let mut names = HashMap::with_capacity(documents.len());
    let mut changes = Vec::with_capacity(documents.len());
    for document in documents {
        let article = ArticleId::from_uuid(RandomIds.uuid(now));
        names.insert(article, document.id.clone());
        let mut chunks = Vec::new();
        for passage in split_markdown(&document.text) {
            chunks.push(IndexedChunk {
                id: ChunkId::from_uuid(RandomIds.uuid(now)),
                heading: passage.heading,
                text: document.text.get(passage.range).unwrap_or_default().to_owned(),
            });
        }
        if chunks.is_empty() {
            let id = ChunkId::from_uuid(RandomIds.uuid(now));
            chunks.push(IndexedChunk { id, heading: String::new(), text: String::new() });
        }
        changes.push(IndexChange::Replace {
            article,
            title: document.title.clone(),
            visibility: ArticleVisibility::Public,
            language: TrigramDetector.detect(&format!("{}\n{}", document.title, document.text)),
            chunks,
        });
    }
    let mut position = Position::START;
    for batch in changes.chunks(1_000) {
        position = Position::new(position.get() + 1);
        index.apply(tenant, batch, position).await?;
    }
    Ok(names)
}

/// Returns the ids of the best documents, each once, by its best passage.
async fn search<'a>(
    index: &LexicalIndex,
    tenant: TenantId,
    text: &str,
    names: &'a HashMap<ArticleId, String>,
) -> Result<Vec<&'a str>> {
    let mut query = TextQuery {
        tenant,
        visibilities: vec![ArticleVisibility::Public],
        text: text.to_owned(),
        language: TrigramDetector.detect(text),
        offset: 0,
        limit: PAGE,
    };
    let mut found: Vec<&str> = Vec::with_capacity(DEPTH);
    loop {
        let hits = index.search(&query).await?;
        for name in hits.iter().filter_map(|hit| names.get(&hit.article)) {
            if found.len() < DEPTH && !found.contains(&name.as_str()) {
                found.push(name);
            }
        }
        if found.len() == DEPTH || hits.len() < PAGE {
            return Ok(found);
        }
        query.offset += hits.len();
    }
}

/// Returns the normalised discounted cumulative gain at 10 (Järvelin and Kekäläinen, 2002), with linear gains.
fn ndcg_of(found: &[&str], gains: &HashMap<String, f64>) -> f64 {
    let discounted = |gains: &mut dyn Iterator<Item = f64>| -> f64 {
        gains.take(DEPTH).enumerate().map(|(rank, gain)| gain / ((rank + 2) as f64).log2()).sum()
    };
    let mut ideal: Vec<f64> = gains.values().copied().collect();
    ideal.sort_by(|one, other| other.total_cmp(one));
    let best = discounted(&mut ideal.into_iter());
    let reached = discounted(&mut found.iter().map(|id| gains.get(*id).copied().unwrap_or_default()));
    if best == 0.0 { 0.0 } else { reached / best }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gain_falls_with_the_rank() {
        let gains = HashMap::from([("a".to_owned(), 1.0)]);
        assert!((ndcg_of(&["a", "b"], &gains) - 1.0).abs() < 1e-9);
        assert!((ndcg_of(&["b", "a"], &gains) - 1.0 / 3_f64.log2()).abs() < 1e-9);
        assert!(ndcg_of(&["b"], &gains).abs() < 1e-9);
    }
}
