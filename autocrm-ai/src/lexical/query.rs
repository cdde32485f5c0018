//! From the words of a user to a query: a bag of terms inside the caller's tenant and visibilities.

use std::collections::BTreeSet;

use autocrm_core::{port::TextQuery, text::truncate_bytes};
use tantivy::{
    Term,
    query::{BooleanQuery, BoostQuery, ConstScoreQuery, Occur, Query, TermQuery},
    schema::{Field, IndexRecordOption},
};

use super::{analyze::terms, schema::Fields};
use crate::words::Stemmer;

/// The most of a query's text that counts, in bytes.
const MAX_QUERY_BYTES: usize = 4_096;

/// The most distinct terms of one query; later ones are left out.
const MAX_TERMS: usize = 256;

/// How much a word in the title counts beside the same word in the body, which holds the title too.
const TITLE_BOOST: f32 = 0.7;

/// Builds the query; `None` if the text has no words. `stemmers` are those of the languages in the index.
///
/// The text is only ever cut into terms, so nothing in it is an operator. Tenant and visibilities are a required part
/// of the query that adds nothing to the score.
pub(crate) fn build(fields: &Fields, query: &TextQuery, stemmers: &[Stemmer]) -> Option<Box<dyn Query>> {
    let text = truncate_bytes(&query.text, MAX_QUERY_BYTES);
    let mut distinct: Vec<String> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for stemmer in stemmers {
        for term in terms(text, stemmer) {
            if distinct.len() < MAX_TERMS && seen.insert(term.clone()) {
                distinct.push(term);
            }
        }
    }
    if distinct.is_empty() {
        return None;
    }
    let mut words: Vec<(Occur, Box<dyn Query>)> = Vec::with_capacity(distinct.len() * 2);
    for term in &distinct {
        let in_title = Box::new(BoostQuery::new(word(fields.title, term), TITLE_BOOST));
        words.push((Occur::Should, in_title));
        words.push((Occur::Should, word(fields.body, term)));
    }
    let audiences: Vec<(Occur, Box<dyn Query>)> = query
        .visibilities
        .iter()
        .map(|visibility| exact(fields.audience_term(query.tenant, *visibility)))
        .map(|audience| (Occur::Should, audience))
        .collect();
    let audience = ConstScoreQuery::new(Box::new(BooleanQuery::new(audiences)), 0.0);
    Some(Box::new(BooleanQuery::new(vec![
        (Occur::Must, Box::new(audience) as Box<dyn Query>),
        (Occur::Must, Box::new(BooleanQuery::new(words))),
    ])))
}

fn word(field: Field, term: &str) -> Box<dyn Query> {
    Box::new(TermQuery::new(Term::from_field_text(field, term), IndexRecordOption::WithFreqs))
}

fn exact(term: Term) -> Box<dyn Query> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}
