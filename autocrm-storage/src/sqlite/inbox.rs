//! The bounded queue in front of the store's threads.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Why nothing was queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The queue is full.
    Full,
    /// The threads have ended.
    Closed,
}

/// A bounded queue for any number of senders and takers.
#[derive(Debug)]
pub(crate) struct Inbox<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    capacity: usize,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

impl<T> Inbox<T> {
    /// Returns an empty queue.
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State { items: VecDeque::new(), closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), capacity }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an item without waiting.
    pub(crate) fn push(&self, item: T) -> Result<(), Refused> {
        let mut state = self.state();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.items.len() >= self.capacity {
            return Err(Refused::Full);
        }
        state.items.push_back(item);
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for an item, then takes up to `most` of those that are there. Nothing: the queue is closed and empty.
    pub(crate) fn take(&self, most: usize) -> Vec<T> {
        let mut state = self.state();
        while state.items.is_empty() && !state.closed {
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let count = state.items.len().min(most);
        state.items.drain(..count).collect()
    }

    /// Takes up to `most` of the items that are there. When there is none, and `patience` is given, one is waited for so
    /// long.
    pub(crate) fn take_queued(&self, most: usize, patience: Option<Duration>) -> Vec<T> {
        let mut state = self.state();
        if let Some(patience) = patience.filter(|_| state.items.is_empty() && !state.closed && most > 0) {
            state = self.filled.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0;
        }
        let count = state.items.len().min(most);
        state.items.drain(..count).collect()
    }

    /// Returns how many items are there.
    pub(crate) fn len(&self) -> usize {
        self.state().items.len()
    }

    /// Refuses further items; those queued are still taken.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_all();
    }
}

/// Closes a queue when its taker ends, however it ends, so that nobody waits for an answer that never comes.
#[derive(Debug)]
pub(crate) struct CloseAtEnd<'a, T>(pub(crate) &'a Inbox<T>);

impl<T> Drop for CloseAtEnd<'_, T> {
    fn drop(&mut self) {
        self.0.close();
        self.0.state().items.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_refuses_and_a_closed_one_empties() {
        let inbox = Inbox::new(2);
        assert_eq!(inbox.push(1), Ok(()));
        assert_eq!(inbox.push(2), Ok(()));
        assert_eq!(inbox.push(3), Err(Refused::Full));
        assert_eq!(inbox.take(1), [1]);
        assert!(inbox.take_queued(0, Some(Duration::MAX)).is_empty());
        inbox.close();
        assert_eq!(inbox.push(4), Err(Refused::Closed));
        assert_eq!(inbox.take(9), [2]);
        assert!(inbox.take(9).is_empty());
        assert!(inbox.take_queued(9, Some(Duration::MAX)).is_empty());
    }

    #[test]
    fn patience_ends_with_an_item_or_with_its_time() {
        let inbox = Inbox::new(2);
        assert!(inbox.take_queued(9, None).is_empty());
        assert!(inbox.take_queued(9, Some(Duration::from_micros(1))).is_empty());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| inbox.take_queued(9, Some(Duration::from_mins(10))));
            assert_eq!(inbox.push(1), Ok(()));
            assert_eq!(waiting.join().unwrap(), [1]);
        });
        assert_eq!(inbox.len(), 0);
    }

    #[test]
    fn a_taker_that_ends_drops_what_is_queued() {
        let inbox = Inbox::new(2);
        assert_eq!(inbox.push(1), Ok(()));
        drop(CloseAtEnd(&inbox));
        assert!(inbox.take(9).is_empty());
    }
}
