//! Journals that the code does not fit to any more, as after another build, and rows that nobody can read: each is left alone
//! before anything new has happened, the others go on, and it goes on by itself when everything fits again.

use std::time::Duration;

use resilience::Runtime;
use resilience::saga::{Parking, SagaId, SagaRecord, Status};
use resilience_test_support::wait;

use crate::entries::Entries;
use crate::ground::{Ground, Kind, block_on};
use crate::judge::{Allowed, judge};
use crate::ledger::Action;
use crate::shop::{Order, Plan};
use crate::worker::{Worker, finish};

/// What is done to the rows of a saga whose first step is recorded, and how it is undone.
const DAMAGES: [(&str, &str); 5] = [
    // A row that nobody can read.
    (
        "UPDATE resilience_sagas SET status = 'pondering' WHERE id = $1",
        "UPDATE resilience_sagas SET status = 'running' WHERE id = $1",
    ),
    // A step that was renamed, or moved.
    (
        "UPDATE resilience_saga_steps SET step = 'third' WHERE saga_id = $1 AND step = 'first'",
        "UPDATE resilience_saga_steps SET step = 'first' WHERE saga_id = $1",
    ),
    // A step that is called with something else now.
    (
        "UPDATE resilience_saga_steps SET arguments = replace(arguments, 'Succeed', 'Fail') WHERE saga_id = $1 AND step = 'first'",
        "UPDATE resilience_saga_steps SET arguments = replace(arguments, 'Fail', 'Succeed') WHERE saga_id = $1 AND step = 'first'",
    ),
    // A step that returns something else now.
    (
        "UPDATE resilience_saga_steps SET output = '{\"text\":\"1\"}' WHERE saga_id = $1 AND step = 'first'",
        "UPDATE resilience_saga_steps SET output = '1' WHERE saga_id = $1",
    ),
    // A step that is gone.
    (
        "INSERT INTO resilience_saga_steps \
         (saga_id, position, step, occurrence, arguments, output, undone, finished_at, outcome, compensation) \
         SELECT saga_id, 7, 'vanished', 0, arguments, output, undone, finished_at, outcome, compensation \
         FROM resilience_saga_steps WHERE saga_id = $1",
        "DELETE FROM resilience_saga_steps WHERE saga_id = $1 AND step = 'vanished'",
    ),
];

/// The id of each order, in their order.
pub(crate) fn ids(ground: &Ground) -> Vec<String> {
    ground.ledger().acknowledged().into_values().collect()
}

/// The saga, when nobody works on it any more.
pub(crate) async fn over(runtime: &Runtime, id: &SagaId) -> SagaRecord {
    let over = async {
        loop {
            let saga = runtime.sagas().get(id).await.expect("an answer");
            let saga = saga.expect("it is there");
            if !saga.status.is_unfinished() {
                return saga;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let over = tokio::time::timeout(wait::PATIENCE, over).await;
    over.expect("it does not run for ever")
}

fn damaged(kind: Kind) {
    let Some(ground) = Ground::new(kind) else {
        return;
    };
    let ledger = ground.ledger();
    let plan = Plan::Succeed;
    let orders: Vec<Order> = (0..6).map(|id| Order { id, plan }).collect();
    Worker::leave(&ground, &orders, Action::Do(2));
    let ids = ids(&ground);
    assert_eq!(ids.len(), 6);
    let sagas: Vec<SagaId> = ids.iter().cloned().map(SagaId::from).collect();
    block_on(async {
        let entries = Entries::at(&ground.url);
        if kind == Kind::Postgres {
            ground.bury().await;
        }
        for (id, (damage, _)) in ids.iter().zip(DAMAGES) {
            entries.tamper(damage, id).await;
        }
        let before: Vec<usize> = orders
            .iter()
            .map(|order| ledger.effects(order.id).len())
            .collect();
        let runtime = ground.open().await;
        finish(&ground, &runtime, &orders[5..]).await;
        runtime.recovered().await;
        assert!(!matches!(runtime.sagas().get(&sagas[0]).await, Ok(Some(_))));
        for (order, id) in orders.iter().zip(&sagas).take(5).skip(1) {
            let saga = over(&runtime, id).await;
            assert_eq!(saga.status, Status::Parked, "{order:?}");
            assert_eq!(saga.parking, Some(Parking::Mismatch), "{order:?}");
            let error = saga.error.expect("a difference");
            assert!(error.contains('`'), "{error}");
        }
        for (order, before) in orders.iter().zip(before).take(5) {
            assert_eq!(ledger.effects(order.id).len(), before, "{order:?}");
        }
        runtime.shutdown().await;
        for (id, (_, repair)) in ids.iter().zip(DAMAGES) {
            entries.tamper(repair, id).await;
        }
        entries.close().await;
        let runtime = ground.open().await;
        runtime.recovered().await;
        finish(&ground, &runtime, &orders).await;
        let allowed = Allowed {
            interruptions: 1,
            ..Allowed::default()
        };
        let verdict = judge(&ground, &runtime, allowed).await;
        assert_eq!(verdict.ends.get(&Status::Completed), Some(&6));
        runtime.shutdown().await;
    });
}

#[test]
fn what_cannot_be_read_or_fits_no_more_on_sqlite_stops_no_others() {
    damaged(Kind::Sqlite);
}

#[test]
fn what_cannot_be_read_or_fits_no_more_on_postgres_stops_no_others() {
    damaged(Kind::Postgres);
}
