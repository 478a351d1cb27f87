//! `#[circuit_breaker]`: fails fast while a dependency is down.

mod guard;
mod names;
mod state;

use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::outcome::{Function, Outcome};
use state::{Machine, Rules, Ticket, Verdict};

pub use guard::Guarded;
pub use state::State;

/// Watches calls to one dependency, and rejects them while it seems to be down.
///
/// ```
/// # use std::time::Duration;
/// # use resilience_runtime::policy::circuit_breaker::CircuitBreaker;
/// static WAREHOUSE: CircuitBreaker = CircuitBreaker::named("warehouse")
///     .failure_threshold(5)
///     .open_for(Duration::from_secs(60));
/// ```
///
/// *Closed*, it lets all calls through. After `failure_threshold` failures in a row it is *open*
/// and rejects every call with [`Error::CircuitOpen`](crate::error::Error::CircuitOpen), without
/// running it. The first call after `open_for` makes it *half-open*: at most `half_open_permits`
/// calls are let through as probes, running and succeeded ones together. `success_threshold`
/// successes close it; one failure opens it for another `open_for`.
///
/// # What counts
///
/// | a call that | counts as |
/// |---|---|
/// | returns `Ok` | a success |
/// | returns `Err`, panics, or is cut off by a timeout inside the breaker | a failure |
/// | is dropped, for example by a timeout outside the breaker or a caller that went away | nothing |
/// | an inner policy refused or answered, without running the body | nothing |
/// | comes back when the breaker has changed its state | nothing |
///
/// A probe that is dropped gives its place back at once. One that hangs keeps it for `open_for`;
/// then the next caller gets the place, and what became of the probe no longer counts.
///
/// # Names
///
/// All breakers of one process that are made with [`CircuitBreaker::named`] and have one name are
/// one breaker, which is how several functions share it; a `static` that is used by path is the
/// same thing within reach of that path. If their configurations differ, calls through the one
/// that was used first run, and every call through another fails with
/// [`Error::NameConflict`](crate::error::Error::NameConflict).
///
/// While all is well a call costs two atomic loads: no lock, no write, no clock, no allocation.
pub struct CircuitBreaker {
    /// The generation, and whether the breaker is quiet, as [`word`] packs them; what `machine`
    /// said last. Of breakers that share a name, only the first one's is ever quiet.
    word: AtomicU64,
    machine: Mutex<Machine>,
    name: &'static str,
    rules: Rules,
    /// Where it was named, for a breaker that shares its state with others of its name.
    named_at: Option<&'static Location<'static>>,
    /// The first breaker of its name: the one whose state is used.
    first: OnceLock<&'static CircuitBreaker>,
}

/// One breaker per annotated function is cheap enough not to be thought about.
const _: () = assert!(size_of::<CircuitBreaker>() <= 128);

impl CircuitBreaker {
    /// A breaker that shares its state with all others of this name.
    #[must_use]
    #[track_caller]
    pub const fn named(name: &'static str) -> Self {
        let mut breaker = Self::for_function(name);
        breaker.named_at = Some(Location::caller());
        // Not quiet: the first call has to look for the others of this name.
        breaker.word = AtomicU64::new(word(0, false));
        breaker
    }

    /// A breaker of one function, which carries the function's path as its name. It shares its
    /// state with none, because two functions can have one path: methods of two `impl` blocks.
    #[must_use]
    pub const fn for_function(path: &'static str) -> Self {
        Self {
            word: AtomicU64::new(word(0, true)),
            machine: Mutex::new(Machine::NEW),
            name: path,
            rules: Rules::DEFAULT,
            named_at: None,
            first: OnceLock::new(),
        }
    }

    /// How many failures in a row open it. Default: 5.
    ///
    /// # Panics
    /// When it is 0, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn failure_threshold(mut self, failures: u32) -> Self {
        assert!(
            failures > 0,
            "`failure_threshold` must be at least 1: a breaker opens after a failure"
        );
        self.rules.failure_threshold = failures;
        self
    }

    /// How long it stays open, and how long a probe may take before its place goes to another.
    /// Default: 60 s.
    ///
    /// # Panics
    /// When it is zero, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn open_for(mut self, time: Duration) -> Self {
        assert!(
            !time.is_zero(),
            "`open_for` must be longer than zero: a breaker that does not stay open rejects nothing"
        );
        self.rules.open_for = time;
        self
    }

    /// How many calls a half-open breaker lets through, running and succeeded ones together.
    /// Default: 3, or as many as `success_threshold` needs.
    ///
    /// # Panics
    /// When it is 0 or less than `success_threshold`, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn half_open_permits(mut self, permits: u32) -> Self {
        assert!(
            permits > 0,
            "`half_open_permits` must be at least 1: without a probe a breaker stays open for ever"
        );
        self.rules.chosen_permits = permits;
        self.assert_can_close();
        self
    }

    /// How many successful probes close a half-open breaker. Default: 3, or as many as
    /// `half_open_permits` allows.
    ///
    /// # Panics
    /// When it is 0 or more than `half_open_permits`, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn success_threshold(mut self, successes: u32) -> Self {
        assert!(
            successes > 0,
            "`success_threshold` must be at least 1: a breaker closes after a success"
        );
        self.rules.chosen_successes = successes;
        self.assert_can_close();
        self
    }

    #[track_caller]
    const fn assert_can_close(&self) {
        assert!(
            self.rules.chosen_permits == 0
                || self.rules.chosen_successes <= self.rules.chosen_permits,
            "`success_threshold` must not be more than `half_open_permits`: the breaker could \
             never close"
        );
    }

    /// The name, or the path of the function.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The state at this moment. An open breaker stays open until the first call after `open_for`.
    #[must_use]
    pub fn state(&'static self) -> State {
        self.first().lock(|machine| machine.state())
    }

    /// `call`, watched and perhaps rejected. It can be dropped at any time, and `call` is dropped
    /// with it.
    pub fn guard<F, T, E>(
        &'static self,
        call: F,
        function: Function<Result<T, E>>,
    ) -> Guarded<F, T, E>
    where
        F: Future<Output: Outcome<Ok = T, Err = E>>,
    {
        Guarded::new(self, call, function)
    }

    /// The leave to call a breaker that has nothing to say.
    #[inline]
    fn admit_when_quiet(&self) -> Option<Ticket> {
        let word = self.word.load(Ordering::Acquire);
        is_quiet(word).then_some(Ticket {
            generation: generation(word),
            probe: None,
        })
    }

    /// The leave to call, and the breaker that gave it.
    #[inline(never)]
    fn admit_slowly(&'static self) -> Result<(&'static Self, Ticket), NotAdmitted> {
        let breaker = self.first();
        if !std::ptr::eq(breaker, self) && breaker.rules != self.rules {
            return Err(NotAdmitted::NameConflict { first: breaker });
        }
        if let Some(ticket) = breaker.admit_when_quiet() {
            return Ok((breaker, ticket));
        }
        let now = Instant::now();
        match breaker.lock(|machine| machine.admit(now, &breaker.rules)) {
            Ok(ticket) => Ok((breaker, ticket)),
            Err(retry_after) => Err(NotAdmitted::Open { retry_after }),
        }
    }

    /// Notes how an admitted call ended.
    #[inline]
    fn settle(&self, ticket: Ticket, verdict: Verdict) {
        let unchanged = || self.word.load(Ordering::Acquire) == word(ticket.generation, true);
        if verdict != Verdict::Success || !unchanged() {
            self.settle_slowly(ticket, verdict);
        }
    }

    #[inline(never)]
    fn settle_slowly(&self, ticket: Ticket, verdict: Verdict) {
        self.lock(|machine| machine.settle(ticket, verdict, &self.rules));
    }

    /// The breaker whose state this one uses.
    fn first(&'static self) -> &'static Self {
        if self.named_at.is_none() {
            return self;
        }
        self.first.get_or_init(|| {
            let first = names::first(self);
            if std::ptr::eq(first, self) {
                // Others of this name may have used it already: publish what is so by now.
                self.lock(|_| ());
            }
            first
        })
    }

    fn place(&self) -> String {
        self.named_at
            .map(|place| format!("{}:{}", place.file(), place.line()))
            .unwrap_or_default()
    }

    /// Works on the state. A change is published before the lock is released and announced after.
    fn lock<R>(&self, work: impl FnOnce(&mut Machine) -> R) -> R {
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        let before = machine.generation();
        let result = work(&mut machine);
        let after = word(machine.generation(), machine.is_quiet());
        if self.word.load(Ordering::Relaxed) != after {
            self.word.store(after, Ordering::Release);
        }
        let entered = (machine.generation() != before).then(|| machine.state());
        drop(machine);
        if let Some(state) = entered {
            self.announce(state);
        }
        result
    }

    #[cold]
    fn announce(&self, state: State) {
        let breaker = self.name;
        match state {
            State::Closed => tracing::info!(breaker, "circuit breaker closed"),
            State::HalfOpen => tracing::info!(breaker, "circuit breaker half-open, probing"),
            State::Open => {
                let open_for = self.rules.open_for;
                tracing::warn!(breaker, ?open_for, "circuit breaker opened");
            }
        }
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

/// Why a call was not admitted.
#[derive(Clone, Copy)]
enum NotAdmitted {
    Open { retry_after: Duration },
    NameConflict { first: &'static CircuitBreaker },
}

/// A generation, and whether the breaker is quiet in it.
const fn word(generation: u64, quiet: bool) -> u64 {
    generation << 1 | quiet as u64
}

const fn is_quiet(word: u64) -> bool {
    word & 1 == 1
}

const fn generation(word: u64) -> u64 {
    word >> 1
}
