//! Leases that are kept, and leases that are lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::store::{Renewal, Store};
use super::{Body, CHECKOUT, Failure, answer, at_rest, call, policy, process, with};
use crate::core::Core;
use crate::error::{Effect, Error};
use crate::idempotency::store::{Ownership, Release};
use crate::invocation::{attempt, interrupted};
use crate::outcome::Refusal;
use crate::store::memory::MemoryStore;

/// A body that takes a minute and counts its seconds.
async fn minute(seconds: &AtomicU32) -> Result<u32, Failure> {
    for _ in 0..60 {
        sleep(Duration::from_secs(1)).await;
        seconds.fetch_add(1, Ordering::Relaxed);
    }
    Ok(60)
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_at_a_third_while_the_body_runs() {
    let store = Store::new();
    let core = process(&store);
    let seconds = AtomicU32::new(0);
    let started = Instant::now();
    let there = process(&Store::on(store.memory.another_worker(), Ownership::Lease));
    let patient = CHECKOUT.wait(Duration::from_secs(70));
    let (first, second) = tokio::join!(call(&core, "k", minute(&seconds)), async {
        sleep(Duration::from_millis(1)).await;
        with(&there, patient, async { Ok(1_u32) }).await
    },);
    assert_eq!((first.unwrap(), second.unwrap()), (60, 60));
    assert_eq!(started.elapsed(), Duration::from_secs(60));
    // At 10, 20, 30, 40 and 50 s, and perhaps at the end.
    let renewals = store.state().renewals;
    assert!((5..=6).contains(&renewals), "{renewals}");
    at_rest().await;
    assert_eq!(store.state().renewals, renewals, "the renewal ended");
}

#[tokio::test(start_paused = true)]
async fn where_the_process_owns_the_key_nothing_is_renewed() {
    let store = Store::on(MemoryStore::new(), Ownership::Process);
    let core = process(&store);
    let seconds = AtomicU32::new(0);
    assert_eq!(call(&core, "k", minute(&seconds)).await.unwrap(), 60);
    assert_eq!(store.state().renewals, 0);
}

/// In a body: when it is dropped, nobody has its place yet.
struct Gone<'a>(&'a Core);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        assert_eq!(self.0.flights.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_whose_lease_is_lost_is_dropped_before_another_one_begins() {
    for (renewal, seconds_run, lost_after) in [
        (Renewal::Fails, 29, Duration::from_millis(29_698)),
        (Renewal::Hangs, 29, Duration::from_millis(29_698)),
        // At the first renewal.
        (Renewal::Refused, 9, Duration::from_secs(10)),
    ] {
        let store = Store::new();
        let core = process(&store);
        store.state().renewal = renewal;
        let (seconds, started) = (AtomicU32::new(0), Instant::now());
        let body = async {
            let _gone_before_the_claim = Gone(&core);
            minute(&seconds).await
        };
        let lost = answer(&core, CHECKOUT, CHECKOUT.key("k"), body).await;
        assert_eq!(started.elapsed(), lost_after);
        assert_eq!(lost.origin.refusal(), Some(Refusal::Final));
        assert_eq!(lost.origin.effect(), Effect::MayHaveRun);
        let error = policy(lost.into_result());
        let Error::LeaseLost { key, .. } = error else {
            panic!("{error}")
        };
        assert!(key.starts_with("\"k\" ("), "{key}");
        let seconds = seconds.load(Ordering::Relaxed);
        assert!(
            (seconds_run..=seconds_run + 1).contains(&seconds),
            "{seconds}"
        );
        assert_eq!(store.completions(), 0);

        // What may still be there of it is given back, and the next one knows.
        let next = call(&core, "k", async { Ok((attempt(), interrupted())) }).await;
        assert_eq!(next.unwrap(), (2, true));
        assert_eq!(store.releases(), [Release::Interrupted]);
        at_rest().await;
        assert_eq!((store.held(), core.flights.len()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_call_has_by_now_is_not_given_back() {
    let memory = MemoryStore::new();
    let (store, other) = (
        Store::on(memory.another_worker(), Ownership::Lease),
        Store::on(memory.another_worker(), Ownership::Lease),
    );
    let (here, there) = (process(&store), process(&other));
    store.state().renewal = Renewal::Hangs;
    store.state().failing.releases = 3;
    let (seconds, body) = (AtomicU32::new(0), Body::default());
    let patient = CHECKOUT.wait(Duration::from_secs(40));
    let (lost, second) = tokio::join!(call(&here, "k", minute(&seconds)), async {
        sleep(Duration::from_millis(1)).await;
        with(&there, patient, body.run()).await
    },);
    assert!(matches!(policy(lost), Error::LeaseLost { .. }));
    assert_eq!(second.unwrap(), 1);
    at_rest().await;
    assert_eq!(other.results(), ["1"]);
    assert_eq!(store.releases(), [Release::Interrupted; 4]);
    assert_eq!(call(&here, "k", body.run()).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_the_process_goes_on_when_the_lease_is_lost() {
    let store = Store::new();
    let core = process(&store);
    store.state().renewal = Renewal::Hangs;
    // It does not wait for the one who lost it.
    store.state().releases_hang = true;
    let started = Instant::now();
    let (seconds, body) = (AtomicU32::new(0), Arc::new(Body::default()));
    let patient = CHECKOUT.wait(Duration::from_secs(40));
    let (lost, second) = tokio::join!(call(&core, "k", minute(&seconds)), async {
        sleep(Duration::from_millis(1)).await;
        with(&core, patient, body.run()).await
    },);
    assert!(matches!(policy(lost), Error::LeaseLost { .. }));
    assert_eq!(second.unwrap(), 1);
    // The lease, as the store counts it, a little, and the body.
    assert_eq!(started.elapsed(), Duration::from_millis(30_000 + 5 + 10));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_failed_is_tried_again_in_time() {
    let store = Store::new();
    let core = process(&store);
    store.state().renewal = Renewal::Fails;
    let seconds = AtomicU32::new(0);
    let repair = async {
        sleep(Duration::from_secs(25)).await;
        store.state().renewal = Renewal::Works;
    };
    let (called, ()) = tokio::join!(call(&core, "k", minute(&seconds)), repair);
    assert_eq!(called.unwrap(), 60);
}

/// A body that could not be polled is not begun, and is no attempt.
#[tokio::test(start_paused = true)]
async fn a_claim_that_is_granted_too_late_is_given_back() {
    let store = Store::new();
    let core = process(&store);
    let body = Body::default();
    let lease = Duration::from_secs(3);
    store.state().delay = lease;
    let brief = CHECKOUT.lease(lease);
    let late = answer(&core, brief, brief.key("k"), body.run()).await;
    assert_eq!(late.origin.effect(), Effect::DidNotRun);
    let error = policy(late.into_result());
    assert!(
        error
            .to_string()
            .ends_with("the answer took longer than the lease"),
        "{error}"
    );
    assert_eq!(body.begun(), 0);
    store.state().delay = Duration::ZERO;
    at_rest().await;
    assert_eq!(store.releases(), [Release::Unused]);
    let next = call(&core, "k", async { Ok((attempt(), interrupted())) }).await;
    assert_eq!(next.unwrap(), (1, false));
}

#[test]
#[should_panic(expected = "`lease` must be at least 100 ms")]
fn a_lease_that_cannot_be_renewed_is_refused() {
    let _ = CHECKOUT.lease(Duration::from_millis(99));
}

/// No clock reaches so far.
#[tokio::test(start_paused = true)]
async fn the_longest_lease_is_as_good_as_for_ever() {
    let store = Store::new();
    let core = process(&store);
    let ever = CHECKOUT
        .lease(Duration::MAX)
        .ttl(Duration::MAX)
        .wait(Duration::MAX);
    assert_eq!(with(&core, ever, async { Ok(1_u32) }).await.unwrap(), 1);
    assert_eq!(store.completions(), 1);
}
