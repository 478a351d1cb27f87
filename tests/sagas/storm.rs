//! Two hundred sagas, two workers, twenty kills.

use std::time::Duration;

use resilience_test_support::server::say;
use resilience_test_support::wait;

use crate::ground::{self, Ground, Kind};
use crate::judge::judge;
use crate::ledger::Entry;
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
        url: ground.url.clone(),
        folder: ground.folder().to_owned(),
        orders,
        pause: Duration::from_millis(15),
    });
    let mut workers = errands.each_ref().map(|errand| Some(Worker::start(errand)));
    // The same kills in each run, as far as the machine lets them be.
    let mut random = fastrand_like(7);
    for _ in 0..KILLS {
        std::thread::sleep(Duration::from_millis(80 + random() % 240));
        let index = usize::try_from(random() % 2).expect("small");
        if let Some(worker) = workers[index].take() {
            worker.kill9();
        }
        workers[index] = Some(Worker::start(&errands[index]));
    }
    wait::until("all to be told", || {
        let answered = ledger.read().into_iter().filter_map(|entry| match entry {
            Entry::Answered { order, .. } => Some(order),
            _ => None,
        });
        let answered: std::collections::BTreeSet<u64> = answered.collect();
        answered.len() == usize::try_from(SAGAS).expect("small")
    });
    ledger.close();
    workers.into_iter().flatten().for_each(Worker::end);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let verdict = runtime.block_on(async {
        let runtime = ground::runtime(&ground.url, &ledger).scoped().open().await;
        let runtime = runtime.expect("the store opens");
        let verdict = judge(&runtime, &ledger, KILLS).await;
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
fn fastrand_like(seed: u64) -> impl FnMut() -> u64 {
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
