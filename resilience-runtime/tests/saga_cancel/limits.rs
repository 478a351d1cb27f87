//! `max_concurrent`: how many run at once in a process.

use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::saga::journal::{CancelOutcome, Status};
use resilience_runtime::saga::start;
use tokio::time::Instant;

use crate::process::Process;
use crate::trips::{mutual, narrow, single};
use crate::world::{Ask, Do};

#[tokio::test(start_paused = true)]
async fn so_many_run_at_once_and_the_others_wait_in_their_order() {
    let process = Process::first(&[]).await;
    process.world.plan(
        "narrow",
        &[Ask::Think(Duration::from_secs(10)), Ask::Take(1)],
    );
    let began = Instant::now();
    let mut calls = Vec::new();
    for order in 1..=6 {
        let (runtime, world) = (process.runtime.clone(), process.world.clone());
        calls.push(tokio::spawn(async move {
            runtime.scope(narrow(&world, order, 5)).await.unwrap();
            began.elapsed().as_secs()
        }));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut ended = Vec::new();
    for call in calls {
        ended.push(call.await.unwrap());
    }
    assert_eq!(ended, [10, 10, 20, 20, 30, 30]);
}

#[tokio::test(start_paused = true)]
async fn those_that_wait_are_durable_and_count_for_all_ways_to_start_them() {
    let process = Process::first(&[]).await;
    process
        .world
        .plan("single", &[Ask::Think(Duration::from_secs(10))]);
    let began = Instant::now();
    let mut handles = Vec::new();
    for order in 1..=3 {
        handles.push(
            process
                .scope(start(single(&process.world, order, 5)))
                .await
                .unwrap(),
        );
    }
    assert_eq!(process.sagas().await.len(), 3);
    process.scope(single(&process.world, 4, 5)).await.unwrap();
    for handle in handles {
        handle.result().await.unwrap();
    }
    assert_eq!(began.elapsed(), Duration::from_secs(40));
}

#[tokio::test(start_paused = true)]
async fn one_that_waits_can_be_cancelled_and_times_out() {
    let process = Process::first(&[]).await;
    process.world.plan(
        "narrow",
        &[
            Ask::Take(1),
            Ask::Pivot(2),
            Ask::Think(Duration::from_secs(600)),
        ],
    );
    let _long = [
        process
            .scope(start(narrow(&process.world, 1, 5)))
            .await
            .unwrap(),
        process
            .scope(start(narrow(&process.world, 2, 5)))
            .await
            .unwrap(),
    ];
    let cancelled = process
        .scope(start(narrow(&process.world, 3, 5)))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    assert_eq!(
        cancelled.cancel("ann").await.unwrap(),
        Some(CancelOutcome::Requested)
    );
    let error = cancelled.result().await.unwrap_err();
    assert!(matches!(
        error.policy(),
        Error::SagaCancelled {
            compensated: false,
            ..
        }
    ));
    assert_eq!(began.elapsed(), Duration::ZERO);
    let error = process
        .scope(narrow(&process.world, 4, 5))
        .await
        .unwrap_err();
    assert!(matches!(
        error.policy(),
        Error::SagaTimedOut {
            compensated: false,
            ..
        }
    ));
    assert_eq!(began.elapsed(), Duration::from_secs(60));
    assert_eq!(process.world.times("take 1"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_calls_its_own_kind_does_not_wait_for_itself() {
    let process = Process::first(&[]).await;
    process
        .world
        .plan("single", &[Ask::CallDeeper("inner"), Ask::Take(1)]);
    process.world.plan("inner", &[Ask::Call("single")]);
    let call = process.scope(single(&process.world, 7, 5));
    let call = tokio::time::timeout(Duration::from_secs(60), call).await;
    assert_eq!(call.unwrap().unwrap(), "single of 7");
    let sagas = process.sagas().await;
    assert_eq!(sagas.len(), 3);
    assert!(sagas.iter().all(|saga| saga.status == Status::Completed));
    // One beside it does.
    process
        .world
        .script("take 1", &[Do::Wait(Duration::from_secs(9)); 2]);
    let began = Instant::now();
    let calls = [100, 101].map(|order| process.scope(single(&process.world, order, 5)));
    let [one, other] = calls;
    let (one, other) = tokio::join!(one, other);
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(began.elapsed().as_secs(), 18);
}

#[tokio::test(start_paused = true)]
async fn two_that_call_each_other_do_not_wait_for_each_other() {
    let process = Process::first(&[]).await;
    let second = Duration::from_secs(1);
    for (name, other) in [("single", "mutual"), ("mutual", "single")] {
        let plan = [Ask::Think(second), Ask::CallDeeper(other)];
        process.world.plan(name, &plan);
    }
    let calls = async {
        tokio::join!(
            process.scope(single(&process.world, 1, 5)),
            process.scope(mutual(&process.world, 2, 5))
        )
    };
    let (one, other) = tokio::time::timeout(Duration::from_secs(60), calls)
        .await
        .unwrap();
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(process.sagas().await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn those_that_are_resumed_wait_for_their_turn_too() {
    let process = Process::first(&[]).await;
    process.world.plan("single", &[Ask::Take(1), Ask::Take(2)]);
    process.world.script("take 1", &[Do::Hang, Do::Hang]);
    for order in 1..=3 {
        let call = start(single(&process.world, order, 5));
        process.scope(call).await.unwrap();
    }
    process.world.has("take 1").await;
    process
        .world
        .script("take 1", &[Do::Wait(Duration::from_secs(10)); 3]);
    process.spy.dies_after(0);
    let began = Instant::now();
    let process = process.restart().await;
    process.quiet().await;
    assert_eq!(began.elapsed().as_secs(), 30);
    assert_eq!(process.world.times("take 1"), 4);
    assert_eq!(process.world.times("take 2"), 3);
}
