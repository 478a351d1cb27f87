//! Fencing tokens: what they tell apart, and what they do not.

use std::time::Duration;

use resilience_runtime::lock::store::{Acquired, LockStore, Nonce};
use tokio::time::sleep;

use crate::cluster::{KEY, LEASE, Mode, process, process_with_clock, servers, settle, try_lock};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_process_whose_clock_is_behind_has_a_greater_token_all_the_same() {
    let servers = servers(5);
    let (first, second) = (process(&servers), process_with_clock(&servers, HOUR));
    let mut last = None;
    for _ in 0..10 {
        for redlock in [&first, &second] {
            let nonce = Nonce::random();
            let token = try_lock(redlock, nonce).await;
            assert!(token > last, "{token:?} after {last:?}");
            last = token;
            redlock.release(KEY, nonce).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_quorums_need_one_node_in_common_and_no_more() {
    // Each holder's token is known to a quorum, whoever of the nodes was there: of three, two.
    for lost in 0..3 {
        for next in 0..3 {
            let servers = servers(3);
            let (ahead, behind) = (process(&servers), process_with_clock(&servers, HOUR));
            // One node has a token that is far ahead of the others'.
            let early = Nonce::random();
            servers[1].is(Mode::Down);
            servers[2].is(Mode::Down);
            assert!(
                ahead
                    .acquire(crate::cluster::asking(early, false))
                    .await
                    .is_err()
            );
            servers[1].is(Mode::Well);
            servers[2].is(Mode::Well);
            settle().await;

            servers[lost].is(Mode::Down);
            let held = Nonce::random();
            let first = try_lock(&behind, held).await.unwrap();
            // Killed: the lease ends by itself.
            sleep(LEASE).await;
            servers[lost].is(Mode::Well);
            servers[next].is(Mode::Down);
            let far_behind = process_with_clock(&servers, 2 * HOUR);
            let second = try_lock(&far_behind, Nonce::random()).await.unwrap();
            assert!(second > first, "{second} after {first}: {lost}, {next}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_forgets_makes_two_holders_whose_tokens_the_clocks_tell_apart() {
    for (behind, told_apart) in [(Duration::ZERO, true), (HOUR, false)] {
        let servers = servers(3);
        let first = process(&servers);
        servers[2].is(Mode::Down);
        let one = try_lock(&first, Nonce::random()).await.unwrap();
        // It had granted the lock, and comes back without knowing it, before the lease is over.
        servers[1].restart_empty();
        servers[2].is(Mode::Well);
        servers[0].is(Mode::Down);
        let second = process_with_clock(&servers, behind);
        let two = try_lock(&second, Nonce::random()).await.unwrap();
        // This is what Redlock does not promise, and why there is the token …
        assert_eq!(two > one, told_apart, "{two} after {one}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_stays_away_for_the_lease_makes_no_two_holders() {
    let servers = servers(3);
    let first = process(&servers);
    servers[2].is(Mode::Down);
    try_lock(&first, Nonce::random()).await.unwrap();
    servers[1].restart_empty();
    servers[1].is(Mode::Down);
    servers[2].is(Mode::Well);
    let second = process(&servers);
    let refused = second.acquire(crate::cluster::asking(Nonce::random(), false));
    // One says no, one is away, and one is not enough.
    assert!(!matches!(refused.await, Ok(Acquired::Granted { .. })));
    sleep(LEASE).await;
    servers[1].is(Mode::Well);
    assert!(try_lock(&second, Nonce::random()).await.is_some());
}
