//! Somebody sets the clock of the machine, a day forwards or an hour back, while sagas run, sleep, and are taken over.

use std::time::Duration;

use resilience::saga::SagaId;
use resilience_test_support::server::say;
use resilience_test_support::wait;

use crate::damaged::ids;
use crate::ground::{Ground, Kind, block_on};
use crate::judge::{Allowed, judge};
use crate::shop::{Order, Plan};
use crate::worker::{Errand, Worker, finish};

const DAY: i64 = 24 * 3600;
const HOUR: i64 = 3600;
/// Where the clock is set, in turn, how far from the right time.
const JUMPS: [i64; 8] = [DAY, -HOUR, DAY, 0, -HOUR, 0, DAY - HOUR, -HOUR];
const KILLS: usize = 4;

/// Of each plan that ends by itself, and as many that pause for a while.
fn orders() -> Vec<Order> {
    let rests = (100..111).map(|id| Order {
        id,
        plan: Plan::Rest,
    });
    (0..11).map(Order::any).chain(rests).collect()
}

/// Two processes, of which one after the other is killed while the clock jumps.
fn jumps_under_kills(kind: Kind) {
    let Some(ground) = Ground::new(kind) else {
        return;
    };
    let (ledger, clock, orders) = (ground.ledger(), ground.clock(), orders());
    let errand = Errand {
        pause: Duration::from_millis(10),
        ..Errand::new(&ground, orders.clone())
    };
    let start = || Worker::start_by(&clock, &errand);
    let mut workers = [Some(start()), Some(start())];
    wait::until("a saga to be under way", || !ledger.read().is_empty());
    for (number, jump) in JUMPS.into_iter().enumerate() {
        clock.set(jump);
        std::thread::sleep(Duration::from_millis(200));
        if number < KILLS {
            if let Some(worker) = workers[number % 2].take() {
                worker.kill9();
            }
            workers[number % 2] = Some(start());
        }
    }
    wait::until("all to be told", || {
        let is_told = |order: &Order| !ledger.told(order.id).is_empty();
        orders.iter().all(is_told)
    });
    ledger.raise("closed");
    workers.into_iter().flatten().for_each(Worker::end);
    block_on(async {
        let runtime = ground.open().await;
        let allowed = Allowed {
            interruptions: KILLS,
            ..Allowed::default()
        };
        let verdict = judge(&ground, &runtime, allowed).await;
        say(&format!(
            "{kind:?}: jumps of the clock: {:?}, {} effects had again",
            verdict.ends, verdict.repeated
        ));
        runtime.shutdown().await;
    });
}

#[test]
fn every_saga_ends_on_sqlite_however_the_clock_jumps() {
    jumps_under_kills(Kind::Sqlite);
}

#[test]
fn every_saga_ends_on_postgres_however_the_clock_jumps() {
    jumps_under_kills(Kind::Postgres);
}

/// A saga of this plan, whose process sees a jump of the clock while the saga pauses, and then, if `kills`, is killed.
fn jump_in_a_pause(kind: Kind, plan: Plan, jump: i64, kills: bool) {
    let Some(ground) = Ground::new(kind) else {
        return;
    };
    let (ledger, clock) = (ground.ledger(), ground.clock());
    let order = Order { id: 7, plan };
    let errand = Errand {
        leaves: true,
        ..Errand::new(&ground, vec![order])
    };
    let first = Worker::start_by(&clock, &errand);
    wait::until("the first step", || {
        !ledger.effects(7).is_empty() && ledger.acknowledged().contains_key(&7)
    });
    // Its record is durable with the deadline of the pause.
    block_on(async {
        let observer = ground.observe().await;
        let id = ids(&ground).remove(0);
        while steps(&observer, &id).await < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        observer.shutdown().await;
    });
    clock.set(jump);
    let interruptions = usize::from(kills);
    if kills {
        first.kill9();
        block_on(ground.bury());
        Worker::start_by(&clock, &errand).end();
    } else {
        first.end();
    }
    block_on(async {
        let runtime = ground.open().await;
        finish(&ground, &runtime, &[order]).await;
        let allowed = Allowed {
            interruptions,
            ..Allowed::default()
        };
        judge(&ground, &runtime, allowed).await;
        runtime.shutdown().await;
    });
}

async fn steps(observer: &resilience::Runtime, id: &str) -> usize {
    let id = SagaId::from(id.to_owned());
    let saga = observer.sagas().get(&id).await.expect("an answer");
    saga.expect("it is there").steps.len()
}

/// Beside each other: most of the time is spent in pauses.
fn jumps_in_pauses(kind: Kind, taken_over: &[(Plan, i64, bool)]) {
    std::thread::scope(|scope| {
        for &(plan, jump, kills) in IN_THE_SAME_PROCESS.iter().chain(taken_over) {
            scope.spawn(move || jump_in_a_pause(kind, plan, jump, kills));
        }
    });
}

/// A `timeout` and a pause are told by the monotonic clock while their process lives.
const IN_THE_SAME_PROCESS: [(Plan, i64, bool); 4] = [
    (Plan::InTime, DAY, false),
    (Plan::InTime, -HOUR, false),
    (Plan::TimesOut, DAY, false),
    (Plan::TimesOut, -HOUR, false),
];

#[test]
fn who_takes_a_saga_over_on_sqlite_counts_by_the_clock_of_the_machine() {
    jumps_in_pauses(
        Kind::Sqlite,
        &[
            // Where it was set forwards, its time is over.
            (Plan::OutOfTime, DAY, true),
            (Plan::Rest, DAY, true),
            // Where it was set back nobody waits for longer than the whole of a pause or of a `timeout`.
            (Plan::InTime, -HOUR, true),
            (Plan::Rest, -HOUR, true),
            (Plan::TimesOut, -HOUR, true),
        ],
    );
}

#[test]
fn who_takes_a_saga_over_on_postgres_counts_by_the_clock_of_the_server() {
    jumps_in_pauses(
        Kind::Postgres,
        &[
            (Plan::InTime, DAY, true),
            (Plan::Rest, DAY, true),
            (Plan::InTime, -HOUR, true),
            (Plan::Rest, -HOUR, true),
            (Plan::TimesOut, -HOUR, true),
        ],
    );
}
