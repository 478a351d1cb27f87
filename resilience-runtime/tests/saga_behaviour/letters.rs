//! Compensations that fail for good, and what operators do about them.

use resilience_runtime::dlq::{DeadLetterError, DeadLetterKind, DeadLetterStatus, RetryOutcome};
use resilience_runtime::error::Error;
use resilience_runtime::saga::journal::Status;

use crate::process::Process;
use crate::shop::{Ask, Do, ShopError, order_once};
use crate::store::Trouble;

const PLAN: &[Ask] = &[Ask::Reserve(1), Ask::Reserve(2), Ask::Reserve(3), Ask::Fail];

/// A saga whose second compensation failed for good.
async fn stuck() -> (Process, ShopError) {
    let process = Process::first(PLAN).await;
    process
        .world
        .script("release 2", &[Do::Fail, Do::Panic, Do::Fail]);
    let error = process.order().await.unwrap_err();
    (process, error)
}

#[tokio::test(start_paused = true)]
async fn a_compensation_that_fails_for_good_waits_for_an_operator_with_all_it_needs() {
    let (process, error) = stuck().await;
    let ShopError::Policy(Error::CompensationFailed {
        step,
        cause,
        dead_letter,
        ..
    }) = error
    else {
        panic!("{error}");
    };
    assert_eq!((step.as_str(), dead_letter.as_str()), ("reserve", "1"));
    assert_eq!(cause, "refused: order");
    assert_eq!(process.world.times("release 3"), 1);
    assert_eq!(process.world.times("release 2"), 3);
    assert_eq!(process.world.times("release 1"), 0);
    let saga = process.disk().saga();
    assert_eq!(saga.status, Status::CompensationFailed);
    assert_eq!(saga.error.as_deref(), Some("refused: order"));
    let letter = process
        .runtime
        .dead_letters()
        .get(1)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(letter.saga, Some(saga.id));
    assert_eq!(
        (letter.work.kind, letter.work.attempts),
        (DeadLetterKind::Compensation, 3)
    );
    assert_eq!(letter.work.arguments, r#"{"item":2}"#);
    assert_eq!(letter.work.output.as_deref(), Some("\"did reserve 2\""));
    assert_eq!(letter.work.error, "refused: release 2");
}

#[tokio::test(start_paused = true)]
async fn a_retry_undoes_the_rest_and_settles_the_entry() {
    let (process, _) = stuck().await;
    let letters = process.runtime.dead_letters();
    assert_eq!(
        letters.retry(1, "ada").await.unwrap(),
        RetryOutcome::Settled
    );
    let effects = process.world.effects();
    assert_eq!(effects[effects.len() - 2..], ["release 2", "release 1"]);
    assert_eq!(process.world.times("release 3"), 1);
    assert_eq!(process.disk().saga().status, Status::Compensated);
    let letter = letters.get(1).await.unwrap().unwrap();
    assert_eq!(letter.status, DeadLetterStatus::Settled);
    let again = letters.retry(1, "ada").await.unwrap_err();
    assert!(matches!(again, DeadLetterError::NotOpen(1, _)));
    let unknown = letters.retry(2, "ada").await.unwrap_err();
    assert!(matches!(unknown, DeadLetterError::NotFound(2)));
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_fails_again_updates_the_entry() {
    let (process, _) = stuck().await;
    process.world.script("release 2", &[Do::Fail; 3]);
    let letters = process.runtime.dead_letters();
    let RetryOutcome::FailedAgain { operation, .. } = letters.retry(1, "ada").await.unwrap() else {
        panic!("it failed again");
    };
    assert_eq!(operation, "reserve");
    let open = letters
        .list(DeadLetterStatus::Open, None, 10)
        .await
        .unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].work.attempts, 6);
    assert_eq!(process.disk().saga().status, Status::CompensationFailed);
}

#[tokio::test(start_paused = true)]
async fn of_two_operators_one_retries() {
    let (process, _) = stuck().await;
    let letters = process.runtime.dead_letters();
    let (one, two) = tokio::join!(letters.retry(1, "ada"), letters.retry(1, "ada"));
    let won = [one.is_ok(), two.is_ok()];
    assert!(won == [true, false] || won == [false, true], "{won:?}");
    assert_eq!(process.world.times("release 1"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_dies_is_finished_by_the_next_process() {
    let (process, _) = stuck().await;
    let writes = process.disk().writes();
    for after in 0..3 {
        let (process, _) = stuck().await;
        process.store.expect(Trouble::DieAfter(writes + after));
        let letters = process.runtime.dead_letters();
        tokio::select! {
            _ = letters.retry(1, "ada") => panic!("it died"),
            () = process.store.died() => {}
        }
        drop(letters);
        let process = process.restart().await;
        process.runtime.recovered().await;
        assert_eq!(process.disk().saga().status, Status::Compensated);
        assert_eq!(
            process.disk().data().letters[0].status,
            DeadLetterStatus::Settled
        );
        assert_eq!(process.world.times("release 1"), 1);
        assert_eq!(process.world.times("release 2"), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_the_program_does_not_know_cannot_be_undone() {
    let process = Process::first(&[Ask::Reserve(1), Ask::Fail]).await;
    process.store.expect(Trouble::DieAfter(1));
    tokio::select! {
        _ = process.order() => panic!("it died"),
        () = process.store.died() => {}
    }
    process
        .disk()
        .tamper(|saga| "gone".clone_into(&mut saga.steps[0].step));
    let process = process.restart().await;
    process.runtime.recovered().await;
    assert_eq!(process.disk().saga().status, Status::CompensationFailed);
    let letter = process.disk().data().letters[0].work.clone();
    assert_eq!((letter.operation.as_str(), letter.attempts), ("gone", 0));
    assert!(
        letter.error.contains("no saga step `gone`"),
        "{}",
        letter.error
    );
}

#[tokio::test(start_paused = true)]
async fn resolving_closes_the_entry_and_runs_nothing() {
    let (process, _) = stuck().await;
    let letters = process.runtime.dead_letters();
    letters
        .resolve(1, "released by phone", "ada")
        .await
        .unwrap();
    assert_eq!(process.world.times("release 1"), 0);
    assert_eq!(process.disk().saga().status, Status::Resolved);
    let letter = letters.get(1).await.unwrap().unwrap();
    assert_eq!(letter.note.as_deref(), Some("released by phone"));
    let again = letters.resolve(1, "", "ada").await.unwrap_err();
    assert!(matches!(again, DeadLetterError::NotOpen(1, _)));
}

#[tokio::test(start_paused = true)]
async fn the_key_of_a_stuck_saga_is_taken_until_an_operator_frees_it() {
    let process = Process::first(PLAN).await;
    process.world.script("release 2", &[Do::Fail; 3]);
    let call = || process.runtime.scope(order_once(&process.world, 3));
    call().await.unwrap_err();
    let error = call().await.unwrap_err();
    assert!(
        matches!(error, ShopError::Policy(Error::CompensationFailed { .. })),
        "{error}"
    );
    process
        .runtime
        .dead_letters()
        .retry(1, "ada")
        .await
        .unwrap();
    process.world.plan(&[]);
    call().await.unwrap();
}
