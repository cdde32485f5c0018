//! What a step of a feed leaves behind: of several changes of one article, or several names of one chunk, the last.

use std::collections::{BTreeMap, BTreeSet};

use crate::column::Uid;

/// The rows that a step leaves behind, and what has to go before they are written.
#[derive(Debug)]
pub(crate) struct Fold<T> {
    /// The articles of which nothing of before stays.
    pub(crate) articles: BTreeSet<Uid>,
    /// Every chunk that was named: what another article has of it goes too.
    pub(crate) named: BTreeSet<Uid>,
    /// The chunks that remain, each with its article.
    pub(crate) rows: BTreeMap<Uid, (Uid, T)>,
}

impl<T> Fold<T> {
    pub(crate) fn new() -> Self {
        Self { articles: BTreeSet::new(), named: BTreeSet::new(), rows: BTreeMap::new() }
    }

    /// Replaces what an article has.
    pub(crate) fn replace(&mut self, article: Uid, chunks: impl Iterator<Item = (Uid, T)>) {
        if !self.articles.insert(article) {
            self.rows.retain(|_, (owner, _)| *owner != article);
        }
        for (chunk, row) in chunks {
            self.named.insert(chunk);
            self.rows.insert(chunk, (article, row));
        }
    }

    /// Returns what has to go: the articles and the chunks.
    pub(crate) fn gone(&self) -> (Vec<Uid>, Vec<Uid>) {
        (self.articles.iter().copied().collect(), self.named.iter().copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_last_change_counts_and_a_chunk_has_one_article() {
        let id = |number| Uid(Uuid::from_u128(number));
        let mut fold = Fold::new();
        fold.replace(id(1), [(id(10), 'a'), (id(11), 'b')].into_iter());
        fold.replace(id(1), [(id(11), 'c'), (id(12), 'd')].into_iter());
        fold.replace(id(2), [(id(12), 'e')].into_iter());
        assert_eq!(fold.rows, [(id(11), (id(1), 'c')), (id(12), (id(2), 'e'))].into());
        fold.replace(id(1), std::iter::empty());
        assert_eq!(fold.rows.keys().collect::<Vec<_>>(), [&id(12)]);
        assert_eq!(fold.gone(), (vec![id(1), id(2)], vec![id(10), id(11), id(12)]));
    }
}
