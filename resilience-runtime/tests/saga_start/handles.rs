//! `start`, and what its handle can do.

use std::time::Duration;

use resilience_runtime::error::{Effect, Error};
use resilience_runtime::saga::journal::{CancelOutcome, SagaId, Status};
use resilience_runtime::saga::start;
use tokio::time::Instant;

use crate::process::{Process, statuses};
use crate::trips::{Blunt, blunt, by_id, once, trip};
use crate::world::{Ask, Do, TripError};

#[tokio::test(start_paused = true)]
async fn a_started_saga_is_durable_and_runs_by_itself() {
    let process = Process::first(&[Ask::Take(1), Ask::Take(2)]).await;
    process
        .world
        .script("take 1", &[Do::Wait(Duration::from_secs(5))]);
    let began = Instant::now();
    let handle = process
        .scope(start(trip(&process.world, 7, 5)))
        .await
        .unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(process.writes(), ["start trip"]);
    assert!(
        process.world.effects().is_empty(),
        "it is run by the runtime"
    );
    assert_eq!(handle.status().await.unwrap(), Some(Status::Running));
    assert_eq!(handle.result().await.unwrap(), "trip of 7");
    assert_eq!(
        began.elapsed(),
        Duration::from_secs(5),
        "who waits is woken"
    );
    assert_eq!(handle.status().await.unwrap(), Some(Status::Completed));
    assert_eq!(handle.clone().result().await.unwrap(), "trip of 7");
    assert_eq!(process.world.effects(), ["take 1", "take 2"]);
    // No more than one that is waited for.
    let writes = ["start trip", "take#0", "take#1 completed"];
    assert_eq!(process.writes(), writes);
    assert_eq!(process.saga("trip").await.epoch, 1);
}

#[tokio::test(start_paused = true)]
async fn its_result_has_the_type_of_its_error() {
    let process = Process::first(&[Ask::Take(1), Ask::Fail]).await;
    let handle = process
        .scope(start(trip(&process.world, 7, 5)))
        .await
        .unwrap();
    let error = handle.result().await.unwrap_err();
    assert!(matches!(error, TripError::Refused(what) if what == "trip"));
    let handle = process
        .scope(start(blunt(&process.world, 1)))
        .await
        .unwrap();
    let Blunt(_, error) = handle.result().await.unwrap_err();
    assert!(matches!(error, Some(Error::SagaFailed { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_handle_is_found_again_by_its_id_also_in_another_process() {
    let process = Process::first(&[Ask::Take(1), Ask::Fail]).await;
    process
        .world
        .script("take 1", &[Do::Wait(Duration::from_secs(5))]);
    let handle = process
        .scope(start(trip(&process.world, 7, 5)))
        .await
        .unwrap();
    let other = process.another().await;
    let began = Instant::now();
    let found = other
        .runtime
        .sagas()
        .handle::<String, TripError>(handle.id());
    let error = found.result().await.unwrap_err();
    assert!(matches!(
        error.policy(),
        Error::SagaFailed { saga: "trip", compensated: true, cause, .. } if cause == "refused: trip"
    ));
    assert!(began.elapsed() <= Duration::from_millis(5500));
    let error = found.with_errors().result().await.unwrap_err();
    assert!(matches!(error, TripError::Refused(what) if what == "trip"));
    let nobody = SagaId::from("nobody".to_owned());
    let nobody = other.runtime.sagas().handle::<String, TripError>(&nobody);
    assert_eq!(nobody.status().await.unwrap(), None);
    assert_eq!(nobody.cancel("ann").await.unwrap(), None);
    let error = nobody.result().await.unwrap_err();
    assert!(matches!(error.policy(), Error::SagaNotFound { id } if id == "nobody"));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_there_is_not_started_again() {
    let process = Process::first(&[]).await;
    process.world.plan("by_id", &[Ask::Take(1)]);
    let call = || process.scope(start(by_id(&process.world, 7, 5)));
    let (one, two) = tokio::join!(call(), call());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.id(), two.id());
    assert_eq!(two.result().await.unwrap(), "by_id of 7");
    assert_eq!(call().await.unwrap().result().await.unwrap(), "by_id of 7");
    assert_eq!(process.world.times("take 1"), 1);
    let error = process.scope(start(by_id(&process.world, 7, 6))).await;
    assert!(matches!(
        error.unwrap_err().policy(),
        Error::SagaConflict { .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn one_with_a_key_is_resumed_under_it() {
    let process = Process::first(&[]).await;
    process.world.plan("once", &[Ask::Take(1)]);
    let handle = process
        .scope(start(once(&process.world, 7, 5)))
        .await
        .unwrap();
    let again = process
        .scope(start(once(&process.world, 7, 5)))
        .await
        .unwrap();
    assert_eq!(handle.id(), again.id());
    assert_eq!(
        process.scope(once(&process.world, 7, 5)).await.unwrap(),
        "once of 7"
    );
    assert_eq!(process.world.times("take 1"), 1);
}

#[tokio::test(start_paused = true)]
async fn whatever_stands_above_the_saga_is_passed() {
    let process = Process::first(&[Ask::Take(1)]).await;
    let stacked = async {
        let call = trip(&process.world, 7, 5);
        let limited = tokio::time::timeout(Duration::from_secs(1), call).await;
        limited.unwrap_or_else(|_| Err(TripError::Refused("late".to_owned())))
    };
    let handle = process.scope(start(Box::pin(stacked))).await.unwrap();
    assert_eq!(handle.result().await.unwrap(), "trip of 7");
    // A method.
    struct Shop(Process);
    impl Shop {
        async fn trip(&self) -> Result<String, TripError> {
            trip(&self.0.world, 8, 5).await
        }
    }
    let shop = Shop(process);
    let handle = shop.0.scope(start(shop.trip())).await.unwrap();
    assert_eq!(handle.result().await.unwrap(), "trip of 8");
}

#[tokio::test(start_paused = true)]
async fn a_future_that_starts_no_saga_is_an_error_and_a_refusal_stays_one() {
    let process = Process::first(&[]).await;
    let none = async { Ok::<_, TripError>("nothing".to_owned()) };
    let error = process.scope(start(none)).await.unwrap_err();
    assert!(matches!(error.policy(), Error::NoSagaStarted));
    assert_eq!(error.policy().effect(), Effect::MayHaveRun);
    let refused = async { Err::<String, _>(TripError::Refused("above".to_owned())) };
    let error = process.scope(start(refused)).await.unwrap_err();
    assert!(matches!(error, TripError::Refused(what) if what == "above"));
    let error = start(trip(&process.world, 7, 5)).await.unwrap_err();
    assert!(matches!(error.policy(), Error::NoRuntime { .. }));
    process.runtime.shutdown().await;
    let error = process
        .scope(start(trip(&process.world, 7, 5)))
        .await
        .unwrap_err();
    assert!(matches!(error.policy(), Error::ShuttingDown { .. }));
    assert!(process.sagas().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_started_saga_outlives_its_process() {
    let process = Process::first(&[Ask::Take(1), Ask::Take(2)]).await;
    process.spy.dies_after(0);
    tokio::select! {
        _ = process.scope(start(trip(&process.world, 7, 5))) => panic!("it died"),
        () = process.spy.died() => {}
    }
    let process = process.restart().await;
    process.quiet().await;
    assert_eq!(process.world.effects(), ["take 1", "take 2"]);
    assert_eq!(process.saga("trip").await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn shutdown_waits_for_it() {
    let process = Process::first(&[Ask::Take(1)]).await;
    process
        .world
        .script("take 1", &[Do::Wait(Duration::from_secs(5))]);
    process
        .scope(start(trip(&process.world, 7, 5)))
        .await
        .unwrap();
    assert_eq!(process.runtime.shutdown().await.left, 0);
    assert_eq!(process.saga("trip").await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn it_is_cancelled_by_its_handle() {
    let process = Process::first(&[Ask::Take(1), Ask::Think(Duration::from_secs(60))]).await;
    let handle = process
        .scope(start(trip(&process.world, 7, 5)))
        .await
        .unwrap();
    process.world.has("take 1").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        handle.cancel("ann").await.unwrap(),
        Some(CancelOutcome::Requested)
    );
    let began = Instant::now();
    let error = handle.result().await.unwrap_err();
    assert!(matches!(
        error.policy(),
        Error::SagaCancelled {
            compensated: true,
            ..
        }
    ));
    assert_eq!(began.elapsed(), Duration::ZERO, "it hears of it at once");
    assert_eq!(process.world.effects(), ["take 1", "give back 1"]);
    let audit = process.runtime.sagas().audit(handle.id()).await.unwrap();
    let audit: Vec<_> = audit
        .iter()
        .map(|it| (it.operator.as_str(), it.action.as_str()))
        .collect();
    assert_eq!(audit, [("ann", "cancel")]);
    let over = Some(CancelOutcome::NotRunning(Status::Compensated));
    assert_eq!(handle.cancel("ann").await.unwrap(), over);
}

#[tokio::test(start_paused = true)]
async fn in_the_body_of_a_saga_it_starts_the_same_one_when_that_is_run_again() {
    let process = Process::first(&[
        Ask::Start("inner"),
        Ask::Start("inner"),
        Ask::Take(1),
        Ask::Take(2),
    ])
    .await;
    process.world.plan("inner", &[Ask::Take(5)]);
    process.world.script("take 2", &[Do::Hang]);
    tokio::select! {
        _ = process.scope(trip(&process.world, 7, 5)) => panic!("it hangs"),
        () = process.world.has("take 2") => {}
    }
    process.quiet().await;
    let sagas = process.sagas().await;
    let expected = [
        ("inner", Status::Completed),
        ("inner", Status::Completed),
        ("trip", Status::Completed),
    ];
    assert_eq!(statuses(&sagas), expected);
    assert!(sagas.iter().all(|saga| saga.parent.is_none()));
    assert_eq!(
        (process.world.times("take 5"), process.world.times("take 2")),
        (2, 2)
    );
}
