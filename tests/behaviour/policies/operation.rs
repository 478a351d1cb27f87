//! What an operator has in hand: the catalog, and the switches.

use std::time::Duration;

use resilience::{
    Bulkhead, PolicyKind, PolicyMode, bulkhead, catalog, circuit_breaker, rate_limit, retry,
    switchboard, timeout,
};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use super::{Count, Failure};

#[retry(max_attempts = 3, backoff = fixed(1s))]
#[circuit_breaker(name = "listed")]
#[timeout(2s)]
async fn never_called() -> Result<(), Failure> {
    Ok(())
}

#[test]
fn a_function_is_known_before_its_first_call() {
    let catalog = catalog();
    let function = catalog
        .find("behaviour::policies::operation::never_called")
        .expect("it is annotated");
    assert!(function.file.ends_with("operation.rs"));
    assert!(function.line > 0);
    let kinds: Vec<_> = function
        .policies
        .iter()
        .map(|policy| policy.kind())
        .collect();
    assert_eq!(
        kinds,
        [
            PolicyKind::Retry,
            PolicyKind::CircuitBreaker,
            PolicyKind::Timeout
        ]
    );
    assert_eq!(function.worst_case(), Some(Duration::from_secs(3 * 2 + 2)));
    let printed = catalog.to_string();
    assert!(printed.contains("never_called"), "{printed}");
    assert!(printed.contains("8s"), "{printed}");
}

#[retry(max_attempts = 3, backoff = fixed(1s), jitter = none)]
async fn switched_retry(calls: &Count) -> Result<(), Failure> {
    calls.next();
    Err(Failure::Busy)
}

#[timeout(1s)]
async fn switched_timeout() -> Result<(), Failure> {
    sleep(Duration::from_secs(5)).await;
    Ok(())
}

#[rate_limit(name = "switched limit", rate = 1, per = 1h)]
async fn switched_limit() -> Result<(), Failure> {
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn policies_are_turned_off_and_on_by_name() {
    let name = "behaviour::policies::operation::switched_retry";
    let calls = Count::new();
    assert_eq!(
        switchboard()
            .set(PolicyKind::Retry, name, PolicyMode::Disabled)
            .unwrap(),
        1
    );
    switched_retry(&calls).await.unwrap_err();
    assert_eq!(calls.get(), 1);
    switchboard()
        .set(PolicyKind::Retry, name, PolicyMode::Shadow)
        .unwrap();
    switched_retry(&calls).await.unwrap_err();
    assert_eq!(calls.get(), 2);
    let status = switchboard()
        .list()
        .into_iter()
        .find(|status| status.kind == PolicyKind::Retry && status.name == name)
        .expect("it has a switch");
    assert_eq!(
        (status.mode, status.would_have_acted),
        (PolicyMode::Shadow, 1)
    );
    switchboard()
        .set(PolicyKind::Retry, name, PolicyMode::Enforced)
        .unwrap();
    switched_retry(&calls).await.unwrap_err();
    assert_eq!(calls.get(), 2 + 3);

    let name = "behaviour::policies::operation::switched_timeout";
    switchboard()
        .set(PolicyKind::Timeout, name, PolicyMode::Shadow)
        .unwrap();
    let begun = Instant::now();
    switched_timeout().await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(5));

    switched_limit().await.unwrap();
    switched_limit().await.unwrap_err();
    switchboard()
        .set(
            PolicyKind::RateLimit,
            "switched limit",
            PolicyMode::Disabled,
        )
        .unwrap();
    switched_limit().await.unwrap();

    let unknown = switchboard()
        .set(
            PolicyKind::RateLimit,
            "switched limits",
            PolicyMode::Disabled,
        )
        .unwrap_err();
    assert!(
        unknown.to_string().contains("`switched limit`"),
        "{unknown}"
    );
}

static SWITCHED: Bulkhead = Bulkhead::named("switched places")
    .max_concurrent(1)
    .max_queue(5);

#[bulkhead(SWITCHED)]
async fn in_a_place() -> Result<(), Failure> {
    sleep(Duration::from_secs(1)).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_that_a_switch_finds_in_a_bulkhead_end_as_they_began() {
    let switch = |mode| {
        let switched = switchboard().set(PolicyKind::Bulkhead, "switched places", mode);
        assert_eq!(switched.unwrap(), 1);
    };
    for (mode, run) in [(PolicyMode::Shadow, 3), (PolicyMode::Disabled, 1)] {
        let mut calls: Vec<_> = (0..3).map(|_| tokio::spawn(in_a_place())).collect();
        yield_now().await;
        switch(mode);
        calls.extend((0..2).map(|_| tokio::spawn(in_a_place())));
        yield_now().await;
        assert_eq!((SWITCHED.running(), SWITCHED.waiting()), (run, 2));
        switch(PolicyMode::Enforced);
        calls.push(tokio::spawn(in_a_place()));
        yield_now().await;
        assert_eq!((SWITCHED.running(), SWITCHED.waiting()), (run, 3));
        let begun = Instant::now();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        // One after the other, those who wait.
        assert_eq!(begun.elapsed(), Duration::from_secs(4));
        assert_eq!((SWITCHED.running(), SWITCHED.waiting()), (0, 0));
    }
}
