//! Who waits for a call that runs, and for how long.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::store::Store;
use super::{Body, CHECKOUT, answer, at_rest, call, policy, process, somebody_claims, with};
use crate::core::Core;
use crate::error::Error;
use crate::idempotency::store::{
    Completion, FencingToken, IdempotencyStore, Ownership, Record, RecordKind,
};
use crate::invocation::{attempt, fencing_token, interrupted};
use crate::outcome::Refusal;
use crate::store::memory::MemoryStore;

const LEASE: Duration = Duration::from_secs(30);

/// A call that runs until the test ends.
fn hold_the_key(core: &Arc<Core>) -> JoinHandle<()> {
    let core = Arc::clone(core);
    tokio::spawn(async move {
        let _ = call::<u32>(&core, "k", std::future::pending()).await;
    })
}

/// What is kept of a call with the key `k` and these arguments.
fn record(amount: Option<u32>, content: &str) -> Record {
    let key = CHECKOUT.key("k");
    let key = match amount {
        Some(amount) => key.argument("amount", &amount),
        None => key,
    };
    Record {
        fingerprint: key.seal("shop::checkout").unwrap().0.fingerprint,
        kind: RecordKind::Value,
        schema: "u32@1".into(),
        content: content.into(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_stops_waiting_after_its_time_and_knows_the_lease() {
    let store = Store::new();
    let (here, there) = (process(&store), process(&store));
    let holder = hold_the_key(&here);
    let begun = Instant::now();
    tokio::time::sleep(Duration::from_millis(1)).await;
    for wait in [
        Duration::ZERO,
        Duration::from_millis(5),
        Duration::from_secs(5),
    ] {
        // In this process the lease is what the holder relies on, less the drift.
        for (core, lease) in [(&here, Duration::from_millis(29_698)), (&there, LEASE)] {
            let waiting = CHECKOUT.wait(wait);
            let (started, before) = (Instant::now(), store.claims());
            let refused = answer(core, waiting, waiting.key("k"), async { Ok(1_u32) }).await;
            assert_eq!(started.elapsed(), wait);
            let rejected = Refusal::Rejected { retry_after: None };
            assert_eq!(refused.origin.refusal(), Some(rejected));
            let error = policy(refused.into_result());
            // Renewed at a third.
            let since = u64::try_from(begun.elapsed().as_millis() % 10_000).unwrap();
            let left = lease.checked_sub(Duration::from_millis(since)).unwrap();
            assert_eq!(error.retry_after(), Some(left));
            let Error::InProgress { waited, key, .. } = error else {
                unreachable!()
            };
            assert_eq!(waited, wait);
            assert!(key.starts_with("\"k\" ("), "{key}");
            let asked = if Arc::ptr_eq(core, &here) {
                0
            } else {
                // At once, once a second, and when the time is over.
                1 + u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap()
            };
            assert_eq!(store.claims() - before, asked);
        }
    }
    // The last question of a waiter says that nobody is to be woken.
    assert_eq!(
        store.state().waits,
        [
            true, false, true, false, true, true, true, true, true, false
        ]
    );
    holder.abort();
    at_rest().await;
    assert_eq!(
        (store.held(), here.flights.len(), there.flights.len()),
        (0, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn who_follows_a_waiter_knows_the_lease_too() {
    let store = Store::new();
    somebody_claims(&store, CHECKOUT.key("k"), LEASE).await;
    let core = process(&store);
    let follower = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let error = policy(with(&core, CHECKOUT.wait(Duration::ZERO), async { Ok(1_u32) }).await);
        assert_eq!(
            error.retry_after(),
            Some(LEASE - Duration::from_millis(100))
        );
    };
    let (waiter, ()) = tokio::join!(call(&core, "k", async { Ok(1_u32) }), follower);
    assert!(matches!(policy(waiter), Error::InProgress { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_store_without_leases_is_asked_every_second() {
    let store = Store::on(MemoryStore::new(), Ownership::Process);
    somebody_claims(&store, CHECKOUT.key("k"), Duration::from_millis(2_500)).await;
    let (core, body, started) = (process(&store), Body::default(), Instant::now());
    assert_eq!(call(&core, "k", body.run()).await.unwrap(), 1);
    // The end of the lease stands for the end of the process: at 2.5 s and a little it is asked.
    assert_eq!(started.elapsed(), Duration::from_millis(2_505 + 10));
    assert_eq!((store.claims(), store.state().renewals), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_died_is_taken_over_by_one_who_waits() {
    let store = Store::new();
    let lease = Duration::from_millis(300);
    somebody_claims(&store, CHECKOUT.key("k"), lease).await;
    let (core, started) = (process(&store), Instant::now());
    let body = async {
        Ok((
            attempt(),
            interrupted(),
            fencing_token().unwrap() > FencingToken::new(1),
        ))
    };
    assert_eq!(call(&core, "k", body).await.unwrap(), (2, true, true));
    assert_eq!(started.elapsed(), lease + Duration::from_millis(5));
    assert_eq!(store.claims(), 2);
    // Nothing is seen from outside.
    assert_eq!(
        (attempt(), interrupted(), fencing_token()),
        (1, false, None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_record_that_comes_with_the_wake_up_saves_a_question() {
    let store = Store::new();
    let memory = store.memory.clone();
    somebody_claims(&store, CHECKOUT.key("k"), LEASE).await;
    let (core, body, started) = (process(&store), Body::default(), Instant::now());
    store.state().brings = Some(record(None, "7"));
    assert_eq!(call(&core, "k", body.run()).await.unwrap(), 7);
    assert_eq!(
        (started.elapsed(), store.claims()),
        (Duration::from_millis(7), 1)
    );
    // And is compared as everywhere.
    store.state().brings = Some(record(Some(1), "7"));
    let reused = call(&core, "k", body.run()).await;
    assert!(matches!(policy(reused), Error::KeyReused { .. }));
    assert_eq!((store.claims(), body.begun()), (2, 0));
    drop(memory);
}

#[tokio::test(start_paused = true)]
async fn arguments_are_compared_on_every_path() {
    let key = |amount: u32| CHECKOUT.key("k").argument("amount", &amount);
    let store = Store::new();
    let (here, there) = (process(&store), process(&store));
    let body = Body::default();
    let reused = async |core| {
        let answered = answer(core, CHECKOUT, key(2), body.run()).await;
        let error = policy(answered.into_result());
        let Error::KeyReused { key, .. } = error else {
            panic!("{error}")
        };
        assert!(key.starts_with("\"k\" ("), "{key}");
    };
    let others = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        // The calls of this process, and the claim at the store.
        reused(&here).await;
        reused(&there).await;
    };
    let (first, ()) = tokio::join!(answer(&here, CHECKOUT, key(1), body.run()), others);
    assert_eq!(first.into_result().unwrap(), 1);
    let claims = store.claims();
    // The results in memory, and the record at the store.
    reused(&here).await;
    assert_eq!(store.claims(), claims);
    reused(&there).await;
    assert_eq!(store.claims(), claims + 1);
    assert_eq!(body.begun(), 1);
}

/// A record may land for followers that came while another call's arguments were not known yet.
#[tokio::test(start_paused = true)]
async fn a_result_of_somebody_else_is_compared_by_followers() {
    let store = Store::new();
    let nonce = somebody_claims(&store, CHECKOUT.key("k"), LEASE).await;
    let core = process(&store);
    let (waiter, follower, ()) = tokio::join!(
        call(&core, "k", async { Ok(1_u32) }),
        call(&core, "k", async { Ok(2_u32) }),
        async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let digest = CHECKOUT.key("k").digest();
            let theirs = record(None, "7");
            let stored = store.memory.complete(digest, nonce, theirs, LEASE).await;
            assert_eq!(stored.unwrap(), Completion::Stored);
        }
    );
    assert_eq!((waiter.unwrap(), follower.unwrap()), (7, 7));
    assert_eq!(store.claims(), 2);
}
