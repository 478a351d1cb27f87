//! Processes that die, and callers that go away, at every point of a saga that calls another one.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use resilience_runtime::saga::journal::Status;

use crate::process::{Process, statuses};
use crate::trips::trip;
use crate::world::Ask;

const GOOD: &[Ask] = &[Ask::Take(1), Ask::Call("inner"), Ask::Take(2)];
const BAD: &[Ask] = &[Ask::Take(1), Ask::Call("inner"), Ask::Take(2), Ask::Fail];

async fn first(plan: &[Ask]) -> Process {
    let process = Process::first(plan).await;
    process.world.plan("inner", &[Ask::Take(5), Ask::Take(6)]);
    process.runtime.recovered().await;
    process
}

/// The ledger must read like one run, in which only what was under way at the interruption may stand twice.
async fn check(process: &Process, is_good: bool, when: &str) {
    let mut expected = vec!["take 1", "take 5", "take 6", "take 2"];
    let status = match is_good {
        true => Status::Completed,
        false => {
            expected.extend(["give back 2", "give back 6", "give back 5", "give back 1"]);
            Status::Compensated
        }
    };
    let sagas = process.sagas().await;
    assert_eq!(
        statuses(&sagas),
        [("inner", status), ("trip", status)],
        "{when}"
    );
    let effects = process.world.effects();
    let mut once = effects.clone();
    once.dedup();
    assert_eq!(once, expected, "{when}");
    assert!(effects.len() <= expected.len() + 1, "{when}: {effects:?}");
    assert!(process.letters().await.is_empty(), "{when}");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_at_any_write_leaves_no_orphan_and_no_duplicate() {
    for plan in [GOOD, BAD] {
        let is_good = plan.len() == GOOD.len();
        for write in 0.. {
            let process = first(plan).await;
            process.spy.dies_after(write);
            let has_died = tokio::select! {
                biased;
                () = process.spy.died() => true,
                answer = process.scope(trip(&process.world, 7, 5)) => {
                    assert_eq!(answer.is_ok(), is_good);
                    false
                }
            };
            let when = format!("died after write {write} of {:?}", process.writes());
            let process = process.restart().await;
            process.quiet().await;
            check(&process, is_good, &when).await;
            if !has_died {
                assert!(write >= if is_good { 6 } else { 10 }, "{write}");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_at_any_await_leaves_no_orphan_and_no_duplicate() {
    for plan in [GOOD, BAD] {
        let is_good = plan.len() == GOOD.len();
        for polls in 1.. {
            let process = first(plan).await;
            let has_ended = {
                let mut call = pin!(process.scope(trip(&process.world, 7, 5)));
                let mut has_ended = false;
                for _ in 0..polls {
                    let poll = poll_fn(|context| Poll::Ready(call.as_mut().poll(context)));
                    has_ended = poll.await.is_ready();
                    if has_ended {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
                has_ended
            };
            process.quiet().await;
            if process.sagas().await.is_empty() {
                continue;
            }
            check(&process, is_good, &format!("dropped after {polls} polls")).await;
            if has_ended {
                assert!(polls > 20, "{polls}");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_and_is_cancelled_at_any_point_leaves_nothing_done() {
    for ticks in 0..80 {
        let process = first(&[Ask::Doubt(1), Ask::Call("inner"), Ask::Doubt(2)]).await;
        process.world.plan("inner", &[Ask::Doubt(5), Ask::Doubt(6)]);
        {
            let mut call = pin!(process.scope(trip(&process.world, 7, 5)));
            for _ in 0..ticks {
                let poll = poll_fn(|context| Poll::Ready(call.as_mut().poll(context)));
                if poll.await.is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            if let Some(saga) = process
                .sagas()
                .await
                .iter()
                .find(|saga| saga.name == "trip")
            {
                process
                    .runtime
                    .sagas()
                    .cancel(&saga.id, "ann")
                    .await
                    .unwrap();
            }
        }
        process.quiet().await;
        // Settled by itself: whatever was taken is taken for good, or given back.
        let effects = process.world.effects();
        let sagas = process.sagas().await;
        let is_completed = statuses(&sagas).contains(&("trip", Status::Completed));
        for item in [1, 5, 6, 2] {
            let taken = process.world.times(&format!("doubt {item}"));
            let known = process.world.times(&format!("give back {item}"));
            let in_doubt = process.world.times(&format!("give back {item} in doubt"));
            assert!(taken <= 2 && known + in_doubt <= 1, "{ticks}: {effects:?}");
            if taken > 0 {
                assert_eq!(known + in_doubt == 0, is_completed, "{ticks}: {effects:?}");
            }
        }
        assert!(
            sagas.iter().all(|saga| saga.status.is_over()),
            "{ticks}: {sagas:?}"
        );
    }
}
