//! A process that stands still for longer than its lease, and then goes on.

use std::time::Duration;

use super::effects::{Effects, What};
use super::ground::Ground;
use super::operations::Operation;
use super::process::{Job, Process, answer, call};

super::on_every_store!(
    a_call_that_stood_still_does_not_go_on,
    a_lock_that_stood_still_does_not_go_on,
);

/// How long the body of the process that is stopped takes, and longer than that it is stopped: what it waits for is
/// over when it goes on, and only its lease keeps it from acting.
const TAKES: Duration = Duration::from_millis(4500);
const KEY: u64 = 7;

async fn a_call_that_stood_still_does_not_go_on(ground: Ground) {
    stand_still(ground, Operation::Book, Operation::BookNow, "InProgress").await;
}

async fn a_lock_that_stood_still_does_not_go_on(ground: Ground) {
    stand_still(ground, Operation::Visit, Operation::VisitNow, "LockBusy").await;
}

async fn stand_still(ground: Ground, waits: Operation, does_not: Operation, busy: &str) {
    let (effects, runtime) = (ground.effects(), ground.open().await);
    let job = Job::Call(waits, KEY);
    let first = Process::start(&ground.address(), &effects, job, None, TAKES);
    resilience_test_support::wait::until("the body", || effects.counts() == (1, 0));
    first.stop();
    let over = tokio::time::Instant::now() + TAKES;

    let refused = answer(call(&runtime, &effects, does_not, KEY)).await;
    assert_eq!(refused, Err(busy.to_owned()));
    let second = if ground.kind.has_leases() {
        let second = answer(call(&runtime, &effects, waits, KEY)).await;
        assert_eq!(effects.counts(), (2, 1));
        Some(second.expect("it runs when the lease is over"))
    } else {
        None
    };
    tokio::time::sleep_until(over).await;
    if second.is_none() {
        // However long it takes.
        let refused = answer(call(&runtime, &effects, does_not, KEY)).await;
        assert_eq!(refused, Err(busy.to_owned()));
        assert_eq!(effects.counts(), (1, 0));
    }
    let of_first = first.id();
    first.go_on();
    first.end();

    let told = effects.told();
    let [(process, _, told)] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(*process, of_first);
    match &second {
        Some(_) => {
            assert_eq!(told, &Err("LeaseLost".to_owned()));
            // It has begun, and that was all.
            assert_eq!(acts(&effects, of_first), 1);
            assert_eq!(effects.counts(), (2, 1));
            let begun = effects.begun();
            assert!(begun[0].token < begun[1].token, "{begun:?}");
        }
        None => {
            assert!(told.is_ok(), "{told:?}");
            assert_eq!(effects.counts(), (1, 1));
        }
    }
    if waits == Operation::Book {
        let second_run = effects
            .begun()
            .last()
            .map(|run| (run.attempt, run.interrupted));
        let is_second = second.is_some();
        assert_eq!(second_run, Some((1 + u32::from(is_second), is_second)));
        let counts = effects.counts();
        let another = ground.open().await;
        let stands = answer(call(&another, &effects, does_not, KEY)).await;
        assert_eq!(stands, second.map_or(told.clone(), Ok));
        assert_eq!(effects.counts(), counts);
        assert_eq!(another.shutdown().await.left, 0);
    }
    assert_eq!(runtime.shutdown().await.left, 0);
}

/// How often the body of a process did something.
fn acts(effects: &Effects, process: u32) -> usize {
    let acts = |what: &What| matches!(what, What::Begun(_) | What::Ended);
    let lines = effects.lines();
    let of_process = lines.iter().filter(|line| line.process == process);
    of_process.filter(|line| acts(&line.what)).count()
}
