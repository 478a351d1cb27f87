//! Calls with one key, at once and one after the other.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::store::Store;
use super::{Body, CHECKOUT, Failure, answer, at_rest, call, policy, process};
use crate::error::{Effect, Error};
use crate::idempotency::Idempotent;
use crate::outcome::{self, Refusal};

#[tokio::test(start_paused = true)]
async fn of_100_duplicates_one_runs_and_one_claim_is_sent() {
    let store = Store::new();
    let core = process(&store);
    let body = Arc::new(Body::default());
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let (core, body) = (Arc::clone(&core), Arc::clone(&body));
        calls.spawn(async move { call(&core, "k", body.run()).await.unwrap() });
    }
    assert_eq!(calls.join_all().await, [1; 100]);
    assert_eq!((body.begun(), body.ended()), (1, 1));
    assert_eq!((store.claims(), store.completions()), (1, 1));
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
async fn duplicates_in_two_processes_run_once() {
    let store = Store::new();
    let cores = [process(&store), process(&store)];
    let body = Arc::new(Body::default());
    let mut calls = JoinSet::new();
    for number in 0..100 {
        let (core, body) = (Arc::clone(&cores[number % 2]), Arc::clone(&body));
        calls.spawn(async move { call(&core, "k", body.run()).await.unwrap() });
    }
    assert_eq!(calls.join_all().await, [1; 100]);
    assert_eq!((body.begun(), store.completions()), (1, 1));
    // The second process asked at 0, 2, 6 and 14 ms, the body took 10; no duplicate asked for itself.
    assert_eq!(store.claims(), 1 + 4);
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
async fn results_that_look_like_nothing_are_replayed_as_themselves() {
    async fn replays<T>(result: T)
    where
        T: Serialize + DeserializeOwned + Clone + PartialEq + Debug,
    {
        let core = process(&Store::new());
        let first = call(&core, "k", async { Ok(result.clone()) })
            .await
            .unwrap();
        let second = call(&core, "k", async { Err(Failure::Body) })
            .await
            .unwrap();
        assert_eq!((&first, &second), (&result, &result));
    }
    replays(()).await;
    replays(0).await;
    replays(String::new()).await;
    replays(None::<u8>).await;
    replays(Vec::<u8>::new()).await;
    replays(false).await;
    replays(BTreeMap::<String, u8>::new()).await;
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

/// A call that runs until the test ends.
fn hold_the_key(core: &Arc<crate::core::Core>) -> tokio::task::JoinHandle<()> {
    let core = Arc::clone(core);
    tokio::spawn(async move {
        let _ = call::<u32>(&core, "k", std::future::pending()).await;
    })
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_stops_waiting_after_its_time() {
    let store = Store::new();
    let (here, there) = (process(&store), process(&store));
    let holder = hold_the_key(&here);
    tokio::time::sleep(Duration::from_millis(1)).await;
    for wait in [
        Duration::ZERO,
        Duration::from_millis(5),
        Duration::from_secs(5),
    ] {
        for core in [&here, &there] {
            let waiting = CHECKOUT.wait(wait);
            let started = Instant::now();
            let refused = answer(core, waiting, waiting.key("k"), async { Ok(1) }).await;
            assert_eq!(started.elapsed(), wait);
            let rejected = Refusal::Rejected { retry_after: None };
            assert_eq!(refused.origin.refusal(), Some(rejected));
            let error = policy(refused.into_result());
            let key = waiting.key("k").digest().to_string();
            assert!(
                matches!(error, Error::InProgress { waited, key: k, .. } if waited == wait && k == key)
            );
        }
    }
    holder.abort();
    at_rest().await;
    assert_eq!(
        (store.held(), here.flights.len(), there.flights.len()),
        (0, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn the_store_is_asked_often_at_first_and_then_every_20_ms() {
    let store = Store::new();
    let (here, there) = (process(&store), process(&store));
    let _holder = hold_the_key(&here);
    tokio::time::sleep(Duration::from_millis(1)).await;
    store.state().claims = 0;
    let waiting = CHECKOUT.wait(Duration::from_millis(100));
    let refused = answer(&there, waiting, waiting.key("k"), async { Ok(1) }).await;
    assert!(matches!(
        policy(refused.into_result()),
        Error::InProgress { .. }
    ));
    // At 0, 2, 6, 14, 30, 50, 70, 90 and 100 ms.
    assert_eq!(store.claims(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_calls_itself_is_not_waited_for_for_ever() {
    let core = process(&Store::new());
    let started = Instant::now();
    let outer = call(&core, "k", async {
        let inner = call(&core, "k", async { Ok(1) }).await;
        assert!(matches!(policy(inner), Error::InProgress { .. }));
        Ok(2)
    });
    assert_eq!(outer.await.unwrap(), 2);
    assert_eq!(started.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_result_of_another_type_is_refused() {
    let core = process(&Store::new());
    call(&core, "k", async { Ok("text".to_owned()) })
        .await
        .unwrap();
    let replayed = call(&core, "k", async { Ok(1) }).await;
    assert!(matches!(policy(replayed), Error::Decode { what, .. } if what == "the stored result"));
}

#[tokio::test]
async fn the_call_can_be_sent() {
    fn sendable<T: Send>(_: &T) {}
    let function = outcome::function::<Result<u32, Failure>>("shop::checkout");
    let stored = outcome::stored::<Result<u32, Failure>>();
    let call = CHECKOUT.once(CHECKOUT.key("k"), async { Ok(1) }, function, stored);
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
