//! `embed`: how fast texts become vectors, beside the same model called from Python.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use autocrm_core::{
    knowledge::Embedding,
    port::{Embedder as _, MAX_EMBEDDED_TEXTS},
};

use crate::{
    failure::{Failure, Result},
    input,
    models::{ModelArguments, home},
    progress::say,
    report::Report,
    stats::{Latencies, rate},
};

/// What the peer runs: the same model, tokens and order of lengths.
const PEER: &str = include_str!("peer.py");

/// How many texts are embedded alone.
const ALONE: usize = 200;

/// Embeds texts, and lets the Python onnxruntime do the same where it is installed.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The texts, one a line.
    #[arg(long, value_name = "FILE")]
    texts: PathBuf,
    #[command(flatten)]
    model: ModelArguments,
    /// The Python that has onnxruntime, numpy and tokenizers; that of `scripts/models` unless given.
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
}

/// What the peer found.
struct Peer {
    per_s: f64,
    vectors: Vec<Vec<f32>>,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Report> {
    let content = input::text_of(&arguments.texts)?;
    let texts: Vec<&str> = content.lines().filter(|line| !line.trim().is_empty()).collect();
    if texts.is_empty() {
        return Err(Failure::in_file(&arguments.texts, None, "there are no texts"));
    }
    let embedder = arguments.model.require("`embed`")?;
    let directory = arguments.model.directory().unwrap_or_default();
    // Both warm up on the first texts; the peer measures between the two halves of ours, so that a machine that grows
    // busy meanwhile burdens both.
    embedder.embed(&texts[..texts.len().min(64)]).await?;
    let begun = Instant::now();
    let found = embed(&embedder, &texts).await?;
    let first = begun.elapsed();
    let peer = peer(arguments, &directory, &texts)?;
    let begun = Instant::now();
    embed(&embedder, &texts).await?;
    let second = begun.elapsed();
    let mut latencies = Latencies::default();
    for text in texts.iter().take(ALONE) {
        let asked = Instant::now();
        embedder.embed(&[text]).await?;
        latencies.add(asked.elapsed());
    }
    let mut report = Report::default();
    report
        .number("per_s", rate(2 * texts.len(), first + second))
        .number("p50_ms", latencies.quantile_ms(0.5))
        .number("p99_ms", latencies.quantile_ms(0.99))
        .set("texts", texts.len())
        .set("dimensions", embedder.space().dimensions());
    match peer {
        Some(peer) => {
            let cosines = found.iter().zip(&peer.vectors).map(|(own, theirs)| cosine(own.values(), theirs));
            let least = cosines.fold(f64::INFINITY, f64::min);
            report.number("peer_per_s", peer.per_s).number("cosine_min", least);
            report.number("to_peer", report.get("per_s") / peer.per_s);
        }
        None => {
            report.set("peer_per_s", serde_json::Value::Null).set("cosine_min", serde_json::Value::Null);
        }
    }
    Ok(report)
}

async fn embed(embedder: &autocrm_ai::embed::OnnxEmbedder, texts: &[&str]) -> Result<Vec<Embedding>> {
    let mut found = Vec::with_capacity(texts.len());
    for group in texts.chunks(MAX_EMBEDDED_TEXTS) {
        found.extend(embedder.embed(group).await?);
    }
    Ok(found)
}

fn cosine(own: &[f32], theirs: &[f32]) -> f64 {
    own.iter().zip(theirs).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// Runs the peer; `None` when no Python with its packages is there.
fn peer(arguments: &Arguments, model: &Path, texts: &[&str]) -> Result<Option<Peer>> {
    let python = arguments.python.clone().unwrap_or_else(|| home().join("python/bin/python"));
    let probe = Command::new(&python)
        .args(["-c", "import numpy, onnxruntime, tokenizers"])
        .stderr(Stdio::null())
        .status();
    if !probe.is_ok_and(|status| status.success()) {
        if arguments.python.is_some() {
            return Err(Failure::new(format!("{} lacks onnxruntime, numpy or tokenizers", python.display())));
        }
        say("there is no Python with onnxruntime: no peer is measured");
        return Ok(None);
    }
    let folder = tempfile::tempdir()?;
    let vectors = folder.path().join("vectors");
    let mut child = Command::new(&python)
        .arg("-c")
        .arg(PEER)
        .arg(model)
        .arg(arguments.model.threads.to_string())
        .arg(&vectors)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = serde_json::to_string(texts)?;
    child
        .stdin
        .take()
        .ok_or_else(|| Failure::new("the peer does not listen"))?
        .write_all(lines.as_bytes())?;
    let output = child.wait_with_output()?;
    let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let per_s: f64 = printed
        .parse()
        .ok()
        .filter(|_| output.status.success())
        .ok_or_else(|| Failure::new(format!("the peer failed: {printed}")))?;
    let bytes = fs::read(&vectors)?;
    let numbers: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let width = (numbers.len() / texts.len()).max(1);
    let found = numbers.chunks(width).map(<[f32]>::to_vec).collect::<Vec<_>>();
    if found.len() != texts.len() {
        return Err(Failure::new("the peer embedded another number of texts"));
    }
    Ok(Some(Peer { per_s, vectors: found }))
}
