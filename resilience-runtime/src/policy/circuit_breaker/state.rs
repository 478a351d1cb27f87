//! The breaker as a state machine: what happens, and when, goes in; who may call comes out. It
//! knows no clock, no lock and no name.
//!
//! ```text
//!               failures in a row, or the rate of the
//!               failures or of the slow calls, too high
//!   +--------+ ------------------------------------> +------+ <-------------+
//!   | Closed |                                       | Open |               |
//!   +--------+ <-----------------------+             +------+ <----+        |
//!       ^                              |                |          |        |
//!       |                              |   open_for is over, or    |        |
//!       |                              |   the active probe says   |        |
//!       |                              |   so   v                  |        |
//!       |          +------------+      |   +----------+            |        |
//!       +--------- | Recovering | <----+-- | HalfOpen | ------------ fails -+
//!         all      +------------+  passes  +----------+            |
//!         stages          |                                        |
//!         passed          +------- as when it is closed -----------+
//! ```
//!
//! Every arrow begins a new generation. A ticket carries the generation that issued it, and an outcome is heard only in that
//! generation: a call that comes back late says nothing about the state that has begun since.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::moment::Moment;
use super::rules::Rules;
use super::trial::{Finding, Recovery, Trial};
use super::watch::Watch;
use super::window::Counts;

/// The state of a circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CircuitState {
    /// Calls run.
    Closed,
    /// Calls are rejected. The breaker stays in this state until the first call after `open_for`,
    /// or until its active probe succeeds.
    Open,
    /// A few calls run, to see whether the others may.
    HalfOpen,
    /// The probes have passed, and a growing share of the calls runs.
    Recovering,
}

/// The leave to make one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    pub(crate) generation: u64,
    /// The number of the probe, for a call that a half-open breaker admitted.
    pub(crate) probe: Option<NonZeroU32>,
}

impl Ticket {
    /// Of a call in this generation.
    #[inline]
    pub(crate) const fn of(generation: u64) -> Self {
        Self {
            generation,
            probe: None,
        }
    }
}

/// How an admitted call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The dependency works.
    Success {
        /// It took long.
        slow: bool,
    },
    /// It does not.
    Failure {
        /// It took long.
        slow: bool,
    },
    /// It did not run to its end, or not at all, and says nothing.
    Withdrawn,
}

/// How much of the machine a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// All of it: who may call is decided call by call.
    Asking,
    /// Nothing but the time: it is open.
    Waiting,
    /// Every call may run, and how it ends matters.
    Watching,
    /// Every call may run, and a success changes nothing.
    Nothing,
    /// Every call may run, and successes only have to be counted.
    Counting,
}

/// The breaker's state and memory.
#[derive(Debug)]
pub(crate) struct Machine {
    generation: u64,
    phase: Phase,
    openings: u64,
    /// Since it was last fully closed.
    openings_in_a_row: u32,
    last_failure: Option<Moment>,
    /// The text of the error that opened it last, where it has one.
    pub(crate) cause: Option<Arc<str>>,
}

#[derive(Debug)]
enum Phase {
    Closed(Watch),
    /// By hand, until it is reset.
    HeldClosed,
    Open {
        until: Moment,
        by_hand: bool,
    },
    /// By hand, until it is reset.
    HeldOpen,
    HalfOpen(Trial),
    Recovering(Recovery, Watch),
}

/// What an operator reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) counts: Counts,
    pub(crate) failures_in_a_row: u32,
    pub(crate) openings: u64,
    pub(crate) last_failure: Option<Moment>,
}

impl Machine {
    pub(crate) const NEW: Self = Self::starting_at(0);

    /// Closed, in this generation.
    pub(crate) const fn starting_at(generation: u64) -> Self {
        Self {
            generation,
            phase: Phase::Closed(Watch::NEW),
            openings: 0,
            openings_in_a_row: 0,
            last_failure: None,
            cause: None,
        }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn openings(&self) -> u64 {
        self.openings
    }

    pub(crate) fn state(&self) -> CircuitState {
        match self.phase {
            Phase::Closed(_) | Phase::HeldClosed => CircuitState::Closed,
            Phase::Open { .. } | Phase::HeldOpen => CircuitState::Open,
            Phase::HalfOpen(_) => CircuitState::HalfOpen,
            Phase::Recovering(..) => CircuitState::Recovering,
        }
    }

    /// What the next calls need of it.
    pub(crate) fn need(&self, rules: &Rules) -> Need {
        match &self.phase {
            Phase::Closed(watch) => watch.need(rules),
            Phase::HeldClosed => Need::Nothing,
            Phase::Open { .. } | Phase::HeldOpen => Need::Waiting,
            Phase::HalfOpen(_) | Phase::Recovering(..) => Need::Asking,
        }
    }

    /// Whether it is as it began in the generation `born`: forgetting it would change nothing.
    pub(crate) fn has_nothing_to_say(&self, born: u64) -> bool {
        match &self.phase {
            Phase::Closed(watch) => {
                self.generation == born && watch.failures_in_a_row == 0 && watch.window.is_none()
            }
            _ => false,
        }
    }

    /// When calls are no longer rejected without being asked about.
    pub(crate) fn open_until(&self) -> Moment {
        match self.phase {
            Phase::Open { until, .. } => until,
            _ => Moment::NEVER,
        }
    }

    /// For how long it will reject every call, from now on; `None` where a call may be let through.
    pub(crate) fn rejects_for(&self, now: Moment, rules: &Rules) -> Option<Duration> {
        match self.phase {
            // Nobody knows when; this is how long it mostly takes.
            Phase::HeldOpen => Some(rules.lease()),
            Phase::Open { until, .. } => (now < until).then(|| until.since(now)),
            _ => None,
        }
    }

    /// For how long it opened, where it did so by its rules.
    pub(crate) fn open_for(&self, rules: &Rules) -> Option<Duration> {
        matches!(self.phase, Phase::Open { by_hand: false, .. })
            .then(|| rules.open_for(self.openings_in_a_row))
    }

    /// The time that counted successes have to be of.
    pub(crate) fn tick(&self) -> i64 {
        match &self.phase {
            Phase::Closed(Watch {
                window: Some(window),
                ..
            }) => window.tick(),
            _ => 0,
        }
    }

    /// Someone wants to call: a ticket, or the time after which to ask again.
    pub(crate) fn admit(
        &mut self,
        now: impl Fn() -> Moment,
        rules: &Rules,
    ) -> Result<Ticket, Duration> {
        let probe = match &mut self.phase {
            Phase::Closed(_) | Phase::HeldClosed => None,
            // Nobody knows when; this is how long it mostly takes.
            Phase::HeldOpen => return Err(rules.lease()),
            Phase::Open { until, .. } => {
                let (now, until) = (now(), *until);
                if now < until {
                    return Err(until.since(now));
                }
                let mut trial = Trial::NEW;
                let probe = trial.admit(now, rules)?;
                self.enter(Phase::HalfOpen(trial));
                Some(probe)
            }
            Phase::HalfOpen(trial) => Some(trial.admit(now(), rules)?),
            // One of the next calls will run: it is not a matter of time.
            Phase::Recovering(recovery, _) => match recovery.admit() {
                true => None,
                false => return Err(Duration::ZERO),
            },
        };
        Ok(Ticket {
            generation: self.generation,
            probe,
        })
    }

    /// An admitted call has ended.
    pub(crate) fn settle(
        &mut self,
        ticket: Ticket,
        verdict: Verdict,
        now: impl Fn() -> Moment,
        rules: &Rules,
    ) {
        if ticket.generation != self.generation {
            return;
        }
        let (failure, slow) = match verdict {
            Verdict::Success { slow } => (false, slow),
            Verdict::Failure { slow } => (true, slow),
            Verdict::Withdrawn => {
                if let (Phase::HalfOpen(trial), Some(number)) = (&mut self.phase, ticket.probe) {
                    trial.end(number);
                }
                return;
            }
        };
        if failure {
            self.last_failure = Some(now());
        }
        match (&mut self.phase, ticket.probe) {
            (Phase::Closed(watch), None) => {
                if watch.count(failure, slow, rules, &now) {
                    self.open(now(), rules);
                }
            }
            (Phase::Recovering(recovery, watch), None) => {
                if watch.count(failure, slow, rules, &now) {
                    self.open(now(), rules);
                } else if !failure && !slow && recovery.succeed(rules) {
                    self.close();
                }
            }
            (Phase::HalfOpen(trial), Some(number)) => {
                // A probe whose place went to another is not in the list, and is not heard.
                if !trial.end(number) {
                    return;
                }
                match trial.count(!failure && !slow, rules) {
                    Finding::Undecided => {}
                    Finding::Broken => self.open(now(), rules),
                    Finding::Healthy => match Recovery::first(rules) {
                        Some(first) => self.enter(Phase::Recovering(first, Watch::NEW)),
                        None => self.close(),
                    },
                }
            }
            // What is held by hand does not move. An open breaker issues no tickets, a half-open
            // one only probes, the others only calls: no other pair carries one generation.
            (Phase::HeldClosed | Phase::HeldOpen | Phase::Open { .. }, _)
            | (Phase::Closed(_) | Phase::Recovering(..), Some(_))
            | (Phase::HalfOpen(_), None) => {}
        }
    }

    /// Counts the successes that were only counted.
    pub(crate) fn fold(&mut self, successes: u32) {
        if let (1.., Phase::Closed(watch)) = (successes, &mut self.phase) {
            watch.failures_in_a_row = 0;
            if let Some(window) = &mut watch.window {
                window.fold(successes);
            }
        }
    }

    /// Lets probes in before the time is over, if it is still in the generation that asked.
    pub(crate) fn end_waiting(&mut self, generation: u64) {
        if generation == self.generation && matches!(self.phase, Phase::Open { .. }) {
            self.enter(Phase::HalfOpen(Trial::NEW));
        }
    }

    /// By hand: open until then, and half-open after it.
    pub(crate) fn open_by_hand(&mut self, until: Moment) {
        self.note_opening();
        self.enter(Phase::Open {
            until,
            by_hand: true,
        });
    }

    /// By hand: open until it is reset.
    pub(crate) fn hold_open(&mut self) {
        self.note_opening();
        self.enter(Phase::HeldOpen);
    }

    /// By hand: closed, whatever happens, until it is reset.
    pub(crate) fn hold_closed(&mut self) {
        self.openings_in_a_row = 0;
        self.enter(Phase::HeldClosed);
    }

    /// Fully closed, nothing counted.
    pub(crate) fn close(&mut self) {
        self.openings_in_a_row = 0;
        self.enter(Phase::Closed(Watch::NEW));
    }

    pub(crate) fn figures(&mut self, now: Moment, rules: &Rules) -> Figures {
        let (counts, failures_in_a_row) = match &mut self.phase {
            Phase::Closed(watch) | Phase::Recovering(_, watch) => (
                watch
                    .window
                    .as_mut()
                    .map(|window| window.counts_at(now, rules))
                    .unwrap_or_default(),
                watch.failures_in_a_row,
            ),
            _ => (Counts::default(), 0),
        };
        Figures {
            counts,
            failures_in_a_row,
            openings: self.openings,
            last_failure: self.last_failure,
        }
    }

    fn open(&mut self, now: Moment, rules: &Rules) {
        self.note_opening();
        let until = now.after(rules.open_for(self.openings_in_a_row));
        self.enter(Phase::Open {
            until,
            by_hand: false,
        });
    }

    fn note_opening(&mut self) {
        self.openings += 1;
        self.openings_in_a_row = self.openings_in_a_row.saturating_add(1);
        self.cause = None;
    }

    /// The one place that changes the state, so that no state is without its own generation.
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.generation += 1;
    }
}
