//! Redlock over five private Redis: what every store of locks must do, and nodes that are killed and stopped.

#![cfg(feature = "redis")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "these are tests, helpers included"
)]

#[macro_use]
#[path = "store_conformance/fixture.rs"]
mod fixture;
#[macro_use]
#[path = "store_conformance/holders.rs"]
mod holders;
#[macro_use]
#[path = "store_conformance/line.rs"]
mod line;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use resilience_runtime::error::Effect;
use resilience_runtime::lock::redlock::{Node, Redlock};
use resilience_runtime::lock::store::{Acquired, Acquiring, LockStore, Nonce};
use resilience_runtime::runtime::Runtime;
use resilience_runtime::store::redis::RedisStore;
use resilience_runtime::store::risk::Risk;
use resilience_test_support::log::Log;
use resilience_test_support::server::Redis;
use tracing::Level;

use self::fixture::{AT_LAST, Fixture, HOUR, digest};

lock_holders!(crate::Five::new(), start_paused = false);
lock_line!(crate::Five::new(), start_paused = false);

/// A part of five servers that all tests of a process share.
struct Five(String);

impl Five {
    fn new() -> Self {
        Self(Nonce::random().to_string())
    }
}

impl Fixture for Five {
    type Store = Redlock;

    async fn worker(&self) -> Redlock {
        static SERVERS: OnceLock<Vec<Redis>> = OnceLock::new();
        let servers = SERVERS.get_or_init(five);
        redlock(servers, &self.0).await
    }

    async fn end(&self, store: Redlock) {
        drop(store);
    }
}

fn five() -> Vec<Redis> {
    (0..5).map(|_| Redis::start().unwrap()).collect()
}

async fn redlock(servers: &[Redis], prefix: &str) -> Redlock {
    let mut nodes: Vec<Arc<dyn Node>> = Vec::new();
    for server in servers {
        let url = format!("{}?prefix={prefix}", server.url());
        nodes.push(Arc::new(RedisStore::connect(&url).await.unwrap()));
    }
    Redlock::new(nodes).unwrap()
}

fn asking(nonce: Nonce, waits: bool) -> Acquiring {
    Acquiring {
        key: digest(1),
        nonce,
        lease: HOUR,
        waits,
        replicas: 0,
    }
}

async fn is_granted(store: &Redlock, nonce: Nonce) -> bool {
    let answer = store.acquire(asking(nonce, false)).await.unwrap();
    matches!(answer, Acquired::Granted { .. })
}

#[tokio::test]
async fn two_nodes_are_killed_and_the_lock_goes_on() {
    let mut servers = five();
    let (one, other) = (redlock(&servers, "a").await, redlock(&servers, "a").await);
    let nonce = Nonce::random();
    assert!(is_granted(&one, nonce).await);
    // The first is the one with the line.
    let line = usize::from(digest(1).as_bytes()[0]) % 5;
    servers[line].kill9();
    servers[(line + 2) % 5].kill9();
    assert!(one.renew(digest(1), nonce, HOUR).await.unwrap());
    assert!(!is_granted(&other, Nonce::random()).await);
    one.release(digest(1), nonce).await.unwrap();
    assert!(is_granted(&other, Nonce::random()).await);
}

#[tokio::test]
async fn two_nodes_are_stopped_and_a_waiter_is_served() {
    let servers = five();
    let (one, other) = (redlock(&servers, "a").await, redlock(&servers, "a").await);
    let nonce = Nonce::random();
    assert!(is_granted(&one, nonce).await);
    let line = usize::from(digest(1).as_bytes()[0]) % 5;
    servers[line].stop();
    servers[(line + 1) % 5].stop();
    let waiter = tokio::spawn(async move {
        let nonce = Nonce::random();
        loop {
            match other.acquire(asking(nonce, true)).await.unwrap() {
                Acquired::Granted { .. } => return,
                Acquired::Busy { woken, .. } => {
                    let _ = tokio::time::timeout(Duration::from_secs(1), woken).await;
                }
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(!waiter.is_finished());
    one.release(digest(1), nonce).await.unwrap();
    tokio::time::timeout(AT_LAST, waiter)
        .await
        .unwrap()
        .unwrap();
    for server in &servers {
        server.cont();
    }
}

#[tokio::test]
async fn without_a_majority_it_is_refused_and_not_raced_for() {
    let mut servers = five();
    let store = redlock(&servers, "a").await;
    for server in &mut servers[1..4] {
        server.kill9();
    }
    let mut asked = Vec::new();
    for _ in 0..3 {
        let store = store.clone();
        asked.push(tokio::spawn(async move {
            let nonce = Nonce::random();
            loop {
                match store.acquire(asking(nonce, true)).await {
                    Ok(Acquired::Granted { .. }) => panic!("there is no majority"),
                    // One after another.
                    Ok(Acquired::Busy { woken, .. }) => {
                        let _ = tokio::time::timeout(Duration::from_secs(1), woken).await;
                    }
                    Err(error) => return error,
                }
            }
        }));
    }
    for error in asked {
        let error = error.await.unwrap();
        assert_eq!(error.effect(), Effect::DidNotRun);
        assert!(
            error.to_string().contains("2 of 5 nodes answered"),
            "{error}"
        );
    }
    // They come back, and what the others had granted was given back.
    for server in &mut servers[1..4] {
        server.restart();
    }
    let begun = Instant::now();
    loop {
        let answer = store.acquire(asking(Nonce::random(), false)).await;
        if matches!(answer, Ok(Acquired::Granted { .. })) {
            break;
        }
        assert!(begun.elapsed() < AT_LAST);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for server in &servers {
        let granted = server.ask(&["DBSIZE"]);
        assert!(granted == ":1" || granted == ":0", "{granted}");
    }
}

#[tokio::test]
async fn a_runtime_is_opened_on_three_servers_and_not_on_fewer_or_one_twice() {
    let servers = five();
    let urls: Vec<String> = servers.iter().map(Redis::url).collect();
    let open = |urls: &[String]| {
        let builder = Runtime::builder("memory:").redlock(urls).scoped();
        builder.accept(Risk::NoPersistence).open()
    };
    let runtime = open(&urls[..3]).await.unwrap();
    runtime.shutdown().await;
    let error = open(&urls[..2]).await.unwrap_err().to_string();
    assert!(error.contains("it has 2 nodes, and needs 3"), "{error}");
    let twice = [&urls[..2], &urls[..1]].concat();
    let error = open(&twice).await.unwrap_err().to_string();
    assert!(error.contains("the same server"), "{error}");
    // Each is checked.
    let unchecked = Runtime::builder("memory:").redlock(&urls).scoped();
    let error = unchecked.open().await.unwrap_err().to_string();
    assert!(error.contains("Risk::NoPersistence"), "{error}");
}

#[tokio::test]
async fn a_runtime_is_opened_while_a_minority_is_missing_and_uses_it_later() {
    let mut servers = five();
    let urls: Vec<String> = servers.iter().map(Redis::url).collect();
    let open = |accepts: bool| {
        let builder = Runtime::builder("memory:").redlock(&urls).scoped();
        match accepts {
            true => builder.accept(Risk::NoPersistence).open(),
            false => builder.open(),
        }
    };
    servers[1].kill9();
    servers[3].kill9();
    let log = Log::default();
    let listening = log.listen();
    let runtime = open(true).await.unwrap();
    drop(listening);
    assert_eq!(log.texts(Level::WARN, "").len(), 2);
    let lock = || runtime.lock("documents", &7).lease(HOUR);
    lock().acquire().await.unwrap().release().await.unwrap();
    // Those that answer are checked.
    let error = open(false).await.unwrap_err().to_string();
    assert!(error.contains("Risk::NoPersistence"), "{error}");
    // Without a majority there is nothing to open.
    servers[0].kill9();
    let error = open(true).await.unwrap_err().to_string();
    assert!(error.contains("connecting to Redis"), "{error}");
    // Those that were missing make a majority with the rest.
    servers[1].restart();
    servers[3].restart();
    servers[4].kill9();
    let begun = Instant::now();
    while lock().try_acquire().await.is_err() {
        assert!(begun.elapsed() < AT_LAST);
    }
    runtime.shutdown().await;
}
