//! Calls that are dropped, at every await.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::store::Store;
use super::{Body, Failure, at_rest, call, process};

/// Polls the future up to `polls` times, each time that it is woken, and drops it right after the
/// last time.
async fn polled<F: Future>(polls: u32, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => {
            left -= 1;
            match left {
                0 => Poll::Ready(None),
                _ => Poll::Pending,
            }
        }
    })
    .await
}

/// A body with an end of its own: when it is dropped, no claim may have been given back yet.
async fn watched(body: &Body, store: &Store) -> Result<u32, Failure> {
    struct Watch<'a>(&'a Store, u32);
    impl Drop for Watch<'_> {
        fn drop(&mut self) {
            assert_eq!(
                self.0.releases(),
                self.1,
                "released before the body was gone"
            );
        }
    }
    let releases = store.releases();
    let _watch = Watch(store, releases);
    body.run().await
}

#[tokio::test(start_paused = true)]
async fn wherever_a_call_is_dropped_the_next_one_succeeds() {
    let mut dropped_while_running = 0;
    let mut dropped_when_ended = 0;
    for polls in 1.. {
        let store = Store::new();
        let core = process(&store);
        let body = Body::default();
        let first = polled(polls, call(&core, "k", watched(&body, &store))).await;
        let (begun, ended) = (body.begun(), body.ended());

        let second = call(&core, "k", watched(&body, &store)).await.unwrap();
        // A run that had ended is never repeated; one that had not is.
        assert_eq!(
            second,
            if ended == 1 { 1 } else { begun + 1 },
            "after {polls} polls"
        );
        assert_eq!(
            (body.begun(), body.ended()),
            (second, 1),
            "after {polls} polls"
        );

        at_rest().await;
        assert_eq!(store.held(), 0, "after {polls} polls");
        assert_eq!(store.results(), [second.to_string()], "after {polls} polls");
        assert_eq!(core.flights.len(), 0, "after {polls} polls");
        dropped_while_running += begun - ended;
        dropped_when_ended += ended;
        if let Some(first) = first {
            assert_eq!(first.unwrap(), 1);
            break;
        }
    }
    // The body has one await. At its end the call waits for the record once, and is then done.
    assert_eq!((dropped_while_running, dropped_when_ended), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn wherever_a_leader_is_dropped_a_waiter_takes_its_place() {
    for polls in 1.. {
        let store = Store::new();
        let core = process(&store);
        let body = Arc::new(Body::default());
        let leader = polled(polls, call(&core, "k", watched(&body, &store)));
        let waiter = async {
            tokio::task::yield_now().await;
            call(&core, "k", watched(&body, &store)).await.unwrap()
        };
        // The leader is polled first.
        let (leader, waiter) = tokio::join!(biased; leader, waiter);
        assert_eq!(
            (body.begun(), body.ended()),
            (waiter, 1),
            "after {polls} polls"
        );
        at_rest().await;
        assert_eq!(store.held(), 0, "after {polls} polls");
        assert_eq!(store.results(), [waiter.to_string()], "after {polls} polls");
        if let Some(leader) = leader {
            assert_eq!((leader.unwrap(), waiter), (1, 1));
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn wherever_a_failing_call_is_dropped_its_claim_comes_back() {
    for polls in 1.. {
        let store = Store::new();
        let core = process(&store);
        let failing = call::<u32>(&core, "k", async { Err(Failure::Body) });
        let failed = polled(polls, failing).await;
        assert_eq!(call(&core, "k", async { Ok(1) }).await.unwrap(), 1);
        at_rest().await;
        assert_eq!(
            (store.held(), core.flights.len()),
            (0, 0),
            "after {polls} polls"
        );
        if failed.is_some() {
            // Twice in the claim, twice in the release.
            assert_eq!(polls, 5);
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_waiter_leaves_nothing_behind() {
    let store = Store::new();
    let core = process(&store);
    let body = Body::default();
    let waiters = async {
        tokio::task::yield_now().await;
        for _ in 0..10 {
            let waiter = call(&core, "k", body.run());
            let cut = tokio::time::timeout(Duration::from_millis(1), waiter).await;
            assert!(cut.is_err());
        }
    };
    let slow = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        body.run().await
    };
    let (leader, ()) = tokio::join!(biased; call(&core, "k", slow), waiters);
    assert_eq!(leader.unwrap(), 1);
    assert_eq!((body.begun(), store.claims()), (1, 1));
    assert_eq!(core.flights.len(), 0);
}

/// A future may outlive the runtime that it was polled in.
#[test]
fn a_call_can_be_dropped_where_no_runtime_is() {
    let store = Store::new();
    let core = process(&store);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let mut running = Box::pin(call::<u32>(&core, "k", std::future::pending()));
    runtime.block_on(async {
        let started = tokio::time::timeout(Duration::from_millis(20), running.as_mut()).await;
        assert!(started.is_err());
    });
    assert_eq!(store.held(), 1);
    drop(running);
    let next = runtime.block_on(call(&core, "k", async { Ok(1) }));
    assert_eq!(next.unwrap(), 1);
    assert_eq!((store.held(), store.releases()), (0, 1));
}
