//! Servers that stop, connections that are cut, answers that are lost.

use std::time::Duration;

use resilience_runtime::error::Effect;
use resilience_runtime::idempotency::store::{Claim, Completion, IdempotencyStore, Release};
use resilience_runtime::lock::store::LockStore;
use resilience_test_support::proxy::Cut;
use resilience_test_support::server::Postgres;
use tokio::time::{sleep, timeout};

use super::fixture::{AT_LAST, LONG, at_once};
use super::records::{Caller, told};
use super::wire::{acquire, counted, lock};
use super::{database, execute, open};

#[tokio::test]
async fn a_server_that_is_stopped_and_started_again_loses_nothing() {
    let Some(mut server) = Postgres::start() else {
        return;
    };
    let url = server.url();
    let (here, there) = (open(&url).await, open(&url).await);
    let caller = Caller::of(1);
    let grant = caller.granted(&here).await;
    let waiter = caller.another();
    let woken = waiter.busy(&there).await.woken;
    server.stop_immediately();
    let refused = there.claim(Caller::of(2).question()).await;
    assert!(refused.is_err());
    server.restart();
    // Something may have been missed, so who waits is told to ask.
    assert_eq!(timeout(AT_LAST, woken).await.unwrap(), None);
    let woken = waiter.busy(&there).await.woken;
    assert!(caller.renews(&here, LONG).await);
    assert_eq!(caller.granted(&here).await, grant);
    assert_eq!(caller.completes(&here, "1").await, Completion::Stored);
    let record = timeout(AT_LAST, woken).await.unwrap();
    assert_eq!(record, Some(caller.value("1")));
    server.restart();
    assert_eq!(waiter.record(&there).await, caller.value("1"));
}

#[tokio::test]
async fn terminated_sessions_are_replaced() {
    const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let Some(url) = database() else { return };
    let (here, there) = (open(&url).await, open(&url).await);
    for key in 0..3 {
        let caller = Caller::of(key);
        caller.granted(&here).await;
        let waiter = caller.another();
        let woken = waiter.busy(&there).await.woken;
        execute(&url, TERMINATE).await;
        assert_eq!(timeout(AT_LAST, woken).await.unwrap(), None);
        let woken = waiter.busy(&there).await.woken;
        assert_eq!(caller.completes(&here, "1").await, Completion::Stored);
        let record = timeout(AT_LAST, woken).await.unwrap();
        assert_eq!(record, Some(caller.value("1")));
    }
}

#[tokio::test]
async fn an_operation_whose_question_or_answer_is_lost_is_made_again() {
    let Some(url) = database() else { return };
    let (store, proxy) = counted(&url).await;
    for (key, cut) in [(1, Cut::Before), (2, Cut::After)] {
        let cuts = proxy.cuts();
        let mut caller = Caller::of(key);
        proxy.cut_at(1, cut);
        let grant = caller.granted(&store).await;
        assert_eq!(told(grant), (1, false));
        proxy.cut_at(1, cut);
        assert!(caller.renews(&store, LONG).await);
        proxy.cut_at(1, cut);
        caller.releases(&store, Release::Failed).await;
        caller = caller.another();
        assert_eq!(told(caller.granted(&store).await), (2, false));
        proxy.cut_at(1, cut);
        assert_eq!(caller.completes(&store, "1").await, Completion::Stored);
        proxy.cut_at(1, cut);
        assert_eq!(caller.another().record(&store).await, caller.value("1"));

        let (holder, waiter) = (lock(key), lock(key));
        proxy.cut_at(1, cut);
        assert!(acquire(&store, holder).await);
        proxy.cut_at(1, cut);
        assert!(!acquire(&store, waiter).await);
        proxy.cut_at(1, cut);
        LockStore::release(&store, holder.key, holder.nonce)
            .await
            .unwrap();
        assert!(acquire(&store, waiter).await);
        assert_eq!(proxy.cuts() - cuts, 8);
    }
}

#[tokio::test]
async fn an_error_says_whether_it_may_have_happened() {
    let Some(url) = database() else { return };
    let (store, proxy) = counted(&url).await;
    let caller = Caller::of(1);
    proxy.set(|faults| faults.refuse = true);
    // It was sent, on a connection that was taken for alive.
    let error = store.claim(caller.question()).await.err().unwrap();
    assert_eq!(error.effect(), Effect::MayHaveRun);
    // There is no connection to send it on.
    let error = store.claim(caller.question()).await.err().unwrap();
    assert_eq!(error.effect(), Effect::DidNotRun);
    proxy.heal();
    assert_eq!(told(caller.granted(&store).await), (1, false));
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_a_connection_that_works() {
    let Some(url) = database() else { return };
    let (store, proxy) = counted(&url).await;
    proxy.set(|faults| faults.latency = Duration::from_millis(20));
    for key in 0..20 {
        let dropped = timeout(
            Duration::from_millis(10),
            store.claim(Caller::of(key).question()),
        );
        // A machine that stands still for a moment may see both at once.
        let _ = dropped.await;
    }
    proxy.heal();
    for key in 0..20 {
        let caller = Caller::of(key);
        caller.without_waiting().claims(&store).await;
    }
    assert!(proxy.connections() <= 2 + 1 + 8, "{}", proxy.connections());
}

/// 40 keys, 100 callers each, from two processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_racing_duplicates_exactly_one_runs_and_all_get_its_result() {
    let Some(url) = database() else { return };
    let stores = [open(&url).await, open(&url).await];
    let ran = at_once(4_000, |number| {
        let store = stores[usize::from(number.is_multiple_of(2))].clone();
        async move {
            let caller = Caller::of(number / 100);
            loop {
                match caller.claims(&store).await {
                    Claim::Granted(grant) => {
                        assert_eq!(told(grant), (1, false));
                        sleep(Duration::from_micros(u64::from(number % 15) * 100)).await;
                        let content = number.to_string();
                        assert_eq!(caller.completes(&store, &content).await, Completion::Stored);
                        return Ok((number / 100, content, true));
                    }
                    Claim::Completed(record) => {
                        return Ok((number / 100, record.content.to_string(), false));
                    }
                    Claim::Busy(busy) => {
                        if let Ok(Some(record)) = timeout(Duration::from_secs(1), busy.woken).await
                        {
                            return Ok((number / 100, record.content.to_string(), false));
                        }
                    }
                    Claim::Mismatch => panic!("a mismatch"),
                }
            }
        }
    })
    .await;
    for key in 0..40 {
        let of_key: Vec<_> = ran.iter().filter(|(of, ..)| *of == key).collect();
        assert_eq!(of_key.len(), 100);
        let runs: Vec<_> = of_key.iter().filter(|(_, _, ran)| *ran).collect();
        assert_eq!(runs.len(), 1, "{key}");
        assert!(of_key.iter().all(|(_, content, _)| *content == runs[0].1));
    }
}

/// As after a fail-over that kept the connections: the server behind this one takes no writes any more.
#[tokio::test]
async fn a_session_that_may_not_write_any_more_is_replaced() {
    let Some(url) = database() else { return };
    let store = open(&url).await;
    execute(
        &url,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', \
        current_database()); END $$",
    )
    .await;
    // More sessions than there are: the new ones are such.
    let claims = (0..8).map(|key| {
        let store = store.clone();
        tokio::spawn(async move { store.claim(Caller::of(key).question()).await.is_ok() })
    });
    let claims: Vec<_> = claims.collect();
    let mut refused = 0;
    for claim in claims {
        refused += u32::from(!claim.await.unwrap());
    }
    assert!(refused > 0);
    execute(
        &url,
        "BEGIN READ WRITE; DO $$ BEGIN EXECUTE format( \
        'ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$; COMMIT",
    )
    .await;
    let claims = (10..18).map(|key| {
        let store = store.clone();
        tokio::spawn(async move { store.claim(Caller::of(key).question()).await.map(drop) })
    });
    let claims: Vec<_> = claims.collect();
    for claim in claims {
        claim.await.unwrap().unwrap();
    }
}
