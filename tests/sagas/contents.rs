//! Texts of every size with what databases do not like in them, and very many steps, over a kill.

use crate::ground::{Ground, Kind, block_on};
use crate::judge::{Allowed, judge};
use crate::ledger::Action;
use crate::shop::{Order, Plan};
use crate::worker::{Worker, finish};

const PLANS: [Plan; 5] = [
    Plan::Text(0),
    Plan::Text(100),
    Plan::Text(100_000),
    Plan::Text(10_000_000),
    Plan::Steps(1_000),
];

/// A process dies behind them, and another one reads them.
fn survives_a_kill(kind: Kind) {
    let Some(ground) = Ground::new(kind) else {
        return;
    };
    let orders: Vec<Order> = (0..)
        .zip(PLANS)
        .map(|(id, plan)| Order { id, plan })
        .collect();
    Worker::leave(&ground, &orders, Action::Do(2));
    block_on(async {
        if kind == Kind::Postgres {
            ground.bury().await;
        }
        let runtime = ground.open().await;
        finish(&ground, &runtime, &orders).await;
        let allowed = Allowed {
            interruptions: 1,
            ..Allowed::default()
        };
        let verdict = judge(&ground, &runtime, allowed).await;
        assert_eq!(verdict.ends.values().sum::<u64>(), 5);
        assert!(verdict.repeated == 5);
        runtime.shutdown().await;
    });
}

#[test]
fn contents_and_many_steps_survive_a_kill_on_sqlite() {
    survives_a_kill(Kind::Sqlite);
}

#[test]
fn contents_and_many_steps_survive_a_kill_on_postgres() {
    survives_a_kill(Kind::Postgres);
}
