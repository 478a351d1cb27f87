//! Many callers on few keys: every key runs once, and nobody is left waiting.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilience_runtime::idempotency::store::{Claim, Completion, IdempotencyStore as _};
use resilience_runtime::store::redis::RedisStore;
use resilience_test_support::server::Redis;

use crate::fixture::{AT_LAST, HOUR};
use crate::records::Caller;

const KEYS: u32 = 200;
const CALLS: u32 = 40;

#[derive(Default)]
struct Counts {
    runs: AtomicU64,
    waits: AtomicU64,
    /// Wake-ups that did not come at all.
    lost: AtomicU64,
    results: Mutex<HashMap<u32, String>>,
}

/// Claims the key, and runs or waits, as the policy does.
async fn call(store: RedisStore, number: u32, counts: Arc<Counts>) {
    let caller = Caller::of(number);
    let record = loop {
        match store.claim(caller.question()).await.unwrap() {
            Claim::Completed(record) => break record,
            Claim::Mismatch => panic!("mismatch"),
            Claim::Granted(_) => {
                let run = counts.runs.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_micros(u64::from(number % 4) * 500)).await;
                let record = caller.value(&format!("{run}"));
                let (key, nonce) = (caller.key(), caller.nonce());
                let stored = store.complete(key, nonce, record.clone(), HOUR).await;
                assert_eq!(stored.unwrap(), Completion::Stored);
                break record;
            }
            Claim::Busy(busy) => {
                counts.waits.fetch_add(1, Ordering::Relaxed);
                match tokio::time::timeout(AT_LAST, busy.woken).await {
                    Ok(Some(record)) => break record,
                    Ok(None) => {}
                    Err(_) => _ = counts.lost.fetch_add(1, Ordering::Relaxed),
                }
            }
        }
    };
    let mut results = counts.results.lock().unwrap();
    let first = results.entry(number).or_insert(record.content.to_string());
    assert_eq!(**first, *record.content);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_runs_once_and_no_wake_up_is_lost() {
    let redis = Redis::start().unwrap();
    let mut stores = Vec::new();
    for _ in 0..4 {
        stores.push(RedisStore::connect(&redis.url()).await.unwrap());
    }
    let counts = Arc::<Counts>::default();
    // Twenty keys at a time, so that calls meet.
    for group in 0..KEYS / 20 {
        let mut tasks = Vec::new();
        for turn in 0..20 * CALLS {
            let number = 20 * group + turn % 20;
            let store = stores[usize::try_from(turn / 20).unwrap() % stores.len()].clone();
            tasks.push(tokio::spawn(call(store, number, Arc::clone(&counts))));
        }
        for task in tasks {
            task.await.unwrap();
        }
    }
    assert_eq!(counts.runs.load(Ordering::Relaxed), u64::from(KEYS));
    assert_eq!(counts.lost.load(Ordering::Relaxed), 0);
    assert_ne!(counts.waits.load(Ordering::Relaxed), 0);
}
