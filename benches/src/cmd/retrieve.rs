//! `retrieve`: how well passages of a knowledge base are found.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
    time::Instant,
};

use crate::{
    failure::{Failure, Result},
    input::{self, json_text},
    library::Library,
    models::ModelArguments,
    progress::Progress,
    report::Report,
    stats::{Latencies, peak_rss_mb, rate},
};

pub(crate) const DEPTH: usize = 10;

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
    #[command(flatten)]
    model: ModelArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mode {
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

pub(crate) struct Document {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) text: String,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Report> {
    if arguments.mode == Mode::Rerank {
        return Err(Failure::new("this build has no reranker"));
    }
    let documents = documents(&arguments.corpus)?;
    let queries = queries(arguments)?;
    let judged = input::qrels(&arguments.qrels, &input::text_of(&arguments.qrels)?)?;
    if let Some(unknown) = judged.keys().find(|id| !queries.contains_key(id.as_str())) {
        return Err(Failure::in_file(&arguments.qrels, None, format!("there is no query `{unknown}`")));
    }
    let embedder = match arguments.mode {
        Mode::Lexical => None,
        _ => Some(arguments.model.require("every mode but `lexical`")?),
    };
    let begun = Instant::now();
    let library = Library::fill(embedder, &documents).await?;
    let indexed = begun.elapsed();

    let progress = Progress::new("queries", judged.len());
    let (mut latencies, mut searches) = (Latencies::default(), Latencies::default());
    let (mut ndcg, mut recall, mut reciprocal) = (0.0, 0.0, 0.0);
    let started = Instant::now();
    for (query, gains) in &judged {
        let Some(text) = queries.get(query) else { continue };
        let asked = Instant::now();
        let embedding = library.embedding(text).await?;
        let sought = Instant::now();
        let found = library.search(arguments.mode, text, embedding.as_ref()).await?;
        searches.add(sought.elapsed());
        latencies.add(asked.elapsed());
        ndcg += ndcg_of(&found, gains);
        recall += found.iter().filter(|id| gains.contains_key(**id)).count() as f64 / gains.len() as f64;
        let first = found.iter().position(|id| gains.contains_key(*id));
        reciprocal += first.map_or(0.0, |rank| 1.0 / (rank + 1) as f64);
        progress.tick();
    }
    let taken = started.elapsed();
    drop(progress);

    let count = judged.len().max(1) as f64;
    let mut report = Report::default();
    report
        .number("ndcg_10", ndcg / count)
        .number("recall_10", recall / count)
        .number("mrr_10", reciprocal / count)
        .number("index_s", indexed.as_secs_f64())
        .number("queries_per_s", rate(judged.len(), taken))
        .number("query_p50_ms", latencies.quantile_ms(0.5))
        .number("query_p99_ms", latencies.quantile_ms(0.99))
        .number("search_p50_ms", searches.quantile_ms(0.5))
        .set("documents", documents.len())
        .set("passages", library.passages())
        .set("queries", judged.len())
        .set("rss_mb", peak_rss_mb().map(f64::round));
    Ok(report)
}

/// Reads a corpus in BEIR layout.
pub(crate) fn documents(path: &Path) -> Result<Vec<Document>> {
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
