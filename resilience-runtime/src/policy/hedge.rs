//! `#[hedge]`: a second attempt beside the first one if that is slow.

mod delay;
mod latencies;
mod race;

use std::fmt;
use std::time::Duration;

use crate::catalog::{Policy, PolicyKind};
use crate::outcome::{Errors, Outcome, Subject};
use crate::policy::retry::{Allowance, RetryBudget};
use crate::policy::switch::Switch;
use delay::Delay;
use latencies::Latencies;

pub use race::Race;

/// Starts another attempt of a call that takes unusually long, and takes the first success.
///
/// ```
/// # use std::time::Duration;
/// # use resilience_runtime::policy::hedge::Hedge;
/// static HEDGE: Hedge = Hedge::quantile(0.95, Duration::from_millis(50)).max_hedges(1);
/// ```
///
/// The body may run several times at once, so this must do no harm. Hedging cuts the tail of the
/// latencies; see Dean and Barroso, *The Tail at Scale*, CACM 56(2), 2013.
///
/// | while attempts run | what follows |
/// |---|---|
/// | one succeeds | its answer is the answer; the others are dropped at the `.await` that they have reached |
/// | the delay since the last start is over | a hedge |
/// | one fails, and another attempt can help | a hedge at once |
/// | one fails, and another attempt cannot help | no more hedges; attempts that are running go on |
/// | the last of them fails | its error |
///
/// Whether another attempt can help is decided as by
/// [`Attempts::settle`](crate::policy::retry::Attempts::settle), except that it does not wait:
/// errors that their type calls permanent, and what is refused for good, are not tried again.
///
/// There are at most `max_hedges` hedges. Each takes a token of the budget, which is a
/// [`RetryBudget`] like that of a retry, and none is started at or after
/// [`deadline()`](crate::policy::deadline::deadline).
///
/// A call that answers without waiting allocates nothing and reads no clock, unless the delay is a
/// quantile: then the clock is read twice per call. Each hedge is one allocation, and the
/// first one of a call another, for the list of them.
#[derive(Debug)]
pub struct Hedge {
    delay: Delay,
    max_hedges: u32,
    budget: Allowance,
    switch: Switch,
}

impl Hedge {
    /// The default number of hedges: 1.
    pub const DEFAULT_MAX_HEDGES: u32 = 1;

    /// Starts a hedge after `delay`. The timer has a resolution of one millisecond.
    ///
    /// # Panics
    /// When it is zero, which in a `const` or `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn after(delay: Duration) -> Self {
        assert!(
            !delay.is_zero(),
            "a hedge after no time at all doubles every call: give it the time that a slow call takes"
        );
        Self::new(Delay::Fixed(delay))
    }

    /// Starts a hedge after the time within which this share of earlier calls in this process have
    /// succeeded: `0.95` hedges the slowest twentieth. Until there have been a hundred calls, the delay
    /// is `initially`.
    ///
    /// A call that was answered by a hedge counts with the whole time that it took. Recent calls count
    /// for more: the weight of a call is halved after every 512 to 1,024 others. The time is exact to
    /// one eighth, and is rather too long than too short.
    ///
    /// # Panics
    /// When `quantile` is not between 0 and 1, or `initially` is zero, which in a `const` or
    /// `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn quantile(quantile: f64, initially: Duration) -> Self {
        assert!(
            quantile > 0.0 && quantile < 1.0,
            "the quantile of a hedge is a share of all calls, between 0 and 1: 0.95 for example"
        );
        assert!(
            !initially.is_zero(),
            "a hedge after no time at all doubles every call: give it the time that a slow call takes"
        );
        Self::new(Delay::Quantile {
            quantile,
            initially,
            latencies: Latencies::none(),
        })
    }

    const fn new(delay: Delay) -> Self {
        Self {
            delay,
            max_hedges: Self::DEFAULT_MAX_HEDGES,
            budget: Allowance::private(),
            switch: Switch::new(),
        }
    }

    /// How many attempts there may be beside the first. Default: 1.
    ///
    /// # Panics
    /// When it is 0, which in a `const` or `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn max_hedges(mut self, hedges: u32) -> Self {
        assert!(
            hedges > 0,
            "`max_hedges` does not count the first call: a hedge needs at least 1"
        );
        self.max_hedges = hedges;
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

    /// No budget: every slow call is hedged, whatever the load.
    #[must_use]
    pub const fn without_budget(mut self) -> Self {
        Allowance::unlimited().replace(&mut self.budget);
        self
    }

    /// Runs attempts, and answers with the first one that succeeds. `attempt` is called once for the
    /// first attempt, at the first poll, and once for each hedge.
    ///
    /// It can be dropped at any time, and all attempts are dropped with it; the tokens that the
    /// hedges took are not given back. A panic of an attempt is passed on, and the others are dropped
    /// together with the future. All attempts are polled when one of them is woken. A call that has to
    /// wait needs a Tokio runtime with its timer enabled.
    pub fn race<A, F, T, E>(
        &'static self,
        attempt: A,
        function: impl Subject,
        errors: Errors<Result<T, E>>,
    ) -> Race<A, F, T, E>
    where
        A: FnMut() -> F,
        F: Future<Output: Outcome<Ok = T, Err = E>>,
    {
        Race::new(self, attempt, function.name(), errors)
    }
}

impl Policy for Hedge {
    fn kind(&self) -> PolicyKind {
        PolicyKind::Hedge
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (delay, hedges, budget) = (&self.delay, self.max_hedges, &self.budget);
        write!(f, "{delay}, max_hedges = {hedges}{budget}")
    }

    /// Each attempt starts when the delay is over, or when the one before it has failed.
    fn worst_case(&self, inner: Option<Duration>) -> Option<Duration> {
        let inner = inner?;
        let apart = self.delay.fixed().map_or(inner, |delay| delay.min(inner));
        Some(inner.saturating_add(apart.saturating_mul(self.max_hedges)))
    }

    fn budget(&self) -> Option<&RetryBudget> {
        self.budget.budget()
    }

    fn switch(&self) -> Option<&Switch> {
        Some(&self.switch)
    }
}
