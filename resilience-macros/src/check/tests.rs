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
