//! What is done together: callers queue, and a few drivers take all that waits.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A queue with drivers that come and go with the work.
pub(crate) struct Gate<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    waiting: VecDeque<T>,
    drivers: usize,
}

/// The queue is as long as it may be.
#[derive(Debug)]
pub(crate) struct Full;

impl<T> Default for Gate<T> {
    fn default() -> Self {
        Self { state: Mutex::new(State { waiting: VecDeque::new(), drivers: 0 }) }
    }
}

impl<T> Gate<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues work behind at most `most` others. With a seat, the caller begins a driver; there are at most `drivers`.
    pub(crate) fn queue(
        self: &Arc<Self>,
        work: T,
        most: usize,
        drivers: usize,
    ) -> Result<Option<Seat<T>>, Full> {
        let mut state = self.state();
        if state.waiting.len() >= most {
            return Err(Full);
        }
        state.waiting.push_back(work);
        if state.drivers >= drivers {
            return Ok(None);
        }
        state.drivers += 1;
        drop(state);
        Ok(Some(Seat { gate: Arc::clone(self), has_left: false }))
    }
}

/// The place of a driver, who takes until nothing waits.
pub(crate) struct Seat<T> {
    gate: Arc<Gate<T>>,
    /// Whether it has said under the lock of the queue that it takes no more.
    has_left: bool,
}

impl<T> Seat<T> {
    /// Takes up to `most` of what waits; nothing: the driver ends, and whoever queues next begins another one.
    pub(crate) fn take(&mut self, most: usize) -> VecDeque<T> {
        let mut state = self.gate.state();
        if state.waiting.is_empty() && !self.has_left {
            state.drivers -= 1;
            self.has_left = true;
        }
        let count = most.min(state.waiting.len());
        state.waiting.drain(..count).collect()
    }
}

impl<T> Drop for Seat<T> {
    fn drop(&mut self) {
        // A driver that was dropped at work: the runtime ends. The next caller begins another one.
        if !self.has_left {
            self.gate.state().drivers -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_take_all_that_waits_and_are_begun_anew() {
        let gate = Arc::new(Gate::default());
        let mut seat = gate.queue(1, 3, 1).unwrap().unwrap();
        assert!(gate.queue(2, 3, 1).unwrap().is_none());
        assert!(gate.queue(3, 3, 1).unwrap().is_none());
        assert!(gate.queue(4, 3, 1).is_err());
        assert_eq!(seat.take(2), [1, 2]);
        assert_eq!(seat.take(2), [3]);
        assert!(seat.take(2).is_empty());
        drop(seat);
        let dropped = gate.queue(5, 3, 1).unwrap().unwrap();
        drop(dropped);
        let mut next = gate.queue(6, 3, 1).unwrap().unwrap();
        assert_eq!(next.take(9), [5, 6]);
    }
}
