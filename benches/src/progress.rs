//! One line on stderr that counts up, on a terminal only.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::atomic::{AtomicUsize, Ordering},
};

/// Counts what is done. Shared by all who work on it.
#[derive(Debug)]
pub(crate) struct Progress {
    what: &'static str,
    total: usize,
    done: AtomicUsize,
    step: usize,
    shown: bool,
}

impl Progress {
    pub(crate) fn new(what: &'static str, total: usize) -> Self {
        let shown = io::stderr().is_terminal();
        Self { what, total, done: AtomicUsize::new(0), step: (total / 200).max(1), shown }
    }

    /// Counts one more.
    pub(crate) fn tick(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.shown && done.is_multiple_of(self.step) {
            // A terminal that went away is no reason to stop measuring.
            let _ = write!(io::stderr(), "\r{}: {done} of {}   ", self.what, self.total);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r{:60}\r", "");
        }
    }
}

/// Says what begins, on a terminal only.
pub(crate) fn say(what: &str) {
    if io::stderr().is_terminal() {
        let _ = writeln!(io::stderr(), "{what}");
    }
}
