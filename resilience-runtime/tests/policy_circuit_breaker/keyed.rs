//! A breaker for every key.

use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::outcome::errors;
use resilience_runtime::policy::circuit_breaker::{
    CircuitBreaker, CircuitState, KeyedCircuitBreaker, OfKey,
};
use tokio::sync::oneshot;
use tokio::time::advance;

use crate::support::{Failure, OPEN_FOR, Reply, call};

fn keyed(max_keys: u32) -> &'static KeyedCircuitBreaker {
    Box::leak(Box::new(
        CircuitBreaker::for_function("shop::reserve")
            .failure_threshold(2)
            .open_for(OPEN_FOR)
            .success_threshold(1)
            .per_key(max_keys),
    ))
}

async fn ends(breaker: OfKey, reply: Reply) -> Reply {
    breaker
        .guard(async { reply }, call(), errors())
        .await
        .into_result()
}

async fn fails(breaker: OfKey) {
    assert!(matches!(
        ends(breaker, Err(Failure::Body)).await,
        Err(Failure::Body)
    ));
}

async fn is_rejected(breaker: OfKey) -> bool {
    matches!(
        ends(breaker, Ok(7)).await,
        Err(Failure::Policy(Error::CircuitOpen { .. }))
    )
}

async fn opens(breaker: OfKey) {
    fails(breaker).await;
    fails(breaker).await;
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn keys_open_and_close_by_themselves() {
    let keyed = keyed(100);
    opens(keyed.of("a")).await;
    assert!(is_rejected(keyed.of("a")).await);
    assert!(!is_rejected(keyed.of("b")).await);
    assert!(!is_rejected(keyed.of(&1_u64)).await);
    advance(OPEN_FOR).await;
    assert!(!is_rejected(keyed.of("a")).await);
    assert_eq!(keyed.of("a").state(), CircuitState::Closed);
    assert_eq!(keyed.of("a").statistics().openings, 1);
}

#[tokio::test(start_paused = true)]
async fn a_healthy_key_takes_no_memory() {
    let keyed = keyed(100);
    for key in 0..10_000 {
        assert!(ends(keyed.of(&key), Ok(7)).await.is_ok());
    }
    assert_eq!(keyed.remembered(), 0);
    fails(keyed.of(&1)).await;
    assert_eq!(keyed.remembered(), 1);
    assert!(ends(keyed.of(&1), Ok(7)).await.is_ok());
    assert_eq!(keyed.remembered(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_closed_key_used_longest_ago_is_forgotten_and_an_open_one_never() {
    let keyed = keyed(3);
    opens(keyed.of("open")).await;
    fails(keyed.of("old")).await;
    fails(keyed.of("new")).await;
    // There is no room for it but that of "old".
    fails(keyed.of("newer")).await;
    assert_eq!(keyed.remembered(), 3);
    assert_eq!(keyed.of("old").statistics().failures_in_a_row, 0);
    assert_eq!(keyed.of("new").statistics().failures_in_a_row, 1);
    assert_eq!(keyed.of("open").state(), CircuitState::Open);
    fails(keyed.of("new")).await;
    fails(keyed.of("newer")).await;
    // All are open: another key is not watched.
    for _ in 0..5 {
        fails(keyed.of("one too many")).await;
    }
    assert_eq!(keyed.remembered(), 3);
    for key in ["open", "new", "newer"] {
        assert!(is_rejected(keyed.of(key)).await);
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_failing_keys_stay_within_the_bound() {
    let keyed = keyed(1_000);
    for key in 0..10_000 {
        fails(keyed.of(&key)).await;
        assert!(keyed.remembered() <= 1_000);
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_from_before_a_key_opened_says_nothing_of_it() {
    let keyed = keyed(100);
    let (end, ended) = oneshot::channel::<Reply>();
    let late = tokio::spawn(
        keyed
            .of("a")
            .guard(async { ended.await.unwrap() }, call(), errors()),
    );
    tokio::task::yield_now().await;
    opens(keyed.of("a")).await;
    advance(OPEN_FOR).await;
    assert!(ends(keyed.of("a"), Ok(7)).await.is_ok());
    end.send(Err(Failure::Body)).unwrap();
    assert!(late.await.unwrap().into_result().is_err());
    assert_eq!(keyed.of("a").statistics().failures_in_a_row, 0);
}

#[tokio::test(start_paused = true)]
async fn nor_does_it_when_the_key_was_forgotten_since() {
    let keyed = keyed(1);
    let (end, ended) = oneshot::channel::<Reply>();
    let body = async { ended.await.unwrap() };
    let late = tokio::spawn(keyed.of("a").guard(body, call(), errors()));
    tokio::task::yield_now().await;
    opens(keyed.of("a")).await;
    advance(OPEN_FOR).await;
    assert!(ends(keyed.of("a"), Ok(7)).await.is_ok());
    fails(keyed.of("b")).await;
    end.send(Err(Failure::Body)).unwrap();
    assert!(late.await.unwrap().into_result().is_err());
    assert_eq!(keyed.of("a").statistics().failures_in_a_row, 0);
    assert_eq!(keyed.of("b").statistics().failures_in_a_row, 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_changed_by_hand() {
    let keyed = keyed(100);
    keyed.of("a").force_open();
    advance(OPEN_FOR * 10).await;
    assert!(is_rejected(keyed.of("a")).await);
    assert!(!is_rejected(keyed.of("b")).await);
    keyed.metrics_only();
    assert!(!is_rejected(keyed.of("a")).await);
    keyed.disable();
    assert!(!is_rejected(keyed.of("a")).await);
    keyed.enforce();
    assert!(is_rejected(keyed.of("a")).await);
    keyed.of("a").reset();
    assert!(!is_rejected(keyed.of("a")).await);
    keyed.of("a").force_closed();
    for _ in 0..5 {
        fails(keyed.of("a")).await;
    }
    assert!(!is_rejected(keyed.of("a")).await);
}

#[tokio::test(start_paused = true)]
async fn windows_are_kept_for_every_key() {
    let keyed: &'static KeyedCircuitBreaker = Box::leak(Box::new(
        CircuitBreaker::for_function("f")
            .failure_rate(0.5)
            .count_window(4)
            .per_key(10),
    ));
    for key in ["a", "b"] {
        for reply in [Ok(7), Ok(7), Err(Failure::Body)] {
            let _ = ends(keyed.of(key), reply).await;
        }
    }
    fails(keyed.of("a")).await;
    assert_eq!(keyed.of("a").state(), CircuitState::Open);
    assert_eq!(keyed.of("b").state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn keyed_breakers_of_one_name_share_and_must_agree() {
    static ONE: KeyedCircuitBreaker = CircuitBreaker::named("hosts")
        .failure_threshold(1)
        .per_key(10);
    static SAME: KeyedCircuitBreaker = CircuitBreaker::named("hosts")
        .failure_threshold(1)
        .per_key(10);
    static OTHER: KeyedCircuitBreaker = CircuitBreaker::named("hosts")
        .failure_threshold(1)
        .per_key(11);
    fails(ONE.of("db")).await;
    assert!(is_rejected(SAME.of("db")).await);
    let Err(Failure::Policy(error)) = ends(OTHER.of("db"), Ok(7)).await else {
        panic!("they differ");
    };
    assert!(matches!(error, Error::NameConflict { name: "hosts", .. }));
    assert!(
        error
            .retry_after()
            .is_none_or(|after| after == Duration::ZERO)
    );
}

#[tokio::test(start_paused = true)]
async fn an_open_key_makes_room_when_its_time_is_over_and_not_before() {
    let keyed = keyed(4);
    for key in 0..4_u32 {
        opens(keyed.of(&key)).await;
        advance(OPEN_FOR / 10).await;
    }
    // All are open: a further key is not watched.
    for _ in 0..5 {
        fails(keyed.of(&99_u32)).await;
    }
    assert_eq!(keyed.of(&99_u32).state(), CircuitState::Closed);
    // The time of the first one is over, and nobody came back for it.
    advance(OPEN_FOR * 6 / 10).await;
    opens(keyed.of(&99_u32)).await;
    assert!(is_rejected(keyed.of(&99_u32)).await);
    for key in 1..4_u32 {
        assert!(is_rejected(keyed.of(&key)).await, "{key} was forgotten");
    }
    assert_eq!(keyed.of(&0_u32).state(), CircuitState::Closed);
}
