//! What an operator hears of a breaker.

use std::time::Duration;

use tracing::Level;

use super::core::Change;
use super::state::CircuitState;
use crate::telemetry::meter;

/// Tells of a change of state, after the fact.
#[cold]
pub(super) fn announce(breaker: &'static str, change: Change, cause: Option<&str>) {
    match change.to {
        CircuitState::Closed => {
            tracing::info!(target: "resilience", breaker, "circuit breaker closed");
        }
        CircuitState::HalfOpen => {
            tracing::info!(target: "resilience", breaker, "circuit breaker half-open, probing");
        }
        CircuitState::Recovering => {
            tracing::info!(target: "resilience", breaker, "circuit breaker recovering");
        }
        CircuitState::Open => {
            let open_for = change.open_for;
            tracing::warn!(target: "resilience", breaker, ?open_for, cause, "circuit breaker opened");
        }
    }
    meter::count("circuit_breaker_transitions_total", "breaker", breaker);
}

/// Tells of a rejection, if somebody listens: a look at two variables.
#[inline]
pub(super) fn rejected(breaker: &'static str, function: &'static str, nanoseconds: u64) {
    if tracing::level_enabled!(Level::DEBUG) {
        rejected_aloud(breaker, function, Duration::from_nanos(nanoseconds));
    }
    count(breaker, Ended::Rejected);
}

#[cold]
#[inline(never)]
pub(super) fn rejected_aloud(breaker: &'static str, function: &'static str, retry_after: Duration) {
    tracing::debug!(target: "resilience", breaker,
        function,
        ?retry_after,
        "rejected by a circuit breaker"
    );
}

/// How a call ended, for its breaker's metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Succeeded,
    Failed,
    Rejected,
    /// It says nothing.
    Otherwise,
}

/// Counts a call that the breaker was asked about.
#[inline]
pub(super) fn count(breaker: &'static str, ended: Ended) {
    if meter::is_listening() {
        count_slowly(breaker, ended);
    }
}

#[cold]
fn count_slowly(breaker: &'static str, ended: Ended) {
    meter::count("circuit_breaker_requests_total", "breaker", breaker);
    let which = match ended {
        Ended::Succeeded => "circuit_breaker_successes_total",
        Ended::Failed => "circuit_breaker_failures_total",
        Ended::Rejected => "circuit_breaker_rejections_total",
        Ended::Otherwise => return,
    };
    meter::count(which, "breaker", breaker);
}
