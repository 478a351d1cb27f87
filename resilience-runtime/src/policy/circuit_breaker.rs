//! `#[circuit_breaker]`: fails fast while a dependency is down.

mod announce;
mod clock;
mod core;
mod describe;
mod gate;
mod guard;
mod keyed;
mod manual;
#[cfg(test)]
mod model;
mod moment;
mod options;
mod place;
mod probe;
mod rules;
mod state;
mod statistics;
mod trial;
mod watch;
mod window;

use std::fmt;
use std::panic::Location;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::outcome::{Errors, Function, Judgement, Outcome};
use crate::policy::names::Names;
use crate::policy::switch::{PolicyMode, Switch};
use core::{Core, Memory, Word};
use rules::Rules;
use state::{Machine, Need};

pub use guard::{ByClass, Guarded, Judge};
pub use keyed::{KeyedCircuitBreaker, OfKey};
pub use probe::Probe;
pub use rules::OnCancel;
pub use state::CircuitState;
pub use statistics::CircuitStatistics;

/// Watches calls to one dependency, and rejects them while it seems to be down.
///
/// ```
/// # use std::time::Duration;
/// # use resilience_runtime::policy::circuit_breaker::CircuitBreaker;
/// static WAREHOUSE: CircuitBreaker = CircuitBreaker::named("warehouse")
///     .failure_rate(0.5)
///     .time_window(Duration::from_secs(30))
///     .open_for(Duration::from_secs(60));
/// ```
///
/// *Closed*, it lets all calls through. It opens after `failure_threshold` failures in a row, or
/// when the share of the calls in its window that failed reaches `failure_rate`, or the share that
/// was slow reaches `slow_call_rate`. The rules are applied whenever a call ends, so a success that
/// fills the window can open it, too.
///
/// *Open*, it rejects every call with [`Error::CircuitOpen`](crate::error::Error::CircuitOpen),
/// without running it. The first call after `open_for` makes it *half-open*, or its [`Probe`] does
/// if that succeeds earlier. It then lets at most `half_open_permits` calls through, running and
/// ended ones together. `success_threshold` successes close it, and one failure opens it; with
/// `half_open_success_rate`, the share of the permitted calls that succeeded decides.
///
/// With `recovery` it is *recovering* before it closes: a growing share of the calls runs.
///
/// # What counts
///
/// | a call that | counts as |
/// |---|---|
/// | returns `Ok` | a success |
/// | returns `Err` | what the patterns say, or its type by [`Classify`]; otherwise a failure |
/// | panics, or is cut off by a timeout inside the breaker | a failure |
/// | takes longer than `slow_call_duration` | slow, and a success or a failure |
/// | is dropped, by a timeout outside the breaker or a caller that went away | nothing, or a failure if `on_cancel` says so |
/// | an inner policy refused or answered without running the body | nothing |
/// | ends when the breaker has changed its state since the call began | nothing |
///
/// A call that probes a half-open breaker and is dropped gives its place back at once. If it hangs, it
/// keeps its place for `open_for`; then the next caller gets the place, and the outcome of the
/// probing call no longer counts. If slow calls are judged, a slow one has failed.
///
/// # Names
///
/// All breakers of one process that are made with [`CircuitBreaker::named`] and the same name are
/// one breaker, so several functions can share it. (They can also share a `static` by its path.) If
/// their configurations differ, calls through the one that was used first run, and every call
/// through another one fails with [`Error::NameConflict`](crate::error::Error::NameConflict).
///
/// # Cost
///
/// While all is well, a call costs three atomic loads: no lock, no write, no clock, no allocation.
/// The clock is read if slow calls are judged or there is a time window. Successes are recorded,
/// without a lock, while there are failures in the window or if it is a time window. A rejection
/// reads the clock and takes no lock. Memory is allocated once.
///
/// [`Classify`]: crate::classify::Classify
pub struct CircuitBreaker {
    /// What the machine said last. Of breakers that share a name, only the first one's says
    /// anything.
    word: AtomicU64,
    /// Where the state is: here, or with the first breaker of its name.
    shared: OnceLock<&'static Shared>,
    name: &'static str,
    /// Where it was named, for a breaker that shares its state with others of its name.
    named_at: Option<&'static Location<'static>>,
    switch: Switch,
    probe: Option<&'static Probe>,
    rules: Rules,
}

/// One breaker per annotated function is cheap enough not to be thought about.
const _: () = assert!(size_of::<CircuitBreaker>() <= 128);

/// The state of all breakers of one name, and the one that was used first.
#[derive(Debug)]
struct Shared {
    home: &'static CircuitBreaker,
    memory: Memory,
}

/// The breaker that was used first, for every name.
static NAMES: Names<CircuitBreaker> = Names::new();

/// Of a named breaker that has not been used.
const NOT_RESOLVED: Word = Word::new(0, Need::Asking);

impl CircuitBreaker {
    /// The default number of keys that a breaker per key remembers: 1,000.
    pub const DEFAULT_MAX_KEYS: u32 = 1_000;

    /// The default `max` of `open_for = exponential(..)`: 10 minutes, or its first time if that is
    /// longer.
    pub const DEFAULT_LONGEST_OPEN: Duration = Duration::from_secs(600);

    /// A breaker that shares its state with all others of this name.
    #[must_use]
    #[track_caller]
    pub const fn named(name: &'static str) -> Self {
        let mut breaker = Self::for_function(name);
        breaker.named_at = Some(Location::caller());
        // The first call has to look for the others of this name.
        breaker.word = AtomicU64::new(NOT_RESOLVED.bits());
        breaker
    }

    /// A breaker of one function, with the function's path as its name. It shares its state with no
    /// other, because two functions can have the same path: methods of two `impl` blocks.
    #[must_use]
    pub const fn for_function(path: &'static str) -> Self {
        Self {
            word: AtomicU64::new(Word::new(0, Need::Nothing).bits()),
            shared: OnceLock::new(),
            name: path,
            named_at: None,
            switch: Switch::new(),
            probe: None,
            rules: Rules::DEFAULT,
        }
    }

    /// The name, or the path of the function.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs `call` under the breaker, or rejects it. If the error type is
    /// [`Classify`](crate::classify::Classify), it judges the errors; otherwise every error is a failure.
    ///
    /// It can be dropped at any time, and `call` is dropped with it.
    #[inline]
    pub fn guard<F, T, E>(
        &'static self,
        call: F,
        function: Function<Result<T, E>>,
        errors: Errors<Result<T, E>>,
    ) -> Guarded<F, T, E>
    where
        F: Future<Output: Outcome<Ok = T, Err = E>>,
    {
        Guarded::new(self, call, function, errors, ByClass)
    }

    /// Runs `call` under the breaker, or rejects it. `judge` judges its errors; refusals by inner policies
    /// are not passed to it.
    ///
    /// It can be dropped at any time, and `call` is dropped with it.
    #[inline]
    pub fn guard_if<F, T, E, J>(
        &'static self,
        call: F,
        function: Function<Result<T, E>>,
        errors: Errors<Result<T, E>>,
        judge: J,
    ) -> Guarded<F, T, E, J>
    where
        F: Future<Output: Outcome<Ok = T, Err = E>>,
        J: Fn(&E) -> Judgement,
    {
        Guarded::new(self, call, function, errors, judge)
    }

    /// The state that this one uses; `Err` with the breaker that has the name when that is
    /// configured differently.
    #[inline]
    fn shared(&'static self) -> Result<&'static Shared, &'static Self> {
        match self.shared.get() {
            Some(shared) => Ok(shared),
            None => self.resolve(),
        }
    }

    #[cold]
    fn resolve(&'static self) -> Result<&'static Shared, &'static Self> {
        let first = match self.named_at {
            Some(_) => NAMES.first(self.name, self),
            None => self,
        };
        if std::ptr::eq(first, self) {
            let shared = self.shared.get_or_init(|| {
                // Breakers are `static`: so is what belongs to them.
                Box::leak(Box::new(Shared {
                    home: self,
                    memory: Memory::new(),
                }))
            });
            // Unless others of this name have used it already.
            let new = Word::new(0, Machine::NEW.need(&self.rules));
            let _ = self.word.compare_exchange(
                NOT_RESOLVED.bits(),
                new.bits(),
                Ordering::Release,
                Ordering::Relaxed,
            );
            return Ok(shared);
        }
        let agree = first.rules == self.rules && same_probe(first.probe, self.probe);
        let shared = first.resolve()?;
        if !agree {
            return Err(first);
        }
        // What was set before it was known who is meant.
        if self.shared.set(shared).is_ok() && self.switch.mode() != PolicyMode::Enforced {
            first.switch.set(self.switch.mode());
        }
        Ok(shared)
    }

    /// The breaker whose state this one uses.
    fn home(&'static self) -> &'static Self {
        self.shared()
            .map_or_else(|first| first, |shared| shared.home)
    }
}

impl Shared {
    #[inline]
    fn core(&'static self) -> Core<'static> {
        Core {
            word: &self.home.word,
            memory: &self.memory,
            rules: &self.home.rules,
        }
    }
}

fn same_probe(one: Option<&'static Probe>, other: Option<&'static Probe>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => std::ptr::eq(one, other),
        (None, None) => true,
        _ => false,
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("name", &self.name)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::circuit_breaker::gate::{Admission, Gate};
    use crate::policy::circuit_breaker::state::Verdict;

    #[test]
    fn a_breaker_that_opens_while_its_first_call_looks_for_the_others_stays_open() {
        static ONE: CircuitBreaker = CircuitBreaker::named("raced").failure_threshold(1);
        static OTHER: CircuitBreaker = CircuitBreaker::named("raced").failure_threshold(1);
        // The first call of `ONE` has got as far as this on its thread, …
        NAMES.first("raced", &ONE);
        // … when a call through `OTHER` fails on another, …
        let mut gate = &OTHER;
        let Ok(Admission::Watched(ticket)) = gate.admit_slowly() else {
            panic!("a new breaker is closed");
        };
        gate.settle_slowly(ticket, Verdict::Failure { slow: false }, || None);
        // … and now it comes to its end.
        ONE.home();
        assert!(Word::load(&ONE.word).ticket().is_none());
        assert_eq!(ONE.state(), CircuitState::Open);
    }
}
