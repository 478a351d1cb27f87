//! Who waits, and in which order.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilience_runtime::lock::store::{Acquired, LockStore, Nonce};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::cluster::{KEY, LEASE, Mode, asking, lock, process, servers, try_lock};

#[tokio::test(start_paused = true)]
async fn waiters_are_served_in_the_order_they_came() {
    let servers = servers(5);
    let holder = process(&servers);
    let held = Nonce::random();
    try_lock(&holder, held).await.unwrap();
    let served = Arc::new(Mutex::new(Vec::new()));
    let mut waiters = JoinSet::new();
    for number in 0..20 {
        // Each is a process of its own.
        let (redlock, served) = (process(&servers), Arc::clone(&served));
        waiters.spawn(async move {
            sleep(Duration::from_millis(10 * number)).await;
            let nonce = Nonce::random();
            lock(&redlock, nonce).await;
            served.lock().unwrap().push(number);
            sleep(Duration::from_millis(3)).await;
            redlock.release(KEY, nonce).await.unwrap();
        });
    }
    sleep(Duration::from_millis(500)).await;
    let released = Instant::now();
    holder.release(KEY, held).await.unwrap();
    waiters.join_all().await;
    assert_eq!(*served.lock().unwrap(), (0..20).collect::<Vec<_>>());
    // Woken, not asked for once a second: 20 times 3 ms, and nothing for handing over.
    assert_eq!(released.elapsed(), Duration::from_millis(60));
}

#[tokio::test(start_paused = true)]
async fn nobody_takes_the_lock_past_the_line() {
    let servers = servers(5);
    let (holder, waiter, newcomer) = (process(&servers), process(&servers), process(&servers));
    let (held, waits) = (Nonce::random(), Nonce::random());
    try_lock(&holder, held).await.unwrap();
    let answer = waiter.acquire(asking(waits, true)).await.unwrap();
    let Acquired::Busy { woken, left } = answer else {
        panic!("it is held");
    };
    assert_eq!(left, Some(LEASE));
    holder.release(KEY, held).await.unwrap();
    assert_eq!(try_lock(&newcomer, Nonce::random()).await, None);
    woken.await;
    assert!(try_lock(&waiter, waits).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_contender_gives_back_what_it_has_at_once() {
    let servers = servers(5);
    // Held at the node with the line and one more: somebody is about to have it.
    let other = Nonce::random();
    for server in &servers[..2] {
        server.store().acquire(asking(other, false)).await.unwrap();
    }
    let redlock = process(&servers);
    let answer = redlock.acquire(asking(Nonce::random(), true)).await;
    assert!(matches!(answer.unwrap(), Acquired::Busy { .. }));
    sleep(Duration::from_millis(1)).await;
    for server in &servers[2..] {
        assert!(server.is_free().await);
    }
}

#[tokio::test(start_paused = true)]
async fn contenders_with_the_nodes_in_another_order_do_not_block_each_other() {
    let servers = servers(5);
    let held = Arc::new(Mutex::new(0));
    let begun = Instant::now();
    let mut contenders = JoinSet::new();
    for first in 0..5 {
        let order = servers.iter().cycle().skip(first).take(5);
        let (redlock, held) = (process(order), Arc::clone(&held));
        contenders.spawn(async move {
            for _ in 0..10 {
                let nonce = Nonce::random();
                lock(&redlock, nonce).await;
                *held.lock().unwrap() += 1;
                assert_eq!(*held.lock().unwrap(), 1);
                sleep(Duration::from_millis(1)).await;
                *held.lock().unwrap() -= 1;
                redlock.release(KEY, nonce).await.unwrap();
            }
        });
    }
    contenders.join_all().await;
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn the_line_goes_on_at_another_node_when_its_own_fails() {
    for mode in [Mode::Down, Mode::Hangs] {
        let servers = servers(5);
        let (holder, waiter) = (process(&servers), process(&servers));
        let held = Nonce::random();
        try_lock(&holder, held).await.unwrap();
        let waiting = tokio::spawn(async move {
            lock(&waiter, Nonce::random()).await;
            Instant::now()
        });
        sleep(Duration::from_millis(100)).await;
        servers[0].is(mode);
        // Before this the waiter has asked again, and stands in another line.
        sleep(Duration::from_secs(2)).await;
        let released = Instant::now();
        holder.release(KEY, held).await.unwrap();
        let took = waiting.await.unwrap() - released;
        assert!(took < Duration::from_millis(20), "{mode:?}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_wait_leaves_no_place() {
    let servers = servers(3);
    let redlock = process(&servers);
    let held = Nonce::random();
    try_lock(&redlock, held).await.unwrap();
    for _ in 0..3 {
        assert_eq!(try_lock(&redlock, Nonce::random()).await, None);
    }
    redlock.release(KEY, held).await.unwrap();
    assert!(try_lock(&redlock, Nonce::random()).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_gives_up_leaves_no_place() {
    let servers = servers(3);
    let redlock = process(&servers);
    let (held, waits) = (Nonce::random(), Nonce::random());
    try_lock(&redlock, held).await.unwrap();
    drop(redlock.acquire(asking(waits, true)).await.unwrap());
    redlock.release(KEY, waits).await.unwrap();
    redlock.release(KEY, held).await.unwrap();
    assert!(try_lock(&redlock, Nonce::random()).await.is_some());
}
