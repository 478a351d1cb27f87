//! A process stands still (SIGSTOP) for longer than its lease, and goes on (SIGCONT).

use std::time::Duration;

use resilience_test_support::server::say;
use resilience_test_support::wait;

use crate::ground::{Ground, Kind, LEASE, block_on};
use crate::judge::{Allowed, judge};
use crate::ledger::{Action, Moment, Stop, Told};
use crate::shop::{Order, Plan};
use crate::worker::{Errand, Worker, finish};

/// Stops the process of a saga where it waits, lets another one finish it, and wakes the first one up.
fn wake_up(plan: Plan, action: Action, moment: Moment) {
    let Some(ground) = Ground::new(Kind::Postgres) else {
        return;
    };
    let ledger = ground.ledger();
    let order = Order { id: 7, plan };
    let kills = false;
    let zombie = Worker::start(&Errand {
        stop: Some(Stop {
            action,
            moment,
            kills,
        }),
        leaves: true,
        ..Errand::new(&ground, vec![order])
    });
    wait::until("the step", || ledger.is_raised("held"));
    zombie.stop();
    block_on(async {
        let runtime = ground.open().await;
        finish(&ground, &runtime, &[order]).await;
        assert_eq!(ledger.told(7), [plan.answer()]);
        let process = zombie.id();
        let before = ledger.effects(7);
        ledger.raise("go");
        zombie.go_on();
        zombie.end();
        let late = ledger.effects(7).split_off(before.len());
        assert!(late.len() <= 1, "{late:#?}");
        let newest = before.iter().map(|effect| effect.token).max();
        assert!(late.iter().all(|effect| Some(effect.token) < newest));
        let told = ledger.told(7);
        assert!(matches!(&told[1], Told::Superseded) || told[1] == plan.answer());
        let allowed = Allowed {
            interruptions: 1,
            zombie: Some(process),
        };
        judge(&ground, &runtime, allowed).await;
        runtime.shutdown().await;
        say(&format!(
            "stopped at {action:?} {moment:?} of {plan:?}: {} effects after it woke up, and it was told {:?}",
            late.len(),
            told[1]
        ));
    });
}

/// In a step, behind an effect, and in a compensation, beside each other: all of them wait for leases.
#[test]
fn who_stood_still_in_a_step_or_a_compensation_is_fenced_out() {
    std::thread::scope(|scope| {
        scope.spawn(|| wake_up(Plan::Succeed, Action::Do(2), Moment::Before));
        scope.spawn(|| wake_up(Plan::Succeed, Action::Do(1), Moment::After));
        scope.spawn(|| wake_up(Plan::Fail, Action::Undo(2), Moment::Before));
    });
}

/// Between two steps, where it waits for nothing but time.
#[test]
fn who_stood_still_between_steps_is_fenced_out() {
    let Some(ground) = Ground::new(Kind::Postgres) else {
        return;
    };
    let ledger = ground.ledger();
    let orders: Vec<Order> = (0..12)
        .map(|id| Order {
            id,
            plan: Plan::Rest,
        })
        .collect();
    let zombie = Worker::start(&Errand {
        leaves: true,
        ..Errand::new(&ground, orders.clone())
    });
    wait::until("all to rest", || {
        orders
            .iter()
            .all(|order| !ledger.effects(order.id).is_empty())
    });
    // The record of the first step is durable with the deadline of the sleep.
    std::thread::sleep(Duration::from_millis(300));
    zombie.stop();
    block_on(async {
        let runtime = ground.open().await;
        finish(&ground, &runtime, &orders).await;
        let effects = ledger.read().len();
        zombie.go_on();
        let process = zombie.id();
        zombie.end();
        let allowed = Allowed {
            interruptions: 1,
            zombie: Some(process),
        };
        let verdict = judge(&ground, &runtime, allowed).await;
        let told = ledger.read().split_off(effects);
        say(&format!(
            "stopped between steps: {} effects had again, and afterwards {} entries",
            verdict.repeated,
            told.len()
        ));
        runtime.shutdown().await;
    });
}

/// On SQLite a stopped process is never robbed.
#[test]
fn who_stands_still_on_sqlite_keeps_its_sagas() {
    let ground = Ground::new(Kind::Sqlite).expect("a file");
    let ledger = ground.ledger();
    let plan = Plan::Succeed;
    let order = Order { id: 7, plan };
    let worker = Worker::start(&Errand {
        stop: Some(Stop {
            action: Action::Do(2),
            moment: Moment::After,
            kills: false,
        }),
        leaves: true,
        ..Errand::new(&ground, vec![order])
    });
    wait::until("the step", || ledger.is_raised("held"));
    worker.stop();
    block_on(async {
        let runtime = ground.open().await;
        let orders = [order];
        let other = finish(&ground, &runtime, &orders);
        tokio::pin!(other);
        // Longer than the lease of a worker on PostgreSQL, and many rounds of recovery.
        let robbed = tokio::time::timeout(LEASE + LEASE / 2, &mut other).await;
        assert!(robbed.is_err() && ledger.effects(7).len() == 2);
        ledger.raise("go");
        worker.go_on();
        other.await;
        worker.end();
        judge(&ground, &runtime, Allowed::default()).await;
        assert_eq!(ledger.told(7).len(), 2);
        runtime.shutdown().await;
    });
}
