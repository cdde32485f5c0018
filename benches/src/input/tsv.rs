//! Relevance judgements: `query-id corpus-id score`, tab-separated, with a header.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use crate::failure::{Failure, Result};

/// The relevant documents of each query with their gains, only those above 0.
pub(crate) type Qrels = BTreeMap<String, HashMap<String, f64>>;

/// Reads judgements.
pub(crate) fn qrels(path: &Path, text: &str) -> Result<Qrels> {
    let mut rows = text.lines().enumerate();
    let header = rows.next().map(|(_, line)| line.split('\t').map(str::trim).collect::<Vec<_>>());
    if header.as_deref() != Some(["query-id", "corpus-id", "score"].as_slice()) {
        return Err(Failure::in_file(path, Some(1), "the header is not `query-id corpus-id score`"));
    }
    let mut found = Qrels::new();
    for (at, line) in rows {
        if line.trim().is_empty() {
            continue;
        }
        let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        let [query, document, score] = cells.as_slice() else {
            return Err(Failure::in_file(path, Some(at + 1), format!("{} fields, not 3", cells.len())));
        };
        let gain: f64 = score
            .parse()
            .map_err(|_| Failure::in_file(path, Some(at + 1), format!("the score `{score}` is no number")))?;
        if gain > 0.0 {
            found.entry((*query).to_owned()).or_default().insert((*document).to_owned(), gain);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judgements_are_read_and_bad_ones_named() {
        let path = Path::new("q.tsv");
        let read = qrels(path, "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n").unwrap();
        assert_eq!(read["q1"], HashMap::from([("d1".to_owned(), 2.0)]));
        let problem = |text| qrels(path, text).unwrap_err().to_string();
        assert_eq!(problem("q1\td1\t1"), "q.tsv:1: the header is not `query-id corpus-id score`");
        assert_eq!(problem("query-id\tcorpus-id\tscore\nq1\td1"), "q.tsv:2: 2 fields, not 3");
        assert_eq!(problem("query-id\tcorpus-id\tscore\nq\td\tx"), "q.tsv:2: the score `x` is no number");
    }
}
