//! `#[retry]`: another attempt after a failure.

mod attempts;
mod backoff;
mod budget;
mod pause;
mod within;

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::catalog::{Policy, PolicyKind};
use crate::outcome::{Errors, Subject};
use crate::policy::switch::{PolicyMode, Switch};

pub(in crate::policy) use attempts::together;
pub use attempts::{Attempts, Verdict};
pub use backoff::{Backoff, Jitter};
pub use budget::RetryBudget;
pub(in crate::policy) use budget::{Allowance, Refused};
pub use pause::Pause;
pub use within::Within;

/// How many times a call is attempted, and how long it pauses in between.
///
/// ```
/// # use std::time::Duration;
/// # use resilience_runtime::policy::retry::{Backoff, Jitter, Retry};
/// static RETRY: Retry = Retry::max_attempts(4)
///     .backoff(Backoff::exponential(Duration::from_millis(100)).max(Duration::from_secs(5)))
///     .jitter(Jitter::Full)
///     .deadline(Duration::from_secs(10));
/// ```
///
/// A call whose body fails is tried again, unless the error type says that this is useless. A call
/// that fails because of an inner policy is tried again if that can help; [`Attempts`] has the rules.
/// When the attempts are used up, the caller gets the last error unchanged.
///
/// Retries are also limited by a [`RetryBudget`]: each policy has one of its own, unless it is given
/// another one or none.
#[derive(Debug)]
pub struct Retry {
    max_attempts: u32,
    backoff: Backoff,
    /// What was chosen.
    jitter: Option<Jitter>,
    deadline: Option<Duration>,
    budget: Allowance,
    switch: Switch,
}

impl Retry {
    /// The number of attempts of [`Retry::default`]: 4, the first call included.
    pub const DEFAULT_MAX_ATTEMPTS: u32 = 4;
    /// The default pauses: from 1 s, doubled each time, up to 30 s.
    pub const DEFAULT_BACKOFF: Backoff = Backoff::exponential(Duration::from_secs(1));
    /// The default jitter: [`Jitter::Full`].
    pub const DEFAULT_JITTER: Jitter = Jitter::Full;

    /// At most this many attempts, the first call included, with the default pauses and a budget of
    /// its own.
    ///
    /// # Panics
    /// When `max_attempts` is less than 2, which in a `const` or `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn max_attempts(max_attempts: u32) -> Self {
        assert!(
            max_attempts >= 2,
            "`max_attempts` counts the first call too: a retry needs at least 2"
        );
        Self {
            max_attempts,
            backoff: Self::DEFAULT_BACKOFF,
            jitter: None,
            deadline: None,
            budget: Allowance::private(),
            switch: Switch::new(),
        }
    }

    /// How long to pause before each further attempt.
    ///
    /// # Panics
    /// When it is a decorrelated backoff and a jitter is chosen, which in a `const` or `static` item
    /// is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self.assert_drawn_once();
        self
    }

    /// How the pauses of different callers are spread.
    ///
    /// # Panics
    /// When the backoff is decorrelated, which in a `const` or `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = Some(jitter);
        self.assert_drawn_once();
        self
    }

    #[track_caller]
    const fn assert_drawn_once(&self) {
        assert!(
            self.jitter.is_none() || !self.backoff.is_drawn(),
            "the pauses of a decorrelated backoff are random already: leave `jitter` out"
        );
    }

    /// How long the whole call may take, from its first poll. Default: no limit.
    ///
    /// No pause begins that would end at this time or later, so no attempt begins after it. A running
    /// attempt is not cut off; a timeout above the retry does that. Code inside the call sees the
    /// deadline as [`deadline()`](crate::policy::deadline::deadline).
    ///
    /// # Panics
    /// When it is zero, which in a `const` or `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        assert!(
            !deadline.is_zero(),
            "with a `deadline` of zero nothing is retried: give it a longer time"
        );
        self.deadline = Some(deadline);
        self
    }

    /// A budget with another configuration than the default, or with a name.
    #[must_use]
    pub const fn budget(mut self, budget: RetryBudget) -> Self {
        Allowance::own(budget).replace(&mut self.budget);
        self
    }

    /// A budget that is defined elsewhere and shared with other policies.
    #[must_use]
    pub const fn shared_budget(mut self, budget: &'static RetryBudget) -> Self {
        Allowance::shared(budget).replace(&mut self.budget);
        self
    }

    /// No budget: every failure may be tried again, whatever the load.
    #[must_use]
    pub const fn without_budget(mut self) -> Self {
        Allowance::unlimited().replace(&mut self.budget);
        self
    }

    /// The attempts of one call, which begins now: the clock is read if there is a deadline.
    #[must_use]
    #[inline]
    pub fn attempts<R>(&'static self, function: impl Subject, errors: Errors<R>) -> Attempts<R> {
        let mode = self.switch.mode();
        let deadline = match self.deadline {
            Some(time) if mode == PolicyMode::Enforced => from_now(time),
            _ => None,
        };
        Attempts::new(self, function.name(), errors, mode, deadline)
    }

    /// A pause of this call, before what others ask for: one that was drawn.
    fn draw(&self, attempts: u32, previous: Option<Duration>) -> Duration {
        let pause = self.backoff.pause_after(attempts, previous);
        if self.backoff.is_drawn() {
            return pause;
        }
        self.jitter.unwrap_or(Self::DEFAULT_JITTER).apply(pause)
    }
}

/// `None` where the clock does not go that far.
#[inline(never)]
fn from_now(time: Duration) -> Option<Instant> {
    Instant::now().checked_add(time)
}

impl Default for Retry {
    fn default() -> Self {
        Self::max_attempts(Self::DEFAULT_MAX_ATTEMPTS)
    }
}

impl Policy for Retry {
    fn kind(&self) -> PolicyKind {
        PolicyKind::Retry
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (attempts, backoff) = (self.max_attempts, self.backoff);
        write!(f, "max_attempts = {attempts}, backoff = {backoff}")?;
        if !self.backoff.is_drawn() {
            write!(f, ", jitter = {}", self.jitter.unwrap_or_default())?;
        }
        if let Some(deadline) = self.deadline {
            write!(f, ", deadline = {deadline:?}")?;
        }
        write!(f, "{}", self.budget)
    }

    /// All attempts, and the longest pauses of the backoff. With a deadline, no more than that and
    /// the last attempt, which may have begun just before it. Without one the call can take longer
    /// where errors or inner policies ask for pauses.
    fn worst_case(&self, inner: Option<Duration>) -> Option<Duration> {
        let inner = inner?;
        let attempts = inner.saturating_mul(self.max_attempts);
        // An error, or a policy below, may ask for as long a pause as the backoff has at all.
        let pauses = self.backoff.longest().saturating_mul(self.max_attempts - 1);
        let all = attempts.saturating_add(pauses);
        Some(match self.deadline {
            Some(deadline) => all.min(deadline.saturating_add(inner)),
            None => all,
        })
    }

    fn budget(&self) -> Option<&RetryBudget> {
        self.budget.budget()
    }

    fn switch(&self) -> Option<&Switch> {
        Some(&self.switch)
    }
}
