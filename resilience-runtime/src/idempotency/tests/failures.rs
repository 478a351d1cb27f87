//! Bodies that fail, results that cannot be kept, and stores that are down.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::store::Store;
use super::{Body, CHECKOUT, Failure, answer, at_rest, call, policy, process};
use crate::error::{Effect, Error};
use crate::outcome::Refusal;

#[tokio::test(start_paused = true)]
async fn after_an_error_the_next_call_runs() {
    let store = Store::new();
    let core = process(&store);
    let failed = answer::<u32>(&core, CHECKOUT, CHECKOUT.key("k"), async {
        Err(Failure::Body)
    });
    let failed = failed.await;
    assert_eq!(
        (failed.origin.refusal(), failed.origin.effect()),
        (None, Effect::Ran)
    );
    assert!(matches!(failed.into_result(), Err(Failure::Body)));
    // Released before the caller had its error.
    assert_eq!(store.held(), 0);
    assert_eq!(call(&core, "k", async { Ok(1) }).await.unwrap(), 1);
    assert_eq!((store.claims(), store.releases()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn when_the_leader_fails_one_waiter_runs() {
    let store = Store::new();
    let core = process(&store);
    let body = Arc::new(Body::default());
    let mut calls = JoinSet::new();
    for _ in 0..10 {
        let (core, body) = (Arc::clone(&core), Arc::clone(&body));
        calls.spawn(async move {
            let run = async {
                match body.run().await {
                    Ok(1) => Err(Failure::Body),
                    other => other,
                }
            };
            call(&core, "k", run).await.ok()
        });
    }
    let mut results = calls.join_all().await;
    results.sort_unstable();
    assert_eq!(results[0], None);
    assert_eq!(results[1..], [Some(2); 9]);
    assert_eq!((body.begun(), store.claims()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn when_the_leader_panics_one_waiter_runs() {
    let store = Store::new();
    let core = process(&store);
    let body = Arc::new(Body::default());
    let mut calls = JoinSet::new();
    for _ in 0..10 {
        let (core, body) = (Arc::clone(&core), Arc::clone(&body));
        calls.spawn(async move {
            let run = async {
                let run = body.run().await?;
                assert_ne!(run, 1, "the first run panics");
                Ok(run)
            };
            call(&core, "k", run).await.unwrap()
        });
    }
    let mut results = Vec::new();
    let mut panics = 0;
    while let Some(joined) = calls.join_next().await {
        match joined {
            Ok(result) => results.push(result),
            Err(_) => panics += 1,
        }
    }
    assert_eq!((panics, results), (1, vec![2; 9]));
    // The waiters were woken when the claim was back, and did not have to ask twice.
    assert_eq!((body.begun(), store.claims()), (2, 2));
    assert_eq!((store.held(), core.flights.len()), (0, 0));
}

/// JSON has no maps with such keys.
type Unstorable = BTreeMap<Point, u8>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Point(u8, u8);

#[tokio::test(start_paused = true)]
async fn a_result_without_json_is_not_recorded_and_not_repeated_by_those_who_waited() {
    let store = Store::new();
    let core = process(&store);
    let body = Arc::new(Body::default());
    let mut calls = JoinSet::new();
    for _ in 0..10 {
        let (core, body) = (Arc::clone(&core), Arc::clone(&body));
        calls.spawn(async move {
            let run = async {
                body.run().await?;
                Ok(Unstorable::from([(Point(1, 2), 3)]))
            };
            let answer = answer(&core, CHECKOUT, CHECKOUT.key("k"), run).await;
            assert_eq!(answer.origin.refusal(), Some(Refusal::Final));
            assert_eq!(answer.origin.effect(), Effect::Ran);
            policy(answer.into_result()).to_string()
        });
    }
    let expected = "`shop::checkout` has run, and its result could not be recorded: it has no JSON \
                    form: key must be a string; a later call with this key may run it again";
    assert_eq!(calls.join_all().await, [expected; 10]);
    assert_eq!((body.begun(), store.held()), (1, 0));
    // The key is not blocked.
    assert_eq!(call(&core, "k", body.run()).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_refuses_the_call() {
    let store = Store::new();
    let core = process(&store);
    let body = Body::default();
    store.state().failing.claims = 1;
    let refused = answer(&core, CHECKOUT, CHECKOUT.key("k"), body.run()).await;
    assert_eq!(refused.origin.effect(), Effect::DidNotRun);
    assert_eq!(
        refused.origin.refusal(),
        Some(Refusal::Rejected { retry_after: None })
    );
    assert!(matches!(policy(refused.into_result()), Error::Store { .. }));
    assert_eq!((body.begun(), store.releases()), (0, 0));
    assert_eq!(call(&core, "k", body.run()).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_answer_is_lost_is_given_back() {
    let store = Store::new();
    let core = process(&store);
    let body = Body::default();
    store.state().failing.answers = 1;
    let refused = call(&core, "k", body.run()).await;
    assert!(matches!(policy(refused), Error::Store { .. }));
    assert_eq!(call(&core, "k", body.run()).await.unwrap(), 1);
    assert_eq!((store.claims(), store.releases()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_result_is_offered_again_to_a_store_that_comes_back() {
    let store = Store::new();
    let core = process(&store);
    let body = Body::default();
    store.state().failing.completions = 3;
    let started = Instant::now();
    assert_eq!(call(&core, "k", body.run()).await.unwrap(), 1);
    // The body, and pauses of 10, 20 and 40 ms.
    assert_eq!(started.elapsed(), Duration::from_millis(10 + 10 + 20 + 40));
    assert_eq!(call(&core, "k", body.run()).await.unwrap(), 1);
    assert_eq!((store.completions(), body.begun()), (4, 1));
}

#[tokio::test(start_paused = true)]
async fn after_five_seconds_a_result_is_not_recorded_and_the_key_is_given_back() {
    let store = Store::new();
    let core = process(&store);
    let body = Arc::new(Body::default());
    store.state().failing.completions = u32::MAX;
    let started = Instant::now();
    let patient = CHECKOUT.wait(Duration::from_secs(60));
    let mut calls = JoinSet::new();
    for _ in 0..10 {
        let (core, body) = (Arc::clone(&core), Arc::clone(&body));
        calls.spawn(async move {
            let result = answer(&core, patient, patient.key("k"), body.run()).await;
            policy(result.into_result()).to_string()
        });
    }
    let expected = "`shop::checkout` has run, and its result could not be recorded: the store \
                    failed while completing: down; a later call with this key may run it again";
    assert_eq!(calls.join_all().await, [expected; 10]);
    assert_eq!(started.elapsed(), Duration::from_millis(10 + 5_000));
    assert_eq!(body.begun(), 1);

    store.state().failing.completions = 0;
    assert_eq!(call(&core, "k", body.run()).await.unwrap(), 2);
    assert_eq!((store.held(), store.results()), (0, vec!["2".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_somebody_else_has_is_not_overwritten() {
    let store = Store::new();
    let core = process(&store);
    let stolen = call(&core, "k", async {
        store.steal();
        Ok(1)
    });
    let error = policy(stolen.await);
    assert!(matches!(error, Error::NotRecorded { reason, .. } if reason.contains("taken")));
    assert_eq!((store.held(), store.results().len()), (1, 0));
    assert_eq!(core.flights.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_fails_does_not_keep_the_caller_and_is_tried_again() {
    let store = Store::new();
    let core = process(&store);
    store.state().failing.releases = 20;
    let started = Instant::now();
    let failed = call::<u32>(&core, "k", async { Err(Failure::Body) }).await;
    assert!(matches!(failed, Err(Failure::Body)));
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(store.held(), 1);
    at_rest().await;
    assert_eq!((store.held(), store.releases()), (0, 21));
}

#[tokio::test(start_paused = true)]
async fn a_release_that_fails_does_not_keep_a_closed_runtime_open() {
    let store = Store::new();
    let core = process(&store);
    store.state().failing.releases = u32::MAX;
    let failed = call::<u32>(&core, "k", async { Err(Failure::Body) }).await;
    assert!(matches!(failed, Err(Failure::Body)));
    tokio::time::sleep(Duration::from_millis(35)).await;
    let closed = Arc::downgrade(&core);
    drop(core);
    assert!(closed.upgrade().is_none());
    let tries = store.releases();
    at_rest().await;
    assert_eq!(store.releases(), tries);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_while_the_result_is_recorded_does_not_take_it_along() {
    let store = Store::new();
    let core = process(&store);
    let body = Body::default();
    let gate = Arc::new(Semaphore::new(0));
    store.state().gate = Some(Arc::clone(&gate));
    let cut = tokio::time::timeout(Duration::from_secs(1), call(&core, "k", body.run())).await;
    assert!(cut.is_err());
    assert_eq!((body.ended(), store.held()), (1, 1));

    let duplicate = call(&core, "k", body.run());
    let open = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        gate.add_permits(1);
    };
    let (duplicate, ()) = tokio::join!(duplicate, open);
    assert_eq!(duplicate.unwrap(), 1);
    assert_eq!((body.begun(), store.results()), (1, vec!["1".to_owned()]));
    assert_eq!((store.claims(), store.releases()), (1, 0));
}
