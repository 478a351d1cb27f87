//! Two hundred sagas, two workers, twenty kills.

use std::collections::BTreeSet;
use std::time::Duration;

use resilience_test_support::server::say;
use resilience_test_support::wait;

use crate::ground::{Ground, Kind, block_on};
use crate::judge::{Allowed, judge};
use crate::ledger::Entry;
use crate::shop::Order;
use crate::worker::{Errand, Worker};

const SAGAS: u64 = 200;
const KILLS: usize = 20;

fn storm(kind: Kind) {
    let Some(ground) = Ground::new(kind) else {
        return;
    };
    let ledger = ground.ledger();
    let half = SAGAS / 2;
    let errands = [0..half, half..SAGAS].map(|orders| Errand {
        pause: Duration::from_millis(15),
        // A slow machine may not get on with a saga between one kill and the next.
        interruptions: Some(u32::try_from(KILLS).expect("small")),
        ..Errand::new(&ground, orders.map(Order::any).collect())
    });
    let mut workers = errands.each_ref().map(|errand| Some(Worker::start(errand)));
    // The same kills in each run, as far as the machine lets them be.
    let mut random = random(7);
    for _ in 0..KILLS {
        std::thread::sleep(Duration::from_millis(80 + random() % 240));
        let index = usize::try_from(random() % 2).expect("small");
        if let Some(worker) = workers[index].take() {
            worker.kill9();
        }
        workers[index] = Some(Worker::start(&errands[index]));
    }
    let all_told = wait::holds_within(4 * wait::PATIENCE, || {
        let answered = ledger.read().into_iter().filter_map(|entry| match entry {
            Entry::Answered { order, .. } => Some(order),
            _ => None,
        });
        let answered: BTreeSet<u64> = answered.collect();
        answered.len() == usize::try_from(SAGAS).expect("small")
    });
    assert!(all_told, "somebody still waits");
    // A kill while nothing is going on changes nothing.
    for (worker, errand) in workers.iter_mut().zip(&errands) {
        if let Some(idle) = worker.replace(Worker::start(errand)) {
            idle.kill9();
        }
    }
    ledger.raise("closed");
    workers.into_iter().flatten().for_each(Worker::end);
    let verdict = block_on(async {
        let runtime = ground.open().await;
        let interruptions = KILLS + 2;
        let allowed = Allowed {
            interruptions,
            ..Allowed::default()
        };
        let verdict = judge(&ground, &runtime, allowed).await;
        runtime.shutdown().await;
        verdict
    });
    say(&format!(
        "{kind:?}: {SAGAS} sagas under {KILLS} kills: {:?}, {} effects had again",
        verdict.ends, verdict.repeated
    ));
    assert_eq!(verdict.ends.values().sum::<u64>(), SAGAS);
    assert!(verdict.repeated > 0, "no kill fell into a step");
}

/// A linear congruential generator: what matters is that kills fall everywhere.
fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    }
}

#[test]
fn every_saga_ends_on_sqlite_whatever_is_killed() {
    storm(Kind::Sqlite);
}

#[test]
fn every_saga_ends_on_postgres_whatever_is_killed() {
    storm(Kind::Postgres);
}
