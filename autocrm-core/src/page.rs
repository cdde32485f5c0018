//! Keyset pages: a bounded slice of an ordered list and the cursor of what follows.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The largest page.
pub const MAX_PAGE: u16 = 200;

/// The position after which a page begins: the sort key and the id of the last item seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The sort key of the last item, in the order of the list; 0 where the id alone orders.
    pub key: i64,
    /// The id of the last item.
    pub id: Uuid,
}

/// What part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    after: Option<Cursor>,
    limit: u16,
}

impl PageRequest {
    /// Asks for the first `limit` items; the limit is clamped to 1..=[`MAX_PAGE`].
    pub fn first(limit: u16) -> Self {
        Self { after: None, limit: limit.clamp(1, MAX_PAGE) }
    }

    /// Asks for the `limit` items that follow `cursor`; the limit is clamped to 1..=[`MAX_PAGE`].
    pub fn after(cursor: Cursor, limit: u16) -> Self {
        Self { after: Some(cursor), limit: limit.clamp(1, MAX_PAGE) }
    }

    /// Returns the cursor after which the page begins.
    pub fn cursor(&self) -> Option<Cursor> {
        self.after
    }

    /// Returns the largest number of items wanted, 1..=[`MAX_PAGE`].
    pub fn limit(&self) -> usize {
        usize::from(self.limit)
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self::first(50)
    }
}

/// A bounded slice of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Builds a page from up to `limit + 1` items: the extra one only proves that another page follows.
    pub fn from_overfetch(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> Cursor) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }

    /// Applies `convert` to every item.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), next: self.next }
    }
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next: None }
    }
}
