//! What a quorum is.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use resilience_runtime::error::Effect;
use resilience_runtime::lock::redlock::{Node, Redlock};
use resilience_runtime::lock::store::{LockStore, Nonce};
use resilience_runtime::store::memory::MemoryStore;
use tokio::time::{Instant, sleep};

use crate::cluster::{KEY, LEASE, Mode, asking, process, servers, settle, try_lock};

#[tokio::test]
async fn two_nodes_are_refused() {
    let node = || -> Arc<dyn Node> { Arc::new(MemoryStore::new()) };
    let error = Redlock::new(vec![node(), node()]).unwrap_err();
    assert_eq!(error.effect(), Effect::DidNotRun);
    assert!(
        error.to_string().contains("it has 2 nodes, and needs 3"),
        "{error}"
    );
    assert!(Redlock::new(vec![node(), node(), node()]).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_lock_asks_each_node_once_and_so_does_its_release() {
    let servers = servers(5);
    let redlock = process(&servers);
    let nonce = Nonce::random();
    assert!(try_lock(&redlock, nonce).await.is_some());
    redlock.release(KEY, nonce).await.unwrap();
    settle().await;
    for server in &servers {
        assert_eq!(server.asked.load(Ordering::Relaxed), 2);
        assert!(server.is_free().await);
    }
}

#[tokio::test(start_paused = true)]
async fn asked_again_by_its_holder_it_is_granted_again_with_the_same_token() {
    let servers = servers(3);
    let redlock = process(&servers);
    let nonce = Nonce::random();
    let token = try_lock(&redlock, nonce).await.unwrap();
    assert_eq!(try_lock(&redlock, nonce).await, Some(token));
    assert_eq!(try_lock(&redlock, Nonce::random()).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_minority_that_is_down_or_hangs_or_is_mute_is_not_needed() {
    for mode in [Mode::Down, Mode::Hangs, Mode::Mute] {
        for first in 0..5 {
            let servers = servers(5);
            servers[first].is(mode);
            servers[(first + 1) % 5].is(mode);
            let redlock = process(&servers);
            let nonce = Nonce::random();
            assert!(
                try_lock(&redlock, nonce).await.is_some(),
                "{mode:?} {first}"
            );
            assert_eq!(try_lock(&redlock, Nonce::random()).await, None);
            assert!(redlock.renew(KEY, nonce, LEASE).await.unwrap());
            redlock.release(KEY, nonce).await.unwrap();
            assert!(try_lock(&redlock, Nonce::random()).await.is_some());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_hangs_is_waited_for_once_and_for_a_twentieth_of_the_lease() {
    let servers = servers(3);
    servers[0].is(Mode::Hangs);
    let redlock = process(&servers);
    let begun = Instant::now();
    let nonce = Nonce::random();
    assert!(try_lock(&redlock, nonce).await.is_some());
    assert_eq!(begun.elapsed(), LEASE / 20);
    // From now on another node keeps the line.
    redlock.release(KEY, nonce).await.unwrap();
    assert!(try_lock(&redlock, Nonce::random()).await.is_some());
    assert_eq!(begun.elapsed(), LEASE / 20);
}

#[tokio::test(start_paused = true)]
async fn without_a_majority_it_is_refused_and_given_back() {
    for mode in [Mode::Down, Mode::Hangs, Mode::Mute] {
        let servers = servers(5);
        for server in &servers[1..4] {
            server.is(mode);
        }
        let redlock = process(&servers);
        let refused = redlock.acquire(asking(Nonce::random(), true)).await;
        let error = refused.err().unwrap();
        assert_eq!(error.effect(), Effect::DidNotRun);
        let text = error.to_string();
        assert!(
            text.contains("2 of 5 nodes answered, and 3 are needed"),
            "{text}"
        );
        assert!(text.contains("node 3: "), "{text}");
        for server in &servers {
            server.is(Mode::Well);
        }
        settle().await;
        for server in &servers {
            assert!(server.is_free().await, "{mode:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_took_longer_than_its_lease_is_refused() {
    let servers = servers(3);
    let redlock = process(&servers);
    for server in &servers {
        server.latency(Duration::from_millis(4));
    }
    let short = |millis| {
        let mut asking = asking(Nonce::random(), false);
        asking.lease = Duration::from_millis(millis);
        asking
    };
    // Of 24 ms, less the drift, a quarter is what a node may take.
    assert!(redlock.acquire(short(24)).await.is_ok());
    sleep(Duration::from_millis(100)).await;
    let error = redlock.acquire(short(4)).await.err().unwrap();
    assert!(
        error.to_string().contains("no answer within 1ms"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_renewal_counts_when_a_quorum_confirms_it() {
    let servers = servers(3);
    let redlock = process(&servers);
    let nonce = Nonce::random();
    try_lock(&redlock, nonce).await.unwrap();
    // One forgets: two are left.
    servers[2].restart_empty();
    assert!(redlock.renew(KEY, nonce, LEASE).await.unwrap());
    // One cannot be asked: nobody knows.
    servers[1].is(Mode::Down);
    assert!(redlock.renew(KEY, nonce, LEASE).await.is_err());
    // Two say no.
    servers[1].restart_empty();
    servers[1].is(Mode::Well);
    assert!(!redlock.renew(KEY, nonce, LEASE).await.unwrap());
    // And so does everyone when the lease is over.
    sleep(LEASE).await;
    assert!(!redlock.renew(KEY, nonce, LEASE).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_release_without_a_majority_is_an_error_and_goes_on_in_the_background() {
    let servers = servers(3);
    let redlock = process(&servers);
    let nonce = Nonce::random();
    try_lock(&redlock, nonce).await.unwrap();
    servers[0].is(Mode::Down);
    servers[1].is(Mode::Down);
    let error = redlock.release(KEY, nonce).await.unwrap_err();
    assert!(error.to_string().contains("1 of 3 nodes did"), "{error}");
    servers[0].is(Mode::Well);
    servers[1].is(Mode::Well);
    settle().await;
    for server in &servers {
        assert!(server.is_free().await);
    }
}
