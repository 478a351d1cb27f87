//! Who waits for a key hears of its end.

use resilience_runtime::idempotency::store::{
    Busy, Claim, Completion, Grant, IdempotencyStore, Record, Release,
};
use tokio::time::timeout;

use super::{Caller, told};
use crate::fixture::{AT_LAST, Fixture, NEVER, at_once};

/// What a waiter comes to.
#[derive(Debug, PartialEq)]
enum End {
    Record(Record),
    Granted(Grant),
}

/// Waits as a call does, but without asking again by itself: a wake-up that is lost is seen.
async fn waits(store: &impl IdempotencyStore, caller: Caller, mut busy: Busy) -> End {
    loop {
        let woken = timeout(AT_LAST, busy.woken).await;
        if let Some(record) = woken.unwrap_or_else(|_| panic!("the wake-up was lost")) {
            return End::Record(record);
        }
        match caller.claims(store).await {
            Claim::Completed(record) => return End::Record(record),
            Claim::Granted(grant) => return End::Granted(grant),
            Claim::Busy(again) => busy = again,
            Claim::Mismatch => panic!("mismatch"),
        }
    }
}

/// A waiter in a task of its own, that waits already.
async fn waiting<S: IdempotencyStore + Clone + 'static>(
    store: &S,
    caller: Caller,
) -> tokio::task::JoinHandle<End> {
    let busy = caller.busy(store).await;
    let store = store.clone();
    let task = tokio::spawn(async move { waits(&store, caller, busy).await });
    tokio::time::sleep(NEVER / 3).await;
    assert!(!task.is_finished());
    task
}

pub(crate) async fn a_completion_wakes_who_waits(fixture: impl Fixture<Store: IdempotencyStore>) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    for (key, store) in [(1, &here), (2, &there)] {
        let caller = Caller::of(key);
        caller.granted(&here).await;
        let waiter = waiting(store, caller.another()).await;
        assert_eq!(caller.completes(&here, "[1]").await, Completion::Stored);
        assert_eq!(waiter.await.unwrap(), End::Record(caller.value("[1]")));
    }
}

pub(crate) async fn a_release_wakes_who_waits(fixture: impl Fixture<Store: IdempotencyStore>) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let ends = [
        (Release::Failed, (2, false)),
        (Release::Interrupted, (2, true)),
        (Release::Unused, (1, false)),
    ];
    for (key, (how, expected)) in (0..).zip(ends) {
        for (offset, store) in [(100, &here), (200, &there)] {
            let caller = Caller::of(key + offset);
            caller.granted(&here).await;
            let waiter = waiting(store, caller.another()).await;
            caller.releases(&here, how).await;
            match waiter.await.unwrap() {
                End::Granted(grant) => assert_eq!(told(grant), expected, "{how:?}"),
                End::Record(record) => panic!("{record:?}"),
            }
        }
    }
}

pub(crate) async fn what_happens_before_the_first_poll_is_not_missed(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    for (key, store) in (0..40).zip([&here, &there].into_iter().cycle()) {
        let caller = Caller::of(key);
        caller.granted(&here).await;
        let waiter = caller.another();
        let busy = waiter.busy(store).await;
        if key % 4 < 2 {
            assert_eq!(caller.completes(&here, "1").await, Completion::Stored);
            let end = waits(store, waiter, busy).await;
            assert_eq!(end, End::Record(caller.value("1")));
        } else {
            caller.releases(&here, Release::Failed).await;
            let end = waits(store, waiter, busy).await;
            assert!(
                matches!(end, End::Granted(grant) if grant.attempt == 2),
                "{end:?}"
            );
        }
    }
}

pub(crate) async fn all_who_wait_come_to_the_record(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let stores = [fixture.worker().await, fixture.worker().await];
    let caller = Caller::of(1);
    caller.granted(&stores[0]).await;
    let waiters = at_once(40, |number| {
        let store = stores[usize::from(number.is_multiple_of(2))].clone();
        async move {
            let waiter = caller.another();
            let busy = waiter.busy(&store).await;
            Ok(tokio::spawn(
                async move { waits(&store, waiter, busy).await },
            ))
        }
    })
    .await;
    assert_eq!(caller.completes(&stores[0], "1").await, Completion::Stored);
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), End::Record(caller.value("1")));
    }
}

/// Of many keys at once: questions and results cross each other on their way to the store.
pub(crate) async fn who_asks_while_a_result_comes_is_not_forgotten(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let stores = [fixture.worker().await, fixture.worker().await];
    at_once(200, |number| {
        let stores = stores.clone();
        async move {
            let caller = Caller::of(number);
            caller.granted(&stores[0]).await;
            let askers: Vec<_> = (0..4)
                .map(|asker| tokio::spawn(asks(stores[asker % 2].clone(), caller.another())))
                .collect();
            // Some have asked before the result is on its way, others ask after it.
            for _ in 0..number % 8 {
                tokio::task::yield_now().await;
            }
            assert_eq!(caller.completes(&stores[0], "1").await, Completion::Stored);
            for asker in askers {
                assert_eq!(asker.await.unwrap(), End::Record(caller.value("1")));
            }
            Ok(())
        }
    })
    .await;
}

async fn asks(store: impl IdempotencyStore, caller: Caller) -> End {
    match caller.claims(&store).await {
        Claim::Busy(busy) => waits(&store, caller, busy).await,
        Claim::Completed(record) => End::Record(record),
        Claim::Granted(_) | Claim::Mismatch => panic!("it runs"),
    }
}

pub(crate) async fn who_does_not_wait_is_not_woken(fixture: impl Fixture<Store: IdempotencyStore>) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    for (key, store) in [(1, &here), (2, &there)] {
        let caller = Caller::of(key);
        caller.granted(&here).await;
        let busy = caller.another().without_waiting().busy(store).await;
        assert_eq!(caller.completes(&here, "1").await, Completion::Stored);
        assert!(timeout(NEVER, busy.woken).await.is_err());
    }
}

pub(crate) async fn a_waiter_that_leaves_takes_nobody_along(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let caller = Caller::of(1);
    caller.granted(&here).await;
    let leaves = caller.another().busy(&there).await;
    let stays = waiting(&there, caller.another()).await;
    let leaves_later = waiting(&there, caller.another()).await;
    drop(leaves);
    leaves_later.abort();
    assert!(leaves_later.await.unwrap_err().is_cancelled());
    assert_eq!(caller.completes(&here, "1").await, Completion::Stored);
    assert_eq!(stays.await.unwrap(), End::Record(caller.value("1")));
}
