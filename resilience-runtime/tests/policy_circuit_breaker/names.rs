//! Breakers that share a name share a state, and must agree.

use std::time::Duration;

use resilience_runtime::error::{Effect, Error};
use resilience_runtime::outcome::errors;
use resilience_runtime::policy::circuit_breaker::{CircuitBreaker, CircuitState};
use resilience_runtime::policy::retry::Retry;
use tokio::time::advance;

use crate::support::{Failure, OPEN_FOR, call, fail, leak, rejected_for, run, succeed};

fn twice(name: &'static str) -> CircuitBreaker {
    CircuitBreaker::named(name)
        .failure_threshold(2)
        .open_for(OPEN_FOR)
}

#[tokio::test(start_paused = true)]
async fn breakers_of_one_name_are_one_breaker() {
    static RESERVE: CircuitBreaker = CircuitBreaker::named("warehouse").failure_threshold(3);
    static RELEASE: CircuitBreaker = CircuitBreaker::named("warehouse").failure_threshold(3);
    static COUNT: CircuitBreaker = CircuitBreaker::named("warehouse").failure_threshold(3);
    let three = [&RESERVE, &RELEASE, &COUNT];
    for (failures, breaker) in three.into_iter().enumerate() {
        assert_eq!(breaker.state(), CircuitState::Closed, "after {failures}");
        assert!(fail(breaker).await.is_err());
    }
    for breaker in three {
        assert_eq!(breaker.state(), CircuitState::Open);
        assert_eq!(rejected_for(breaker).await, Some(Duration::from_secs(60)));
    }
    advance(Duration::from_secs(60)).await;
    for breaker in three {
        assert_eq!(succeed(breaker).await.unwrap(), 7);
    }
    for breaker in three {
        assert_eq!(breaker.state(), CircuitState::Closed);
        assert_eq!(succeed(breaker).await.unwrap(), 7);
    }
}

#[tokio::test(start_paused = true)]
async fn one_breaker_used_by_path_is_one_breaker_too() {
    static WAREHOUSE: CircuitBreaker = CircuitBreaker::for_function("by path").failure_threshold(2);
    let reserve = || &WAREHOUSE;
    let release = || &WAREHOUSE;
    let _ = fail(reserve()).await;
    let _ = fail(release()).await;
    assert_eq!(WAREHOUSE.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn functions_of_one_path_stay_apart() {
    let of_one_impl = leak(CircuitBreaker::for_function("shop::get").failure_threshold(1));
    let of_another = leak(CircuitBreaker::for_function("shop::get").failure_threshold(1));
    let _ = fail(of_one_impl).await;
    assert_eq!(of_one_impl.state(), CircuitState::Open);
    assert_eq!(of_another.state(), CircuitState::Closed);
    assert_eq!(succeed(of_another).await.unwrap(), 7);
    // Nor does a function share with a name.
    let named = leak(CircuitBreaker::named("shop::get").failure_threshold(1));
    assert_eq!(succeed(named).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn one_name_with_two_configurations_fails_every_call_through_the_later() {
    let (first, first_line) = (CircuitBreaker::named("disputed"), line!());
    let first = leak(first.failure_threshold(2));
    assert_eq!(succeed(first).await.unwrap(), 7);

    let (late, late_line) = (leak(CircuitBreaker::named("disputed")), line!());
    for _ in 0..3 {
        let mut ran = false;
        let error = run(late, async {
            ran = true;
            Ok(7)
        })
        .await
        .unwrap_err();
        assert!(!ran);
        let Failure::Policy(error) = error else {
            panic!("{error:?}");
        };
        assert_eq!(error.effect(), Effect::DidNotRun);
        let Error::NameConflict {
            kind,
            name,
            first,
            second,
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!((kind, name), ("circuit breaker", "disputed"));
        assert_eq!(first, format!("{}:{first_line}", file!()));
        assert_eq!(second, format!("{}:{late_line}", file!()));
    }
    assert_eq!(succeed(first).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn equal_configurations_written_differently_agree() {
    let brief = leak(CircuitBreaker::named("brief"));
    let spelled_out = leak(
        CircuitBreaker::named("brief")
            .failure_threshold(5)
            .open_for(Duration::from_secs(60))
            .half_open_permits(3)
            .success_threshold(3),
    );
    assert_eq!(succeed(brief).await.unwrap(), 7);
    assert_eq!(succeed(spelled_out).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_of_names_is_not_retried() {
    let first = leak(twice("not retried"));
    assert_eq!(succeed(first).await.unwrap(), 7);
    let late = leak(CircuitBreaker::named("not retried"));
    static RETRY: Retry = Retry::max_attempts(4);
    let mut attempts = RETRY.attempts(call(), errors());
    let answer = late.guard(async { Ok(7) }, call(), errors()).await;
    assert!(attempts.settle_if(answer, |_| true).is_break());
}

#[tokio::test(start_paused = true)]
async fn the_name_is_the_one_that_was_given() {
    assert_eq!(CircuitBreaker::named("stock").name(), "stock");
    assert_eq!(CircuitBreaker::for_function("a::b").name(), "a::b");
}

/// Many threads meet a name for the first time.
#[test]
fn the_first_use_is_decided_once() {
    let breakers: Vec<_> = (0..16).map(|_| leak(twice("raced"))).collect();
    std::thread::scope(|scope| {
        for &breaker in &breakers {
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                runtime.block_on(async { assert_eq!(succeed(breaker).await.unwrap(), 7) });
            });
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let _ = fail(breakers[3]).await;
        let _ = fail(breakers[12]).await;
    });
    assert!(
        breakers
            .iter()
            .all(|breaker| breaker.state() == CircuitState::Open)
    );
}
