//! Texts of like length side by side, and the mean of what a model says of their tokens.

/// The most tokens that one run of the model takes, padding included; a single longer text runs alone. Larger runs
/// gain nothing on a CPU and take more memory.
const RUN_TOKENS: usize = 4_096;

/// The most texts of one run.
pub(super) const RUN_TEXTS: usize = 32;

/// Groups texts, given by their numbers of tokens, into runs of up to `most`: shortest first, so that little is padded.
pub(super) fn runs(lengths: &[usize], most: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|place| lengths[*place]);
    let mut found: Vec<Vec<usize>> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for place in order {
        // In this order the newest text is the longest of its run.
        let padded = lengths[place] * (open.len() + 1);
        if !open.is_empty() && (padded > RUN_TOKENS || open.len() == most) {
            found.push(std::mem::take(&mut open));
        }
        open.push(place);
    }
    if !open.is_empty() {
        found.push(open);
    }
    found
}

/// Returns the mean of the first `tokens` rows of a text's `rows`, each of `width` numbers: padding does not count.
pub(super) fn mean(rows: &[f32], width: usize, tokens: usize) -> Vec<f32> {
    let mut sum = vec![0.0; width];
    for row in rows.chunks_exact(width).take(tokens) {
        for (total, value) in sum.iter_mut().zip(row) {
            *total += value;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a text has at most some thousand tokens")]
    let count = tokens.max(1) as f32;
    for total in &mut sum {
        *total /= count;
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_runs_once_within_bounds(lengths in prop::collection::vec(1_usize..600, 0..200)) {
            let found = runs(&lengths, RUN_TEXTS);
            let mut places: Vec<usize> = found.concat();
            places.sort_unstable();
            prop_assert_eq!(places, (0..lengths.len()).collect::<Vec<_>>());
            for run in found {
                let longest = run.iter().map(|place| lengths[*place]).max().unwrap();
                prop_assert!(run.len() == 1 || longest * run.len() <= RUN_TOKENS);
                prop_assert!(run.len() <= RUN_TEXTS);
            }
        }
    }

    #[test]
    fn texts_of_like_length_run_together() {
        let lengths = [300, 8, 300, 8];
        assert_eq!(runs(&lengths, RUN_TEXTS), [vec![1, 3, 0, 2]]);
        assert_eq!(runs(&lengths, 1), [[1], [3], [0], [2]]);
        let many: Vec<usize> = (0..64).map(|place| if place % 2 == 0 { 256 } else { 5 }).collect();
        let found = runs(&many, RUN_TEXTS);
        assert!(
            found[0].iter().all(|place| place % 2 == 1),
            "short texts are not padded to the length of long ones"
        );
    }

    #[test]
    fn padding_does_not_count() {
        assert_eq!(mean(&[1.0, 2.0, 3.0, 4.0, 100.0, 100.0], 2, 2), [2.0, 3.0]);
        assert_eq!(mean(&[1.0, 2.0], 2, 0), [0.0, 0.0]);
    }
}
