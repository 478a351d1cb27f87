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
use crate::policy::switch::{Mode, Switch};
use core::{Core, Memory, Word};
use rules::Rules;
use state::{Machine, Need};

pub use guard::{ByClass, Guarded, Judge};
pub use keyed::{KeyedCircuitBreaker, OfKey};
pub use probe::Probe;
pub use rules::OnCancel;
pub use state::State;
pub use statistics::Statistics;

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
/// when of the calls in its window the part that failed reaches `failure_rate`, or the part that
/// was slow `slow_call_rate`. The rules are applied whenever a call has ended: a success that
/// completes the window can open it, too.
///
/// *Open*, it rejects every call with [`Error::CircuitOpen`](crate::error::Error::CircuitOpen),
/// without running it. The first call after `open_for` makes it *half-open*, or its [`Probe`] does,
/// if that succeeds earlier. At most `half_open_permits` calls are let through then, running and
/// ended ones together. `success_threshold` successes close it and one failure opens it; with
/// `half_open_success_rate` the part of the permitted calls that succeeded decides.
///
/// With `recovery` it is *recovering* before it is closed: a growing share of the calls runs.
///
/// # What counts
///
/// | a call that | counts as |
/// |---|---|
/// | returns `Ok` | a success |
/// | returns `Err` | what its patterns say, or its type by [`Classify`]; else a failure |
/// | panics, or is cut off by a timeout inside the breaker | a failure |
/// | takes longer than `slow_call_duration` | slow, and a success or a failure |
/// | is dropped, by a timeout outside the breaker or a caller that went away | nothing, or a failure by `on_cancel` |
/// | an inner policy refused or answered, without running the body | nothing |
/// | comes back when the breaker has changed its state | nothing |
///
/// A probe that is dropped gives its place back at once. One that hangs keeps it for `open_for`;
/// then the next caller gets the place, and what became of the probe no longer counts. A slow probe
/// has failed, where slow calls are judged.
///
/// # Names
///
/// All breakers of one process that are made with [`CircuitBreaker::named`] and have one name are
/// one breaker, which is how several functions share it; a `static` that is used by path is the
/// same thing within reach of that path. If their configurations differ, calls through the one
/// that was used first run, and every call through another fails with
/// [`Error::NameConflict`](crate::error::Error::NameConflict).
///
/// # Cost
///
/// While all is well a call costs three atomic loads: no lock, no write, no clock, no allocation.
/// The clock is read where slow calls are judged or a time window is kept, and successes are
/// written down, without a lock, while there are failures in the window or it is one of time. A
/// rejection reads the clock, and takes no lock. What has to be remembered is allocated once.
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
    /// How many keys a breaker per key remembers where nothing else is chosen: 1,000.
    pub const DEFAULT_MAX_KEYS: u32 = 1_000;

    /// The longest time that `open_for = exponential(..)` stays open where no `max` is given and its
    /// first time is not longer: 10 minutes.
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

    /// A breaker of one function, which carries the function's path as its name. It shares its
    /// state with none, because two functions can have one path: methods of two `impl` blocks.
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

    /// `call`, watched and perhaps rejected. Its errors are judged by their type where that is
    /// [`Classify`](crate::classify::Classify), and are failures where it is not.
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

    /// `call`, watched and perhaps rejected. Its errors are judged by `judge`; the refusals of inner
    /// policies are not its errors.
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
        if self.shared.set(shared).is_ok() && self.switch.mode() != Mode::Enforced {
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
        assert_eq!(ONE.state(), State::Open);
    }
}
