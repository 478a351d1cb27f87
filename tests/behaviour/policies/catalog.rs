//! What the catalog says of real policies, and which of them are one.

use std::time::Duration;

use resilience::{
    Conflict, PolicyKind, PolicyMode, RetryBudget, bulkhead, catalog, circuit_breaker, fallback,
    hedge, rate_limit, retry, switchboard, timeout,
};

use super::{Count, Failure};

static PAYMENTS: RetryBudget = RetryBudget::named("described payments").burst(7);

fn steps(attempt: u32) -> Duration {
    Duration::from_secs(attempt.into())
}

#[retry(max_attempts = 3, backoff = fixed(1s), jitter = 20ms, deadline = 9s, budget = none)]
async fn retries_without_a_budget() -> Result<(), Failure> {
    Ok(())
}

#[retry(backoff = linear(1s, step = 2s, max = 10s), jitter = equal, budget = "described")]
async fn retries_on_a_named_budget() -> Result<(), Failure> {
    Ok(())
}

#[retry(backoff = custom(steps, max = 4s), budget = PAYMENTS)]
async fn retries_on_a_placed_budget() -> Result<(), Failure> {
    Ok(())
}

#[retry(backoff = decorrelated(1s, max = 20s))]
async fn retries_on_its_own_budget() -> Result<(), Failure> {
    Ok(())
}

#[hedge(delay = 50ms, allow(hedge_without_idempotency))]
async fn hedges_by_time() -> Result<(), Failure> {
    Ok(())
}

#[hedge(
    quantile = 0.95,
    initially = 50ms,
    max_hedges = 2,
    budget = none,
    allow(hedge_without_idempotency)
)]
async fn hedges_by_quantile() -> Result<(), Failure> {
    Ok(())
}

#[circuit_breaker]
async fn breaks_by_default() -> Result<(), Failure> {
    Ok(())
}

async fn is_up() -> bool {
    true
}

#[circuit_breaker(
    failure_rate = 0.5, time_window = 30s, minimum_calls = 7, slow_call_duration = 2s,
    slow_call_rate = 0.75, open_for = exponential(60s, factor = 2, max = 10m),
    half_open_permits = 4, half_open_success_rate = 0.5, recovery = 0.25, on_cancel = failure,
    probe = is_up, probe_every = 5s
)]
async fn breaks_by_everything() -> Result<(), Failure> {
    Ok(())
}

#[circuit_breaker(key = tenant, max_keys = 64)]
async fn breaks_by_key(tenant: u32) -> Result<(), Failure> {
    let _ = tenant;
    Ok(())
}

#[rate_limit(rate = 50, per = 1s, burst = 10, max_wait = 200ms)]
async fn limits() -> Result<(), Failure> {
    Ok(())
}

#[rate_limit(rate = 50, per = 1m, key = tenant, max_keys = 64)]
async fn limits_by_key(tenant: u32) -> Result<(), Failure> {
    let _ = tenant;
    Ok(())
}

#[bulkhead(max_concurrent = 4, max_queue = 16, max_wait = 500ms)]
async fn holds_places() -> Result<(), Failure> {
    Ok(())
}

#[timeout(800ms)]
async fn is_cut_off() -> Result<(), Failure> {
    Ok(())
}

#[timeout(Duration::MAX)]
async fn is_never_cut_off() -> Result<(), Failure> {
    Ok(())
}

#[fallback(nothing)]
async fn falls_back() -> Result<(), Failure> {
    Err(Failure::Busy)
}

#[tokio::test]
async fn a_fallback_that_is_a_function_may_take_any_time() {
    falls_back().await.unwrap();
    let name = "behaviour::policies::catalog::falls_back";
    let worst = catalog().find(name).expect("it is annotated").worst_case();
    assert_eq!(worst, None);
}

async fn nothing(_: Failure) -> Result<(), Failure> {
    Ok(())
}

/// What stands in the attribute, with the defaults.
const DESCRIBED: [(&str, &str); 15] = [
    (
        "retries_without_a_budget",
        "max_attempts = 3, backoff = fixed(1s), jitter = 20ms, deadline = 9s, budget = none",
    ),
    (
        "retries_on_a_named_budget",
        "max_attempts = 4, backoff = linear(1s, step = 2s, max = 10s), jitter = equal, \
         budget = \"described\"",
    ),
    (
        "retries_on_a_placed_budget",
        "max_attempts = 4, backoff = custom(.., max = 4s), jitter = full, \
         budget = \"described payments\" (ratio = 0.2, per_second = 10, burst = 7)",
    ),
    (
        "retries_on_its_own_budget",
        "max_attempts = 4, backoff = decorrelated(1s, max = 20s)",
    ),
    ("hedges_by_time", "delay = 50ms, max_hedges = 1"),
    (
        "hedges_by_quantile",
        "quantile = 0.95, initially = 50ms, max_hedges = 2, budget = none",
    ),
    (
        "breaks_by_default",
        "failure_threshold = 5, open_for = 60s, half_open_permits = 3, success_threshold = 3",
    ),
    (
        "breaks_by_everything",
        "failure_rate = 0.5, slow_call_duration = 2s, slow_call_rate = 0.75, time_window = 30s, \
         minimum_calls = 7, open_for = exponential(60s, factor = 2, max = 600s), \
         half_open_permits = 4, half_open_success_rate = 0.5, recovery = 0.25, \
         success_threshold = 3, on_cancel = failure, probe = .., probe_every = 5s",
    ),
    (
        "breaks_by_key",
        "failure_threshold = 5, open_for = 60s, half_open_permits = 3, success_threshold = 3, \
         max_keys = 64",
    ),
    (
        "limits",
        "rate = 50, per = 1s, burst = 10, max_wait = 200ms",
    ),
    (
        "limits_by_key",
        "rate = 50, per = 60s, burst = 50, max_keys = 64",
    ),
    (
        "holds_places",
        "max_concurrent = 4, max_queue = 16, max_wait = 500ms",
    ),
    ("is_cut_off", "after = 800ms"),
    ("is_never_cut_off", "after = Duration::MAX"),
    ("falls_back", ".."),
];

#[test]
fn policies_are_described_as_their_attributes_have_them() {
    let catalog = catalog();
    for (function, expected) in DESCRIBED {
        let name = format!("behaviour::policies::catalog::{function}");
        let function = catalog.find(&name).expect("it is annotated");
        let [policy] = function.policies else {
            panic!("`{name}` has one policy");
        };
        assert_eq!(policy.options().to_string(), expected, "{name}");
    }
}

#[rate_limit(name = "twice named", rate = 1, per = 1h)]
async fn limited() -> Result<(), Failure> {
    Ok(())
}

#[rate_limit(name = "twice named", rate = 1, per = 1h, key = tenant)]
async fn limited_by_key(tenant: u32) -> Result<(), Failure> {
    let _ = tenant;
    Ok(())
}

static FEW: RetryBudget = RetryBudget::named("budget of two").burst(3);
static MANY: RetryBudget = RetryBudget::named("budget of two").burst(30);

#[retry(backoff = fixed(1s), budget = FEW)]
async fn retries_few() -> Result<(), Failure> {
    Ok(())
}

#[hedge(delay = 1s, budget = MANY, allow(hedge_without_idempotency))]
async fn hedges_many() -> Result<(), Failure> {
    Ok(())
}

#[retry(max_attempts = 2, backoff = fixed(1s), budget = FEW)]
async fn retries_few_differently() -> Result<(), Failure> {
    Ok(())
}

fn conflicts(name: &str) -> Vec<Conflict> {
    let mut conflicts = catalog().conflicts();
    conflicts.retain(|conflict| conflict.name == name);
    conflicts
}

#[tokio::test(start_paused = true)]
async fn a_policy_with_a_key_and_one_without_share_nothing_but_the_name() {
    assert_eq!(conflicts("twice named").len(), 0);
    let switched = || switchboard().set(PolicyKind::RateLimit, "twice named", PolicyMode::Enforced);
    assert_eq!(switched(), Ok(2));
    limited().await.unwrap();
    limited_by_key(1).await.unwrap();
    limited_by_key(2).await.unwrap();
    assert_eq!(switched(), Ok(2));
}

#[test]
fn two_budgets_of_one_name_are_a_conflict() {
    let conflicts = conflicts("budget of two");
    let told: Vec<_> = conflicts.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:#?}");
    for (conflict, told) in conflicts.iter().zip(&told) {
        assert_eq!(conflict.kind, "retry budget");
        // By the names of the functions, the hedge comes first.
        assert_eq!(
            conflict.first_options,
            "ratio = 0.2, per_second = 10, burst = 30"
        );
        assert_eq!(
            conflict.second_options,
            "ratio = 0.2, per_second = 10, burst = 3"
        );
        assert!(told.contains("for retry budget `budget of two`"), "{told}");
    }
}

#[circuit_breaker(name = "switched as one", failure_threshold = 1)]
async fn one_call(calls: &Count) -> Result<(), Failure> {
    calls.next();
    Err(Failure::Busy)
}

#[circuit_breaker(name = "switched as one", failure_threshold = 1)]
async fn another_call(calls: &Count) -> Result<(), Failure> {
    calls.next();
    Err(Failure::Busy)
}

#[rate_limit(name = "limited as one", rate = 1, per = 1h)]
async fn one_limited() -> Result<(), Failure> {
    Ok(())
}

#[rate_limit(name = "limited as one", rate = 1, per = 1h)]
async fn another_limited() -> Result<(), Failure> {
    Ok(())
}

#[bulkhead(name = "held as one", max_concurrent = 1)]
async fn one_held() -> Result<(), Failure> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(())
}

#[bulkhead(name = "held as one", max_concurrent = 1)]
async fn another_held() -> Result<(), Failure> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(())
}

/// The mode, and how often it would have acted, of the one policy of this name.
fn row(name: &str) -> (PolicyMode, u32) {
    let mut rows = switchboard().list();
    rows.retain(|row| row.name == name);
    let [row] = rows.as_slice() else {
        panic!("not one policy: {rows:?}");
    };
    (row.mode, row.would_have_acted)
}

#[tokio::test(start_paused = true)]
async fn policies_of_one_name_are_switched_as_one_before_their_first_call_and_after_it() {
    let set = |kind, name, mode| assert_eq!(switchboard().set(kind, name, mode), Ok(1), "{name}");

    let (kind, name) = (PolicyKind::CircuitBreaker, "switched as one");
    let calls = Count::new();
    set(kind, name, PolicyMode::Disabled);
    another_call(&calls).await.unwrap_err();
    set(kind, name, PolicyMode::Shadow);
    for _ in 0..2 {
        one_call(&calls).await.unwrap_err();
        another_call(&calls).await.unwrap_err();
    }
    // The first of them opened it.
    assert_eq!((calls.get(), row(name)), (5, (PolicyMode::Shadow, 3)));
    set(kind, name, PolicyMode::Enforced);
    one_call(&calls).await.unwrap_err();
    another_call(&calls).await.unwrap_err();
    assert_eq!((calls.get(), row(name)), (5, (PolicyMode::Enforced, 3)));

    let (kind, name) = (PolicyKind::RateLimit, "limited as one");
    set(kind, name, PolicyMode::Shadow);
    for _ in 0..2 {
        one_limited().await.unwrap();
        another_limited().await.unwrap();
    }
    assert_eq!(row(name), (PolicyMode::Shadow, 3));
    set(kind, name, PolicyMode::Enforced);
    one_limited().await.unwrap_err();
    another_limited().await.unwrap_err();
    assert_eq!(row(name), (PolicyMode::Enforced, 3));

    let (kind, name) = (PolicyKind::Bulkhead, "held as one");
    set(kind, name, PolicyMode::Shadow);
    let (one, another) = tokio::join!(one_held(), another_held());
    one.and(another).unwrap();
    let (another, one) = tokio::join!(another_held(), one_held());
    one.and(another).unwrap();
    assert_eq!(row(name), (PolicyMode::Shadow, 2));
    set(kind, name, PolicyMode::Enforced);
    let (one, another) = tokio::join!(one_held(), another_held());
    one.unwrap();
    another.unwrap_err();
}
