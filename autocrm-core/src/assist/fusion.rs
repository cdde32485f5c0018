//! Two ways to find a passage, one list: by its words and by its meaning.

use std::collections::HashMap;

use crate::id::ChunkId;

/// How much meaning counts against words, 0..=1. Chosen on `StackFAQ` (Karan and Šnajder 2018), where every weight from
/// 0.75 to 0.9 is better than either list alone.
const MEANING: f32 = 0.8;

/// How much meaning counts when the question names a code, version or identifier, of which embeddings know little.
const MEANING_WITH_CODE: f32 = 0.5;

/// A passage and how well it fits, higher is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// The passage.
    pub chunk: ChunkId,
    /// The score of the search that found it.
    pub score: f32,
}

/// Merges what was found by words and by meaning, each best first, into one list with scores from 0 to 1.
///
/// Scores are compared, not ranks: a passage that lies far closer than the next one keeps its lead, which reciprocal
/// ranks give away. Scores by words are shares of the best one; similarities are shares of the way from the last found
/// to the best. A list that is empty has no say, so that the other one stays as it is. Ties go by chunk id.
pub fn fuse(question: &str, words: &[Ranked], meaning: &[Ranked]) -> Vec<Ranked> {
    let weight = match (words.is_empty(), meaning.is_empty()) {
        (true, _) => 1.0,
        (false, true) => 0.0,
        (false, false) if names_code(question) => MEANING_WITH_CODE,
        (false, false) => MEANING,
    };
    let mut fused: HashMap<ChunkId, f32> = HashMap::with_capacity(words.len() + meaning.len());
    let best_words = words.iter().map(|hit| hit.score).fold(0.0, f32::max);
    for hit in words {
        let share = if best_words > 0.0 { (hit.score / best_words).max(0.0) } else { 0.0 };
        *fused.entry(hit.chunk).or_default() += (1.0 - weight) * share;
    }
    let best = meaning.iter().map(|hit| hit.score).fold(f32::NEG_INFINITY, f32::max);
    let last = meaning.iter().map(|hit| hit.score).fold(f32::INFINITY, f32::min);
    for hit in meaning {
        let share = if best > last { (hit.score - last) / (best - last) } else { 1.0 };
        *fused.entry(hit.chunk).or_default() += weight * share;
    }
    let mut ranked: Vec<Ranked> = fused.into_iter().map(|(chunk, score)| Ranked { chunk, score }).collect();
    ranked.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.chunk.cmp(&other.chunk)));
    ranked
}

/// Returns whether a word of the question mixes letters and digits, or joins parts with underscores.
fn names_code(question: &str) -> bool {
    question.split_whitespace().any(|word| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let (digit, letter) =
            (bare.contains(|c: char| c.is_ascii_digit()), bare.contains(char::is_alphabetic));
        (digit && letter) || bare.trim_matches('_').contains('_')
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn ranked(pairs: &[(u128, f32)]) -> Vec<Ranked> {
        let of = |(id, score): &(u128, f32)| Ranked {
            chunk: ChunkId::from_uuid(Uuid::from_u128(*id)),
            score: *score,
        };
        pairs.iter().map(of).collect()
    }

    fn order(fused: &[Ranked]) -> Vec<u128> {
        fused.iter().map(|hit| hit.chunk.as_uuid().as_u128()).collect()
    }

    #[test]
    fn a_silent_list_has_no_say() {
        let words = ranked(&[(3, 9.0), (1, 4.0), (2, 3.5)]);
        assert_eq!(order(&fuse("how", &words, &[])), [3, 1, 2]);
        let meaning = ranked(&[(2, 0.8), (3, 0.5), (1, -0.2)]);
        assert_eq!(order(&fuse("how", &[], &meaning)), [2, 3, 1]);
        assert!(fuse("how", &[], &[]).is_empty());
    }

    #[test]
    fn a_clear_lead_is_kept() {
        // By ranks the second of both would win.
        let meaning = ranked(&[(1, 0.9), (2, 0.4), (3, 0.3)]);
        let words = ranked(&[(3, 9.0), (2, 8.9), (1, 0.5)]);
        assert_eq!(order(&fuse("how do I pay", &words, &meaning))[0], 1);
    }

    #[test]
    fn words_decide_where_meaning_does_not() {
        let meaning = ranked(&[(1, 0.52), (2, 0.51), (3, 0.1)]);
        let words = ranked(&[(2, 9.0)]);
        assert_eq!(order(&fuse("how do I pay", &words, &meaning))[0], 2);
    }

    #[test]
    fn a_code_gives_words_more_weight() {
        let meaning = ranked(&[(1, 0.6), (2, 0.3), (3, 0.1)]);
        let words = ranked(&[(2, 9.0), (1, 0.5)]);
        assert_eq!(order(&fuse("cannot connect", &words, &meaning))[0], 1);
        assert_eq!(order(&fuse("error 0x80070005", &words, &meaning))[0], 2);
        for (question, is_code) in [
            ("v1.2.3", true),
            ("ERR_CONN", true),
            ("_emphasis_", false),
            ("in 2026", false),
            ("don't", false),
        ] {
            assert_eq!(names_code(question), is_code, "{question}");
        }
    }

    #[test]
    fn scores_stay_within_their_range() {
        for meaning in [ranked(&[(1, -0.5)]), ranked(&[(1, 0.2), (2, 0.2)])] {
            let fused = fuse("x", &ranked(&[(1, 0.0), (2, -1.0)]), &meaning);
            assert!(fused.iter().all(|hit| (0.0..=1.0).contains(&hit.score)), "{fused:?}");
        }
    }
}
