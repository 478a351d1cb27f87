//! A saga that kills its process each time, in processes that really die of it.

use std::time::Duration;

use resilience::saga::{CompensateOutcome, Parking, SagaFilter, StepOutcome};
use resilience_test_support::wait;

use crate::ground::{Ground, Kind, block_on};
use crate::judge::{Allowed, judge};
use crate::shop::{Order, Plan};
use crate::worker::{Errand, Worker, finish};

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

/// Two has its effect each time, and is nowhere in the journal as done: who undoes the saga undoes it, too.
fn undone(kind: Kind) {
    for plan in [Plan::Venom, Plan::NestedVenom] {
        let Some(ground) = Ground::new(kind) else {
            return;
        };
        let ledger = ground.ledger();
        let order = Order { id: 1, plan };
        let errand = Errand::new(&ground, vec![order]);
        for _ in 0..DEATHS {
            Worker::start(&errand).dies();
            block_on(ground.bury());
        }
        assert_eq!(ledger.effects(1).len(), 1 + DEATHS, "{plan:?}");
        block_on(async {
            let runtime = ground.open().await;
            let sagas = runtime.sagas();
            let all = sagas.list(SagaFilter::default(), None, 10).await;
            let all = all.expect("the store answers").into_iter();
            let mut callers = all.filter(|saga| saga.parent.is_none());
            let id = callers.next().expect("a saga that was started").id;
            let saga = loop {
                let saga = sagas.get(&id).await.expect("the store answers");
                let saga = saga.expect("the saga");
                if !saga.status.is_unfinished() {
                    break saga;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            };
            assert_eq!(saga.parking, Some(Parking::Poison), "{plan:?}");
            let under_way = saga.steps.last().expect("two steps");
            assert_eq!(under_way.outcome, StepOutcome::InDoubt, "{plan:?}");
            let undone = sagas.compensate(&id, "ada").await;
            assert_eq!(undone.expect("it is undone"), CompensateOutcome::Undone);
            finish(&ground, &runtime, &[order]).await;
            let allowed = Allowed {
                interruptions: DEATHS,
                ..Allowed::default()
            };
            judge(&ground, &runtime, allowed).await;
            runtime.shutdown().await;
        });
    }
}

#[test]
fn what_killed_its_process_on_sqlite_is_undone_by_an_operator() {
    undone(Kind::Sqlite);
}

#[test]
fn what_killed_its_process_on_postgres_is_undone_by_an_operator() {
    undone(Kind::Postgres);
}

#[test]
fn what_kills_its_process_on_sqlite_is_parked_and_the_others_go_on() {
    poison(Kind::Sqlite);
}

#[test]
fn what_kills_its_process_on_postgres_is_parked_and_the_others_go_on() {
    poison(Kind::Postgres);
}
