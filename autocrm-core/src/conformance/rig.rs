//! Helpers of scenarios: pages walked to their end, answers compared, callers that race.

use std::{fmt::Debug, future::Future};

use tokio::task::JoinSet;

use crate::{
    error::{Error, ErrorKind, Result},
    page::{Page, PageRequest},
};

/// Asserts that an operation was refused as a conflict, which invites to decide again.
#[track_caller]
pub(crate) fn assert_conflict<T: Debug>(answer: Result<T>, what: &str) {
    let error = assert_refused(answer, ErrorKind::Conflict, what);
    assert!(error.is_retryable(), "{what}: a conflict invites to decide again from a fresh load");
}

/// Asserts that an operation was refused with the given kind.
#[track_caller]
pub(crate) fn assert_refused<T: Debug>(answer: Result<T>, kind: ErrorKind, what: &str) -> Error {
    match answer {
        Err(error) if error.kind() == kind => error,
        other => unexpected(what, kind, &other),
    }
}

#[track_caller]
fn unexpected(what: &str, kind: ErrorKind, found: &dyn Debug) -> ! {
    assert!(std::hint::black_box(false), "{what}: expected {kind:?}, found {found:?}");
    std::process::abort()
}

/// Reads all pages of `size` items and asserts that each is full, bounded, and that only the last one ends.
pub(crate) async fn walk<T, F>(size: u16, read: impl Fn(PageRequest) -> F) -> Vec<T>
where
    F: Future<Output = Result<Page<T>>>,
{
    let mut items = Vec::new();
    let mut request = PageRequest::first(size);
    loop {
        let page = read(request).await.expect("a page is read");
        assert!(page.items.len() <= usize::from(size), "a page holds at most its limit");
        let full = page.items.len() == usize::from(size);
        items.extend(page.items);
        assert!(items.len() < 100_000, "the pages never end");
        let Some(cursor) = page.next else { return items };
        assert!(full, "a page that is not the last one is full");
        request = PageRequest::after(cursor, size);
    }
}

/// Asserts that a list reads alike in pages of every size, and returns it.
pub(crate) async fn walk_every_size<T, F>(read: impl Fn(PageRequest) -> F) -> Vec<T>
where
    T: PartialEq + Debug,
    F: Future<Output = Result<Page<T>>>,
{
    let whole = walk(200, &read).await;
    for size in [1, 2, 3, 5] {
        assert_eq!(walk(size, &read).await, whole, "pages of {size} hold the same list");
    }
    let exact = u16::try_from(whole.len()).unwrap_or(200).clamp(1, 200);
    let page = read(PageRequest::first(exact)).await.expect("a page is read");
    assert!(page.next.is_none(), "a page that holds everything has no next one");
    whole
}

/// Runs all futures at once on the runtime's threads and returns their answers.
pub(crate) async fn race<T: Send + 'static>(
    callers: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut running = JoinSet::new();
    for caller in callers {
        running.spawn(caller);
    }
    running.join_all().await
}
