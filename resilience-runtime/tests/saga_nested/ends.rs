//! A saga in a saga's body is a step of it.

use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{CancelOutcome, Journal as _, Status, StepOutcome};

use crate::process::{Process, statuses};
use crate::trips::{cannot_give_back, hasty, inner_by_id, trip};
use crate::world::{Ask, Do, TripError};

const LONG: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn it_is_a_saga_and_a_step() {
    let process = Process::first(&[
        Ask::Take(1),
        Ask::Call("inner"),
        Ask::Call("inner"),
        Ask::Take(2),
    ])
    .await;
    process.world.plan("inner", &[Ask::Take(5)]);
    process.scope(trip(&process.world, 7, 5)).await.unwrap();
    let writes = [
        "start trip",
        "take#0",
        "start inner",
        "take#0 completed",
        "saga::call inner#0",
        "start inner",
        "take#0 completed",
        "saga::call inner#1",
        "take#1 completed",
    ];
    assert_eq!(process.writes(), writes);
    let parent = process.saga("trip").await;
    let step = &parent.steps[1];
    assert_eq!(step.arguments, r#"{"amount":5,"order":7}"#);
    assert_eq!(step.output.as_deref(), Some(r#""inner of 7""#));
    let sagas = process.sagas().await;
    let children: Vec<_> = sagas.iter().filter(|saga| saga.name == "inner").collect();
    assert_eq!(children.len(), 2);
    assert!(
        children
            .iter()
            .all(|child| child.parent.as_ref() == Some(&parent.id))
    );
}

#[tokio::test(start_paused = true)]
async fn it_is_undone_with_its_caller() {
    let process =
        Process::first(&[Ask::Take(1), Ask::Call("inner"), Ask::Take(2), Ask::Fail]).await;
    process.world.plan("inner", &[Ask::Take(5), Ask::Take(6)]);
    process.scope(trip(&process.world, 7, 5)).await.unwrap_err();
    let effects = [
        "take 1",
        "take 5",
        "take 6",
        "take 2",
        "give back 2",
        "give back 6",
        "give back 5",
        "give back 1",
    ];
    assert_eq!(process.world.effects(), effects);
    let expected = [
        ("inner", Status::Compensated),
        ("trip", Status::Compensated),
    ];
    assert_eq!(statuses(&process.sagas().await), expected);
}

#[tokio::test(start_paused = true)]
async fn its_failure_is_an_error_of_its_type_and_is_remembered() {
    let process = Process::first(&[Ask::Take(1), Ask::Try("inner"), Ask::Take(2)]).await;
    process.world.plan("inner", &[Ask::Take(5), Ask::Fail]);
    process.world.script("take 2", &[Do::Hang]);
    tokio::select! {
        _ = process.scope(trip(&process.world, 7, 5)) => panic!("it hangs"),
        () = process.world.has("take 2") => {}
    }
    // Its caller went away, and the body is run again from the journal.
    process.quiet().await;
    let effects = ["take 1", "take 5", "give back 5", "take 2", "take 2"];
    assert_eq!(process.world.effects(), effects);
    let parent = process.saga("trip").await;
    assert_eq!(parent.status, Status::Completed);
    assert_eq!(parent.steps[1].outcome, StepOutcome::Failed);

    let process = Process::first(&[Ask::Take(1), Ask::Call("inner")]).await;
    process.world.plan("inner", &[Ask::Take(5), Ask::Fail]);
    let error = process.scope(trip(&process.world, 7, 5)).await.unwrap_err();
    assert!(matches!(error, TripError::Refused(what) if what == "inner"));
    let effects = ["take 1", "take 5", "give back 5", "give back 1"];
    assert_eq!(process.world.effects(), effects);
}

#[tokio::test(start_paused = true)]
async fn its_callers_cancel_reaches_it() {
    let process = Process::first(&[Ask::Take(1), Ask::Call("inner"), Ask::Take(2)]).await;
    process
        .world
        .plan("inner", &[Ask::Take(5), Ask::Think(LONG)]);
    let cancel = async {
        process.world.has("take 5").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let id = process.has("trip").await;
        process.runtime.sagas().cancel(&id, "ann").await.unwrap();
    };
    let began = tokio::time::Instant::now();
    let (answer, ()) = tokio::join!(process.scope(trip(&process.world, 7, 5)), cancel);
    assert!(matches!(
        answer.unwrap_err().policy(),
        Error::SagaCancelled { saga: "trip", .. }
    ));
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    let effects = ["take 1", "take 5", "give back 5", "give back 1"];
    assert_eq!(process.world.effects(), effects);
    let expected = [
        ("inner", Status::Compensated),
        ("trip", Status::Compensated),
    ];
    assert_eq!(statuses(&process.sagas().await), expected);
    assert!(process.saga("inner").await.cancelled);
}

#[tokio::test(start_paused = true)]
async fn its_callers_timeout_reaches_it() {
    let process = Process::first(&[]).await;
    process
        .world
        .plan("hasty", &[Ask::Take(1), Ask::Call("inner")]);
    process.world.plan("inner", &[Ask::Take(5), Ask::Doubt(6)]);
    process.world.script("doubt 6", &[Do::Hang]);
    let error = process
        .scope(hasty(&process.world, 7, 5))
        .await
        .unwrap_err();
    assert!(matches!(error.policy(), Error::SagaTimedOut { .. }));
    let effects = [
        "take 1",
        "take 5",
        "doubt 6",
        "give back 6 in doubt",
        "give back 5",
        "give back 1",
    ];
    assert_eq!(process.world.effects(), effects);
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_undone_keeps_its_caller_from_being_undone() {
    let process = Process::first(&[Ask::Take(1), Ask::Call("inner"), Ask::Fail]).await;
    process.world.plan("inner", &[Ask::Take(5)]);
    cannot_give_back(&process.world, 5);
    let error = process.scope(trip(&process.world, 7, 5)).await.unwrap_err();
    assert!(matches!(
        error.policy(),
        Error::CompensationFailed { saga: "trip", step, .. } if step == "saga::call inner"
    ));
    let expected = [
        ("inner", Status::CompensationFailed),
        ("trip", Status::CompensationFailed),
    ];
    assert_eq!(statuses(&process.sagas().await), expected);
    assert_eq!(process.letters().await.len(), 2);
    // The letter of the caller is enough.
    let id = process.saga("trip").await.id;
    let undone = process
        .runtime
        .sagas()
        .compensate(&id, "ann")
        .await
        .unwrap();
    assert_eq!(undone, resilience_runtime::saga::CompensateOutcome::Undone);
    let expected = [
        ("inner", Status::Compensated),
        ("trip", Status::Compensated),
    ];
    assert_eq!(statuses(&process.sagas().await), expected);
    assert_eq!(process.world.times("give back 5"), 3);
    assert!(
        process
            .letters()
            .await
            .iter()
            .all(|letter| !letter.status.is_unresolved())
    );
}

/// It had the id first, and was called with something else.
#[tokio::test(start_paused = true)]
async fn one_that_is_not_the_one_that_was_called_is_not_undone_with_its_caller() {
    let process = Process::first(&[Ask::Take(1), Ask::Call("inner_by_id")]).await;
    process.world.plan("inner_by_id", &[Ask::Take(5)]);
    let other = inner_by_id(&process.world, 7, 9);
    process.scope(other).await.unwrap();
    process.spy.dies_after(3);
    tokio::select! {
        biased;
        () = process.spy.died() => {}
        answer = process.scope(trip(&process.world, 7, 5)) => panic!("it survived: {answer:?}"),
    }
    let id = process.saga("trip").await.id;
    let cancelled = process.spy.store.cancel(id, Operator::named("ann")).await;
    assert_eq!(cancelled.unwrap(), Some(CancelOutcome::Requested));
    let process = process.restart().await;
    process.quiet().await;
    let expected = [
        ("inner_by_id", Status::Completed),
        ("trip", Status::Compensated),
    ];
    assert_eq!(statuses(&process.sagas().await), expected);
    assert_eq!(process.world.effects(), ["take 5", "take 1", "give back 1"]);
}

#[tokio::test(start_paused = true)]
async fn with_an_id_of_its_own_it_is_that_one() {
    let process = Process::first(&[
        Ask::Call("inner_by_id"),
        Ask::Call("inner_by_id"),
        Ask::Fail,
    ])
    .await;
    process.world.plan("inner_by_id", &[Ask::Take(5)]);
    process.scope(trip(&process.world, 7, 5)).await.unwrap_err();
    assert_eq!(process.world.effects(), ["take 5", "give back 5"]);
    assert_eq!(process.saga("inner_by_id").await.id.as_str(), "inner-7");
}

#[tokio::test(start_paused = true)]
async fn one_that_calls_itself_by_its_id_is_told_so() {
    let process = Process::first(&[Ask::Call("inner_by_id")]).await;
    process
        .world
        .plan("inner_by_id", &[Ask::Call("inner_by_id")]);
    let error = process.scope(trip(&process.world, 7, 5)).await.unwrap_err();
    // It crossed the journal as text.
    assert!(
        error.to_string().contains("was called from inside itself"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn one_whose_start_is_in_doubt_is_withdrawn_and_undone_with_its_caller() {
    let process = Process::first(&[Ask::Take(1), Ask::Call("inner")]).await;
    process.world.plan("inner", &[Ask::Take(5)]);
    process.spy.loses_start_of("inner");
    let began = tokio::time::Instant::now();
    let error = process.scope(trip(&process.world, 7, 5)).await.unwrap_err();
    assert!(
        matches!(error.policy(), Error::StartInDoubt { saga: "inner", .. }),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(process.world.effects(), ["take 1", "give back 1"]);
    let expected = [("inner", Status::Failed), ("trip", Status::Compensated)];
    assert_eq!(statuses(&process.sagas().await), expected);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_parked_is_undone_with_its_caller() {
    let process = Process::first(&[Ask::Take(1), Ask::Call("inner")]).await;
    process.world.plan("inner", &[Ask::Take(5), Ask::Take(6)]);
    // When the first step of the nested one is durable.
    process.spy.dies_after(3);
    tokio::select! {
        _ = process.scope(trip(&process.world, 7, 5)) => panic!("it died"),
        () = process.spy.died() => {}
    }
    process.world.plan("inner", &[Ask::Take(9)]);
    let process = process.restart().await;
    process.quiet().await;
    let expected = [
        ("inner", Status::Compensated),
        ("trip", Status::Compensated),
    ];
    assert_eq!(statuses(&process.sagas().await), expected);
    assert_eq!(
        process.world.effects(),
        ["take 1", "take 5", "give back 5", "give back 1"]
    );
}
