//! The `timeout` of a saga.

use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::saga::journal::Status;
use tokio::time::Instant;

use crate::process::Process;
use crate::trips::hasty;
use crate::world::{Ask, Do};

const LONG: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_saga_that_takes_too_long_is_undone() {
    let process = Process::first(&[]).await;
    process
        .world
        .plan("hasty", &[Ask::Take(1), Ask::Think(LONG)]);
    let began = Instant::now();
    let error = process
        .scope(hasty(&process.world, 7, 5))
        .await
        .unwrap_err();
    let after = Duration::from_secs(10);
    assert!(matches!(
        error.policy(),
        Error::SagaTimedOut { saga: "hasty", after: is, compensated: true, .. } if *is == after
    ));
    assert_eq!(began.elapsed(), after);
    assert_eq!(process.world.effects(), ["take 1", "give back 1"]);
}

#[tokio::test(start_paused = true)]
async fn its_compensations_are_out_of_reach_of_it() {
    let process = Process::first(&[]).await;
    process
        .world
        .plan("hasty", &[Ask::Take(1), Ask::Think(LONG)]);
    process
        .world
        .script("give back 1", &[Do::Wait(Duration::from_secs(30))]);
    let began = Instant::now();
    process
        .scope(hasty(&process.world, 7, 5))
        .await
        .unwrap_err();
    assert_eq!(began.elapsed(), Duration::from_secs(40));
    assert_eq!(process.saga("hasty").await.status, Status::Compensated);
    assert_eq!(process.world.times("give back 1"), 1);
}

#[tokio::test(start_paused = true)]
async fn behind_a_pivot_it_does_nothing() {
    let process = Process::first(&[]).await;
    process.world.plan(
        "hasty",
        &[
            Ask::Pivot(1),
            Ask::Think(Duration::from_secs(60)),
            Ask::Take(2),
        ],
    );
    let answer = process.scope(hasty(&process.world, 7, 5)).await;
    assert_eq!(answer.unwrap(), "hasty of 7");
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_is_resumed_has_the_rest_of_its_time() {
    let process = Process::first(&[]).await;
    let plan = [
        Ask::Think(Duration::from_secs(6)),
        Ask::Take(1),
        Ask::Take(2),
        Ask::Take(3),
    ];
    process.world.plan("hasty", &plan);
    let began = Instant::now();
    process
        .world
        .script("take 3", &[Do::Wait(Duration::from_secs(1))]);
    process.spy.dies_after(1);
    tokio::select! {
        _ = process.scope(hasty(&process.world, 7, 5)) => panic!("it died"),
        () = process.spy.died() => {}
    }
    assert_eq!(began.elapsed(), Duration::from_secs(6));
    // Thinks for six seconds again, and has four.
    let process = process.restart().await;
    process.quiet().await;
    assert!(
        began.elapsed() < Duration::from_millis(10_100),
        "{:?}",
        began.elapsed()
    );
    let saga = process.saga("hasty").await;
    assert_eq!(saga.status, Status::Compensated);
    assert_eq!(saga.error.as_deref(), Some("it did not end within 10s"));
    assert_eq!(process.world.effects(), ["take 1", "give back 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_saga_whose_time_is_over_when_it_is_taken_over_has_timed_out() {
    let process = Process::first(&[]).await;
    let plan = [Ask::Take(1), Ask::Take(2)];
    process.world.plan("hasty", &plan);
    process.spy.dies_after(1);
    tokio::select! {
        _ = process.scope(hasty(&process.world, 7, 5)) => panic!("it died"),
        () = process.spy.died() => {}
    }
    // A moment between two ticks of the timer, which sleeps until the next one for what is over already.
    tokio::time::advance(LONG + Duration::from_micros(300)).await;
    let process = process.restart().await;
    process.quiet().await;
    let saga = process.saga("hasty").await;
    assert_eq!(saga.status, Status::Compensated);
    assert_eq!(saga.error.as_deref(), Some("it did not end within 10s"));
}
