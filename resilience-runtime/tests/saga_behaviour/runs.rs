//! What one call of a saga does and costs.

use std::time::Duration;

use resilience_runtime::error::{Effect, Error};
use resilience_runtime::saga::journal::Status;

use crate::process::Process;
use crate::shop::{Ask, Do, ShopError, note, reserve};
use crate::store::Trouble;

#[tokio::test(start_paused = true)]
async fn a_saga_of_k_steps_costs_k_plus_1_writes() {
    for k in 0..5 {
        let plan: Vec<Ask> = (0..k).map(Ask::Reserve).collect();
        let process = Process::first(&plan).await;
        assert_eq!(process.order().await.unwrap(), "order of 7");
        let steps = usize::try_from(k).unwrap();
        // Without steps, the start and the end are two.
        assert_eq!(process.disk().writes(), (steps + 1).max(2), "{k} steps");
        let saga = process.disk().saga();
        assert_eq!(saga.status, Status::Completed);
        assert_eq!(saga.output.as_deref(), Some("\"order of 7\""));
        assert_eq!(saga.steps.len(), steps);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_undoes_finished_steps_newest_first_once_that_is_decided() {
    let plan = [
        Ask::Reserve(1),
        Ask::Note(5),
        Ask::Reserve(2),
        Ask::Reserve(3),
    ];
    let process = Process::first(&plan).await;
    process.world.script("reserve 3", &[Do::Fail]);
    let error = process.order().await.unwrap_err();
    assert!(matches!(error, ShopError::Refused(what) if what == "reserve 3"));
    let effects = [
        "reserve 1",
        "note 5",
        "reserve 2",
        "reserve 3",
        "release 2",
        "release 1",
    ];
    assert_eq!(process.world.effects(), effects);
    let writes = [
        "start",
        "reserve#0",
        "note#0",
        "reserve#1",
        "compensating",
        "undone reserve",
        "undone reserve compensated",
    ];
    assert_eq!(process.writes(), writes);
    assert_eq!(
        process.disk().saga().error.as_deref(),
        Some("refused: reserve 3")
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_with_nothing_to_undo_is_one_write() {
    let process = Process::first(&[Ask::Note(1), Ask::Fail]).await;
    process.order().await.unwrap_err();
    assert_eq!(process.writes(), ["start", "note#0 failed"]);
}

#[tokio::test(start_paused = true)]
async fn the_last_step_is_written_with_the_decision_to_undo_it() {
    let process = Process::first(&[Ask::Reserve(1), Ask::Fail]).await;
    process.order().await.unwrap_err();
    let writes = [
        "start",
        "reserve#0 compensating",
        "undone reserve compensated",
    ];
    assert_eq!(process.writes(), writes);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_failed_in_doubt_is_undone_without_its_output() {
    let process = Process::first(&[Ask::Reserve(1), Ask::Charge(5)]).await;
    process.world.script("charge 5", &[Do::Fail]);
    process.order().await.unwrap_err();
    let effects = ["reserve 1", "charge 5", "refund 5 in doubt", "release 1"];
    assert_eq!(process.world.effects(), effects);
    assert_eq!(process.writes()[2], "charge#0 compensating");
    assert_eq!(process.disk().saga().steps[1].output, None);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_body_undoes_the_saga() {
    let process = Process::first(&[Ask::Reserve(1), Ask::Charge(5)]).await;
    process.world.script("charge 5", &[Do::Panic]);
    let world = process.world.clone();
    let runtime = process.runtime.clone();
    let call = async move { runtime.scope(crate::shop::order(&world, 7)).await };
    assert!(tokio::spawn(call).await.unwrap_err().is_panic());
    process.runtime.shutdown().await;
    let effects = ["reserve 1", "charge 5", "refund 5 in doubt", "release 1"];
    assert_eq!(process.world.effects(), effects);
    let saga = process.disk().saga();
    assert_eq!(
        (saga.status, saga.error.as_deref()),
        (Status::Compensated, Some("panicked: charge 5 panicked"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_task_around_a_saga_does_not_undo_it() {
    let process = Process::first(&[Ask::Reserve(1), Ask::Reserve(2)]).await;
    let world = process.world.clone();
    let runtime = process.runtime.clone();
    let call = async move {
        let order = runtime.scope(crate::shop::order(&world, 7));
        let panic = async {
            while world.effects().is_empty() {
                tokio::task::yield_now().await;
            }
            panic!("the neighbour panicked")
        };
        let _ = tokio::join!(order, panic);
    };
    assert!(tokio::spawn(call).await.unwrap_err().is_panic());
    process.runtime.shutdown().await;
    assert_eq!(process.disk().saga().status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn parallel_steps_are_all_journaled_and_undone_in_the_order_they_finished() {
    let plan = [Ask::Reserve(0), Ask::Both(1, 2), Ask::Both(3, 4), Ask::Fail];
    let process = Process::first(&plan).await;
    process.order().await.unwrap_err();
    let steps = process.disk().saga().steps;
    let mut occurrences: Vec<u32> = steps.iter().map(|step| step.occurrence).collect();
    // The n-th reservation is of item n.
    let undo = steps
        .iter()
        .rev()
        .map(|step| format!("release {}", step.occurrence));
    assert_eq!(process.world.effects()[5..], undo.collect::<Vec<_>>());
    occurrences.sort_unstable();
    assert_eq!(occurrences, [0, 1, 2, 3, 4]);
    // The start, one write before each of the two pairs, the decision, five compensations.
    assert_eq!(process.disk().writes(), 1 + 2 + 1 + 5);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_not_polled_any_more_does_not_hold_up_the_others() {
    let process = Process::first(&[Ask::Reserve(1), Ask::Held(2, 3)]).await;
    let order = tokio::time::timeout(Duration::from_secs(60), process.order());
    order.await.unwrap().unwrap();
    assert_eq!(process.world.effects(), ["reserve 1", "reserve 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_within_a_step_is_part_of_it() {
    let process = Process::first(&[Ask::Package(1), Ask::Fail]).await;
    process.order().await.unwrap_err();
    assert_eq!(
        process.writes(),
        [
            "start",
            "package#0 compensating",
            "undone package compensated"
        ]
    );
    assert_eq!(process.world.effects(), ["reserve 1", "unpack"]);
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_a_write_that_a_dropped_step_began() {
    let process = Process::first(&[Ask::Reserve(1), Ask::Dropped(2)]).await;
    process.order().await.unwrap();
    assert_eq!(process.writes(), ["start", "reserve#0", "completed"]);
    assert_eq!(process.world.effects(), ["reserve 1"]);
}

#[tokio::test(start_paused = true)]
async fn outside_a_saga_a_step_is_a_plain_call() {
    let process = Process::first(&[]).await;
    let world = &process.world;
    assert_eq!(reserve(world, &1).await.unwrap(), "did reserve 1");
    process.runtime.scope(note(world, 2)).await.unwrap();
    assert_eq!(process.disk().writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_is_away_is_waited_for_and_causes_no_compensation() {
    for trouble in [Trouble::Refuse(9), Trouble::Doubt(9)] {
        let process = Process::first(&[Ask::Reserve(1), Ask::Reserve(2), Ask::Reserve(3)]).await;
        let away = async {
            while process.world.effects().is_empty() {
                tokio::task::yield_now().await;
            }
            process.store.expect(trouble);
        };
        let (answer, ()) = tokio::join!(process.order(), away);
        answer.unwrap();
        let effects = ["reserve 1", "reserve 2", "reserve 3"];
        assert_eq!(process.world.effects(), effects, "{trouble:?}");
        assert_eq!(
            process.writes(),
            ["start", "reserve#0", "reserve#1", "reserve#2 completed"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_does_not_run_the_body() {
    for trouble in [Trouble::Refuse(1), Trouble::Doubt(1)] {
        let process = Process::first(&[Ask::Reserve(1)]).await;
        process.store.expect(trouble);
        let error = process.order().await.unwrap_err();
        // In doubt, the saga was in the journal after all, and nobody may run it any more.
        let withdrawn = trouble == Trouble::Doubt(1);
        match error {
            ShopError::Policy(error @ Error::Store { .. }) => {
                assert!(!withdrawn);
                assert_eq!(error.effect(), Effect::DidNotRun);
            }
            ShopError::Policy(error @ Error::StartInDoubt { saga: "order", .. }) => {
                assert!(withdrawn);
                assert_eq!(error.effect(), Effect::MayHaveRun);
            }
            other => panic!("{other:?}"),
        }
        process.runtime.shutdown().await;
        assert!(process.world.effects().is_empty());
        assert_eq!(process.disk().is_empty(), !withdrawn);
        if withdrawn {
            assert_eq!(process.disk().saga().status, Status::Failed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_superseded_saga_stops_where_it_stands() {
    let process = Process::first(&[Ask::Reserve(1), Ask::Reserve(2), Ask::Fail]).await;
    let away = async {
        while process.world.effects().is_empty() {
            tokio::task::yield_now().await;
        }
        process.disk().supersede();
    };
    let (answer, ()) = tokio::join!(process.order(), away);
    let error = answer.unwrap_err();
    assert!(matches!(
        error,
        ShopError::Policy(Error::Superseded { saga: "order", .. })
    ));
    assert_eq!(process.writes(), ["start"]);
    assert_eq!(process.world.effects(), ["reserve 1"]);
}
