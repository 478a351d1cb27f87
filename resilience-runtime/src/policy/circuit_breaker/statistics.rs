//! What an operator reads off a breaker.

use std::time::Duration;

use super::moment::Moment;
use super::rules::Rules;
use super::state::{CircuitState, Machine};

/// What a breaker knows at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CircuitStatistics {
    /// The state.
    pub state: CircuitState,
    /// How many calls are in the window; 0 if only failures in a row count.
    pub calls: u32,
    /// How many of those failed.
    pub failures: u32,
    /// How many of those were slow.
    pub slow: u32,
    /// How many calls have failed since the last success. Not counted while half-open or open.
    pub failures_in_a_row: u32,
    /// How often it has opened.
    pub openings: u64,
    /// How long ago the last failure was counted; `None` if there was none.
    pub since_last_failure: Option<Duration>,
}

impl CircuitStatistics {
    pub(super) const NEW: Self = Self {
        state: CircuitState::Closed,
        calls: 0,
        failures: 0,
        slow: 0,
        failures_in_a_row: 0,
        openings: 0,
        since_last_failure: None,
    };

    pub(super) fn of(machine: &mut Machine, now: Moment, rules: &Rules) -> Self {
        let state = machine.state();
        let figures = machine.figures(now, rules);
        Self {
            state,
            calls: figures.counts.calls,
            failures: figures.counts.failures,
            slow: figures.counts.slow,
            failures_in_a_row: figures.failures_in_a_row,
            openings: figures.openings,
            since_last_failure: figures.last_failure.map(|at| now.since(at)),
        }
    }
}
