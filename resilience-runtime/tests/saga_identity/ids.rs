//! `id` and `key`: the same saga for good, however it ends.

use std::time::Duration;

use resilience_runtime::error::{Effect, Error};
use resilience_runtime::saga::journal::{Parking, Status};

use crate::process::Process;
use crate::trips::{Blunt, blunt, by_id, by_key, cannot_give_back, hasty_by_id, other_by_id};
use crate::world::{Ask, Do, TripError};

#[tokio::test(start_paused = true)]
async fn an_id_answers_with_the_result_for_good() {
    let process = Process::first(&[]).await;
    process.world.plan("by_id", &[Ask::Take(1)]);
    let first = process.scope(by_id(&process.world, 7, 5)).await.unwrap();
    tokio::time::advance(Duration::from_secs(24 * 3600)).await;
    let again = process.scope(by_id(&process.world, 7, 5)).await.unwrap();
    assert_eq!(
        (first.as_str(), again.as_str()),
        ("by_id of 7", "by_id of 7")
    );
    assert_eq!(process.world.effects(), ["take 1"]);
    assert_eq!(process.writes(), ["start by_id", "take#0 completed"]);
    assert_eq!(process.saga("by_id").await.id.as_str(), "order-7");
}

#[tokio::test(start_paused = true)]
async fn an_id_answers_with_the_error_of_its_own_type() {
    for (plan, status) in [
        (&[Ask::Take(1), Ask::Fail][..], Status::Compensated),
        (&[Ask::Fail], Status::Failed),
    ] {
        let process = Process::first(&[]).await;
        process.world.plan("by_id", plan);
        for _ in 0..2 {
            let error = process
                .scope(by_id(&process.world, 7, 5))
                .await
                .unwrap_err();
            assert!(matches!(error, TripError::Refused(ref what) if what == "by_id"));
        }
        assert_eq!(process.saga("by_id").await.status, status);
        assert_eq!(process.world.times("take 1"), plan.len() - 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_without_a_form_is_told_in_words() {
    let process = Process::first(&[]).await;
    let Blunt(text, policy) = process.scope(blunt(&process.world, 1)).await.unwrap_err();
    assert!(text == "no" && policy.is_none());
    let Blunt(text, policy) = process.scope(blunt(&process.world, 1)).await.unwrap_err();
    assert!(matches!(
        policy,
        Some(Error::SagaFailed { saga: "blunt", compensated: false, ref cause, .. }) if cause == "no"
    ));
    assert!(text.contains("saga `blunt` (blunt-1) failed: no"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn another_input_is_a_conflict_and_runs_nothing() {
    let process = Process::first(&[]).await;
    process.world.plan("by_id", &[Ask::Take(1)]);
    process.scope(by_id(&process.world, 7, 5)).await.unwrap();
    let writes = process.writes();
    let error = process
        .scope(by_id(&process.world, 7, 6))
        .await
        .unwrap_err();
    match error.policy() {
        Error::SagaConflict {
            saga,
            id,
            existing,
            arguments,
        } => {
            assert_eq!(
                (*saga, id.as_str(), existing.as_str()),
                ("by_id", "order-7", "by_id")
            );
            assert_eq!(arguments, &["amount"]);
        }
        other => panic!("{other}"),
    }
    assert_eq!(error.policy().effect(), Effect::DidNotRun);
    assert!(!error.to_string().contains('6'), "no values: {error}");
    let error = process.scope(other_by_id(&process.world, 7, 5)).await;
    match error.unwrap_err().policy() {
        Error::SagaConflict {
            saga,
            existing,
            arguments,
            ..
        } => {
            assert_eq!((*saga, existing.as_str()), ("other_by_id", "by_id"));
            assert!(arguments.is_empty());
        }
        other => panic!("{other}"),
    }
    assert_eq!(process.writes(), writes);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_with_a_saga_that_runs_is_told_at_once() {
    let process = Process::first(&[]).await;
    process.world.plan("by_id", &[Ask::Take(1)]);
    process
        .world
        .script("take 1", &[Do::Wait(Duration::from_secs(5))]);
    let conflict = async {
        process.world.has("take 1").await;
        let began = tokio::time::Instant::now();
        let error = process
            .scope(by_id(&process.world, 7, 6))
            .await
            .unwrap_err();
        assert!(matches!(error.policy(), Error::SagaConflict { .. }));
        assert_eq!(began.elapsed(), Duration::ZERO);
    };
    let (answer, ()) = tokio::join!(process.scope(by_id(&process.world, 7, 5)), conflict);
    answer.unwrap();
}

#[tokio::test(start_paused = true)]
async fn calls_with_one_id_join_also_from_another_process() {
    let process = Process::first(&[]).await;
    let other = process.another().await;
    process.world.plan("by_id", &[Ask::Take(1)]);
    process
        .world
        .script("take 1", &[Do::Wait(Duration::from_secs(1))]);
    let began = tokio::time::Instant::now();
    let here = async {
        let answer = process.scope(by_id(&process.world, 7, 5)).await;
        (answer, began.elapsed())
    };
    let (first, second, far) = tokio::join!(
        here,
        async {
            (
                process.scope(by_id(&process.world, 7, 5)).await,
                began.elapsed(),
            )
        },
        other.scope(by_id(&process.world, 7, 5)),
    );
    assert_eq!(first.0.unwrap(), "by_id of 7");
    assert_eq!(second.0.unwrap(), "by_id of 7");
    assert_eq!(first.1, second.1, "who waits is woken");
    assert_eq!(far.unwrap(), "by_id of 7");
    assert!(began.elapsed() < Duration::from_millis(1600));
    assert_eq!(process.world.times("take 1"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_an_id_of_its_name() {
    let process = Process::first(&[]).await;
    process.world.plan("by_key", &[Ask::Take(1)]);
    for order in [7, 7, 8] {
        process
            .scope(by_key(&process.world, order, 5))
            .await
            .unwrap();
    }
    assert_eq!(process.world.times("take 1"), 2);
    let error = process
        .scope(by_key(&process.world, 7, 6))
        .await
        .unwrap_err();
    assert!(matches!(error.policy(), Error::SagaConflict { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_could_not_be_undone_says_so_with_its_letter() {
    let process = Process::first(&[]).await;
    process.world.plan("by_id", &[Ask::Take(1), Ask::Fail]);
    cannot_give_back(&process.world, 1);
    for _ in 0..2 {
        let error = process
            .scope(by_id(&process.world, 7, 5))
            .await
            .unwrap_err();
        match error.policy() {
            Error::CompensationFailed {
                saga,
                id,
                step,
                cause,
                dead_letter,
            } => {
                assert_eq!(
                    (*saga, id.as_str(), step.as_str()),
                    ("by_id", "order-7", "take")
                );
                assert_eq!(cause, "refused: by_id");
                assert_eq!(*dead_letter, process.letters().await[0].id.to_string());
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(process.letters().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_parked_saga_says_so_with_its_letter() {
    let process = Process::first(&[]).await;
    process.world.plan("by_id", &[Ask::Take(1), Ask::Take(2)]);
    process.spy.dies_after(1);
    tokio::select! {
        _ = process.scope(by_id(&process.world, 7, 5)) => panic!("it died"),
        () = process.spy.died() => {}
    }
    process.world.plan("by_id", &[Ask::Take(9)]);
    let process = process.restart().await;
    for _ in 0..2 {
        let error = process
            .scope(by_id(&process.world, 7, 5))
            .await
            .unwrap_err();
        match error.policy() {
            Error::SagaParked {
                reason,
                dead_letter,
                cause,
                ..
            } => {
                assert_eq!(*reason, Parking::Mismatch);
                assert_eq!(*dead_letter, process.letters().await[0].id.to_string());
                assert!(cause.contains("`take` (call 1)"), "{cause}");
            }
            other => panic!("{other}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_timed_out_says_so_for_good() {
    let process = Process::first(&[]).await;
    process.world.plan(
        "hasty_by_id",
        &[Ask::Take(1), Ask::Think(Duration::from_secs(60))],
    );
    for _ in 0..2 {
        let error = process
            .scope(hasty_by_id(&process.world, 7, 5))
            .await
            .unwrap_err();
        let after = Duration::from_secs(10);
        assert!(
            matches!(error.policy(), Error::SagaTimedOut { after: is, compensated: true, .. } if *is == after),
            "{error}"
        );
    }
    assert_eq!(process.world.effects(), ["take 1", "give back 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_with_its_text() {
    let process = Process::first(&[]).await;
    process.world.plan("by_id", &[Ask::Take(1), Ask::Panic]);
    let (runtime, world) = (process.runtime.clone(), process.world.clone());
    let call = tokio::spawn(async move { runtime.scope(by_id(&world, 7, 5)).await });
    assert!(call.await.unwrap_err().is_panic());
    assert_eq!(
        process.world.effects(),
        ["take 1", "give back 1"],
        "undone before the caller hears of it"
    );
    let error = process
        .scope(by_id(&process.world, 7, 5))
        .await
        .unwrap_err();
    assert!(
        matches!(error.policy(), Error::SagaFailed { cause, compensated: true, .. } if cause == "panicked: by_id panicked"),
        "{error}"
    );
    let writes = ["start by_id", "take#0 compensating", "undone 0 compensated"];
    assert_eq!(process.writes(), writes);
}

#[tokio::test(start_paused = true)]
async fn a_start_whose_answer_was_lost_is_run_by_this_process() {
    let process = Process::first(&[]).await;
    process.world.plan("by_id", &[Ask::Take(1)]);
    process.spy.loses_start_of("by_id");
    let error = process
        .scope(by_id(&process.world, 7, 5))
        .await
        .unwrap_err();
    assert!(matches!(
        error.policy(),
        Error::StartInDoubt { saga: "by_id", .. }
    ));
    process.quiet().await;
    assert_eq!(process.saga("by_id").await.status, Status::Completed);
    let again = process.scope(by_id(&process.world, 7, 5)).await.unwrap();
    assert_eq!(again, "by_id of 7");
    assert_eq!(process.world.effects(), ["take 1"]);
    // Somebody else's is left alone.
    process
        .world
        .script("take 1", &[Do::Wait(Duration::from_secs(60))]);
    let other = process.another().await;
    let call = other.scope(by_id(&other.world, 8, 5));
    let lost = async {
        process.world.has("take 1").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        process.spy.loses_start_of("by_id");
        process
            .scope(by_id(&process.world, 8, 5))
            .await
            .unwrap_err();
    };
    let (answer, ()) = tokio::join!(call, lost);
    assert_eq!(answer.unwrap(), "by_id of 8");
    assert_eq!(process.world.times("take 1"), 2);
}
