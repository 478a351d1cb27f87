//! Cancelling: durable, heard at once, and out of reach of what it undoes.

use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{CancelOutcome, Journal as _, Status};
use resilience_test_support::log::Log;
use tokio::time::Instant;
use tracing::Level;

use crate::process::Process;
use crate::trips::{by_id, trip};
use crate::world::{Ask, Do, TripError};

const LONG: Duration = Duration::from_secs(3600);

fn is_cancelled(answer: &Result<String, TripError>) -> bool {
    let error = answer.as_ref().unwrap_err();
    matches!(error.policy(), Error::SagaCancelled { saga: "trip", .. })
}

/// Runs `trip`, and cancels it this long after `action` was begun. When it had ended after that.
async fn cancelled(process: &Process, action: &str, after: Duration) -> Duration {
    let cancel = async {
        process.world.has(action).await;
        tokio::time::sleep(after).await;
        let id = process.has("trip").await;
        let by = Operator::named("ann").because("wrong order");
        let found = process.runtime.sagas().cancel(&id, by).await.unwrap();
        assert_eq!(found, Some(CancelOutcome::Requested));
        Instant::now()
    };
    let call = async {
        let answer = process.scope(trip(&process.world, 7, 5)).await;
        (answer, Instant::now())
    };
    let ((answer, ended), at) = tokio::join!(call, cancel);
    assert!(is_cancelled(&answer), "{answer:?}");
    ended.duration_since(at)
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stands_between_steps_is_cut_off_at_once() {
    let process = Process::first(&[Ask::Take(1), Ask::Think(LONG), Ask::Take(2)]).await;
    assert_eq!(
        cancelled(&process, "take 1", Duration::from_secs(1)).await,
        Duration::ZERO
    );
    assert_eq!(process.world.effects(), ["take 1", "give back 1"]);
    let writes = [
        "start trip",
        "take#0",
        "cancel",
        "compensating",
        "undone 0 compensated",
    ];
    assert_eq!(process.writes(), writes);
    let saga = process.saga("trip").await;
    assert_eq!((saga.status, saga.cancelled), (Status::Compensated, true));
    assert_eq!(saga.error.as_deref(), Some("it was cancelled"));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_under_way_comes_out_first_and_no_other_begins() {
    let process = Process::first(&[Ask::Take(1), Ask::Take(2)]).await;
    process
        .world
        .script("take 1", &[Do::Wait(Duration::from_secs(20))]);
    let took = cancelled(&process, "take 1", Duration::from_secs(1)).await;
    assert!((18..=19).contains(&took.as_secs()), "{took:?}");
    assert_eq!(process.world.effects(), ["take 1", "give back 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_does_not_come_out_is_dropped_after_half_a_minute_and_is_in_doubt() {
    let process = Process::first(&[Ask::Take(1), Ask::Doubt(2)]).await;
    process.world.script("doubt 2", &[Do::Hang]);
    let took = cancelled(&process, "doubt 2", Duration::from_secs(1)).await;
    assert_eq!(took, Duration::from_secs(30));
    let effects = ["take 1", "doubt 2", "give back 2 in doubt", "give back 1"];
    assert_eq!(process.world.effects(), effects);
    // One that is not undone in doubt is not.
    let process = Process::first(&[Ask::Take(1), Ask::Take(2)]).await;
    process.world.script("take 2", &[Do::Hang]);
    cancelled(&process, "take 2", Duration::ZERO).await;
    assert_eq!(process.world.effects(), ["take 1", "take 2", "give back 1"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_has_done_nothing_is_failed() {
    let process = Process::first(&[Ask::Think(LONG)]).await;
    let cancel = async {
        let id = process.has("trip").await;
        process.runtime.sagas().cancel(&id, "ann").await.unwrap();
    };
    let (answer, ()) = tokio::join!(process.scope(trip(&process.world, 7, 5)), cancel);
    let error = answer.unwrap_err();
    assert!(matches!(
        error.policy(),
        Error::SagaCancelled {
            compensated: false,
            ..
        }
    ));
    assert_eq!(process.saga("trip").await.status, Status::Failed);
}

#[tokio::test(start_paused = true)]
async fn compensations_are_out_of_reach_of_another_cancel_and_of_the_callers_drop() {
    let process = Process::first(&[Ask::Take(1), Ask::Take(2), Ask::Think(LONG)]).await;
    let wait = [Do::Wait(Duration::from_secs(100))];
    process.world.script("give back 2", &wait[..0]);
    process.world.script("give back 1", &wait[..0]);
    process
        .world
        .script("give back 2", &[Do::Wait(Duration::from_secs(20))]);
    let cancel = async {
        process.world.has("take 2").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let id = process.has("trip").await;
        process.runtime.sagas().cancel(&id, "ann").await.unwrap();
        process.world.has("give back 2").await;
        let again = process.runtime.sagas().cancel(&id, "bob").await.unwrap();
        assert_eq!(again, Some(CancelOutcome::NotRunning(Status::Compensating)));
    };
    tokio::select! {
        biased;
        () = cancel => {}
        _ = process.scope(trip(&process.world, 7, 5)) => panic!("it was dropped before"),
    }
    process.quiet().await;
    assert_eq!(process.saga("trip").await.status, Status::Compensated);
    let effects = ["take 1", "take 2", "give back 2", "give back 1"];
    assert_eq!(process.world.effects(), effects);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_while_its_saga_is_cut_off_changes_nothing() {
    let process = Process::first(&[Ask::Take(1), Ask::Doubt(2)]).await;
    process.world.script("doubt 2", &[Do::Hang]);
    let cancel = async {
        process.world.has("doubt 2").await;
        let id = process.has("trip").await;
        process.runtime.sagas().cancel(&id, "ann").await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
    };
    tokio::select! {
        biased;
        () = cancel => {}
        _ = process.scope(trip(&process.world, 7, 5)) => panic!("it was dropped before"),
    }
    process.quiet().await;
    let effects = ["take 1", "doubt 2", "give back 2 in doubt", "give back 1"];
    assert_eq!(process.world.effects(), effects);
    let saga = process.saga("trip").await;
    assert_eq!(saga.error.as_deref(), Some("it was cancelled"));
}

#[tokio::test(start_paused = true)]
async fn behind_a_pivot_it_is_too_late() {
    let process = Process::first(&[
        Ask::Pivot(1),
        Ask::Take(2),
        Ask::Think(Duration::from_secs(60)),
    ])
    .await;
    let cancel = async {
        process.world.has("take 2").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let id = process.has("trip").await;
        let found = process.runtime.sagas().cancel(&id, "ann").await.unwrap();
        assert_eq!(found, Some(CancelOutcome::Pivoted));
    };
    let (answer, ()) = tokio::join!(process.scope(trip(&process.world, 7, 5)), cancel);
    assert_eq!(answer.unwrap(), "trip of 7");
}

#[tokio::test(start_paused = true)]
async fn a_pivot_that_comes_out_after_the_cancel_still_goes_forward() {
    let process = Process::first(&[Ask::Pivot(1), Ask::Take(2)]).await;
    process
        .world
        .script("pivot 1", &[Do::Wait(Duration::from_secs(5))]);
    let cancel = async {
        process.world.has("pivot 1").await;
        let id = process.has("trip").await;
        process.runtime.sagas().cancel(&id, "ann").await.unwrap();
    };
    let (answer, ()) = tokio::join!(process.scope(trip(&process.world, 7, 5)), cancel);
    assert_eq!(answer.unwrap(), "trip of 7");
    assert_eq!(process.world.effects(), ["pivot 1", "take 2"]);
    assert_eq!(process.saga("trip").await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn another_process_asks_and_the_owner_hears_of_it() {
    let process = Process::first(&[Ask::Take(1), Ask::Think(LONG)]).await;
    let other = process.another().await;
    let cancel = async {
        process.world.has("take 1").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let id = process.has("trip").await;
        other.runtime.sagas().cancel(&id, "ann").await.unwrap();
        Instant::now()
    };
    let call = async {
        let answer = process.scope(trip(&process.world, 7, 5)).await;
        (answer, Instant::now())
    };
    let ((answer, ended), at) = tokio::join!(call, cancel);
    assert!(is_cancelled(&answer));
    assert!(ended.duration_since(at) <= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn one_whose_process_is_gone_is_undone_by_the_next() {
    let process = Process::first(&[Ask::Take(1), Ask::Doubt(2), Ask::Take(3)]).await;
    process.world.script("doubt 2", &[Do::Hang]);
    tokio::select! {
        _ = process.scope(trip(&process.world, 7, 5)) => panic!("it hangs"),
        () = async {
            process.world.has("doubt 2").await;
            let id = process.has("trip").await;
            // By another process, which is not heard any more.
            process.spy.dies_after(0);
            process.spy.store.cancel(id, Operator::named("ann")).await.unwrap();
        } => {}
    }
    let process = process.restart().await;
    process.quiet().await;
    let saga = process.saga("trip").await;
    assert_eq!(saga.status, Status::Compensated);
    assert_eq!(saga.error.as_deref(), Some("it was cancelled"));
    let effects = ["take 1", "doubt 2", "give back 2 in doubt", "give back 1"];
    assert_eq!(process.world.effects(), effects);
}

#[tokio::test(start_paused = true)]
async fn it_says_so_to_who_asks_later() {
    let process = Process::first(&[]).await;
    process
        .world
        .plan("by_id", &[Ask::Take(1), Ask::Think(LONG)]);
    let cancel = async {
        process.world.has("take 1").await;
        let id = process.has("by_id").await;
        process.runtime.sagas().cancel(&id, "ann").await.unwrap();
    };
    let (_, ()) = tokio::join!(process.scope(by_id(&process.world, 7, 5)), cancel);
    let error = process
        .scope(by_id(&process.world, 7, 5))
        .await
        .unwrap_err();
    assert!(matches!(
        error.policy(),
        Error::SagaCancelled {
            compensated: true,
            ..
        }
    ));
}

#[tokio::test(start_paused = true)]
async fn one_that_pauses_before_it_is_run_again_is_undone_at_once() {
    for from_elsewhere in [false, true] {
        let process = Process::first(&[Ask::Take(1), Ask::Again(2)]).await;
        process.world.script("again 2", &[Do::Fail; 12]);
        // After ten failures it pauses for a minute.
        let cancel = async {
            while process.world.times("again 2") < 10 {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            let id = process.has("trip").await;
            let other = process.another().await;
            let by = match from_elsewhere {
                true => &other,
                false => &process,
            };
            by.runtime.sagas().cancel(&id, "ann").await.unwrap();
            Instant::now()
        };
        let call = async {
            let answer = process.scope(trip(&process.world, 7, 5)).await;
            (answer, Instant::now())
        };
        let ((answer, ended), at) = tokio::join!(call, cancel);
        assert!(is_cancelled(&answer), "{answer:?}");
        let took = ended.duration_since(at);
        assert!(took <= Duration::from_secs(2 + 5), "{took:?}");
        assert_eq!(process.world.times("again 2"), 10);
        assert_eq!(process.world.times("give back 1"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_cut_off_and_is_not_undone_is_in_the_log() {
    for (ask, warnings) in [(Ask::Take(2), 1), (Ask::Doubt(2), 0)] {
        let process = Process::first(&[Ask::Take(1), ask]).await;
        process.world.script("take 2", &[Do::Hang]);
        process.world.script("doubt 2", &[Do::Hang]);
        let log = Log::default();
        let _listening = log.listen();
        let action = if warnings == 1 { "take 2" } else { "doubt 2" };
        cancelled(&process, action, Duration::ZERO).await;
        let left = log.texts(Level::WARN, "is not undone");
        assert_eq!(left.len(), warnings, "{:?}", log.entries());
    }
}
