//! What a shutdown leaves is for the next process, and nothing is decided because of it.

use std::sync::Arc;
use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::runtime::Runtime;
use resilience_runtime::saga::journal::Status;

use crate::process::{Process, statuses};
use crate::rig::spy::Spy;
use crate::trips::trip;
use crate::world::{Ask, Do, World};

/// A process that waits for its sagas for a tenth of a second, when it shuts down.
async fn hurried(plan: &[Ask]) -> Process {
    let (spy, world) = (Spy::new(), World::default());
    world.plan("trip", plan);
    let builder = Runtime::on_store(Arc::clone(&spy)).state(world.clone());
    let builder = builder.shutdown_timeout(Duration::from_millis(100));
    Process {
        runtime: builder.scoped().open().await.unwrap(),
        spy,
        world,
    }
}

/// Calls `trip`, shuts down when `effect` was begun, and goes on in the next process.
async fn shut_down_in(process: Process, effect: &str) -> Process {
    let call = {
        let (runtime, world) = (process.runtime.clone(), process.world.clone());
        tokio::spawn(async move { runtime.scope(trip(&world, 7, 5)).await })
    };
    process.world.has(effect).await;
    process.runtime.shutdown().await;
    // What is left of it may still act.
    tokio::time::sleep(Duration::from_secs(10)).await;
    call.abort();
    let process = process.restart().await;
    process.quiet().await;
    process
}

#[tokio::test(start_paused = true)]
async fn a_compensation_that_is_still_to_be_tried_is_no_failure_of_its_caller() {
    let process = hurried(&[Ask::Take(1), Ask::Call("inner"), Ask::Fail]).await;
    process.world.plan("inner", &[Ask::Take(5)]);
    process.world.script("give back 5", &[Do::Fail; 2]);
    let process = shut_down_in(process, "give back 5").await;
    let sagas = process.sagas().await;
    let undone = [
        ("inner", Status::Compensated),
        ("trip", Status::Compensated),
    ];
    assert_eq!(statuses(&sagas), undone);
    assert!(process.letters().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_saga_is_not_undone() {
    let process = hurried(&[Ask::Take(1), Ask::Call("inner"), Ask::Take(2)]).await;
    process.world.plan("inner", &[Ask::Pivot(6), Ask::Take(5)]);
    process.world.script("take 5", &[Do::Fail; 2]);
    let process = shut_down_in(process, "take 5").await;
    let sagas = process.sagas().await;
    let done = [("inner", Status::Completed), ("trip", Status::Completed)];
    assert_eq!(statuses(&sagas), done);
    assert_eq!(process.world.times("give back 1"), 0);
}

#[tokio::test(start_paused = true)]
async fn who_calls_one_too_late_is_not_undone() {
    for ask in [Ask::Call("inner"), Ask::Try("inner")] {
        let process = hurried(&[Ask::Take(1), ask, Ask::Take(2)]).await;
        process.world.plan("inner", &[Ask::Take(5)]);
        let second = Duration::from_secs(1);
        process.world.script("take 1", &[Do::Wait(second)]);
        let process = shut_down_in(process, "take 1").await;
        let sagas = process.sagas().await;
        let done = [("inner", Status::Completed), ("trip", Status::Completed)];
        assert_eq!(statuses(&sagas), done);
        assert_eq!(process.world.times("give back 1"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_when_nobody_waits_any_more_is_run_again() {
    let second = Ask::Think(Duration::from_secs(1));
    for fails in [Ask::Fail, Ask::Panic, Ask::Take(2)] {
        let process = hurried(&[Ask::Take(1), second, fails]).await;
        process.world.script("take 2", &[Do::Fail]);
        let call = {
            let (runtime, world) = (process.runtime.clone(), process.world.clone());
            tokio::spawn(async move { runtime.scope(trip(&world, 7, 5)).await })
        };
        process.world.has("take 1").await;
        assert_eq!(process.runtime.shutdown().await.left, 1);
        let answer = call.await.unwrap().unwrap_err();
        assert!(matches!(answer.policy(), Error::NotRecorded { .. }));
        process.world.plan("trip", &[Ask::Take(1), second]);
        let process = process.restart().await;
        process.quiet().await;
        assert_eq!(process.saga("trip").await.status, Status::Completed);
        assert_eq!(process.world.times("take 1"), 1);
        assert_eq!(process.world.times("give back 1"), 0);
    }
}
