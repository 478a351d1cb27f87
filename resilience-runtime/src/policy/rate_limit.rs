//! `#[rate_limit]`: a bound on how many calls begin in a time.

mod admit;
mod bucket;
mod clock;
mod keyed;
mod limits;
mod wait;

use std::fmt;
use std::mem;
use std::sync::OnceLock;
use std::time::Duration;

use super::identity::{Identity, Shared};
use super::names::Names;
use super::switch::Switch;
use crate::catalog::{Policy, PolicyKind};
use crate::outcome::{Function, Outcome};
use admit::Gate;
use bucket::{Bucket, Limiter};
use limits::Limits;

pub use admit::Admitted;
pub use keyed::{KeyedRateLimit, RateLimitOfKey};

/// The limit that was used first, for every name.
static NAMES: Names<RateLimit> = Names::new();

/// Limits how many calls begin per unit of time.
///
/// ```
/// # use std::time::Duration;
/// # use resilience_runtime::policy::rate_limit::RateLimit;
/// static GEOCODER: RateLimit = RateLimit::named("geocoder")
///     .rate(50, Duration::from_secs(1))
///     .burst(10)
///     .max_wait(Duration::from_millis(200));
/// ```
///
/// It is a bucket of `burst` calls that is refilled at the rate, one call after the other: within any
/// time `t`, no more than `burst + rate · t` calls begin. The bucket is full at the first call.
///
/// # Waiting
///
/// A call that finds the bucket empty is rejected with
/// [`Error::RateLimited`](crate::error::Error::RateLimited), which says when it would be admitted.
/// With `max_wait` it waits if it would be admitted within that time, and is otherwise rejected at
/// once. A call that would be admitted at its
/// [`deadline`](super::deadline::deadline) or later is rejected at once, too, with
/// [`Error::DeadlineTooClose`](crate::error::Error::DeadlineTooClose).
///
/// Calls wait in a queue and take nothing from the bucket before their turn. So a call that is
/// dropped while it waits has cost nothing, and all calls behind it move up; and a new call never
/// overtakes the queue. The first call in the queue sleeps until the bucket has a call for it. The
/// timer has a resolution of one millisecond, so a limit of more than 1,000 calls per second on which
/// calls wait needs a burst, or it does not reach its rate.
///
/// # Names
///
/// All limits of one process that are made with [`RateLimit::named`] and the same name are one
/// limit. If their configurations differ, calls through the one that was used first run, and every
/// call through another one fails with
/// [`Error::NameConflict`](crate::error::Error::NameConflict). Limits per key have names of their
/// own.
///
/// # Switched off
///
/// In [`PolicyMode::Shadow`](super::switch::PolicyMode::Shadow), every call runs at once and takes from the bucket
/// if it is not empty. Calls that would have been rejected are counted.
///
/// A call that is admitted at once costs a clock read and one atomic exchange: no lock, and no
/// allocation after the first.
pub struct RateLimit {
    identity: Identity<Self>,
    limits: Limits,
    switch: Switch,
    /// Made by the first call.
    state: OnceLock<(Limiter, Bucket)>,
}

impl RateLimit {
    /// The default number of keys that a limit per key remembers: 10,000.
    pub const DEFAULT_MAX_KEYS: u32 = 10_000;

    /// A limit that is shared with all others of this name. The default is one call per second; see
    /// [`rate`](Self::rate).
    #[must_use]
    #[track_caller]
    pub const fn named(name: &'static str) -> Self {
        Self::new(Identity::named(name))
    }

    /// A limit of one function, with the function's path as its name. It is shared with no other.
    #[must_use]
    pub const fn for_function(path: &'static str) -> Self {
        Self::new(Identity::for_function(path))
    }

    const fn new(identity: Identity<Self>) -> Self {
        Self {
            identity,
            limits: Limits::DEFAULT,
            switch: Switch::new(),
            state: OnceLock::new(),
        }
    }

    /// Allows `calls` calls in the time `per`. Default: 1 per second.
    ///
    /// # Panics
    /// When one of them is zero, or when it takes more than a hundred years until a burst is back.
    /// In a `static` item that is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn rate(mut self, calls: u32, per: Duration) -> Self {
        self.limits = self.limits.with_rate(calls, per);
        self
    }

    /// How many calls may begin at once after an idle time. Default: the number of calls of the rate.
    ///
    /// # Panics
    /// When it is 0, or when it takes more than a hundred years until it is back. In a `static` item
    /// that is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn burst(mut self, calls: u32) -> Self {
        self.limits = self.limits.with_burst(calls);
        self
    }

    /// How long a call may wait to be admitted. Default: zero, so that it is rejected at once.
    #[must_use]
    pub const fn max_wait(mut self, time: Duration) -> Self {
        self.limits.max_wait = time;
        self
    }

    /// A separate limit of this kind for each key; at most `max_keys` keys are remembered at a time.
    ///
    /// # Panics
    /// When `max_keys` is 0, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn per_key(self, max_keys: u32) -> KeyedRateLimit {
        let keyed = KeyedRateLimit::new(self.identity.carried_over(), self.limits, max_keys);
        // A constant cannot drop what is made at run time only.
        mem::forget(self);
        keyed
    }

    /// Runs `call` once the limit admits it. It can be dropped at any time; a call that is dropped while it
    /// waits has taken nothing from the limit.
    pub fn admit<F, T, E>(
        &'static self,
        call: F,
        function: Function<Result<T, E>>,
    ) -> Admitted<F, T, E>
    where
        F: Future<Output: Outcome<Ok = T, Err = E>>,
    {
        Admitted::new(Gate::Plain(self), call, function)
    }

    #[inline]
    fn state(&'static self) -> &'static (Limiter, Bucket) {
        self.state
            .get_or_init(|| (Limiter::new(self.limits), Bucket::new()))
    }
}

impl Shared for RateLimit {
    const KIND: &'static str = "rate limit";

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

impl Policy for RateLimit {
    fn kind(&self) -> PolicyKind {
        PolicyKind::RateLimit
    }

    fn name(&self) -> Option<&'static str> {
        self.identity.own_name()
    }

    fn namespace(&self) -> &'static str {
        Self::KIND
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.limits)
    }

    fn worst_case(&self, inner: Option<Duration>) -> Option<Duration> {
        inner?.checked_add(self.limits.max_wait)
    }

    fn switch(&self) -> Option<&Switch> {
        Some(&self.switch)
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("name", &self.identity)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
