//! The breaker as a state machine: what happens, and when, goes in; who may call comes out. It
//! knows no clock, no lock and no name.
//!
//! ```text
//!               failure_threshold failures in a row
//!   +--------+ ------------------------------------> +------+ <-------------+
//!   | Closed |                                       | Open |               |
//!   +--------+ <------+                              +------+               |
//!                     |                                  |                  |
//!                     |               the first call after open_for         |
//!                     |                                  v                  |
//!                     |                            +----------+             |
//!                     +--------------------------- | HalfOpen | ------------+
//!                       success_threshold          +----------+   one failure
//!                       successes
//! ```
//!
//! Every arrow begins a new generation. A ticket carries the generation that issued it, and an
//! outcome is heard only in that generation: a call that comes back late says nothing about the
//! state that has begun since.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// When to change the state.
///
/// The two numbers of the half-open state are 0 until they are chosen, because either may be
/// chosen first and the default of each follows the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) failure_threshold: u32,
    pub(super) open_for: Duration,
    pub(super) chosen_permits: u32,
    pub(super) chosen_successes: u32,
}

impl Rules {
    const DEFAULT_PERMITS: u32 = 3;
    const DEFAULT_SUCCESSES: u32 = 3;

    pub(super) const DEFAULT: Self = Self {
        failure_threshold: 5,
        open_for: Duration::from_secs(60),
        chosen_permits: 0,
        chosen_successes: 0,
    };

    /// How many probes a half-open breaker admits, running and succeeded ones together.
    pub(super) fn half_open_permits(&self) -> u32 {
        match self.chosen_permits {
            0 => Self::DEFAULT_PERMITS.max(self.chosen_successes),
            chosen => chosen,
        }
    }

    /// How many successful probes close a half-open breaker; never more than it admits.
    pub(super) fn success_threshold(&self) -> u32 {
        match self.chosen_successes {
            0 => Self::DEFAULT_SUCCESSES.min(self.half_open_permits()),
            chosen => chosen,
        }
    }
}

impl PartialEq for Rules {
    /// What is left at its default is equal to the same number written out.
    fn eq(&self, other: &Self) -> bool {
        self.failure_threshold == other.failure_threshold
            && self.open_for == other.open_for
            && self.half_open_permits() == other.half_open_permits()
            && self.success_threshold() == other.success_threshold()
    }
}

/// The state of a circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls run.
    Closed,
    /// Calls are rejected. The breaker stays in this state until the first call after `open_for`.
    Open,
    /// A few calls run, to see whether the others may.
    HalfOpen,
}

/// The leave to make one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) generation: u64,
    /// The number of the probe, for a call that a half-open breaker admitted.
    pub(super) probe: Option<NonZeroU32>,
}

impl Ticket {
    /// Of a call in the first generation.
    pub(super) const FIRST: Self = Self {
        generation: 0,
        probe: None,
    };
}

/// How an admitted call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Success,
    Failure {
        at: Instant,
    },
    /// It did not run to its end, or not at all, and says nothing.
    Withdrawn,
}

/// The breaker's state and memory.
#[derive(Debug)]
pub(super) struct Machine {
    generation: u64,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Closed { failures_in_a_row: u32 },
    Open { until: Instant },
    HalfOpen(Trial),
}

/// The probes of one half-open generation. Running and succeeded ones together are never more
/// than the permits.
#[derive(Debug)]
struct Trial {
    succeeded: u32,
    next_probe: NonZeroU32,
    /// The running ones, in the order in which they were admitted.
    running: Vec<Probe>,
}

#[derive(Debug)]
struct Probe {
    number: NonZeroU32,
    lease_ends: Instant,
}

impl Machine {
    pub(super) const NEW: Self = Self {
        generation: 0,
        phase: Phase::Closed {
            failures_in_a_row: 0,
        },
    };

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Closed, and no failure since the last success: neither a call nor a success changes
    /// anything.
    pub(super) fn is_quiet(&self) -> bool {
        matches!(
            self.phase,
            Phase::Closed {
                failures_in_a_row: 0
            }
        )
    }

    pub(super) fn state(&self) -> State {
        match self.phase {
            Phase::Closed { .. } => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen(_) => State::HalfOpen,
        }
    }

    /// Someone wants to call: a ticket, or the time after which to ask again.
    pub(super) fn admit(&mut self, now: Instant, rules: &Rules) -> Result<Ticket, Duration> {
        let probe = match &mut self.phase {
            Phase::Closed { .. } => None,
            Phase::Open { until } if now < *until => return Err(*until - now),
            Phase::Open { .. } => {
                let mut trial = Trial::NEW;
                let probe = trial.admit(now, rules)?;
                self.enter(Phase::HalfOpen(trial));
                Some(probe)
            }
            Phase::HalfOpen(trial) => Some(trial.admit(now, rules)?),
        };
        Ok(Ticket {
            generation: self.generation,
            probe,
        })
    }

    /// An admitted call has ended.
    pub(super) fn settle(&mut self, ticket: Ticket, verdict: Verdict, rules: &Rules) {
        if ticket.generation != self.generation {
            return;
        }
        match (&mut self.phase, ticket.probe, verdict) {
            (Phase::Closed { failures_in_a_row }, None, Verdict::Success) => *failures_in_a_row = 0,
            (Phase::Closed { failures_in_a_row }, None, Verdict::Failure { at }) => {
                *failures_in_a_row += 1;
                if *failures_in_a_row >= rules.failure_threshold {
                    self.open(at, rules);
                }
            }
            (Phase::HalfOpen(trial), Some(number), verdict) => {
                // A probe whose place went to another is not in the list, and is not heard.
                if trial.end(number) {
                    match verdict {
                        Verdict::Success => {
                            trial.succeeded += 1;
                            if trial.succeeded >= rules.success_threshold() {
                                self.enter(Machine::NEW.phase);
                            }
                        }
                        Verdict::Failure { at } => self.open(at, rules),
                        Verdict::Withdrawn => {}
                    }
                }
            }
            (Phase::Closed { .. }, None, Verdict::Withdrawn) => {}
            // An open breaker issues no tickets, a closed one only calls, a half-open one only
            // probes: none of these can carry the generation.
            (Phase::Open { .. }, ..)
            | (Phase::Closed { .. }, Some(_), _)
            | (Phase::HalfOpen(_), None, _) => {}
        }
    }

    fn open(&mut self, now: Instant, rules: &Rules) {
        let until = later(now, rules.open_for);
        self.enter(Phase::Open { until });
    }

    /// The one place that changes the state, so that no state is without its own generation.
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.generation += 1;
    }
}

impl Trial {
    const NEW: Self = Self {
        succeeded: 0,
        next_probe: NonZeroU32::MIN,
        running: Vec::new(),
    };

    /// The number of a new probe, or how long the oldest running one may keep its place.
    fn admit(&mut self, now: Instant, rules: &Rules) -> Result<NonZeroU32, Duration> {
        let taken = u64::from(self.succeeded) + self.running.len() as u64;
        if taken >= u64::from(rules.half_open_permits())
            && let Some(oldest) = self.running.first()
        {
            if now < oldest.lease_ends {
                return Err(oldest.lease_ends - now);
            }
            self.running.remove(0);
        }
        let number = self.next_probe;
        self.next_probe = number.checked_add(1).unwrap_or(NonZeroU32::MIN);
        self.running.push(Probe {
            number,
            lease_ends: later(now, rules.open_for),
        });
        Ok(number)
    }

    /// Takes the place back; false when it went to another.
    fn end(&mut self, number: NonZeroU32) -> bool {
        let place = self.running.iter().position(|probe| probe.number == number);
        place.map(|place| self.running.remove(place)).is_some()
    }
}

/// `now + wait`, or as late as the clock goes without trouble: a thousand years.
fn later(now: Instant, wait: Duration) -> Instant {
    const MILLENNIUM: Duration = Duration::from_secs(1_000 * 365 * 24 * 60 * 60);
    now + wait.min(MILLENNIUM)
}

#[cfg(test)]
mod model;
