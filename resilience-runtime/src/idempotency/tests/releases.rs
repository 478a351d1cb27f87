//! Claims on their way back to a store that fails.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::store::Store;
use super::{CHECKOUT, Failure, at_rest, call, process, with};
use crate::idempotency::store::Release;

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
    assert_eq!(
        (store.held(), store.releases()),
        (0, vec![Release::Failed; 21])
    );
}

#[tokio::test(start_paused = true)]
async fn a_release_that_is_not_answered_keeps_the_caller_for_a_third_of_the_lease() {
    let store = Store::new();
    let core = process(&store);
    store.state().releases_hang = true;
    let started = Instant::now();
    let failed = call::<u32>(&core, "k", async { Err(Failure::Body) }).await;
    assert!(matches!(failed, Err(Failure::Body)));
    assert_eq!(started.elapsed(), Duration::from_secs(10));
    // And who waits here for as long again. (Nobody renews the lease: it is over by then.)
    let patient = CHECKOUT.wait(Duration::from_secs(60));
    assert_eq!(with(&core, patient, async { Ok(1) }).await.unwrap(), 1);
    assert_eq!(started.elapsed(), Duration::from_secs(30));
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
    let tries = store.releases().len();
    at_rest().await;
    assert_eq!(store.releases().len(), tries);
}
