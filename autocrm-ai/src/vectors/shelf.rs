//! What is searched for a tenant in a space, column by column, so that a scan reads nothing that it does not need.

use std::collections::{BTreeMap, HashMap};

use autocrm_core::{
    access::ArticleVisibility,
    change::Position,
    id::{ArticleId, ChunkId},
    port::{VectorHit, VectorQuery},
    text::Language,
};

use super::scan::{cosines, distances, nearest, push_signs, words_of};

/// Up to so many vectors that pass the filter are all scored exactly.
const EXACT: usize = 2_048;

/// So many of the nearest by their signs are scored exactly, and all as near as the last of them. Offset and limit
/// reach less far, so that every page is cut from the same list.
const RESCORED: usize = 1_024;

/// Below so many dimensions signs say too little, and every vector is scored.
const SIGNED_FROM: usize = 128;

/// The largest number of differing signs, and the mark of a row that the filter excludes.
const FARTHEST: u16 = 2_048;
const EXCLUDED: u16 = u16::MAX;

/// Where a vector's numbers are: the number of the log and the place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) log: u32,
    pub(super) offset: u32,
}

/// A passage that is searched.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) chunk: ChunkId,
    pub(super) article: ArticleId,
    pub(super) visibility: ArticleVisibility,
    pub(super) language: Option<Language>,
    pub(super) place: Place,
}

/// Visibility and language of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Tag {
    visibility: ArticleVisibility,
    /// A place in the shelf's languages.
    language: u16,
}

/// The rows of a tenant.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) cursor: Position,
    signs: Vec<u64>,
    chunks: Vec<ChunkId>,
    articles: Vec<ArticleId>,
    tags: Vec<Tag>,
    /// How many rows have each tag, so that no filter is counted row by row.
    tagged: BTreeMap<Tag, usize>,
    places: Vec<Place>,
    languages: Vec<Option<Language>>,
    rows: HashMap<ChunkId, usize>,
    /// Chunks that an article named; some may belong to another meanwhile.
    named: HashMap<ArticleId, Vec<ChunkId>>,
}

impl Shelf {
    /// Returns how many vectors there are.
    pub(super) fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Removes an article's rows and returns where their vectors were.
    pub(super) fn remove(&mut self, article: ArticleId, dimensions: usize) -> Vec<Place> {
        let mut freed = Vec::new();
        for chunk in self.named.remove(&article).unwrap_or_default() {
            let own = self.rows.get(&chunk).copied().filter(|row| self.articles.get(*row) == Some(&article));
            if let Some(row) = own {
                freed.extend(self.remove_row(row, dimensions));
            }
        }
        freed
    }

    /// Adds a row; a chunk of the same id goes. Returns where its vector was.
    pub(super) fn add(
        &mut self,
        row: &Row,
        values: impl Iterator<Item = f32>,
        dimensions: usize,
    ) -> Option<Place> {
        let known = self.rows.get(&row.chunk).copied();
        let freed = known.and_then(|at| self.remove_row(at, dimensions));
        let language = self.language(row.language.as_ref());
        push_signs(values, dimensions, &mut self.signs);
        self.rows.insert(row.chunk, self.chunks.len());
        self.named.entry(row.article).or_default().push(row.chunk);
        self.chunks.push(row.chunk);
        self.articles.push(row.article);
        let tag = Tag { visibility: row.visibility, language };
        self.tags.push(tag);
        *self.tagged.entry(tag).or_default() += 1;
        self.places.push(row.place);
        freed
    }

    fn language(&mut self, language: Option<&Language>) -> u16 {
        let known = self.languages.iter().position(|known| known.as_ref() == language);
        let place = known.unwrap_or_else(|| {
            self.languages.push(language.cloned());
            self.languages.len() - 1
        });
        // There are some thousand codes of languages.
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    /// Moves the last row into the place of one that goes.
    fn remove_row(&mut self, row: usize, dimensions: usize) -> Option<Place> {
        let words = words_of(dimensions);
        let last = self.chunks.len().checked_sub(1)?;
        let chunk = *self.chunks.get(row)?;
        self.signs.copy_within(last * words..(last + 1) * words, row * words);
        self.signs.truncate(last * words);
        self.chunks.swap_remove(row);
        self.articles.swap_remove(row);
        let tag = self.tags.swap_remove(row);
        if let Some(count) = self.tagged.get_mut(&tag) {
            *count -= 1;
        }
        self.rows.remove(&chunk);
        if let Some(moved) = self.chunks.get(row) {
            self.rows.insert(*moved, row);
        }
        Some(self.places.swap_remove(row))
    }

    /// Returns the rows whose vectors are in a log, by article.
    pub(super) fn rows_in(&self, log: u32) -> HashMap<ArticleId, Vec<Row>> {
        let mut found: HashMap<ArticleId, Vec<Row>> = HashMap::new();
        for (at, place) in self.places.iter().enumerate().filter(|(_, place)| place.log == log) {
            let (article, tag) = (self.articles[at], self.tags[at]);
            let language = self.languages.get(usize::from(tag.language)).cloned().flatten();
            let row =
                Row { chunk: self.chunks[at], article, visibility: tag.visibility, language, place: *place };
            found.entry(article).or_default().push(row);
        }
        found
    }

    /// Returns the hits of a query, whose check has passed, best first. `vector` reads the bytes of a place.
    pub(super) fn search<'a>(
        &self,
        query: &VectorQuery,
        vector: impl Fn(Place) -> &'a [u8],
    ) -> Vec<VectorHit> {
        let candidates = self.candidates(query);
        let stored: Vec<&[u8]> = candidates.iter().map(|row| vector(self.places[*row])).collect();
        let scores = cosines(&stored, query.embedding.values());
        let mut hits: Vec<VectorHit> = candidates
            .iter()
            .zip(scores)
            .map(|(row, score)| VectorHit { chunk: self.chunks[*row], article: self.articles[*row], score })
            .collect();
        let best_first = |one: &VectorHit, other: &VectorHit| {
            other.score.total_cmp(&one.score).then(one.chunk.cmp(&other.chunk))
        };
        let reach = query.offset + query.limit;
        if reach < hits.len() {
            hits.select_nth_unstable_by(reach, best_first);
            hits.truncate(reach);
        }
        hits.sort_unstable_by(best_first);
        hits.into_iter().skip(query.offset).collect()
    }

    /// Returns the rows to be scored exactly: all that pass the filter, or the nearest of them by their signs.
    fn candidates(&self, query: &VectorQuery) -> Vec<usize> {
        let language = match &query.language {
            None => None,
            some => match self.languages.iter().position(|known| known == some) {
                Some(place) => u16::try_from(place).ok(),
                None => return Vec::new(),
            },
        };
        let shown = |tag: &Tag| {
            query.visibilities.contains(&tag.visibility)
                && language.is_none_or(|language| tag.language == language)
        };
        let dimensions = query.embedding.space().dimensions();
        let passing: usize = self.tagged.iter().filter(|(tag, _)| shown(tag)).map(|(_, count)| count).sum();
        if passing <= EXACT || dimensions < SIGNED_FROM {
            return (0..self.len()).filter(|row| shown(&self.tags[*row])).collect();
        }
        let mut sought = Vec::with_capacity(words_of(dimensions));
        push_signs(query.embedding.values().iter().copied(), dimensions, &mut sought);
        let mut far = distances(&self.signs, &sought);
        if passing < self.len() {
            for (distance, tag) in far.iter_mut().zip(&self.tags) {
                if !shown(tag) {
                    *distance = EXCLUDED;
                }
            }
        }
        nearest(&far, RESCORED, FARTHEST)
    }
}
