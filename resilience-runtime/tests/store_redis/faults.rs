//! Servers that forget, stop and come back, and networks that lose what was said.

use std::time::Duration;

use resilience_runtime::error::Effect;
use resilience_runtime::idempotency::store::{
    Claim, Completion, IdempotencyStore as _, Record, Release,
};
use resilience_runtime::store::redis::RedisStore;
use resilience_test_support::proxy::{Cut, Proxy};
use resilience_test_support::server::{Persistence, Redis, Sentinels};

use crate::fixture::{AT_LAST, HOUR, LONG};
use crate::records::{Caller, told};

async fn open(url: &str) -> RedisStore {
    RedisStore::connect(url).await.unwrap()
}

/// Waits as the policy does: asks again when it is woken, and every second.
async fn waits_for_the_record(store: RedisStore, caller: Caller) -> Record {
    loop {
        let Ok(claim) = store.claim(caller.question()).await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let busy = match claim {
            Claim::Completed(record) => return record,
            Claim::Busy(busy) => busy,
            Claim::Granted(grant) => panic!("granted: {grant:?}"),
            Claim::Mismatch => panic!("mismatch"),
        };
        if let Ok(Some(record)) = tokio::time::timeout(Duration::from_secs(1), busy.woken).await {
            return record;
        }
    }
}

#[tokio::test]
async fn a_server_that_forgot_a_run_learns_its_result() {
    let redis = Redis::start().unwrap();
    let store = open(&redis.url()).await;
    let caller = Caller::of(1);
    let before = caller.granted(&store).await;
    assert_eq!(redis.ask(&["FLUSHALL"]), "+OK");
    assert!(!caller.renews(&store, LONG).await);
    assert_eq!(caller.completes(&store, "1").await, Completion::Stored);
    assert_eq!(caller.another().record(&store).await, caller.value("1"));

    // And where somebody was faster, the first one hears of it; its token is the smaller one.
    let caller = Caller::of(2);
    caller.granted(&store).await;
    assert_eq!(redis.ask(&["FLUSHALL"]), "+OK");
    let second = caller.another();
    let grant = second.granted(&store).await;
    assert!(grant.token > before.token);
    assert_eq!(
        caller.completes(&store, "1").await,
        Completion::Refused(None)
    );
    second.completes(&store, "2").await;
    let theirs = Completion::Refused(Some(second.value("2")));
    assert_eq!(caller.completes(&store, "1").await, theirs);
}

#[tokio::test]
async fn a_run_ends_although_the_memory_is_full() {
    let redis = Redis::start().unwrap();
    let store = open(&redis.url()).await;
    let [completed, released, renewed] = [1, 2, 3].map(Caller::of);
    for caller in [completed, released, renewed] {
        caller.granted(&store).await;
    }
    let busy = completed.another().busy(&store).await;
    assert_eq!(redis.ask(&["CONFIG", "SET", "maxmemory", "1"]), "+OK");

    assert_eq!(completed.completes(&store, "1").await, Completion::Stored);
    let pushed = tokio::time::timeout(AT_LAST, busy.woken).await.unwrap();
    assert_eq!(pushed, Some(completed.value("1")));
    completed.another().record(&store).await;
    assert!(renewed.renews(&store, LONG).await);
    released.releases(&store, Release::Failed).await;
    // What begins is refused.
    for caller in [released.another(), Caller::of(4)] {
        let error = store.claim(caller.question()).await.err().unwrap();
        assert_eq!(error.effect(), Effect::DidNotRun, "{error}");
        assert!(error.to_string().contains("OOM"), "{error}");
    }
    assert_eq!(redis.ask(&["CONFIG", "SET", "maxmemory", "0"]), "+OK");
    assert_eq!(told(released.another().granted(&store).await), (2, false));
}

#[tokio::test]
async fn a_run_ends_although_others_have_filled_the_memory_and_its_result_is_long() {
    let redis = Redis::start().unwrap();
    let store = open(&redis.url()).await;
    let [completed, interrupted, renewed] = [1, 2, 3].map(Caller::of);
    for caller in [completed, interrupted, renewed] {
        caller.granted(&store).await;
    }
    assert_eq!(redis.ask(&["CONFIG", "SET", "maxmemory", "4mb"]), "+OK");
    let filled = (0..1000).find(|number| {
        let others = format!("others:{number}");
        let answer = redis.ask(&["SETRANGE", &others, "100000", "x"]);
        answer.starts_with("-OOM")
    });
    assert!(filled.is_some());

    assert!(renewed.renews(&store, LONG).await);
    interrupted.releases(&store, Release::Interrupted).await;
    let long = "1".repeat(100_000);
    assert_eq!(completed.completes(&store, &long).await, Completion::Stored);
    let replayed = completed.another().record(&store).await;
    assert_eq!(replayed, completed.value(&long));
    let error = store.claim(Caller::of(4).question()).await.err().unwrap();
    assert!(error.to_string().contains("OOM"), "{error}");
}

#[tokio::test]
async fn who_waits_gets_the_result_from_a_server_that_was_restarted() {
    let mut redis = Redis::start_with(Persistence::Always, &[]).unwrap();
    let (holder, store) = (open(&redis.url()).await, open(&redis.url()).await);
    let caller = Caller::of(1);
    caller.granted(&holder).await;
    let waiting = tokio::spawn(waits_for_the_record(store, caller.another()));
    tokio::time::sleep(Duration::from_millis(100)).await;
    redis.restart();
    caller.completes(&holder, "1").await;
    let record = tokio::time::timeout(AT_LAST, waiting).await.unwrap();
    assert_eq!(record.unwrap(), caller.value("1"));
}

#[tokio::test]
async fn a_lost_connection_wakes_who_waits() {
    let redis = Redis::start().unwrap();
    let holder = open(&redis.url()).await;
    let proxy = Proxy::start(redis.port());
    let store = open(&proxy.in_front_of(&redis.url())).await;
    let caller = Caller::of(1);
    caller.granted(&holder).await;
    let busy = caller.another().busy(&store).await;
    proxy.reset();
    assert_eq!(tokio::time::timeout(AT_LAST, busy.woken).await, Ok(None));
    // It listens again.
    let busy = caller.another().busy(&store).await;
    caller.completes(&holder, "1").await;
    let pushed = tokio::time::timeout(AT_LAST, busy.woken).await.unwrap();
    assert_eq!(pushed, Some(caller.value("1")));
}

#[tokio::test]
async fn a_question_that_was_cut_off_is_asked_again_and_answered_as_the_first_would_have_been() {
    let redis = Redis::start().unwrap();
    let proxy = Proxy::start(redis.port());
    let store = open(&proxy.in_front_of(&redis.url())).await;
    let mut number = 0;
    for cut in [Cut::Before, Cut::After] {
        number += 1;
        let caller = Caller::of(number);
        proxy.cut_at(1, cut);
        let grant = caller.granted(&store).await;
        assert_eq!(told(grant), (1, false), "{cut:?}");
        proxy.cut_at(1, cut);
        assert!(caller.renews(&store, LONG).await, "{cut:?}");
        proxy.cut_at(1, cut);
        caller.releases(&store, Release::Failed).await;
        let again = caller.another();
        proxy.cut_at(1, cut);
        assert_eq!(told(again.granted(&store).await), (2, false), "{cut:?}");
        proxy.cut_at(1, cut);
        let stored = again.completes(&store, "1").await;
        assert_eq!(stored, Completion::Stored, "{cut:?}");
        proxy.cut_at(1, cut);
        let record = caller.another().record(&store).await;
        assert_eq!(record, again.value("1"), "{cut:?}");
    }
    assert_eq!(proxy.cuts(), 12);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_in_doubt() {
    let redis = Redis::start().unwrap();
    let proxy = Proxy::start(redis.port());
    let store = open(&proxy.in_front_of(&redis.url())).await;
    let mut callers = Vec::new();
    for (number, requests) in [(1, true), (2, false)] {
        let caller = Caller::of(number);
        proxy.set(|faults| {
            faults.blackhole_requests = requests;
            faults.blackhole_answers = !requests;
        });
        let error = store.claim(caller.question()).await.err().unwrap();
        assert_eq!(error.effect(), Effect::MayHaveRun, "{error}");
        proxy.heal();
        assert_eq!(told(caller.granted(&store).await), (1, false));
        callers.push(caller);
    }
    for caller in callers {
        assert_eq!(caller.completes(&store, "1").await, Completion::Stored);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_has_done_nothing() {
    let mut redis = Redis::start().unwrap();
    let store = open(&redis.url()).await;
    redis.kill9();
    let caller = Caller::of(1);
    let claimed = tokio::time::timeout(AT_LAST, store.claim(caller.question()));
    let error = claimed.await.unwrap().err().unwrap();
    // The first question may have gone into a connection that was just closing; the next one had none to go into.
    drop(error);
    let error = store.claim(caller.question()).await.err().unwrap();
    assert_eq!(error.effect(), Effect::DidNotRun, "{error}");
    redis.restart();
    assert_eq!(told(caller.granted(&store).await), (1, false));
}

#[tokio::test]
async fn a_server_that_was_made_a_replica_writes_nothing() {
    let redis = Redis::start().unwrap();
    let store = open(&redis.url()).await;
    assert_eq!(redis.ask(&["REPLICAOF", "127.0.0.1", "1"]), "+OK");
    let caller = Caller::of(1);
    let error = store.claim(caller.question()).await.err().unwrap();
    assert_eq!(error.effect(), Effect::DidNotRun, "{error}");
    assert!(error.to_string().contains("read only"), "{error}");
    assert_eq!(redis.ask(&["REPLICAOF", "NO", "ONE"]), "+OK");
    assert_eq!(told(caller.granted(&store).await), (1, false));
}

#[tokio::test]
async fn a_server_that_pauses_is_waited_for() {
    let redis = Redis::start().unwrap();
    let store = open(&redis.url()).await;
    let caller = Caller::of(1);
    redis.stop();
    let claims = tokio::spawn(async move { caller.claims(&store).await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    redis.cont();
    let claim = tokio::time::timeout(AT_LAST, claims)
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(claim, Claim::Granted(_)));
}

#[tokio::test]
async fn a_slow_network_changes_nothing() {
    let redis = Redis::start().unwrap();
    let proxy = Proxy::start(redis.port());
    let store = open(&proxy.in_front_of(&redis.url())).await;
    proxy.set(|faults| faults.latency = Duration::from_millis(200));
    let caller = Caller::of(1);
    caller.granted(&store).await;
    let busy = caller.another().busy(&store).await;
    caller.completes(&store, "1").await;
    let pushed = tokio::time::timeout(AT_LAST, busy.woken).await.unwrap();
    assert_eq!(pushed, Some(caller.value("1")));
}

#[tokio::test]
async fn who_waits_gets_the_result_from_the_next_master() {
    let mut servers = Sentinels::start().unwrap();
    let (holder, store) = (open(&servers.url()).await, open(&servers.url()).await);
    let caller = Caller::of(1);
    caller.granted(&holder).await;
    let replicated = || {
        let info = servers.first_replica().ask(&["DBSIZE"]);
        info == ":1"
    };
    resilience_test_support::wait::until("the claim to be on the replica", replicated);
    let waiting = tokio::spawn(waits_for_the_record(store, caller.another()));
    tokio::time::sleep(Duration::from_millis(100)).await;
    servers.first_master().kill9();
    let completed = async {
        loop {
            let stored = holder.complete(caller.key(), caller.nonce(), caller.value("1"), HOUR);
            if let Ok(completion) = stored.await {
                return completion;
            }
        }
    };
    let stored = tokio::time::timeout(AT_LAST, completed).await.unwrap();
    assert_eq!(stored, Completion::Stored);
    let record = tokio::time::timeout(AT_LAST, waiting).await.unwrap();
    assert_eq!(record.unwrap(), caller.value("1"));
}
