//! What a test backend is, and what a scenario is.

use std::{any::Any, fmt, future::Future, pin::Pin, sync::Arc};

use async_trait::async_trait;

use crate::{conformance::Probe, id::JobId, port::Store};

/// What a backend can do; the suite holds it to its word in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each field is one thing that a backend can do")]
pub struct Capabilities {
    /// Whether operations can be pending. An adapter that completes every operation in one poll cannot be cancelled
    /// half-way, and the suite asserts that it truly never is.
    pub suspends: bool,
    /// Whether [`Backend::second_handle`] gives another handle on the same data.
    pub second_handle: bool,
    /// Whether [`Backend::reopened`] opens the same data again after all handles are gone.
    pub durable: bool,
    /// Whether [`Backend::spoil_job`] makes a stored payload unreadable; only stores need it.
    pub spoils_jobs: bool,
}

/// Makes the payload of a stored job unreadable, as a newer version of the library would have written it.
pub type SpoilJob = Box<dyn Fn(JobId) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Opens the data of a backend anew, as after a crash: nothing that only the old handles knew is carried over.
pub type Reopen<P> = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Arc<P>> + Send>> + Send + Sync>;

/// A port that was just opened on an empty backend of its own.
pub struct Backend<P: ?Sized = dyn Store> {
    port: Arc<P>,
    second: Option<Arc<P>>,
    reopen: Option<Reopen<P>>,
    spoil_job: Option<SpoilJob>,
    probe: Option<Arc<dyn Probe>>,
    suspends: bool,
    guards: Vec<Box<dyn Any + Send + Sync>>,
}

impl<P: ?Sized> Backend<P> {
    /// Wraps a port whose operations may be pending.
    pub fn new(port: Arc<P>) -> Self {
        Self {
            port,
            second: None,
            reopen: None,
            spoil_job: None,
            probe: None,
            suspends: true,
            guards: Vec::new(),
        }
    }

    /// Adds what scenarios ask of the backend behind its port's back.
    #[must_use]
    pub fn with_probe(mut self, probe: impl Probe + 'static) -> Self {
        self.probe = Some(Arc::new(probe));
        self
    }

    pub(crate) fn probe(&self) -> Option<&dyn Probe> {
        self.probe.as_deref()
    }

    /// States that operations may be pending, also where a wrapped backend's never are.
    #[must_use]
    pub fn suspending(mut self) -> Self {
        self.suspends = true;
        self
    }

    /// States that every operation completes in one poll.
    #[must_use]
    pub fn never_suspends(mut self) -> Self {
        self.suspends = false;
        self
    }

    /// Adds another handle on the same data.
    #[must_use]
    pub fn with_second(mut self, second: Arc<P>) -> Self {
        self.second = Some(second);
        self
    }

    /// Adds the way to open the same data again.
    #[must_use]
    pub fn with_reopen(mut self, reopen: Reopen<P>) -> Self {
        self.reopen = Some(reopen);
        self
    }

    /// Adds the way to make a job's payload unreadable.
    #[must_use]
    pub fn with_job_spoiler(mut self, spoil: SpoilJob) -> Self {
        self.spoil_job = Some(spoil);
        self
    }

    /// Makes the payload of a job unreadable, if the backend can.
    pub async fn spoil_job(&self, job: JobId) {
        if let Some(spoil) = &self.spoil_job {
            spoil(job).await;
        }
    }

    /// Keeps `guard`, such as a temporary directory, until the scenario has ended.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any + Send + Sync) -> Self {
        self.guards.push(Box::new(guard));
        self
    }

    /// Returns the port.
    pub fn port(&self) -> Arc<P> {
        Arc::clone(&self.port)
    }

    /// Returns another handle on the same data.
    pub fn second_handle(&self) -> Option<Arc<P>> {
        self.second.clone()
    }

    /// Returns another handle on the same data, or the same handle for adapters that have only one.
    pub fn other(&self) -> Arc<P> {
        self.second_handle().unwrap_or_else(|| self.port())
    }

    /// Returns what the backend can do.
    pub fn capabilities(&self) -> Capabilities {
        Capabilities {
            suspends: self.suspends,
            second_handle: self.second.is_some(),
            durable: self.reopen.is_some(),
            spoils_jobs: self.spoil_job.is_some(),
        }
    }

    /// Lets go of every handle of the backend and opens its data again; `None` for adapters that keep nothing. The
    /// caller has dropped its own handles.
    pub async fn reopened(self) -> Option<Self> {
        let Self { port, second, reopen, spoil_job, probe, suspends, guards } = self;
        drop((port, second, spoil_job));
        let port = reopen?().await;
        Some(Self { port, second: None, reopen: None, spoil_job: None, probe, suspends, guards })
    }

    /// Puts wrappers around every handle, also around one opened later.
    #[must_use]
    pub fn wrapped(self, wrap: impl Fn(Arc<P>) -> Arc<P> + Send + Sync + 'static) -> Self
    where
        P: Send + Sync + 'static,
    {
        let Self { port, second, reopen, spoil_job, probe, suspends, guards } = self;
        let (port, second) = (wrap(port), second.map(&wrap));
        let reopen = reopen.map(|reopen| -> Reopen<P> {
            Box::new(move || {
                Box::pin(async move {
                    let port = reopen().await;
                    wrap(port)
                })
            })
        });
        Self { port, second, reopen, spoil_job, probe, suspends, guards }
    }
}

impl Backend<dyn Store> {
    /// Returns the store.
    pub fn store(&self) -> Arc<dyn Store> {
        self.port()
    }
}

impl<P: ?Sized> fmt::Debug for Backend<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("capabilities", &self.capabilities()).finish_non_exhaustive()
    }
}

/// Opens empty backends for the scenarios of a port.
///
/// A harness that cannot start its backend panics: a suite that did not run has not passed.
#[async_trait]
pub trait Harness<P: ?Sized>: Send + Sync {
    /// Opens an empty backend that no other scenario sees.
    async fn fresh(&self) -> Backend<P>;
}

/// A running scenario.
pub type ScenarioFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A named proof of one clause.
pub struct Scenario<P: ?Sized> {
    /// The module and the name, such as `commit::c3_one_of_many_writers_wins`.
    pub name: &'static str,
    /// Runs it; it fails by panicking.
    pub run: fn(Backend<P>) -> ScenarioFuture,
}

impl<P: ?Sized> Scenario<P> {
    /// Returns the clause that the scenario proves, such as `C3`: the first word of its name.
    pub fn clause(&self) -> String {
        let name = self.name.rsplit("::").next().unwrap_or_default();
        name.split('_').next().unwrap_or_default().to_ascii_uppercase()
    }
}

impl<P: ?Sized> fmt::Debug for Scenario<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
