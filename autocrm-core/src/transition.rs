//! The result of a decision: a state and the events that led to it.

use serde::{Deserialize, Serialize};

/// The version of a stored row: 0 before the first commit, then increased by one with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// The version of a row that was never committed.
    pub const NEW: Self = Self(0);

    /// Wraps a stored version.
    pub const fn new(version: u64) -> Self {
        Self(version)
    }

    /// Returns the number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the version after the next commit.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns whether the row was never committed.
    pub const fn is_new(self) -> bool {
        self.0 == 0
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A state and the events that led to it. The state keeps the version it was loaded with; the change set advances it.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a transition takes effect only in a change set"]
pub struct Transition<S, E> {
    /// The state after the decision.
    pub state: S,
    /// What happened, in order.
    pub events: Vec<E>,
}

impl<S, E> Transition<S, E> {
    /// Returns a transition with one event.
    pub fn new(state: S, event: E) -> Self {
        Self { state, events: vec![event] }
    }

    /// Returns a transition in which nothing happened.
    pub fn unchanged(state: S) -> Self {
        Self { state, events: Vec::new() }
    }

    /// Decides again from the state reached and appends the events.
    pub fn and_then<R>(self, decide: impl FnOnce(S) -> Result<Self, R>) -> Result<Self, R> {
        let mut events = self.events;
        let next = decide(self.state)?;
        events.extend(next.events);
        Ok(Self { state: next.state, events })
    }
}
