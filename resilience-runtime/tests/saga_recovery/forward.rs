//! Sagas that are run again instead of being undone.

use std::time::Duration;

use resilience_runtime::dlq::{RetryAs, RetryOutcome};
use resilience_runtime::error::Error;
use resilience_runtime::saga::journal::{Parking, Status};

use crate::process::Process;
use crate::shop::{Do, GATEWAY, Oops, guarded_alone, order};

#[tokio::test(start_paused = true)]
async fn past_a_pivot_a_failure_is_tried_again_and_the_caller_waits() {
    let process = Process::first().await;
    let plan = [("take", 1), ("commit", 2), ("note", 3)];
    process.world.plan("order", &plan);
    process.world.script("note 3", [Do::Fail; 4]);
    let answer = process.runtime.scope(order(&process.world, 1)).await;
    assert_eq!(answer.unwrap(), "order done");
    let when: Vec<_> = process
        .world
        .when("note 3")
        .iter()
        .map(Duration::as_millis)
        .collect();
    assert_eq!(when, [0, 200, 600, 1400, 3000]);
    assert_eq!(process.world.times("take 1"), 1);
    assert_eq!(process.world.times("undo 1"), 0);
    let saga = process.saga().await;
    assert_eq!((saga.epoch, saga.interruptions), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_retriable_step_is_tried_again_without_a_pivot() {
    let process = Process::first().await;
    process.world.plan("order", &[("take", 1), ("ship", 2)]);
    process.world.script("ship 2", [Do::Fail; 2]);
    let answer = process.runtime.scope(order(&process.world, 1)).await;
    assert_eq!(answer.unwrap(), "order done");
    assert_eq!(process.world.times("ship 2"), 3);
    assert_eq!(process.world.times("undo 1"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_fails_too_often_is_parked_and_the_caller_hears_it() {
    let process = Process::first().await;
    process.world.plan("order", &[("commit", 1), ("note", 2)]);
    process
        .world
        .script("note 2", std::iter::repeat_n(Do::Fail, 100));
    let answer = process.runtime.scope(order(&process.world, 1)).await;
    let Err(Oops::Policy(Error::SagaParked { reason, cause, .. })) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(reason, Parking::Stuck);
    assert!(
        cause.contains("20 times") && cause.contains("refused: note 2"),
        "{cause}"
    );
    assert_eq!(process.world.times("note 2"), 20);
    // 200 ms, doubled up to a minute.
    let last = process.world.when("note 2")[19];
    assert_eq!(
        last,
        Duration::from_millis(102_200) + 10 * Duration::from_secs(60)
    );
    let letters = process.letters().await;
    assert_eq!((letters.len(), letters[0].work.attempts), (1, 20));
}

#[tokio::test(start_paused = true)]
async fn an_operator_can_undo_what_is_stuck_with_what_is_in_doubt() {
    let process = Process::first().await;
    process
        .world
        .plan("order", &[("take", 1), ("commit", 2), ("wire", 3)]);
    let fails = std::iter::repeat_n(Do::Fail, 20);
    process.world.script("wire 3", fails);
    let answer = process.runtime.scope(order(&process.world, 1)).await;
    answer.unwrap_err();
    let saga = process.saga().await;
    assert_eq!((saga.parking, saga.pivoted), (Some(Parking::Stuck), true));
    let letters = process.runtime.dead_letters();
    let retried = letters.retry_as(1, RetryAs::Compensation, "ann").await;
    assert_eq!(retried.unwrap(), RetryOutcome::Settled);
    assert_eq!(process.saga().await.status, Status::Compensated);
    assert_eq!(process.world.times("undo 3 in doubt"), 1);
    assert_eq!(process.world.times("undo 1"), 1);
}

#[tokio::test(start_paused = true)]
async fn progress_gives_all_attempts_back() {
    let process = Process::first().await;
    let plan = [("commit", 1), ("note", 2), ("note", 3)];
    process.world.plan("order", &plan);
    process.world.script("note 2", [Do::Fail; 19]);
    process.world.script("note 3", [Do::Fail; 19]);
    let answer = process.runtime.scope(order(&process.world, 1)).await;
    assert_eq!(answer.unwrap(), "order done");
    let at = process.world.when("note 3");
    assert_eq!(at[1] - at[0], Duration::from_millis(200));
}

#[tokio::test(start_paused = true)]
async fn a_panic_past_a_pivot_is_tried_again() {
    let process = Process::first().await;
    process.world.plan("order", &[("commit", 1), ("note", 2)]);
    process.world.script("note 2", [Do::Panic]);
    let answer = process.runtime.scope(order(&process.world, 1)).await;
    assert_eq!(answer.unwrap(), "order done");
    assert_eq!(process.world.times("note 2"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_in_a_pause_is_followed_by_one_that_goes_on() {
    let process = Process::first().await;
    process.world.plan("order", &[("commit", 1), ("note", 2)]);
    process.world.script("note 2", [Do::Fail]);
    process.begin([call!(order, process, 1)]).await;
    let process = process.recovered().await;
    assert_eq!(process.saga().await.status, Status::Completed);
    assert_eq!(process.world.times("note 2"), 2);
}

#[tokio::test(start_paused = true)]
async fn shutting_down_does_not_wait_for_pauses() {
    let process = Process::first().await;
    process.world.plan("order", &[("commit", 1), ("note", 2)]);
    process.world.script("note 2", [Do::Fail; 12]);
    process.begin([call!(order, process, 1)]).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let began = tokio::time::Instant::now();
    let report = process.runtime.shutdown().await;
    assert_eq!((began.elapsed(), report.left), (Duration::ZERO, 0));
    let next = process.store.leave().await;
    process.world.script("note 2", []);
    let process = Process::on(next, &process.world, |builder| builder).await;
    process.runtime.recovered().await;
    assert_eq!(process.saga().await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_was_taken_over_waits_for_the_breaker_of_its_step() {
    let process = Process::first().await;
    process.world.plan("order", &[("take", 1), ("guarded", 2)]);
    process.world.script("guarded 2", [Do::Hang]);
    process.begin([call!(order, process, 1)]).await;
    process.world.script("guarded 9", [Do::Fail]);
    guarded_alone(&process.world, 9).await.unwrap_err();
    let process = process.recovered().await;
    // Once to be refused, and once when the breaker may let it through.
    tokio::time::sleep(Duration::from_millis(29_900)).await;
    assert_eq!(process.saga().await.status, Status::Running);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let saga = process.saga().await;
    assert_eq!((saga.status, saga.interruptions), (Status::Completed, 1));
    assert_eq!(process.world.times("guarded 2"), 2);
    assert_eq!(process.world.times("undo 1"), 0);
    GATEWAY.reset();
}
