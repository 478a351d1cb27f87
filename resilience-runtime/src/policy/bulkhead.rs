//! `#[bulkhead]`: a bound on how many calls run at once.

mod enter;
mod place;
mod queue;

use std::fmt;
use std::time::Duration;

use super::identity::{self, Identity, Shared};
use super::line;
use super::names::Names;
use super::switch::Switch;
use crate::catalog::{Policy, PolicyKind};
use crate::outcome::{Function, Outcome};
use crate::sync::{AtomicU64, Mutex};
use crate::telemetry::{meter, names};
use queue::Queue;

pub use enter::Entered;

/// The bulkhead that was used first, for every name.
static NAMES: Names<Bulkhead> = Names::new();

/// Limits how many calls run at once, so that one slow dependency cannot take up all tasks,
/// connections or memory.
///
/// ```
/// # use std::time::Duration;
/// # use resilience_runtime::policy::bulkhead::Bulkhead;
/// static REPORTS: Bulkhead = Bulkhead::named("reports")
///     .max_concurrent(4)
///     .max_queue(16)
///     .max_wait(Duration::from_millis(500));
/// ```
///
/// A call that finds no free place waits in a queue, if there is room in it, and is rejected with
/// [`Error::BulkheadFull`](crate::error::Error::BulkheadFull) otherwise. Places are given in the
/// order in which calls joined the queue; a new call never overtakes them. A call that has waited for
/// `max_wait` is rejected, and its body is not started.
///
/// A place comes back when the call has answered, panics, or is dropped.
///
/// # Deadlines
///
/// A wait ends at the [`deadline`](super::deadline::deadline) of the call, with
/// [`Error::DeadlineTooClose`](crate::error::Error::DeadlineTooClose). How long the wait would have
/// been is unknown: `needed` is how long the call had waited by then, and `left` is zero. A call
/// whose deadline has already passed does not wait at all. If there is a free place, the deadline is
/// not checked.
///
/// # Names
///
/// All bulkheads of one process that are made with [`Bulkhead::named`] and the same name are one
/// bulkhead. If their configurations differ, calls through the one that was used first run, and every
/// call through another one fails with
/// [`Error::NameConflict`](crate::error::Error::NameConflict).
///
/// # Switched off
///
/// In [`PolicyMode::Shadow`](super::switch::PolicyMode::Shadow), every call runs at once and is counted as running.
/// It counts as one that would have been rejected if more calls run than there are places in the
/// bulkhead and in its queue. Calls that would have waited for too long are not recognised.
///
/// A call that finds a free place costs two atomic exchanges: no lock, no clock, no allocation.
pub struct Bulkhead {
    queue: Queue,
    identity: Identity<Self>,
    limits: Limits,
    switch: Switch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    concurrent: u32,
    queue: u32,
    wait: Option<Duration>,
}

impl Bulkhead {
    /// The default number of calls that run at once: 10.
    pub const DEFAULT_MAX_CONCURRENT: u32 = 10;

    /// A bulkhead that shares its places with all others of this name.
    #[must_use]
    #[track_caller]
    pub const fn named(name: &'static str) -> Self {
        Self::new(Identity::named(name))
    }

    /// A bulkhead of one function, with the function's path as its name. It shares its places with no
    /// other.
    #[must_use]
    pub const fn for_function(path: &'static str) -> Self {
        Self::new(Identity::for_function(path))
    }

    const fn new(identity: Identity<Self>) -> Self {
        Self {
            queue: Queue {
                word: AtomicU64::new(0),
                line: Mutex::new(line::Line::EMPTY),
            },
            identity,
            limits: Limits {
                concurrent: Self::DEFAULT_MAX_CONCURRENT,
                queue: 0,
                wait: None,
            },
            switch: Switch::new(),
        }
    }

    /// How many calls run at once. Default: 10.
    ///
    /// # Panics
    /// When it is 0, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn max_concurrent(mut self, calls: u32) -> Self {
        assert!(
            calls > 0,
            "`max_concurrent` must be at least 1: a bulkhead without a place lets nobody in"
        );
        self.limits.concurrent = calls;
        self
    }

    /// How many calls wait for a place; the others are rejected at once. Default: 0.
    #[must_use]
    pub const fn max_queue(mut self, calls: u32) -> Self {
        self.limits.queue = calls;
        self
    }

    /// How long a call waits for a place. Default: until its deadline, or for ever if it has none.
    ///
    /// # Panics
    /// When it is zero, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn max_wait(mut self, time: Duration) -> Self {
        assert!(
            !time.is_zero(),
            "`max_wait` must be longer than zero: so that no call waits, leave `max_queue` out"
        );
        self.limits.wait = Some(time);
        self
    }

    /// How many calls are running, over all bulkheads of this name.
    #[must_use]
    pub fn running(&'static self) -> u32 {
        self.places().queue.running()
    }

    /// How many calls are waiting for a place, over all bulkheads of this name.
    #[must_use]
    pub fn waiting(&'static self) -> u32 {
        self.places().queue.waiting()
    }

    /// Runs `call` as soon as there is a place for it. It can be dropped at any time, and then gives back
    /// its place in the bulkhead or in the queue.
    pub fn enter<F, T, E>(
        &'static self,
        call: F,
        function: Function<Result<T, E>>,
    ) -> Entered<F, T, E>
    where
        F: Future<Output: Outcome<Ok = T, Err = E>>,
    {
        Entered::new(self, call, function)
    }

    /// The bulkhead whose places this one gives; its own where it may give none.
    fn places(&'static self) -> &'static Self {
        identity::first(self).unwrap_or(self)
    }

    /// Shows how many run and wait, if somebody looks.
    #[inline]
    fn show(&self) {
        if meter::is_listening() {
            self.show_slowly();
        }
    }

    #[cold]
    fn show_slowly(&self) {
        let name = self.identity.name();
        let counts = || (self.queue.running(), self.queue.waiting());
        let mut shown = counts();
        loop {
            meter::gauge(names::BULKHEAD_RUNNING, "bulkhead", name, shown.0.into());
            meter::gauge(names::BULKHEAD_WAITING, "bulkhead", name, shown.1.into());
            // Another thread may have shown later numbers before these.
            let now = counts();
            if now == shown {
                return;
            }
            shown = now;
        }
    }
}

impl Shared for Bulkhead {
    const KIND: &'static str = "bulkhead";

    fn identity(&self) -> &Identity<Self> {
        &self.identity
    }

    fn names() -> &'static Names<Self> {
        &NAMES
    }

    fn is_configured_like(&self, other: &Self) -> bool {
        self.limits == other.limits
    }
}

impl Policy for Bulkhead {
    fn kind(&self) -> PolicyKind {
        PolicyKind::Bulkhead
    }

    fn name(&self) -> Option<&'static str> {
        self.identity.own_name()
    }

    fn namespace(&self) -> &'static str {
        Self::KIND
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Limits {
            concurrent,
            queue,
            wait,
        } = self.limits;
        write!(f, "max_concurrent = {concurrent}, max_queue = {queue}")?;
        match wait {
            Some(wait) => write!(f, ", max_wait = {wait:?}"),
            None => Ok(()),
        }
    }

    fn worst_case(&self, inner: Option<Duration>) -> Option<Duration> {
        if self.limits.queue == 0 {
            return inner;
        }
        inner?.checked_add(self.limits.wait?)
    }

    fn switch(&self) -> Option<&Switch> {
        Some(&self.switch)
    }
}

impl fmt::Debug for Bulkhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulkhead")
            .field("name", &self.identity)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
