//! Lists that are read page by page while what they have read is deleted, and new ones are written.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use resilience_runtime::dlq::{DeadLetterFilter, Queue};
use resilience_runtime::error::Error;
use resilience_runtime::runtime::RuntimeBuilder;
use resilience_runtime::saga::journal::{Journal, SagaFilter, Status};
use resilience_runtime::saga::start;
use resilience_runtime::store::postgres::PostgresStore;
use resilience_runtime::store::risk::{Accepted, Risk};
use resilience_runtime::store::sqlite::SqliteStore;

use crate::ground::Ground;
use crate::trips::{by_id, by_key, trip};
use crate::world::{Ask, Do, World};

on_every_store!(
    sagas_are_read_once_each_while_others_are_deleted,
    letters_are_read_once_each_while_others_are_deleted,
);

/// Deletes behind the runtimes' backs, however young it is.
async fn purge(ground: &Ground, over: &AtomicBool) {
    async fn purge(store: &(impl Journal + Queue), over: &AtomicBool) {
        while !over.load(Ordering::Relaxed) {
            store.purge(Duration::ZERO, 3).await.unwrap();
            store.purge_letters(Duration::ZERO, 3).await.unwrap();
            tokio::task::yield_now().await;
        }
    }
    match ground {
        Ground::Memory(store) => purge(&store.another_worker(), over).await,
        Ground::Sqlite(folder) => {
            let file = folder.path().join("a.db");
            purge(&SqliteStore::open(&file).await.unwrap(), over).await;
        }
        Ground::Postgres(url) => {
            let accepted = Accepted::only(&[Risk::NotDurable]);
            purge(&PostgresStore::open(url, &accepted).await.unwrap(), over).await;
        }
    }
}

async fn sagas_are_read_once_each_while_others_are_deleted(ground: Ground) {
    const STAY: usize = 20;
    let world = World::default();
    world.plan("by_id", &[Ask::Think(Duration::from_secs(3600))]);
    let process = Arc::new(ground.open(&world).await);
    let over = Arc::new(AtomicBool::new(false));
    let mut stays = BTreeSet::new();
    // Between two that stay are those that are deleted soon.
    for order in 0..STAY {
        let order = u32::try_from(order).unwrap();
        let started = process.scope(start(by_id(&world, order, 5))).await.unwrap();
        stays.insert(started.id().clone());
        for _ in 0..3 {
            process.scope(trip(&world, 7, 5)).await.unwrap();
        }
    }
    let writer = tokio::spawn({
        let (process, over, world) = (Arc::clone(&process), Arc::clone(&over), world.clone());
        async move {
            while !over.load(Ordering::Relaxed) {
                process.scope(trip(&world, 7, 5)).await.unwrap();
            }
        }
    });
    let readers = async {
        let sagas = process.runtime.sagas();
        for size in [1, 7, 50, 1000] {
            let (mut seen, mut after) = (BTreeSet::new(), None);
            // What is written faster than it is read has no end.
            for _ in 0..200 {
                let page = sagas.list(SagaFilter::default(), after.clone(), size);
                let page = page.await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some(last.cursor());
                for saga in page {
                    let is_unfinished = saga.status == Status::Running;
                    assert!(seen.insert(saga.id.clone()), "twice: {saga:?}");
                    assert!(is_unfinished || saga.status == Status::Completed);
                }
                if stays.is_subset(&seen) && seen.len() > stays.len() + 50 {
                    break;
                }
            }
            let missing: Vec<_> = stays.difference(&seen).collect();
            assert!(missing.is_empty(), "pages of {size}: {missing:?}");
        }
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(purge(&ground, &over), readers);
    writer.await.unwrap();
    process.shutdown().await;
}

async fn letters_are_read_once_each_while_others_are_deleted(ground: Ground) {
    let world = World::default();
    let process = ground.open(&world).await;
    let letters = process.runtime.dead_letters();
    let over = AtomicBool::new(false);
    let (mut stays, mut closed) = (BTreeSet::new(), Vec::new());
    for number in 0..60 {
        let id = letters.add("send", &number, "full").await.unwrap();
        if number % 3 == 0 {
            stays.insert(id);
        } else {
            closed.push(id);
        }
    }
    let closer = async {
        for id in closed {
            letters.discard(id, "ada").await.unwrap();
            letters.add("print", &id, "jammed").await.unwrap();
        }
        over.store(true, Ordering::Relaxed);
    };
    let readers = async {
        let mut rounds = 0;
        while !over.load(Ordering::Relaxed) || rounds < 3 {
            rounds += 1;
            for size in [7, 1000] {
                let (mut seen, mut after) = (BTreeSet::new(), None);
                loop {
                    let page = letters.list(DeadLetterFilter::default(), after, size).await;
                    let page = page.unwrap();
                    let Some(last) = page.last() else { break };
                    after = Some(last.id);
                    for letter in page {
                        assert!(seen.insert(letter.id), "twice: {letter:?}");
                    }
                }
                let missing: Vec<_> = stays.difference(&seen).collect();
                assert!(missing.is_empty(), "pages of {size}: {missing:?}");
            }
        }
    };
    tokio::join!(purge(&ground, &over), closer, readers);
    assert_eq!(letters.unresolved().await.unwrap(), 60);
}

/// Whenever it ends: there is a round of deletions each minute.
#[tokio::test(start_paused = true)]
async fn who_waits_elsewhere_hears_of_the_end_of_what_need_not_be_kept() {
    let rounds = [60_000, 65_000].map(|round| (round - 600..round + 200).step_by(100));
    for millis in rounds.into_iter().flatten() {
        let ground = Ground::memory().unwrap();
        let world = World::default();
        world.plan("by_key", &[Ask::Take(1)]);
        world.script("take 1", &[Do::Wait(Duration::from_millis(millis))]);
        let at_once = |builder: RuntimeBuilder| builder.retention(Duration::ZERO);
        let one = ground.open_with(&world, at_once).await;
        let other = ground.open_with(&world, at_once).await;
        let started = one.scope(start(by_key(&world, 7, 5))).await.unwrap();
        let handle = other.runtime.sagas().handle::<String, Error>(started.id());
        let (here, there, again) = tokio::join!(
            started.result(),
            handle.result(),
            other.scope(by_key(&world, 7, 5))
        );
        let expected = "by_key of 7";
        assert_eq!(here.unwrap(), expected, "{millis} ms");
        assert_eq!(there.unwrap(), expected, "{millis} ms");
        assert_eq!(again.unwrap(), expected, "{millis} ms");
        assert_eq!(world.times("take 1"), 1, "{millis} ms");
        tokio::time::sleep(Duration::from_secs(130)).await;
        assert!(one.sagas().await.is_empty(), "it is deleted in the end");
    }
}
