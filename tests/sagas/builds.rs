//! A process dies, and the next one runs a program that was built from other code, which the journal does not fit: everything is left
//! as it is, with a difference that a person can read; an operator can undo it there; and it goes on by itself in a process of the
//! old program.

use resilience::Runtime;
use resilience::saga::{CompensateOutcome, Parking, SagaId, SagaRecord, Status};
use resilience_test_support::wait;

use crate::damaged::{ids, over};
use crate::ground::{Ground, Kind, block_on};
use crate::judge::{Allowed, judge};
use crate::ledger::{Action, Moment, Stop};
use crate::shop::builds::Build;
use crate::shop::{Order, Plan};
use crate::worker::{Errand, Worker, finish};

/// Behind the record of the second step.
const HELD: Stop = Stop {
    action: Action::Do(3),
    moment: Moment::Before,
    kills: false,
};

const ORDERS: [Order; 2] = [
    Order {
        id: 0,
        plan: Plan::Assemble,
    },
    Order {
        id: 1,
        plan: Plan::Dismantle,
    },
];

async fn get(runtime: &Runtime, id: &SagaId) -> SagaRecord {
    let saga = runtime.sagas().get(id).await.expect("an answer");
    saga.expect("it is there")
}

/// The first program leaves them between two steps.
fn leave(ground: &Ground) -> Vec<SagaId> {
    let ledger = ground.ledger();
    let stop = Some(HELD);
    let first = Worker::start(&Errand {
        stop,
        ..Errand::new(ground, ORDERS.to_vec())
    });
    wait::until("both to be held", || {
        ledger.is_raised("held0") && ledger.is_raised("held1")
    });
    // A saga can be held before its start is noted here.
    wait::until("both to be acknowledged", || {
        ids(ground).len() == ORDERS.len()
    });
    first.kill9();
    block_on(ground.bury());
    let ids = ids(ground).into_iter().map(SagaId::from);
    ids.collect()
}

/// The second program looks at them.
fn park(ground: &Ground, build: Build, ids: &[SagaId]) {
    let ledger = ground.ledger();
    let effects = ORDERS.map(|order| ledger.effects(order.id));
    let second = Worker::start(&Errand {
        build,
        ..Errand::new(ground, Vec::new())
    });
    block_on(async {
        let observer = ground.observe().await;
        for id in ids {
            let saga = over(&observer, id).await;
            assert_eq!(saga.status, Status::Parked, "{build:?}");
            assert_eq!(saga.parking, Some(Parking::Mismatch), "{build:?}");
            let error = saga.error.expect("a difference");
            for word in build.difference() {
                assert!(error.contains(word), "{build:?}: {error}");
            }
        }
        assert_eq!(observer.dead_letters().unresolved().await.expect("two"), 2);
        observer.shutdown().await;
    });
    second.kill9();
    assert_eq!(ORDERS.map(|order| ledger.effects(order.id)), effects);
}

/// An operator undoes the second one where the second program runs; whether it could.
fn undo(ground: &Ground, build: Build, ids: &[SagaId]) -> Status {
    let operator = Worker::start(&Errand {
        build,
        undoes: Some(ids[1].to_string()),
        leaves: true,
        ..Errand::new(ground, Vec::new())
    });
    operator.end();
    block_on(async {
        let observer = ground.observe().await;
        let other = get(&observer, &ids[0]).await;
        assert_eq!(other.parking, Some(Parking::Mismatch), "{build:?}");
        let undone = get(&observer, &ids[1]).await.status;
        observer.shutdown().await;
        undone
    })
}

fn another_build(kind: Kind, build: Build) {
    let Some(ground) = Ground::new(kind) else {
        return;
    };
    let ids = leave(&ground);
    park(&ground, build, &ids);
    let undone = undo(&ground, build, &ids);
    block_on(async {
        let runtime = ground.open().await;
        // Before anybody asks for it.
        let saga = over_for_good(&runtime, &ids[0]).await;
        assert_eq!(saga.status, Status::Completed, "{build:?}");
        if build == Build::Retyped {
            // What is to be undone cannot be read by this program: it stays in the queue until one comes that can.
            assert_eq!(undone, Status::CompensationFailed);
            let undone = runtime.sagas().compensate(&ids[1], "ada").await;
            assert!(
                matches!(undone, Ok(CompensateOutcome::Undone)),
                "{undone:?}"
            );
        } else {
            assert_eq!(undone, Status::Compensated, "{build:?}");
        }
        finish(&ground, &runtime, &ORDERS).await;
        let allowed = Allowed {
            interruptions: 1,
            ..Allowed::default()
        };
        let verdict = judge(&ground, &runtime, allowed).await;
        assert_eq!((verdict.ends.len(), verdict.repeated), (2, 0));
        runtime.shutdown().await;
    });
}

/// The saga, when it is neither under way nor parked any more.
async fn over_for_good(runtime: &Runtime, id: &SagaId) -> SagaRecord {
    let over = async {
        loop {
            let saga = over(runtime, id).await;
            if saga.status != Status::Parked {
                return saga;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let over = tokio::time::timeout(wait::PATIENCE, over).await;
    over.expect("it goes on by itself")
}

/// Beside each other: most of the time processes start.
fn other_builds(kind: Kind) {
    std::thread::scope(|scope| {
        for build in Build::CHANGED {
            scope.spawn(move || another_build(kind, build));
        }
    });
}

#[test]
fn a_program_of_other_code_leaves_sagas_on_sqlite_to_the_old_one_or_to_operators() {
    other_builds(Kind::Sqlite);
}

#[test]
fn a_program_of_other_code_leaves_sagas_on_postgres_to_the_old_one_or_to_operators() {
    other_builds(Kind::Postgres);
}
