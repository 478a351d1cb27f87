//! When recovery looks, and that it goes on whatever fails.

use std::time::Duration;

use resilience_runtime::runtime::RuntimeBuilder;
use resilience_runtime::saga::journal::Status;
use tokio::time::Instant;

use crate::mortal::Mortal;
use crate::process::Process;
use crate::shop::{Do, World};

const PLAN: &[(&str, u32)] = &[("take", 1), ("note", 2)];

/// A process that hangs in the second step of a saga, and one beside it that has nothing to do.
async fn two() -> (Process, Process) {
    let first = Process::first().await;
    first.world.plan("order", PLAN);
    first.world.script("note 2", [Do::Hang]);
    let second = Process::on(first.store.another(), &first.world, |builder| builder).await;
    second.runtime.recovered().await;
    first.begin([call!(order, first, 1)]).await;
    (first, second)
}

#[tokio::test(start_paused = true)]
async fn a_process_that_starts_finishes_what_it_finds() {
    let process = Process::first().await;
    process.world.plan("order", PLAN);
    process.world.script("note 2", [Do::Hang; 3]);
    process
        .begin((0..3).map(|n| call!(order, process, n)))
        .await;
    let began = Instant::now();
    let process = process.recovered().await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    for saga in process.sagas().await {
        assert_eq!((saga.status, saga.epoch), (Status::Completed, 2));
        assert_eq!(saga.interruptions, 1);
    }
    assert_eq!(process.world.times("take 1"), 3);
    assert_eq!(process.world.times("note 2"), 6);
}

#[tokio::test(start_paused = true)]
async fn what_another_process_leaves_when_it_is_killed_is_found_within_the_poll_interval() {
    let (first, second) = two().await;
    let killed = Instant::now();
    drop(first.store.kill());
    while second.saga().await.status != Status::Completed {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(killed.elapsed() <= Duration::from_millis(5010));
    assert_eq!(second.saga().await.interruptions, 1);
}

#[tokio::test(start_paused = true)]
async fn what_another_process_leaves_in_order_is_found_at_once() {
    let (first, second) = two().await;
    let left = Instant::now();
    first.store.leave().await;
    while second.saga().await.status != Status::Completed {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(left.elapsed() <= Duration::from_millis(25));
    let saga = second.saga().await;
    assert_eq!((saga.epoch, saga.interruptions), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn the_poll_interval_is_the_one_that_was_chosen() {
    let process = Process::first().await;
    let every_minute = |builder: RuntimeBuilder| builder.poll_interval(Duration::from_secs(60));
    let process = Process::on(process.store.another(), &process.world, every_minute).await;
    process.runtime.recovered().await;
    assert_eq!(process.store.asked("take_over"), 1);
    tokio::time::sleep(Duration::from_millis(59_990)).await;
    assert_eq!(process.store.asked("take_over"), 1);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(process.store.asked("take_over"), 2);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(process.store.asked("take_over"), 12);
    // Sagas and letters, once a minute at most.
    assert_eq!(process.store.asked("purge"), 12);
    assert_eq!(process.store.asked("purge_letters"), 12);
}

#[tokio::test(start_paused = true)]
async fn deleting_is_looked_for_once_a_minute_and_not_where_everything_is_kept() {
    let process = Process::first().await;
    tokio::time::sleep(Duration::from_secs(179)).await;
    assert_eq!(process.store.asked("purge"), 3);
    assert_eq!(process.store.asked("unresolved"), 36);
    let world = World::new();
    let keeps = |builder: RuntimeBuilder| builder.retention(None);
    let process = Process::on(process.store.another(), &world, keeps).await;
    tokio::time::sleep(Duration::from_secs(179)).await;
    assert_eq!(process.store.asked("purge"), 0);
}

#[tokio::test(start_paused = true)]
async fn sagas_that_are_over_are_deleted_after_the_retention() {
    let not_ten_minutes = |builder: RuntimeBuilder| builder.retention(Duration::from_secs(590));
    let process = Process::on(Mortal::first(), &World::new(), not_ten_minutes).await;
    process.world.plan("order", &[("note", 1)]);
    // More than are deleted at once.
    let calls = (0..700).map(|n| call!(order, process, n));
    process.begin(calls).await;
    tokio::time::sleep(Duration::from_secs(595)).await;
    assert_eq!(process.sagas().await.len(), 700);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(process.sagas().await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_is_to_be_taken_over_does_not_wait_for_what_is_deleted() {
    let (first, second) = two().await;
    *second.store.hangs.lock().unwrap() = Some("purge");
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(second.store.asked("purge"), 2);
    let rounds = second.store.asked("take_over");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(second.store.asked("take_over"), rounds + 2);
    drop(first.store.kill());
    tokio::time::sleep(Duration::from_millis(5010)).await;
    assert_eq!(second.saga().await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_asked_again_and_the_rest_is_done() {
    let process = Process::first().await;
    process.world.plan("order", PLAN);
    process.world.script("note 2", [Do::Hang]);
    process.begin([call!(order, process, 1)]).await;
    let next = process.store.kill();
    next.refuse("take_over", 3);
    let process = Process::on(next, &process.world, |builder| builder).await;
    let began = Instant::now();
    process.runtime.recovered().await;
    // It cannot say that everything is recovered before it could ask.
    assert_eq!(began.elapsed(), Duration::from_secs(3));
    assert_eq!(process.saga().await.status, Status::Completed);
    assert_eq!(process.store.asked("take_over"), 5);
    // What could be asked was.
    assert_eq!(process.store.asked("cancelled"), 4);
}

#[tokio::test(start_paused = true)]
async fn shutting_down_is_not_kept_waiting_by_what_waits_for_its_turn() {
    let process = Process::first().await;
    process.world.plan("order", PLAN);
    process.world.script("note 2", [Do::Hang; 200]);
    process
        .begin((0..50).map(|n| call!(order, process, n)))
        .await;
    let process = process.killed().await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(process.world.times("note 2"), 50 + 16);
    let report = process.runtime.shutdown().await;
    assert_eq!(report.left, 16);
    let process = Process::on(process.store.leave().await, &process.world, |builder| {
        builder
    })
    .await;
    process.world.script("note 2", []);
    process.runtime.recovered().await;
    let sagas = process.sagas().await;
    assert!(sagas.iter().all(|saga| saga.status == Status::Completed));
    // Those that had no turn were taken over all the same.
    assert!(sagas.iter().all(|saga| saga.epoch == 3));
}
