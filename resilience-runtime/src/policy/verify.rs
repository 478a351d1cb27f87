//! The rules between the policies of one function, for the compiler to evaluate where they depend on
//! constants: a rule that is broken panics, which in a `const` item is a compile error.
//!
//! Where everything is written out the attributes have decided already, with the numbers in their
//! message.

use std::time::Duration;

use super::retry::{Backoff, Jitter};

/// The longer of two times: what stays open for `one` at first is not open for less in the end.
#[must_use]
pub const fn longer(one: Duration, other: Duration) -> Duration {
    if one.as_nanos() > other.as_nanos() {
        one
    } else {
        other
    }
}

/// All attempts of a retry and the longest pauses between them end in time. `each` is the bound of
/// one attempt, or zero.
///
/// # Panics
/// When they do not.
#[track_caller]
pub const fn attempts_fit(
    attempts: u32,
    each: Duration,
    backoff: Backoff,
    jitter: Jitter,
    within: Duration,
) {
    let pauses = backoff.longest_total(attempts);
    let all = each.saturating_mul(attempts).saturating_add(pauses);
    // A first pause that is too long is reported by itself.
    let is_reported = !fits(backoff, jitter, within);
    assert!(
        is_reported || all.as_nanos() <= within.as_nanos(),
        "all attempts and the longest pauses between them take longer than the timeout above #[retry] \
         or its deadline: allow more time, or make fewer attempts, or say \
         `allow(attempts_exceed_deadline)`"
    );
}

/// The shortest first pause of a retry ends in time.
///
/// # Panics
/// When it does not.
#[track_caller]
pub const fn pause_fits(backoff: Backoff, jitter: Jitter, within: Duration) {
    assert!(
        fits(backoff, jitter, within),
        "nothing is ever retried: the first pause is not shorter than the timeout above #[retry] or \
         its deadline: shorten the pause, or allow more time"
    );
}

const fn fits(backoff: Backoff, jitter: Jitter, within: Duration) -> bool {
    let shortest = backoff.shortest_first(jitter);
    shortest.is_zero() || shortest.as_nanos() < within.as_nanos()
}

/// A circuit breaker that the retry would wait for admits a call in time.
///
/// # Panics
/// When it does not.
#[track_caller]
pub const fn breaker_fits(open_for: Duration, backoff: Backoff, within: Duration) {
    let is_waited_for = backoff.longest().as_nanos() >= open_for.as_nanos();
    assert!(
        !is_waited_for || open_for.as_nanos() <= within.as_nanos(),
        "#[retry] would wait for the circuit breaker for longer than the timeout above it or its \
         deadline: lower `open_for`, or keep the pauses below it: `max` of the backoff"
    );
}

/// A circuit breaker survives the attempts of one call.
///
/// # Panics
/// When it does not.
#[track_caller]
pub const fn breaker_holds(attempts: u32, threshold: u32) {
    assert!(
        attempts < threshold,
        "one call opens the circuit breaker: its attempts are as many as the failures that open it: \
         raise `failure_threshold` or `minimum_calls`, or make fewer attempts, or say \
         `allow(retry_opens_breaker)`"
    );
}

/// The deadline of a retry is not after the timeout above it.
///
/// # Panics
/// When it is.
#[track_caller]
pub const fn deadline_is_reached(deadline: Duration, timeout: Duration) {
    assert!(
        deadline.as_nanos() <= timeout.as_nanos(),
        "`deadline` is never reached: it is longer than the timeout above #[retry]: lower it, or \
         leave it out"
    );
}

/// A hedge starts before the timeout above or below it.
///
/// # Panics
/// When it does not.
#[track_caller]
pub const fn hedge_starts(delay: Duration, timeout: Duration) {
    assert!(
        delay.as_nanos() < timeout.as_nanos(),
        "no hedge ever starts: `delay` is not shorter than the timeout above or below #[hedge]: lower \
         `delay`"
    );
}

/// A call is slow before the timeout above or below the circuit breaker ends it.
///
/// # Panics
/// When it is not.
#[track_caller]
pub const fn call_can_be_slow(slow: Duration, timeout: Duration) {
    assert!(
        slow.as_nanos() <= timeout.as_nanos(),
        "no call is ever slow: `slow_call_duration` is longer than the timeout above or below \
         #[circuit_breaker]: lower it"
    );
}

/// The shorter of two times: what ends attempts is what ends them first.
#[must_use]
pub const fn shorter(one: Duration, other: Duration) -> Duration {
    if one.as_nanos() < other.as_nanos() {
        one
    } else {
        other
    }
}

/// A lease lasts until all attempts of a retry have ended, or `within` has ended them. `each` is the bound
/// of one attempt, or zero.
///
/// # Panics
/// When it does not.
#[track_caller]
pub const fn lease_lasts(
    attempts: u32,
    each: Duration,
    backoff: Backoff,
    within: Duration,
    lease: Duration,
) {
    let pauses = backoff.longest_total(attempts);
    let all = each.saturating_mul(attempts).saturating_add(pauses);
    let longest = shorter(all, within);
    assert!(
        longest.as_nanos() <= lease.as_nanos(),
        "all attempts and the longest pauses between them take longer than the lease above #[retry]: a \
         store that fails for that long ends them in their middle: lengthen `lease`, or make fewer \
         attempts, or say `allow(outlasts_lease)`"
    );
}

/// A result is kept for longer than a duplicate waits for it.
///
/// # Panics
/// When it is not.
#[track_caller]
pub const fn result_outlives_wait(wait: Duration, ttl: Duration) {
    assert!(
        wait.as_nanos() <= ttl.as_nanos(),
        "`wait` is longer than the result is kept, which is `ttl`: lower `wait`, or keep results for \
         longer"
    );
}

/// A wait is over before the timeout above ends the call.
///
/// # Panics
/// When it is not.
#[track_caller]
pub const fn wait_ends(wait: Duration, timeout: Duration) {
    assert!(
        wait.as_nanos() <= timeout.as_nanos(),
        "`wait` is never over: it is longer than the timeout above: lower it, or leave it out"
    );
}
