//! How often a compensation is tried, and with what.

use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::saga::journal::Status;

use crate::process::Process;
use crate::shop::{Do, Oops, order};

const FAILS: [(&str, u32); 3] = [("take", 1), ("take", 2), ("fail", 0)];

#[tokio::test(start_paused = true)]
async fn steps_are_undone_newest_first_and_those_that_need_nothing_are_left_out() {
    let process = Process::first().await;
    let plan = [("take", 1), ("note", 2), ("take", 3), ("fail", 0)];
    process.world.plan("order", &plan);
    let answer = process.runtime.scope(order(&process.world, 1)).await;
    assert!(matches!(answer, Err(Oops::Refused(what)) if what == "order"));
    let undone: Vec<_> = process.world.effects().split_off(3);
    assert_eq!(
        undone,
        [
            "undo 3",
            "run 3: 1 FencingToken(1)",
            "undo 1",
            "run 1: 1 FencingToken(1)"
        ]
    );
    assert_eq!(process.saga().await.status, Status::Compensated);
}

#[tokio::test(start_paused = true)]
async fn a_compensation_is_tried_five_times_with_pauses_that_double() {
    let process = Process::first().await;
    process.world.plan("order", &FAILS);
    process
        .world
        .script("undo 2", [Do::Fail, Do::Panic, Do::Fail, Do::Fail]);
    process
        .runtime
        .scope(order(&process.world, 1))
        .await
        .unwrap_err();
    assert_eq!(process.saga().await.status, Status::Compensated);
    let when = process.world.when("undo 2");
    assert_eq!(when.len(), 5);
    for (at, most) in [200, 400, 800, 1600].into_iter().enumerate() {
        let pause = (when[at + 1] - when[at]).as_millis();
        assert!((most / 2..=most + 1).contains(&pause), "{pause} of {most}");
    }
    let runs: Vec<_> = (1..=5)
        .map(|n| format!("run 2: {n} FencingToken(1)"))
        .collect();
    // The one that panicked said nothing.
    assert_eq!(process.world.times(&runs[1]), 0);
    assert!(
        [0, 2, 3, 4]
            .iter()
            .all(|&n| process.world.times(&runs[n]) == 1)
    );
}

#[tokio::test(start_paused = true)]
async fn its_step_says_how_often_and_for_how_long() {
    let process = Process::first().await;
    process.world.plan("order", &[("slow", 1), ("fail", 0)]);
    process.world.script("undo 1", [Do::Hang, Do::Take(3)]);
    let answer = process.runtime.scope(order(&process.world, 1)).await;
    let Err(Oops::Policy(Error::CompensationFailed { step, cause, .. })) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!((step.as_str(), cause.as_str()), ("slow", "refused: order"));
    let when = process.world.when("undo 1");
    assert_eq!(when.len(), 2);
    assert!((2100..=2201).contains(&(when[1] - when[0]).as_millis()));
    let letters = process.letters().await;
    assert_eq!(letters[0].work.error, "it did not answer within 2s");
    assert_eq!(letters[0].work.attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn a_step_in_doubt_is_undone_without_its_output_where_it_wants_that() {
    let process = Process::first().await;
    process.world.plan("order", &[("take", 1), ("wire", 2)]);
    process.world.script("wire 2", [Do::Fail]);
    process
        .runtime
        .scope(order(&process.world, 1))
        .await
        .unwrap_err();
    assert_eq!(process.world.times("undo 2 in doubt"), 1);
    assert_eq!(process.world.times("undo 1"), 1);
    assert_eq!(process.saga().await.status, Status::Compensated);
}

#[tokio::test(start_paused = true)]
async fn callers_that_go_away_and_deadlines_do_not_reach_it() {
    let process = Process::first().await;
    process.world.plan("brief", &FAILS);
    process.world.script("undo 2", [Do::Take(50)]);
    process.world.script("undo 1", [Do::Take(50)]);
    let call = process.runtime.scope(crate::shop::brief(&process.world, 1));
    let cut = tokio::time::timeout(Duration::from_secs(1), call).await;
    assert!(cut.is_err());
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(process.saga().await.status, Status::Compensated);
    assert_eq!(process.world.times("undo 1"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_process_leaves_half_undone_the_next_one_undoes() {
    for in_order in [false, true] {
        let process = Process::first().await;
        let plan = [("take", 0), ("take", 1), ("take", 2), ("fail", 0)];
        process.world.plan("order", &plan);
        process.world.script("undo 1", [Do::Hang]);
        process.begin([call!(order, process, 1)]).await;
        let next = match in_order {
            true => process.store.leave().await,
            false => process.store.kill(),
        };
        let process = Process::on(next, &process.world, |builder| builder).await;
        process.runtime.recovered().await;
        let saga = process.saga().await;
        assert_eq!(saga.status, Status::Compensated);
        assert_eq!(saga.interruptions, u32::from(!in_order));
        assert_eq!(process.world.times("undo 2"), 1);
        assert_eq!(process.world.times("undo 1"), 2);
        // Of three steps the second one was being undone.
        assert_eq!(process.world.times("run 1 again: 2 FencingToken(2)"), 1);
        assert_eq!(process.world.times("run 0: 1 FencingToken(2)"), 1);
    }
}
