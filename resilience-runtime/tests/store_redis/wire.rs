//! What goes over the wire.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilience_runtime::idempotency::store::{Completion, Release};
use resilience_runtime::store::redis::RedisStore;
use resilience_test_support::proxy::Proxy;
use resilience_test_support::server::Redis;
use resilience_test_support::wait;

use crate::fixture::AT_LAST;
use crate::records::Caller;

/// A server that knows every script.
async fn warm(url: &str) -> RedisStore {
    let store = RedisStore::connect(url).await.unwrap();
    static KEYS: AtomicU32 = AtomicU32::new(1_000);
    let caller = Caller::of(KEYS.fetch_add(1, Ordering::Relaxed));
    caller.granted(&store).await;
    assert!(caller.renews(&store, Duration::from_secs(60)).await);
    caller.releases(&store, Release::Failed).await;
    caller.granted(&store).await;
    caller.completes(&store, "1").await;
    store
}

/// How often the server has run a command.
pub(crate) fn calls(redis: &Redis, command: &str) -> u64 {
    let statistics = redis.ask(&["INFO", "commandstats"]);
    let start = format!("cmdstat_{command}:calls=");
    let line = statistics.lines().find_map(|it| it.strip_prefix(&start));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_first_run_is_two_round_trips_and_a_hit_is_one() {
    let redis = Redis::start().unwrap();
    let proxy = Proxy::start(redis.port());
    let store = warm(&proxy.in_front_of(&redis.url())).await;
    let (before, scripts) = (proxy.requests(), calls(&redis, "evalsha"));
    let caller = Caller::of(1);
    caller.granted(&store).await;
    caller.completes(&store, "1").await;
    assert_eq!(proxy.requests() - before, 2);
    for hits in 1..=3 {
        caller.another().record(&store).await;
        assert_eq!(proxy.requests() - before, 2 + hits);
    }
    assert_eq!(calls(&redis, "evalsha") - scripts, 5);
    // Nobody waited.
    assert_eq!(calls(&redis, "publish"), 0);
}

#[tokio::test]
async fn a_duplicate_that_waits_is_one_round_trip_and_a_push() {
    let redis = Redis::start().unwrap();
    let holder = warm(&redis.url()).await;
    let proxy = Proxy::start(redis.port());
    let store = warm(&proxy.in_front_of(&redis.url())).await;
    let caller = Caller::of(1);
    caller.granted(&holder).await;

    let before = proxy.requests();
    let busy = caller.another().busy(&store).await;
    caller.completes(&holder, "\"the result\"").await;
    let pushed = tokio::time::timeout(AT_LAST, busy.woken).await.unwrap();
    assert_eq!(pushed, Some(caller.value("\"the result\"")));
    assert_eq!(proxy.requests() - before, 1);
    assert_eq!(calls(&redis, "publish"), 1);
}

#[tokio::test]
async fn a_process_is_told_once_however_many_of_its_tasks_wait() {
    let redis = Redis::start().unwrap();
    let holder = warm(&redis.url()).await;
    let store = warm(&redis.url()).await;
    let caller = Caller::of(1);
    caller.granted(&holder).await;
    let mut waiting = Vec::new();
    for _ in 0..20 {
        waiting.push(caller.another().busy(&store).await);
    }
    caller.completes(&holder, "1").await;
    for busy in waiting {
        let pushed = tokio::time::timeout(AT_LAST, busy.woken).await.unwrap();
        assert_eq!(pushed, Some(caller.value("1")));
    }
    assert_eq!(calls(&redis, "publish"), 1);
}

#[tokio::test]
async fn a_long_result_is_not_pushed_and_has_to_be_asked_for() {
    let redis = Redis::start().unwrap();
    let (holder, store) = (warm(&redis.url()).await, warm(&redis.url()).await);
    for (number, length, is_pushed) in [(1, 8 * 1024, true), (2, 8 * 1024 + 1, false)] {
        let caller = Caller::of(number);
        caller.granted(&holder).await;
        let busy = caller.another().busy(&store).await;
        let content = "x".repeat(length);
        caller.completes(&holder, &content).await;
        let pushed = tokio::time::timeout(AT_LAST, busy.woken).await.unwrap();
        assert_eq!(pushed.is_some(), is_pushed, "{length}");
        let record = caller.another().record(&store).await;
        assert_eq!(record, caller.value(&content));
    }
}

#[tokio::test]
async fn a_script_that_the_server_forgot_is_sent_again() {
    let redis = Redis::start().unwrap();
    let store = warm(&redis.url()).await;
    assert_eq!(redis.ask(&["SCRIPT", "FLUSH"]), "+OK");
    let caller = Caller::of(1);
    caller.granted(&store).await;
    assert_eq!(caller.completes(&store, "1").await, Completion::Stored);
    caller.another().record(&store).await;
    // One by its text for each of the two scripts: the server remembers.
    assert!(calls(&redis, "eval") >= 2);
}

#[tokio::test]
async fn what_is_over_leaves_nothing_behind() {
    let redis = Redis::start().unwrap();
    let (holder, store) = (warm(&redis.url()).await, warm(&redis.url()).await);
    assert_eq!(redis.ask(&["FLUSHALL"]), "+OK");
    let caller = Caller::of(1);
    caller.granted(&holder).await;
    let busy = caller.another().busy(&store).await;
    assert_eq!(redis.ask(&["DBSIZE"]), ":1");
    let short = Duration::from_millis(500);
    caller.completes_for(&holder, "1", short).await;
    busy.woken.await.unwrap();
    assert_eq!(redis.ask(&["DBSIZE"]), ":1");
    tokio::time::sleep(short).await;
    wait::until("the record to be gone", || redis.ask(&["DBSIZE"]) == ":0");
}

#[tokio::test]
async fn nothing_is_published_for_who_does_not_wait() {
    let redis = Redis::start().unwrap();
    let (holder, store) = (warm(&redis.url()).await, warm(&redis.url()).await);
    let caller = Caller::of(1);
    caller.granted(&holder).await;
    let tries = caller.another().without_waiting();
    tries.busy(&store).await;
    caller.completes(&holder, "1").await;
    assert_eq!(calls(&redis, "publish"), 0);
}
