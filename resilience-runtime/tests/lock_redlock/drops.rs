//! Futures that are dropped, at every await.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use resilience_runtime::lock::store::{LockStore, Nonce};
use tokio::time::sleep;

use crate::cluster::{KEY, asking, lock, process, servers, settle, try_lock};

/// Polls so often, a millisecond apart, and drops; true when it ended before.
async fn dropped_after<T>(polls: u32, future: impl Future<Output = T>) -> bool {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        let ended = poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await;
        if ended {
            return true;
        }
        sleep(Duration::from_millis(1)).await;
    }
    false
}

#[tokio::test(start_paused = true)]
async fn a_dropped_question_leaves_nothing() {
    let mut drops = 0;
    for polls in 0.. {
        let servers = servers(5);
        for (millis, server) in (1..).zip(&servers) {
            server.latency(Duration::from_millis(2 * millis));
        }
        let redlock = process(&servers);
        if dropped_after(polls, redlock.acquire(asking(Nonce::random(), true))).await {
            break;
        }
        drops += 1;
        settle().await;
        for server in &servers {
            assert!(server.is_free().await, "after {polls} polls");
        }
    }
    assert!(drops >= 5, "{drops}");
}

#[tokio::test(start_paused = true)]
async fn a_question_under_the_same_nonce_is_not_undone_by_the_dropped_one() {
    for polls in 0..12 {
        let servers = servers(5);
        for (millis, server) in (1..).zip(&servers) {
            server.latency(Duration::from_millis(2 * millis));
        }
        let redlock = process(&servers);
        let nonce = Nonce::random();
        dropped_after(polls, redlock.acquire(asking(nonce, true))).await;
        lock(&redlock, nonce).await;
        settle().await;
        // All of them have it still, and not only a quorum.
        for server in &servers {
            assert!(!server.is_free().await, "after {polls} polls");
        }
        assert_eq!(try_lock(&redlock, Nonce::random()).await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_release_is_made() {
    for polls in 1..5 {
        let servers = servers(3);
        let redlock = process(&servers);
        let nonce = Nonce::random();
        try_lock(&redlock, nonce).await.unwrap();
        for server in &servers {
            server.latency(Duration::from_millis(3));
        }
        dropped_after(polls, redlock.release(KEY, nonce)).await;
        settle().await;
        for server in &servers {
            assert!(server.is_free().await, "after {polls} polls");
        }
    }
}
