//! The rules at their limits: what is just right, and what is just wrong. The words, and where they
//! stand, are seen in `tests/ui`.

use crate::snapshots::expansion;

/// What is said about the attributes on a plain function.
fn said_of(attributes: &str) -> String {
    let source =
        format!("{attributes} async fn call(order: u32) -> Result<u32, Failure> {{ body }}");
    let text = expansion(&source).to_string();
    text.split("compile_error")
        .skip(1)
        .collect::<Vec<_>>()
        .join("\n")
}

fn quiet(attributes: &str) {
    let said = said_of(attributes);
    assert!(said.is_empty(), "{attributes}: {said}");
}

fn says(attributes: &str, words: &str) {
    let said = said_of(attributes);
    assert!(
        said.contains(words),
        "{attributes} does not say {words}: {said}"
    );
}

#[test]
fn attempts_end_in_time() {
    quiet("#[timeout(7s)] #[retry]");
    says(
        "#[timeout(6999ms)] #[retry]",
        "7s of pauses, and the timeout above is 6.999s",
    );
    quiet("#[retry(deadline = 15s)] #[timeout(2s)]");
    says(
        "#[retry(deadline = 14s)] #[timeout(2s)]",
        "4 × 2s + 7s of pauses = 15s, and the deadline is 14s",
    );
    quiet("#[timeout(15s)] #[retry] #[timeout(2s)]");
    says(
        "#[timeout(14s)] #[retry] #[timeout(2s)]",
        "4 × 2s + 7s of pauses = 15s, and the timeout above is 14s",
    );
    // The tighter of both.
    says(
        "#[timeout(5s)] #[retry(deadline = 4s)]",
        "the deadline is 4s",
    );
    says(
        "#[timeout(4s)] #[retry(deadline = 5s)]",
        "the timeout above is 4s",
    );
    // Nobody knows how long these are.
    quiet("#[timeout(1s)] #[retry(backoff = custom(pause))]");
    quiet("#[timeout(1s)] #[retry(STANDARD)]");
    says(
        "#[retry(backoff = custom(pause), deadline = 7s)] #[timeout(2s)]",
        "4 × 2s = 8s",
    );
}

#[test]
fn a_first_pause_ends_in_time() {
    const FIRST: &str = "nothing is ever retried";
    quiet("#[timeout(1001ms)] #[retry(max_attempts = 2, backoff = fixed(1s), jitter = none)]");
    says(
        "#[timeout(1s)] #[retry(max_attempts = 2, backoff = fixed(1s), jitter = none)]",
        FIRST,
    );
    says(
        "#[timeout(1s)] #[retry(max_attempts = 2, backoff = fixed(2s), jitter = equal)]",
        FIRST,
    );
    says(
        "#[timeout(1s)] #[retry(max_attempts = 2, backoff = fixed(2s), jitter = 1s)]",
        FIRST,
    );
    says(
        "#[timeout(1s)] #[retry(max_attempts = 2, backoff = decorrelated(1s))]",
        FIRST,
    );
    // Full jitter may make it as short as it likes; only the sum can be wrong.
    let said = said_of("#[timeout(1s)] #[retry(max_attempts = 2, backoff = fixed(2s))]");
    assert!(
        !said.contains(FIRST) && said.contains("attempts_exceed_deadline"),
        "{said}"
    );
}

#[test]
fn a_breaker_closes_in_time() {
    const WAITS: &str = "would wait";
    says(
        "#[timeout(20s)] #[retry] #[circuit_breaker(open_for = 30s)]",
        WAITS,
    );
    quiet("#[timeout(20s)] #[retry] #[circuit_breaker(open_for = 20s)]");
    // No pause is as long: an open breaker is the answer.
    quiet("#[timeout(20s)] #[retry] #[circuit_breaker(open_for = 31s)]");
    quiet("#[timeout(20s)] #[retry] #[circuit_breaker]");
    quiet("#[timeout(20s)] #[circuit_breaker(open_for = 30s)] #[retry]");
    says(
        "#[timeout(20s)] #[retry] #[circuit_breaker(open_for = exponential(25s, max = 9m))]",
        "would wait 25s",
    );
}

#[test]
fn one_call_does_not_open_the_breaker() {
    const OPENS: &str = "one call opens the circuit breaker";
    quiet("#[retry] #[circuit_breaker]");
    quiet("#[circuit_breaker(failure_threshold = 1)] #[retry]");
    says("#[retry] #[circuit_breaker(failure_threshold = 4)]", OPENS);
    let rate = "#[circuit_breaker(failure_rate = 0.5, time_window = 9s)]";
    quiet(&format!("#[retry(max_attempts = 19)] {rate}"));
    says(&format!("#[retry(max_attempts = 20)] {rate}"), OPENS);
    let rate = "#[circuit_breaker(failure_rate = 0.5)]";
    quiet(&format!("#[retry(max_attempts = 99)] {rate}"));
    says(&format!("#[retry(max_attempts = 100)] {rate}"), OPENS);
    // Failures are not slow.
    quiet(
        "#[retry(max_attempts = 100)] #[circuit_breaker(slow_call_rate = 1, slow_call_duration = 1s)]",
    );
    quiet("#[retry(max_attempts = 100)] #[circuit_breaker(GATEWAY)]");
}

#[test]
fn a_timeout_below_is_retried() {
    says(
        "#[retry(retry_on = Failure::Busy)] #[timeout(1s)]",
        "retry_skips_timeout",
    );
    quiet("#[retry(retry_on = Failure::Busy | Failure::Policy(_))] #[timeout(1s)]");
    quiet("#[retry(retry_on = Failure::Busy, abort_on = Failure::TimedOut)] #[timeout(1s)]");
    quiet("#[retry(retry_on = Failure::Busy, when = is_worth_it)] #[timeout(1s)]");
    quiet("#[retry(abort_on = Failure::Declined)] #[timeout(1s)]");
    quiet("#[timeout(9s)] #[retry(retry_on = Failure::Busy)]");
}

#[test]
fn deadlines_hedges_and_slow_calls_come_before_the_timeout() {
    quiet("#[timeout(9s)] #[retry(deadline = 9s)]");
    says(
        "#[timeout(9s)] #[retry(deadline = 10s)]",
        "is never reached",
    );
    let hedge =
        |delay: &str| format!("#[hedge(delay = {delay}, allow(hedge_without_idempotency))]");
    quiet(&format!("#[timeout(1s)] {}", hedge("999ms")));
    says(
        &format!("#[timeout(1s)] {}", hedge("1s")),
        "the timeout above is 1s",
    );
    says(
        &format!("{} #[timeout(1s)]", hedge("1s")),
        "the timeout below is 1s",
    );
    let slow = "#[circuit_breaker(slow_call_rate = 1, slow_call_duration = 1s)]";
    quiet(&format!("{slow} #[timeout(1s)]"));
    says(&format!("{slow} #[timeout(999ms)]"), "no call is ever slow");
    // Several attempts take longer than one of them.
    quiet(&format!("{slow} #[retry] #[timeout(999ms)]"));
    quiet(&format!("{slow} {} #[timeout(999ms)]", hedge("10ms")));
    quiet(&format!("{} #[retry] #[timeout(999ms)]", hedge("1s")));
}

#[test]
fn what_stands_above_what() {
    quiet("#[fallback(value = 1)] #[retry] #[circuit_breaker]");
    quiet("#[retry] #[fallback(value = 1, on = Failure::Busy)]");
    says(
        "#[hedge(delay = 1s, allow(hedge_without_idempotency))] #[fallback(value = 1)]",
        "hides every failure from the #[hedge]",
    );
    quiet("#[fallback(value = 1)] #[idempotent]");
    quiet("#[retry] #[bulkhead]");
    quiet("#[rate_limit(rate = 1)] #[retry]");
}

#[test]
fn a_hedge_runs_the_body_twice() {
    const TWICE: &str = "say that running twice is safe: `allow(hedge_without_idempotency)`";
    says("#[hedge(delay = 1s)]", TWICE);
    // Within one execution for the key there are two of the body.
    says("#[idempotent] #[hedge(delay = 1s)]", TWICE);
    quiet("#[idempotent] #[hedge(delay = 1s, allow(hedge_without_idempotency))]");
    // One mistake is one error.
    let said = said_of("#[hedge(delay = 1s)] #[retry] #[idempotent]");
    assert!(
        said.contains("can never help") && !said.contains(TWICE),
        "{said}"
    );
    let said = said_of("#[saga] #[hedge(delay = 1s)]");
    assert!(
        said.contains("beside itself") && !said.contains(TWICE),
        "{said}"
    );
}

#[test]
fn a_saga_sees_failures_and_has_one_identity() {
    const HIDES: &str = "hides the failure of the";
    says("#[saga] #[fallback(value = 1)]", HIDES);
    says(
        "#[saga_step(compensate = none)] #[fallback(value = 1, on = Failure::Busy)]",
        HIDES,
    );
    quiet("#[saga_step(compensate = none)] #[fallback(value = 1, allow(saga_takes_fallback))]");
    quiet("#[saga(key = order)]");
    quiet("#[idempotent(key = order)] #[saga(version = 1, max_concurrent = 1)]");
    says(
        "#[idempotent(key = order)] #[saga(id = order)]",
        "`id` and #[idempotent] both say",
    );
}

#[test]
fn a_step_says_how_it_is_undone() {
    quiet("#[saga_step(compensate = release, compensate_attempts = 1, compensate_timeout = 1ms)]");
    quiet("#[saga_step(compensate = release, pivot, retriable)]");
    quiet("#[saga_step(compensate = none, pivot)]");
    // What is tried again may be in doubt, when it is cancelled in between.
    quiet("#[saga_step(compensate = release, in_doubt = compensate, retriable)]");
    says(
        "#[saga_step(retriable, compensate = none, compensate_timeout = 1s)]",
        "has no attempts of one",
    );
    says(
        "#[saga_step(compensate = none, tx = conn)]",
        "`tx` names no parameter",
    );
}

#[test]
fn two_timeouts_have_a_retry_between_them() {
    const TWICE: &str = "#[timeout] stands twice";
    quiet("#[timeout(20s)] #[circuit_breaker] #[retry] #[bulkhead] #[timeout(2s)]");
    says("#[timeout(20s)] #[timeout(2s)]", TWICE);
    says("#[timeout(20s)] #[timeout(19s)] #[retry]", TWICE);
    says("#[retry] #[timeout(2s)] #[timeout(1s)]", TWICE);
    says(
        "#[timeout(20s)] #[retry] #[timeout(2s)] #[timeout(1s)]",
        TWICE,
    );
    // Each rule looks at the one that is its own.
    says(
        "#[timeout(20s)] #[retry(retry_on = Failure::Busy)] #[timeout(1s)]",
        "retry_skips_timeout",
    );
    says(
        "#[timeout(20s)] #[retry] #[hedge(delay = 1s, allow(hedge_without_idempotency))] #[timeout(1s)]",
        "the timeout below is 1s",
    );
}

#[test]
fn attributes_of_others_stand_above_or_below_ours() {
    // Those of the language stay where they are, and are seen also when they stand above.
    quiet("#[export_name = \"call\"] #[retry] #[timeout(1s)]");
    quiet("#[retry] #[timeout(1s)] #[instrument]");
    quiet("#[retry] #[allow(dead_code)] #[cfg(all())] #[doc = \"x\"] #[timeout(1s)]");
    says(
        "#[retry] #[instrument] #[timeout(1s)]",
        "between #[retry] and #[timeout]",
    );
}

#[test]
fn an_allowance_allows_something() {
    quiet("#[retry(allow(retry_opens_breaker))] #[circuit_breaker(failure_threshold = 4)]");
    says(
        "#[retry(allow(retry_opens_breaker))] #[circuit_breaker]",
        "nothing to allow",
    );
    // Nobody knows yet.
    quiet("#[retry(allow(retry_opens_breaker))] #[circuit_breaker(failure_threshold = MANY)]");
}

#[test]
fn a_lease_lasts_until_the_attempts_have_ended() {
    const ATTEMPTS: &str = "#[retry] #[timeout(2s)]";
    quiet(&format!("#[idempotent(lease = 15s)] {ATTEMPTS}"));
    says(
        &format!("#[idempotent(lease = 14s)] {ATTEMPTS}"),
        "take up to 15s, and the lease of #[idempotent] is 14s",
    );
    says(
        &format!("#[locked(lease = 14s)] {ATTEMPTS}"),
        "the lease of #[locked] is 14s",
    );
    // What ends the attempts ends what is held.
    quiet(&format!(
        "#[timeout(14s, allow(attempts_exceed_deadline))] #[locked(lease = 14s)] {ATTEMPTS}"
    ));
    quiet(
        "#[locked(lease = 14s)] #[retry(deadline = 14s, allow(attempts_exceed_deadline))] \
         #[timeout(2s)]",
    );
    // A lease that nobody wrote down is one, too.
    quiet("#[idempotent] #[retry] #[timeout(5s)]");
    says(
        "#[idempotent] #[retry] #[timeout(6s)]",
        "take up to 31s, and the lease of #[idempotent] is 30s",
    );
    // Nothing is leased, or nothing is held while it repeats.
    quiet("#[locked(local)] #[retry] #[timeout(6s)]");
    quiet("#[retry] #[locked(lease = 1s)] #[timeout(6s)]");
    quiet("#[locked(lease = 1s)] #[retry(STANDARD)]");
}

#[test]
fn a_lease_can_be_renewed() {
    quiet("#[idempotent(lease = 100ms)]");
    says("#[idempotent(lease = 99ms)]", "the shortest is 100ms");
    says("#[locked(lease = 99ms)]", "the shortest is 100ms");
}

#[test]
fn a_wait_is_over_in_time() {
    quiet("#[idempotent(wait = 1h, ttl = 1h)]");
    says("#[idempotent(wait = 61m, ttl = 1h)]", "`ttl` is 3600s");
    says("#[idempotent(wait = 25h)]", "`ttl` is 86400s");
    // A wait that nobody wrote down is nobody's mistake.
    quiet("#[idempotent(ttl = 1s)]");
    quiet("#[timeout(2s)] #[idempotent]");
    quiet("#[timeout(5s)] #[locked(wait = 5s)]");
    says("#[timeout(4s)] #[locked(wait = 5s)]", "is never over");
    quiet("#[locked(wait = 5s)] #[timeout(4s)]");
}

#[test]
fn what_stands_above_a_lock_or_a_flight() {
    quiet("#[idempotent] #[locked] #[single_flight]");
    quiet("#[single_flight] #[idempotent]");
    quiet("#[retry] #[locked]");
    says("#[locked] #[retry] #[idempotent]", "allow(order)");
    says("#[hedge(delay = 1s)] #[retry] #[locked]", "can never help");
    // One mistake is one error, and there are two of them.
    let said = said_of("#[locked] #[hedge(delay = 1s)]");
    assert!(
        said.contains("allow(order)") && !said.contains("hedge_without_idempotency"),
        "{said}"
    );
    says(
        "#[locked(allow(order))] #[hedge(delay = 1s)]",
        "allow(hedge_without_idempotency)",
    );
    quiet("#[locked] #[hedge(delay = 1s, allow(order, hedge_without_idempotency))]");
}

#[test]
fn a_transaction_is_tried_again_as_a_whole() {
    let said = |attributes: &str| {
        let source = format!(
            "{attributes} async fn call(conn: &mut PgConnection, order: u32) -> Result<u32, Failure> {{ body }}"
        );
        let text = expansion(&source).to_string();
        text.matches("compile_error").count()
    };
    assert_eq!(said("#[idempotent(tx = conn)]"), 0);
    assert_eq!(said("#[idempotent(tx = conn)] #[timeout(2s)]"), 0);
    assert_eq!(said("#[retry] #[idempotent(tx = conn)]"), 1);
    assert_eq!(said("#[idempotent(tx = conn)] #[retry]"), 1);
    assert_eq!(
        said("#[idempotent(tx = conn)] #[retry(allow(retry_in_transaction))]"),
        0
    );
    // One mistake is one error, wherever the hedge stands.
    assert_eq!(said("#[hedge(delay = 1s)] #[idempotent(tx = conn)]"), 1);
    assert_eq!(said("#[idempotent(tx = conn)] #[hedge(delay = 1s)]"), 1);
}
