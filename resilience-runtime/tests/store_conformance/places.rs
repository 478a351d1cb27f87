//! The line of those who wait for a lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilience_runtime::lock::store::{LockStore, PLACE};
use tokio::time::{Instant, timeout};

use crate::fixture::{AT_LAST, Fixture, at_once, dies};
use crate::holders::{Asker, Taken};

/// Asks whenever it is woken, and never by itself: a wake-up that is lost is seen.
async fn comes_to_the_lock(store: &impl LockStore, waiter: Asker, mut taken: Taken) {
    loop {
        let woken = timeout(AT_LAST, taken.woken).await;
        woken.unwrap_or_else(|_| panic!("the wake-up was lost"));
        match waiter.acquires(store).await {
            Ok(_) => return,
            Err(again) => taken = again,
        }
    }
}

pub(crate) async fn the_lock_goes_down_the_line(fixture: impl Fixture<Store: LockStore>) {
    let stores = [fixture.worker().await, fixture.worker().await];
    let lock = Asker::of(1);
    let mut last = lock.granted(&stores[0]).await;
    let (mut holder, mut held_at) = (lock, 0);
    let mut line = Vec::new();
    for number in 0..10 {
        let (waiter, at) = (lock.another().waiting(), number / 2 % 2);
        line.push((waiter, at, waiter.busy(&stores[at]).await));
    }
    while !line.is_empty() {
        holder.releases(&stores[held_at]).await;
        // They ask in the wrong order.
        for (waiter, at, taken) in line.iter_mut().skip(1).rev() {
            *taken = waiter.busy(&stores[*at]).await;
        }
        let (first, at, taken) = line.remove(0);
        timeout(AT_LAST, taken.woken).await.unwrap();
        let token = first.granted(&stores[at]).await;
        assert!(token > last);
        (holder, held_at, last) = (first, at, token);
    }
    holder.releases(&stores[held_at]).await;
    lock.another().granted(&stores[0]).await;
}

pub(crate) async fn who_asks_again_keeps_its_place(fixture: impl Fixture<Store: LockStore>) {
    let store = fixture.worker().await;
    let holder = Asker::of(1);
    holder.granted(&store).await;
    let first = holder.another().waiting();
    let second = holder.another().waiting();
    first.busy(&store).await;
    second.busy(&store).await;
    for _ in 0..3 {
        second.busy(&store).await;
        first.busy(&store).await;
    }
    holder.releases(&store).await;
    second.busy(&store).await;
    first.granted(&store).await;
}

pub(crate) async fn nobody_overtakes_the_line(fixture: impl Fixture<Store: LockStore>) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let holder = Asker::of(1);
    holder.granted(&here).await;
    let waiter = holder.another().waiting();
    waiter.busy(&there).await;
    holder.releases(&here).await;
    // The lock is free, and not for them; also not for the one that had it.
    for store in [&here, &there] {
        holder.busy(store).await;
        holder.another().busy(store).await;
        holder.another().waiting().busy(store).await;
    }
    waiter.granted(&there).await;
}

pub(crate) async fn a_waiter_that_leaves_is_not_waited_for(
    fixture: impl Fixture<Store: LockStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let holder = Asker::of(1);
    holder.granted(&here).await;
    let first = holder.another().waiting();
    let second = holder.another().waiting();
    let third = holder.another().waiting();
    first.busy(&here).await;
    let waits = second.busy(&there).await;
    third.busy(&there).await;
    first.releases(&here).await;
    holder.releases(&here).await;
    third.busy(&there).await;
    comes_to_the_lock(&there, second, waits).await;
    // The place in the middle.
    let last = holder.another().waiting();
    let waits = last.busy(&here).await;
    third.releases(&there).await;
    second.releases(&there).await;
    comes_to_the_lock(&here, last, waits).await;
}

pub(crate) async fn when_the_head_leaves_the_next_is_woken(
    fixture: impl Fixture<Store: LockStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let holder = Asker::of(1);
    holder.granted(&here).await;
    let first = holder.another().waiting();
    let second = holder.another().waiting();
    let woken = first.busy(&here).await.woken;
    second.busy(&there).await;
    holder.releases(&here).await;
    timeout(AT_LAST, woken).await.unwrap();
    let waits = second.busy(&there).await;
    // It was woken, and gives up instead.
    first.releases(&here).await;
    comes_to_the_lock(&there, second, waits).await;
}

pub(crate) async fn a_waiter_that_asks_no_more_is_skipped_after_its_place(
    fixture: impl Fixture<Store: LockStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let holder = Asker::of(1);
    holder.granted(&here).await;
    let silent = holder.another().waiting();
    silent.busy(&there).await;
    let asked = Instant::now();
    let waiter = holder.another().waiting();
    holder.releases(&here).await;
    waiter.busy(&here).await;
    // Its place is kept, as far as a machine under load can tell.
    tokio::time::sleep(PLACE / 2).await;
    assert!(waiter.acquires(&here).await.is_err() || asked.elapsed() > PLACE);
    tokio::time::sleep(PLACE * 3 / 4).await;
    let token = waiter.granted(&here).await;
    // It comes to itself, at the end of the line.
    silent.busy(&there).await;
    assert_eq!(waiter.granted(&here).await, token);
}

pub(crate) async fn a_release_before_the_first_poll_is_not_missed(
    fixture: impl Fixture<Store: LockStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    for (key, store) in (0..20).zip([&here, &there].into_iter().cycle()) {
        let holder = Asker::of(key);
        holder.granted(&here).await;
        let waiter = holder.another().waiting();
        let taken = waiter.busy(store).await;
        holder.releases(&here).await;
        comes_to_the_lock(store, waiter, taken).await;
    }
}

pub(crate) async fn who_gets_the_lock_has_no_place_any_more(
    fixture: impl Fixture<Store: LockStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let holder = Asker::of(1);
    holder.granted(&here).await;
    let waiter = holder.another().waiting();
    waiter.busy(&there).await;
    holder.releases(&here).await;
    waiter.granted(&there).await;
    waiter.granted(&there).await;
    waiter.releases(&there).await;
    holder.another().granted(&here).await;
}

pub(crate) async fn a_lock_that_is_lost_goes_to_the_head_of_the_line(
    fixture: impl Fixture<Store: LockStore>,
) {
    let store = fixture.worker().await;
    let crashes = fixture.worker().await;
    let lock = Asker::of(1);
    lock.granted(&crashes).await;
    let waiter = lock.another().waiting();
    waiter.busy(&store).await;
    lock.ends_soon(&crashes).await;
    dies(&fixture, crashes, store.ownership()).await;
    lock.another().busy(&store).await;
    waiter.granted(&store).await;
}

/// More than are served within the time that a place is kept for, if each needs some of it.
pub(crate) async fn many_waiters_all_get_their_turn(fixture: impl Fixture<Store: LockStore>) {
    let stores = [fixture.worker().await, fixture.worker().await];
    let inside = Arc::new(AtomicU32::new(0));
    let served = at_once(40, |number| {
        let store = stores[usize::from(number.is_multiple_of(2))].clone();
        let inside = Arc::clone(&inside);
        async move {
            let waiter = Asker::of(1).waiting();
            while let Err(taken) = waiter.acquires(&store).await {
                // As a call waits: it asks again every second in any case.
                drop(timeout(Duration::from_secs(1), taken.woken).await);
            }
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
            tokio::time::sleep(Duration::from_millis(3)).await;
            assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
            waiter.releases(&store).await;
            Ok(())
        }
    })
    .await;
    assert_eq!(served.len(), 40);
}
