//! Whom a call asks: a breaker, or the breaker of a key.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::announce::announce;
use super::core::{Change, Word};
use super::moment::{Moment, nanoseconds};
use super::place;
use super::rules::Rules;
use super::state::{CircuitState, Need, Ticket, Verdict};
use super::{CircuitBreaker, Shared};
use crate::catalog::PolicyKind;
use crate::error::{Opened, Opening};
use crate::policy::switch::{PolicyMode, Switch};
use crate::telemetry::meter;

/// Whom a call asks. Not meant for others.
pub trait Gate: Copy {
    /// The name, for events and metrics.
    fn name(self) -> &'static str;

    /// When it does what.
    fn rules(self) -> &'static Rules;

    /// The leave to call, where nothing is to be decided.
    fn admit_quickly(self) -> Option<Ticket>;

    /// For how many nanoseconds calls are rejected without being asked about; `None` when the call
    /// has to be. A number, because it goes out of a function in a register.
    fn reject_quickly(self) -> Option<u64>;

    /// The leave to call. The gate becomes the one that is to be told how the call ends.
    ///
    /// # Errors
    /// When the call may not run.
    fn admit_slowly(&mut self) -> Result<Admission, Refused>;

    /// Notes a success that was not slow; false when that needs more.
    fn succeed_quickly(self, ticket: Ticket) -> bool;

    /// Notes how an admitted call ended. `cause` is asked for the text of its error if that opened
    /// the breaker.
    fn settle_slowly(
        self,
        ticket: Ticket,
        verdict: Verdict,
        cause: impl FnOnce() -> Option<String>,
    );

    /// What opened it.
    fn opening(self) -> Opening;
}

/// How a call is let through.
#[derive(Debug, Clone, Copy)]
pub enum Admission {
    /// Its end is to be told.
    Watched(Ticket),
    /// It is none of the breaker's business, which is turned off or only counts.
    Unwatched,
}

/// Why a call was not admitted.
#[derive(Debug, Clone, Copy)]
pub enum Refused {
    /// The breaker rejects it.
    Open {
        /// When it may come again.
        retry_after: Duration,
    },
    /// Two configurations have one name: the first one, and the one that was asked.
    NameConflict([Option<&'static Location<'static>>; 2]),
}

/// What a breaker that is not simply enforced makes of its own decision.
pub(super) fn decide(
    name: &'static str,
    switch: &'static Switch,
    decision: impl FnOnce() -> Result<Ticket, Duration>,
) -> Result<Admission, Refused> {
    let mode = switch.mode();
    if mode == PolicyMode::Disabled {
        return Ok(Admission::Unwatched);
    }
    match decision() {
        Ok(ticket) => Ok(Admission::Watched(ticket)),
        Err(_) if mode == PolicyMode::Shadow => {
            switch.note(PolicyKind::CircuitBreaker, name);
            Ok(Admission::Unwatched)
        }
        Err(retry_after) => Err(Refused::Open { retry_after }),
    }
}

impl Gate for &'static CircuitBreaker {
    #[inline]
    fn name(self) -> &'static str {
        self.name
    }

    #[inline]
    fn rules(self) -> &'static Rules {
        &self.rules
    }

    #[inline]
    fn admit_quickly(self) -> Option<Ticket> {
        match self.switch.mode() {
            PolicyMode::Enforced => Word::load(&self.word).ticket(),
            _ => None,
        }
    }

    #[inline]
    fn reject_quickly(self) -> Option<u64> {
        let shared = self.shared.get()?;
        let enforced = shared.home.switch.mode() == PolicyMode::Enforced;
        if enforced { shared.rejects() } else { None }
    }

    fn admit_slowly(&mut self) -> Result<Admission, Refused> {
        let shared = self
            .shared()
            .map_err(|first| Refused::NameConflict([first.named_at, self.named_at]))?;
        *self = shared.home;
        shared.admit()
    }

    #[inline]
    fn succeed_quickly(self, ticket: Ticket) -> bool {
        let word = Word::load(&self.word);
        word.is_silent_for(ticket) || word.is(Need::Counting) && self.count_success(ticket)
    }

    #[inline(never)]
    fn settle_slowly(
        self,
        ticket: Ticket,
        verdict: Verdict,
        cause: impl FnOnce() -> Option<String>,
    ) {
        let Ok(shared) = self.shared() else {
            // It admits no calls.
            return;
        };
        let change = shared.core().settle(ticket, verdict, Moment::now);
        if let Some(change) = change {
            shared.changed(change, cause);
        }
    }

    #[inline]
    fn opening(self) -> Opening {
        Opening::of(self, [0; 2])
    }
}

impl CircuitBreaker {
    #[inline(never)]
    fn count_success(&'static self, ticket: Ticket) -> bool {
        let count = |shared: &&'static Shared| {
            let place = place::mine();
            shared.core().count_success(ticket, place, Moment::now)
        };
        self.shared.get().is_some_and(count)
    }
}

impl Shared {
    #[inline]
    fn rejects(&'static self) -> Option<u64> {
        if !Word::load(&self.home.word).is(Need::Waiting) {
            return None;
        }
        let until = self.memory.until();
        if until == Moment::NEVER {
            return Some(nanoseconds(self.home.rules.lease()).unsigned_abs());
        }
        let now = Moment::now();
        (now < until).then(|| until.nanoseconds_since(now))
    }

    #[inline(never)]
    fn admit(&'static self) -> Result<Admission, Refused> {
        let home = self.home;
        decide(home.name, &home.switch, || {
            // A shared name's first breaker may be as healthy as can be.
            if let Some(ticket) = Word::load(&home.word).ticket() {
                return Ok(ticket);
            }
            let (answer, change) = self
                .core()
                .lock(|machine| machine.admit(Moment::now, &home.rules));
            if let Some(change) = change {
                self.changed(change, || None);
            }
            answer
        })
    }

    /// Tells of a change, and keeps what caused it.
    #[cold]
    pub(super) fn changed(&'static self, change: Change, cause: impl FnOnce() -> Option<String>) {
        let mut text = None;
        if change.to == CircuitState::Open {
            // The text is the caller's code: it runs without the lock.
            text = cause().map(Arc::<str>::from);
            if text.is_some() {
                self.core().lock(|machine| {
                    if machine.openings() == change.openings {
                        machine.cause.clone_from(&text);
                    }
                });
            }
            self.home.start_probe(change.generation);
        }
        announce(self.home.name, change, text.as_deref());
        meter::gauge(
            "circuit_breaker_state",
            "breaker",
            self.home.name,
            gauge_of(change.to),
        );
    }
}

/// The state as a metric has it.
fn gauge_of(state: CircuitState) -> f64 {
    match state {
        CircuitState::Closed => 0.0,
        CircuitState::HalfOpen | CircuitState::Recovering => 1.0,
        CircuitState::Open => 2.0,
    }
}

impl Opened for CircuitBreaker {
    fn cause(&'static self, _: [u64; 2]) -> Option<Arc<str>> {
        let shared = self.home().shared.get()?;
        shared.core().lock(|machine| machine.cause.clone()).0
    }
}
