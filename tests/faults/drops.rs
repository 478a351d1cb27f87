//! Callers who go away at any await, on a real file.

use std::cell::Cell;

use resilience::{Runtime, idempotent};
use resilience_test_support::cancel::{Run, at_every_await};

use crate::ledger::{Action, Ledger};
use crate::place::Place;
use crate::shop::{Order, Plan, RESULT, ShopError, keyed_purchase};

#[idempotent(key = order)]
async fn deliver(#[state] ledger: &Ledger, order: u64) -> Result<u32, ShopError> {
    tokio::task::yield_now().await;
    ledger.effect(order, Action::Do(1)).await;
    // Several: a run that is suspended once more before, because the store was slower, must not step over them.
    for _ in 0..5 {
        tokio::task::yield_now().await;
    }
    Ok(RESULT)
}

async fn open(place: &Place) -> Runtime {
    place.runtime().scoped().open().await.expect("it opens")
}

/// A key of its own for each run, which is the one that is checked after it.
struct Keys(Cell<u64>);

impl Keys {
    fn next(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}

#[tokio::test]
async fn an_idempotent_call_that_is_dropped_frees_its_key() {
    let place = Place::new();
    let (runtime, ledger) = (open(&place).await, place.ledger());
    let keys = Keys(Cell::new(0));
    let again = Cell::new(0);
    let summary = at_every_await(
        || runtime.scope(deliver(&ledger, keys.next())),
        |run: Run| {
            let order = keys.0.get();
            let effects = ledger.actions(order).len();
            assert!(
                effects <= 1 && (!run.completed || effects == 1),
                "{run:?}: {effects}"
            );
            let (runtime, ledger, again) = (&runtime, &ledger, &again);
            async move {
                let answer = runtime.scope(deliver(ledger, order)).await;
                assert_eq!(answer.expect("the key is free"), RESULT, "{run:?}");
                let after = ledger.actions(order).len();
                // A result that was stored is replayed; a body that was dropped runs again.
                assert!(
                    after == 1 || (after == 2 && effects == 1 && !run.completed),
                    "{run:?}: {after}"
                );
                again.set(again.get() + after - 1);
            }
        },
    )
    .await;
    assert!(summary.dropped >= 8, "{summary:?}");
    // Dropped between the effect and the result, in both ways.
    assert!(again.get() >= 2, "{again:?}");
    assert_eq!(runtime.shutdown().await.left, 0);
}

#[tokio::test]
async fn a_saga_that_is_dropped_goes_on_and_does_each_step_once() {
    let place = Place::new();
    let (runtime, ledger) = (open(&place).await, place.ledger());
    let keys = Keys(Cell::new(0));
    let plan = Plan::Succeed;
    let summary = at_every_await(
        || {
            runtime.scope(keyed_purchase(
                &ledger,
                Order {
                    id: keys.next(),
                    plan,
                },
            ))
        },
        |run: Run| {
            let id = keys.0.get();
            let (runtime, ledger) = (&runtime, &ledger);
            async move {
                let answer = runtime
                    .scope(keyed_purchase(ledger, Order { id, plan }))
                    .await;
                assert_eq!(
                    answer.expect("the key is free, or the saga goes on"),
                    RESULT,
                    "{run:?}"
                );
                let steps = [Action::Do(1), Action::Do(2), Action::Do(3)];
                assert_eq!(ledger.actions(id), steps, "{run:?}");
            }
        },
    )
    .await;
    assert!(summary.dropped >= 12, "{summary:?}");
    assert_eq!(runtime.shutdown().await.left, 0);
    let sagas = place.look().await.sagas;
    assert!(sagas.iter().all(|saga| saga.status == "completed"));
    assert_eq!(sagas.len(), summary.dropped + summary.completed);
}

#[tokio::test]
async fn a_saga_that_is_dropped_while_it_is_undone_is_undone_once() {
    let place = Place::new();
    let (runtime, ledger) = (open(&place).await, place.ledger());
    let keys = Keys(Cell::new(0));
    let plan = Plan::Fail;
    let summary = at_every_await(
        || {
            runtime.scope(keyed_purchase(
                &ledger,
                Order {
                    id: keys.next(),
                    plan,
                },
            ))
        },
        |run: Run| {
            let id = keys.0.get();
            let (runtime, ledger) = (&runtime, &ledger);
            async move {
                // Once the first is undone its key is free, and this one fails like it.
                let answer = runtime
                    .scope(keyed_purchase(ledger, Order { id, plan }))
                    .await;
                assert!(
                    matches!(answer, Err(ShopError::Refused)),
                    "{run:?}: {answer:?}"
                );
                let all = ledger.actions(id);
                let saga = [
                    Action::Do(1),
                    Action::Do(2),
                    Action::Undo(2),
                    Action::Undo(1),
                ];
                let is_whole = all.chunks(saga.len()).all(|part| part == saga);
                assert!(is_whole && matches!(all.len(), 4 | 8), "{run:?}: {all:?}");
            }
        },
    )
    .await;
    assert!(summary.dropped >= 12, "{summary:?}");
    assert_eq!(runtime.shutdown().await.left, 0);
    let sagas = place.look().await.sagas;
    assert!(sagas.iter().all(|saga| saga.status == "compensated"));
}
