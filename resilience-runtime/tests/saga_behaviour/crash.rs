//! Processes that die, and callers that go away, at every point.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use resilience_runtime::saga::journal::{SagaRecord, Status};

use crate::process::Process;
use crate::shop::{Ask, Do, World};
use crate::store::Trouble;

const GOOD: &[Ask] = &[Ask::Reserve(1), Ask::Charge(5), Ask::Reserve(2)];
const BAD: &[Ask] = &[Ask::Reserve(1), Ask::Charge(5), Ask::Reserve(2), Ask::Fail];

/// Whatever was interrupted, the ledger must read like one run, in which only the action that was
/// under way at the interruption may stand twice.
fn check(world: &World, saga: &SagaRecord, good: bool, interruptions: usize, when: &str) {
    let mut expected = vec!["reserve 1", "charge 5", "reserve 2"];
    if !good {
        expected.extend(["release 2", "refund 5 known", "release 1"]);
    }
    let status = if good {
        Status::Completed
    } else {
        Status::Compensated
    };
    assert_eq!(saga.status, status, "{when}");
    let effects = world.effects();
    let mut once = effects.clone();
    once.dedup();
    assert_eq!(once, expected, "{when}: {effects:?}");
    assert!(
        effects.len() <= expected.len() + interruptions,
        "{when}: {effects:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_at_any_write_leaves_sagas_that_the_next_one_finishes() {
    for (plan, writes) in [(GOOD, 4), (BAD, 7)] {
        for at in 0..writes {
            for trouble in [Trouble::DieBefore(at), Trouble::DieAfter(at)] {
                let when = format!("{trouble:?} of {writes}");
                let process = Process::first(plan).await;
                process.store.expect(trouble);
                tokio::select! {
                    _ = process.order() => panic!("{when}: it survived"),
                    () = process.store.died() => {}
                }
                let durable = process.disk().data().writes.clone();
                let before = process.world.effects();
                let process = process.restart().await;
                process.runtime.recovered().await;
                if process.disk().is_empty() {
                    assert_eq!(trouble, Trouble::DieBefore(0));
                    assert!(process.world.effects().is_empty());
                    continue;
                }
                check(
                    &process.world,
                    &process.disk().saga(),
                    plan.len() == 3,
                    1,
                    &when,
                );
                // What was durable was not done again: only the newest effect may be.
                let again = process.world.effects().len() - if plan.len() == 3 { 3 } else { 6 };
                let known = matches!(trouble, Trouble::DieAfter(_)) || before.is_empty();
                assert_eq!(again, usize::from(!known), "{when}: {before:?} {durable:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn recovery_can_die_at_any_write_too() {
    for first in 0..7 {
        for second in first + 1..8 {
            let when = format!("died after writes {first} and {second}");
            let process = Process::first(BAD).await;
            process.store.expect(Trouble::DieAfter(first));
            tokio::select! {
                _ = process.order() => panic!("{when}: it survived"),
                () = process.store.died() => {}
            }
            let process = process.restart_with(Trouble::DieAfter(second)).await;
            tokio::select! {
                () = process.runtime.recovered() => {}
                () = process.store.died() => {}
            }
            let process = process.restart().await;
            process.runtime.recovered().await;
            check(&process.world, &process.disk().saga(), false, 0, &when);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_at_any_await_does_not_end_the_saga() {
    for plan in [GOOD, BAD] {
        let mut polls = 0;
        loop {
            polls += 1;
            let process = Process::first(plan).await;
            let done = drop_after(polls, process.order()).await;
            process.runtime.shutdown().await;
            let good = plan.len() == 3;
            let when = format!("dropped after {polls} polls");
            check(&process.world, &process.disk().saga(), good, 1, &when);
            assert!(process.disk().data().letters.is_empty());
            if done {
                break;
            }
        }
        assert!(polls > 10, "the saga has more awaits than {polls}");
    }
}

/// Polls so often, and drops the call; true when it ended by then.
async fn drop_after<F: Future>(polls: usize, call: F) -> bool {
    let mut call = pin!(call);
    for _ in 0..polls {
        let poll = std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context)));
        if poll.await.is_ready() {
            return true;
        }
        // So that tasks which the call waits for make progress.
        tokio::task::yield_now().await;
    }
    false
}

#[tokio::test(start_paused = true)]
async fn one_saga_that_panics_when_recovered_does_not_stop_the_others() {
    let process = Process::first(&[Ask::Reserve(1), Ask::Charge(5)]).await;
    let hang = [Do::Hang; 40];
    process.world.script("charge 5", &hang);
    {
        let calls: Vec<_> = (0..40)
            .map(|_| {
                let (runtime, world) = (process.runtime.clone(), process.world.clone());
                tokio::spawn(async move {
                    let _ = runtime.scope(crate::shop::order(&world, 7)).await;
                })
            })
            .collect();
        while process.world.times("charge 5") < 40 {
            tokio::task::yield_now().await;
        }
        process.store.bury();
        calls.iter().for_each(tokio::task::JoinHandle::abort);
    }
    process.world.script("charge 5", &[Do::Panic]);
    let process = process.restart().await;
    process.runtime.recovered().await;
    process.runtime.shutdown().await;
    let mut counts = process.runtime.sagas().counts().await.unwrap();
    counts.sort_by_key(|count| count.1);
    assert_eq!(counts, [(Status::Compensated, 1), (Status::Completed, 39)]);
    assert_eq!(process.world.times("reserve 1"), 40);
    assert_eq!(process.world.times("release 1"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_on_many_threads_that_go_away_lose_no_saga() {
    let process = Process::first(GOOD).await;
    let calls: Vec<_> = (0..300)
        .map(|number: usize| {
            let (runtime, world) = (process.runtime.clone(), process.world.clone());
            tokio::spawn(async move {
                let order = runtime.scope(crate::shop::order(&world, 7));
                drop_after(1 + number % 20, order).await;
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    process.runtime.shutdown().await;
    let counts = process.runtime.sagas().counts().await.unwrap();
    assert_eq!(counts, [(Status::Completed, 300)]);
    for effect in ["reserve 1", "charge 5", "reserve 2"] {
        assert!((300..600).contains(&process.world.times(effect)));
    }
}
