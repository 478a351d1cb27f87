//! Sagas that recovery calls again.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::store::Store;
use super::{Body, CHECKOUT, answer, call, policy, process};
use crate::error::Error;
use crate::idempotency::resuming::resuming;

#[tokio::test(start_paused = true)]
async fn a_free_key_is_claimed_and_completed() {
    let store = Store::new();
    let core = process(&store);
    let body = Body::default();
    assert_eq!(resuming(call(&core, "k", body.run())).await.unwrap(), 1);
    assert_eq!(call(&core, "k", body.run()).await.unwrap(), 1);
    assert_eq!((store.claims(), store.completions()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_busy_key_does_not_stop_recovery() {
    // A new caller in this process, and in another one, that waits for the saga to end.
    for elsewhere in [false, true] {
        let store = Store::new();
        let core = process(&store);
        let caller = if elsewhere {
            process(&store)
        } else {
            Arc::clone(&core)
        };
        let (ended, saga) = tokio::sync::oneshot::channel::<u32>();
        let recovery = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let resumed = resuming(call(&core, "k", async { Ok(7_u32) }))
                .await
                .unwrap();
            assert_eq!(
                (store.held(), core.flights.len()),
                (1, usize::from(!elsewhere))
            );
            ended.send(resumed).unwrap();
        };
        let started = Instant::now();
        let attached = call(&caller, "k", async { Ok(saga.await.unwrap()) });
        let (attached, ()) = tokio::join!(attached, recovery);
        assert_eq!(attached.unwrap(), 7);
        assert_eq!(started.elapsed(), Duration::from_millis(1));
        assert_eq!(store.completions(), 1);
        assert_eq!(call(&core, "k", async { Ok(8_u32) }).await.unwrap(), 7);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_running_with_other_arguments_does_not_stop_recovery() {
    let store = Store::new();
    let (here, there) = (process(&store), process(&store));
    let key = |amount: u32| CHECKOUT.key("k").argument("amount", &amount);
    let recovery = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        for core in [&here, &there] {
            let resumed = resuming(answer(core, CHECKOUT, key(2), async { Ok(7_u32) })).await;
            assert_eq!(resumed.into_result().unwrap(), 7);
        }
    };
    let body = Body::default();
    let (running, ()) = tokio::join!(answer(&here, CHECKOUT, key(1), body.run()), recovery);
    assert_eq!(running.into_result().unwrap(), 1);
    assert_eq!(store.results(), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_stored_is_replayed() {
    let core = process(&Store::new());
    let body = Body::default();
    assert_eq!(call(&core, "k", body.run()).await.unwrap(), 1);
    assert_eq!(resuming(call(&core, "k", body.run())).await.unwrap(), 1);
    assert_eq!(body.begun(), 1);
}

#[tokio::test(start_paused = true)]
async fn only_the_first_call_runs_without_its_key() {
    let core = process(&Store::new());
    let holder = {
        let core = Arc::clone(&core);
        tokio::spawn(async move {
            let _ = call::<u32>(&core, "step", std::future::pending()).await;
        })
    };
    tokio::time::sleep(Duration::from_millis(1)).await;
    let resumed = resuming(call(&core, "saga", async {
        let inner = call(&core, "step", async { Ok(1_u32) }).await;
        assert!(matches!(policy(inner), Error::InProgress { .. }));
        Ok(2_u32)
    }));
    assert_eq!(resumed.await.unwrap(), 2);
    let after = resuming(async {
        call(&core, "saga", async { Ok(3_u32) }).await.unwrap();
        call(&core, "step", async { Ok(3_u32) }).await
    });
    assert!(matches!(policy(after.await), Error::InProgress { .. }));
    holder.abort();
}
