//! Locks: what goes over the wire, replicas, and a server without memory.

use std::time::Duration;

use resilience_runtime::error::Effect;
use resilience_runtime::lock::redlock::Node;
use resilience_runtime::lock::store::{Acquired, Acquiring, FencingToken, LockStore, Nonce};
use resilience_runtime::store::redis::RedisStore;
use resilience_test_support::proxy::Proxy;
use resilience_test_support::server::{Persistence, Redis};
use resilience_test_support::wait;

use crate::fixture::{AT_LAST, LONG, digest};

fn asking(nonce: Nonce, waits: bool) -> Acquiring {
    Acquiring {
        key: digest(1),
        nonce,
        lease: LONG,
        waits,
        replicas: 0,
    }
}

fn replicated(nonce: Nonce) -> Acquiring {
    Acquiring {
        replicas: 1,
        ..asking(nonce, false)
    }
}

async fn is_granted(store: &RedisStore, asking: Acquiring) -> bool {
    let answer = store.acquire(asking).await.unwrap();
    matches!(answer, Acquired::Granted { .. })
}

#[tokio::test]
async fn lock_and_unlock_are_two_round_trips_and_a_wait_one_more() {
    let server = Redis::start().unwrap();
    let proxies = [Proxy::start(server.port()), Proxy::start(server.port())];
    let url = server.url();
    let holder = RedisStore::connect(&proxies[0].in_front_of(&url))
        .await
        .unwrap();
    let waiter = RedisStore::connect(&proxies[1].in_front_of(&url))
        .await
        .unwrap();
    // The scripts are known to the server from then on.
    for store in [&holder, &waiter] {
        let nonce = Nonce::random();
        assert!(is_granted(store, asking(nonce, false)).await);
        store.release(digest(1), nonce).await.unwrap();
    }
    let count = || (proxies[0].requests(), proxies[1].requests());
    let before = count();
    let (held, waits) = (Nonce::random(), Nonce::random());
    assert!(is_granted(&holder, asking(held, false)).await);
    let answer = waiter.acquire(asking(waits, true)).await.unwrap();
    let Acquired::Busy { woken, .. } = answer else {
        panic!("it is held");
    };
    holder.release(digest(1), held).await.unwrap();
    tokio::time::timeout(AT_LAST, woken).await.unwrap();
    assert!(is_granted(&waiter, asking(waits, true)).await);
    let after = count();
    assert_eq!(after.0 - before.0, 2);
    assert_eq!(after.1 - before.1, 2);
}

#[tokio::test]
async fn nothing_is_published_when_nobody_waits() {
    let server = Redis::start().unwrap();
    let store = RedisStore::connect(&server.url()).await.unwrap();
    for _ in 0..3 {
        let nonce = Nonce::random();
        assert!(is_granted(&store, asking(nonce, true)).await);
        assert!(!is_granted(&store, asking(Nonce::random(), false)).await);
        store.release(digest(1), nonce).await.unwrap();
    }
    let commands = server.ask(&["INFO", "commandstats"]);
    assert!(!commands.contains("cmdstat_publish"), "{commands}");
}

#[tokio::test]
async fn a_lock_is_given_back_when_the_server_is_out_of_memory() {
    let server = Redis::start().unwrap();
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let nonce = Nonce::random();
    assert!(is_granted(&store, asking(nonce, false)).await);
    assert_eq!(server.ask(&["CONFIG", "SET", "maxmemory", "1"]), "+OK");
    let key = digest(2);
    let another = asking(Nonce::random(), true);
    let refused = store.acquire(Acquiring { key, ..another }).await.err();
    assert_eq!(refused.unwrap().effect(), Effect::DidNotRun);
    // There is no room for a place in the line, which is no reason not to say that it is held.
    assert!(!is_granted(&store, another).await);
    assert!(store.renew(digest(1), nonce, LONG).await.unwrap());
    store.release(digest(1), nonce).await.unwrap();
    assert_eq!(server.ask(&["CONFIG", "SET", "maxmemory", "0"]), "+OK");
    assert!(is_granted(&store, asking(Nonce::random(), false)).await);
}

#[tokio::test]
async fn a_server_without_replicas_is_named() {
    let server = Redis::start().unwrap();
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let error = store
        .acquire(replicated(Nonce::random()))
        .await
        .err()
        .unwrap();
    assert_eq!(error.effect(), Effect::DidNotRun);
    let text = error.to_string();
    assert!(
        text.contains("`replicas = 1` needs a server with as many, and it has 0"),
        "{text}"
    );
    assert!(is_granted(&store, asking(Nonce::random(), false)).await);
}

#[tokio::test]
async fn a_lock_that_its_replicas_do_not_confirm_is_given_back() {
    let server =
        Redis::start_with(Persistence::None, &["--repl-diskless-sync-delay", "0"]).unwrap();
    let port = server.port().to_string();
    let replica =
        Redis::start_with(Persistence::None, &["--replicaof", "127.0.0.1", &port]).unwrap();
    wait::until("the replica to follow", || {
        let info = server.ask(&["INFO", "replication"]);
        info.contains("state=online") && !info.contains("offset=0")
    });
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let nonce = Nonce::random();
    for _ in 0..3 {
        assert!(is_granted(&store, replicated(nonce)).await);
        // What was confirmed is there.
        assert_eq!(replica.ask(&["DBSIZE"]), ":1");
        store.release(digest(1), nonce).await.unwrap();
    }

    replica.stop();
    // Who does not ask for replicas is not held up: not always at least, where the machine is busy.
    let mut took = Vec::new();
    while took.iter().all(|took| *took >= Duration::from_millis(500)) {
        assert!(took.len() < 5, "{took:?}");
        took.push(beside_one_that_is_not_confirmed(&store).await);
    }
    assert!(is_granted(&store, asking(Nonce::random(), false)).await);
    replica.cont();
}

/// How long another lock takes meanwhile.
async fn beside_one_that_is_not_confirmed(store: &RedisStore) -> Duration {
    let others = {
        let store = store.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let begun = std::time::Instant::now();
            let other = Acquiring {
                key: digest(2),
                ..asking(Nonce::random(), false)
            };
            assert!(is_granted(&store, other).await);
            let took = begun.elapsed();
            store.release(other.key, other.nonce).await.unwrap();
            took
        })
    };
    let error = store
        .acquire(replicated(Nonce::random()))
        .await
        .err()
        .unwrap();
    assert_eq!(error.effect(), Effect::DidNotRun);
    assert!(
        error
            .to_string()
            .contains("0 of 1 replicas confirmed the lock within 1s"),
        "{error}"
    );
    others.await.unwrap()
}

#[tokio::test]
async fn a_token_outlives_the_lock_and_can_be_raised_by_its_holder() {
    let server = Redis::start().unwrap();
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let low = FencingToken::new(1);
    let token = async |nonce| match store.acquire_from(asking(nonce, false), low).await {
        Ok(Acquired::Granted { token, .. }) => token.as_u64(),
        _ => panic!("it is free"),
    };
    let [first, second, third] = [Nonce::random(), Nonce::random(), Nonce::random()];
    assert_eq!(token(first).await, 1);
    store.release(digest(1), first).await.unwrap();
    assert_eq!(token(second).await, 2);
    let raised = 1 << 52;
    let raise = |nonce, token| store.raise(digest(1), nonce, FencingToken::new(token));
    assert!(!raise(first, raised).await.unwrap());
    assert!(raise(second, raised).await.unwrap());
    assert!(raise(second, 5).await.unwrap());
    assert_eq!(token(second).await, raised);
    store.release(digest(1), second).await.unwrap();
    assert_eq!(token(third).await, raised + 1);
}
