//! Calls with one key, at once and one after the other.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::store::Store;
use super::{Body, CHECKOUT, Failure, answer, call, policy, process};
use crate::error::{Effect, Error};
use crate::idempotency::Idempotent;
use crate::idempotency::store::Ownership;
use crate::outcome::{self, Refusal};
use crate::store::memory::MemoryStore;

#[tokio::test(start_paused = true)]
async fn of_1000_duplicates_one_runs_and_one_claim_is_sent() {
    let store = Store::new();
    let core = process(&store);
    let body = Arc::new(Body::default());
    let mut calls = JoinSet::new();
    for _ in 0..1_000 {
        let (core, body) = (Arc::clone(&core), Arc::clone(&body));
        calls.spawn(async move { call(&core, "k", body.run()).await.unwrap() });
    }
    assert_eq!(calls.join_all().await, [1; 1_000]);
    assert_eq!((body.begun(), body.ended()), (1, 1));
    assert_eq!((store.claims(), store.completions()), (1, 1));
    assert_eq!((store.held(), store.releases().len()), (0, 0));
    assert_eq!(core.flights.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn duplicates_on_many_threads_run_once_per_key() {
    let store = Store::new();
    let core = process(&store);
    let bodies: Vec<_> = (0..50).map(|_| Arc::new(Body::default())).collect();
    let mut calls = JoinSet::new();
    for _ in 0..20 {
        for (key, body) in bodies.iter().enumerate() {
            let (core, body) = (Arc::clone(&core), Arc::clone(body));
            calls.spawn(async move { call(&core, &key.to_string(), body.run()).await.unwrap() });
        }
    }
    assert_eq!(calls.join_all().await, [1; 1000]);
    assert!(bodies.iter().all(|body| body.begun() == 1));
    assert_eq!(store.completions(), 50);
    assert_eq!(core.flights.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn duplicates_in_four_processes_run_once_and_are_woken() {
    let memory = MemoryStore::new();
    let stores: [_; 4] =
        std::array::from_fn(|_| Store::on(memory.another_worker(), Ownership::Lease));
    let cores = stores.each_ref().map(process);
    let (body, started) = (Arc::new(Body::default()), Instant::now());
    let mut calls = JoinSet::new();
    for number in 0..1_000 {
        let (core, body) = (Arc::clone(&cores[number % 4]), Arc::clone(&body));
        calls.spawn(async move { call(&core, "k", body.run()).await.unwrap() });
    }
    assert_eq!(calls.join_all().await, [1; 1_000]);
    assert_eq!(body.begun(), 1);
    assert_eq!(started.elapsed(), Duration::from_millis(10));
    // One claim that is granted; in the other processes one that waits, and one when it is woken.
    let mut claims: Vec<_> = stores.iter().map(|store| store.claims()).collect();
    claims.sort_unstable();
    let completions: u32 = stores.iter().map(|store| store.completions()).sum();
    assert_eq!((claims, completions), (vec![1, 2, 2, 2], 1));
    // The one that ran it remembers; the others ask, once each time.
    for core in &cores {
        assert_eq!(call(core, "k", body.run()).await.unwrap(), 1);
    }
    let mut claims: Vec<_> = stores.iter().map(|store| store.claims()).collect();
    claims.sort_unstable();
    assert_eq!(claims, [1, 3, 3, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_later_call_gets_the_result_until_the_ttl_is_over() {
    let store = Store::new();
    let core = process(&store);
    let body = Body::default();
    let hour = CHECKOUT.ttl(Duration::from_secs(3600));
    let once = || async {
        answer(&core, hour, hour.key("k"), body.run())
            .await
            .into_result()
    };
    assert_eq!(once().await.unwrap(), 1);
    tokio::time::advance(Duration::from_secs(3599)).await;
    assert_eq!(once().await.unwrap(), 1);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(once().await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn different_keys_and_operations_do_not_meet() {
    let core = process(&Store::new());
    let body = Body::default();
    let refund = Idempotent::operation("shop::refund");
    assert_eq!(call(&core, "a", body.run()).await.unwrap(), 1);
    assert_eq!(call(&core, "b", body.run()).await.unwrap(), 2);
    let refunded = answer(&core, refund, refund.key("a"), body.run()).await;
    assert_eq!(refunded.into_result().unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_key_with_other_arguments_is_refused_while_it_runs_and_after() {
    let store = Store::new();
    let (here, there) = (process(&store), process(&store));
    let body = Body::default();
    let key = |amount: u32| CHECKOUT.key("k").argument("amount", &amount);
    let other = async {
        tokio::task::yield_now().await;
        let started = Instant::now();
        // In this process, and by the store.
        for core in [&here, &there] {
            let reused = answer(core, CHECKOUT, key(2), body.run()).await;
            assert_eq!(reused.origin.refusal(), Some(Refusal::Final));
            assert_eq!(reused.origin.effect(), Effect::DidNotRun);
            let error = policy(reused.into_result());
            assert!(matches!(
                error,
                Error::KeyReused {
                    function: "shop::checkout",
                    ..
                }
            ));
        }
        assert_eq!(started.elapsed(), Duration::ZERO);
    };
    let (first, ()) = tokio::join!(answer(&here, CHECKOUT, key(1), body.run()), other);
    assert_eq!(first.into_result().unwrap(), 1);
    let reused = answer(&here, CHECKOUT, key(2), body.run()).await;
    assert!(matches!(
        policy(reused.into_result()),
        Error::KeyReused { .. }
    ));
    let same = answer(&here, CHECKOUT, key(1), body.run()).await;
    assert_eq!(same.into_result().unwrap(), 1);
    assert_eq!(body.begun(), 1);
}

#[tokio::test]
async fn the_call_can_be_sent() {
    fn sendable<T: Send>(_: &T) {}
    let function = outcome::function::<Result<u32, Failure>>("shop::checkout");
    let stored = outcome::stored::<Result<u32, Failure>>();
    let call = CHECKOUT.once(CHECKOUT.key("k"), async { Ok(1_u32) }, function, stored);
    sendable(&call);
    // And without a runtime it says so.
    let error = policy(call.await.into_result());
    assert!(matches!(
        error,
        Error::NoRuntime {
            attribute: "idempotent",
            ..
        }
    ));
}

/// Only who has the key has bound it to arguments.
#[tokio::test(start_paused = true)]
async fn a_call_with_wrong_arguments_does_not_refuse_one_with_the_right_ones() {
    let memory = MemoryStore::new();
    let [there, here] = [(); 2].map(|()| Store::on(memory.another_worker(), Ownership::Lease));
    let cores = [&there, &here].map(process);
    let key = |amount: u32| CHECKOUT.key("k").argument("amount", &amount);
    let first = answer(&cores[0], CHECKOUT, key(1), async { Ok(1_u32) }).await;
    assert_eq!(first.into_result().unwrap(), 1);
    here.state().delay = Duration::from_millis(5);
    let (wrong, right) = tokio::join!(
        answer(&cores[1], CHECKOUT, key(2), async { Ok(2_u32) }),
        answer(&cores[1], CHECKOUT, key(1), async { Ok(3_u32) }),
    );
    assert!(matches!(
        policy(wrong.into_result()),
        Error::KeyReused { .. }
    ));
    assert_eq!(right.into_result().unwrap(), 1);
}

/// Once the key is bound nobody with other arguments waits for the run.
#[tokio::test(start_paused = true)]
async fn who_came_too_early_with_other_arguments_is_refused_when_the_key_is_granted() {
    let store = Store::new();
    let core = process(&store);
    let key = |amount: u32| CHECKOUT.key("k").argument("amount", &amount);
    let body = Body::default();
    store.state().delay = Duration::from_millis(5);
    let began = Instant::now();
    let (first, other) = tokio::join!(
        answer(&core, CHECKOUT, key(1), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            body.run().await
        }),
        async {
            let other = answer(&core, CHECKOUT, key(2), async { Ok(3_u32) }).await;
            (other, began.elapsed())
        },
    );
    assert_eq!(first.into_result().unwrap(), 1);
    assert!(matches!(
        policy(other.0.into_result()),
        Error::KeyReused { .. }
    ));
    assert_eq!(other.1, Duration::from_millis(5));
    assert_eq!(store.claims(), 1);
}

/// Also where another function, or one branch of several, calls it again.
#[tokio::test(start_paused = true)]
async fn a_call_inside_of_the_one_that_it_would_wait_for_is_refused_at_once() {
    let store = Store::new();
    let core = process(&store);
    let began = Instant::now();
    let outer = call(&core, "k", async {
        let between = call(&core, "j", async {
            let (same, other) = tokio::join!(
                call(&core, "k", async { Ok(1_u32) }),
                call(&core, "l", async { Ok(2_u32) }),
            );
            let error = policy(same);
            assert!(matches!(error, Error::Recursive { .. }), "{error}");
            other
        });
        between.await
    });
    assert_eq!(outer.await.unwrap(), 2);
    assert_eq!(began.elapsed(), Duration::ZERO);
    // Beside it, it is a duplicate as any other one.
    assert_eq!(call(&core, "k", async { Ok(3_u32) }).await.unwrap(), 2);
}
