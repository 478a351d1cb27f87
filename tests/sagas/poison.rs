//! A saga that kills its process each time, in processes that really die of it.

use std::time::Duration;

use resilience_test_support::wait;

use crate::ground::{Ground, Kind, block_on};
use crate::judge::{Allowed, judge};
use crate::shop::{Order, Plan};
use crate::worker::{Errand, Worker};

/// The first run, and one for each interruption that is allowed.
const DEATHS: usize = 6;

fn poison(kind: Kind) {
    let Some(ground) = Ground::new(kind) else {
        return;
    };
    let ledger = ground.ledger();
    let mut orders: Vec<Order> = (1..23).map(Order::any).collect();
    let plan = Plan::Poison;
    orders.insert(3, Order { id: 0, plan });
    // Those that come later find it there.
    let errand = Errand {
        pause: Duration::from_millis(20),
        ..Errand::new(&ground, orders.clone())
    };
    for _ in 0..DEATHS {
        Worker::start(&errand).dies();
        if kind == Kind::Postgres {
            block_on(ground.bury());
        }
    }
    let last = Worker::start(&errand);
    wait::until("all to be told", || {
        let is_told = |order: &Order| !ledger.told(order.id).is_empty();
        orders.iter().all(is_told)
    });
    ledger.raise("closed");
    last.end();
    block_on(async {
        let runtime = ground.open().await;
        let allowed = Allowed {
            interruptions: DEATHS,
            ..Allowed::default()
        };
        let verdict = judge(&ground, &runtime, allowed).await;
        assert_eq!(verdict.ends.values().sum::<u64>(), 23);
        runtime.shutdown().await;
    });
}

#[test]
fn what_kills_its_process_on_sqlite_is_parked_and_the_others_go_on() {
    poison(Kind::Sqlite);
}

#[test]
fn what_kills_its_process_on_postgres_is_parked_and_the_others_go_on() {
    poison(Kind::Postgres);
}
