//! What a Redis does that others do not: it forgets, and it is full.

use std::time::Duration;

use resilience::Runtime;
use resilience_test_support::server::Persistence;

use super::effects::{Effects, Point};
use super::ground::{Ground, Kind};
use super::operations::{Operation, SEVERAL_RENEWALS};
use super::process::{answer, call};

/// How it comes to forget everything.
#[derive(Debug, Clone, Copy)]
enum Forgets {
    Flushed,
    /// Killed, and started again without its data.
    Restarted,
}

const EVERY_WAY: [Forgets; 2] = [Forgets::Flushed, Forgets::Restarted];

impl Forgets {
    fn happens(self, ground: &mut Ground) {
        match self {
            Self::Flushed => assert_eq!(ground.redis().ask(&["FLUSHALL"]), "+OK"),
            Self::Restarted => ground.redis().restart(),
        }
        assert_eq!(ground.redis().ask(&["DBSIZE"]), ":0");
    }
}

async fn begin() -> Option<(Ground, Runtime, Runtime)> {
    let ground = Ground::with_persistence(Kind::Redis, Persistence::None)?;
    let (here, there) = (ground.open().await, ground.open().await);
    Some((ground, here, there))
}

async fn end(runtimes: [Runtime; 2]) {
    for runtime in runtimes {
        assert_eq!(runtime.shutdown().await.left, 0);
    }
}

/// A call that is in its body while everything is forgotten.
async fn forgotten(
    ground: &mut Ground,
    runtime: &Runtime,
    effects: &Effects,
    operation: Operation,
    forgets: Forgets,
) -> tokio::task::JoinHandle<super::effects::Told> {
    let held = call(runtime, &effects.held_at(Point::Begun), operation, 1);
    effects.wait_for(1, Point::Begun);
    forgets.happens(ground);
    held
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgot_a_run_learns_its_result() {
    for forgets in EVERY_WAY {
        let Some((mut ground, here, there)) = begin().await else {
            return;
        };
        let effects = ground.effects();
        let held = forgotten(&mut ground, &here, &effects, Operation::Pay, forgets).await;
        effects.release(Point::Begun);
        let first = answer(held).await;
        let again = answer(call(&there, &effects, Operation::Pay, 1)).await;
        assert!(first.is_ok() && again == first, "{forgets:?}: {first:?}");
        assert_eq!(effects.counts(), (1, 1), "{forgets:?}");
        end([here, there]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_forgotten_gets_the_result_of_who_came_in_between() {
    let Some((mut ground, here, there)) = begin().await else {
        return;
    };
    let effects = ground.effects();
    let forgets = Forgets::Flushed;
    let held = forgotten(&mut ground, &here, &effects, Operation::Pay, forgets).await;
    let second = answer(call(&there, &effects, Operation::Pay, 1)).await;
    effects.release(Point::Begun);
    let first = answer(held).await;
    assert!(second.is_ok() && first == second, "{first:?} {second:?}");
    // Nobody knew of the other: it has run twice, and later tokens are greater all the same.
    assert_eq!(effects.counts(), (2, 2));
    let [one, two] = effects.begun()[..] else {
        panic!("two have run");
    };
    assert_eq!((two.attempt, two.interrupted), (1, false));
    assert!(one.token < two.token);
    end([here, there]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_forgotten_is_not_recorded_while_another_one_runs() {
    let Some((mut ground, here, there)) = begin().await else {
        return;
    };
    let effects = ground.effects();
    let forgets = Forgets::Flushed;
    let held = forgotten(&mut ground, &here, &effects, Operation::Pay, forgets).await;
    let second = call(&there, &effects.held_at(Point::Ended), Operation::Pay, 1);
    effects.wait_for(1, Point::Ended);
    effects.release(Point::Begun);
    assert_eq!(answer(held).await, Err("NotRecorded".to_owned()));
    effects.release(Point::Ended);
    let second = answer(second).await;
    assert!(second.is_ok(), "{second:?}");
    assert_eq!(
        answer(call(&here, &effects, Operation::Pay, 1)).await,
        second
    );
    assert_eq!(effects.counts(), (2, 2));
    end([here, there]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_finds_out_what_was_forgotten_and_stops_the_body() {
    for forgets in EVERY_WAY {
        for operation in [Operation::Book, Operation::Visit] {
            let Some((mut ground, here, there)) = begin().await else {
                return;
            };
            let effects = ground.effects();
            let held = forgotten(&mut ground, &here, &effects, operation, forgets).await;
            let case = format!("{forgets:?} {operation:?}");
            assert_eq!(answer(held).await, Err("LeaseLost".to_owned()), "{case}");
            effects.release(Point::Begun);
            assert_eq!(effects.counts(), (1, 0), "{case}");
            let next = answer(call(&there, &effects, operation, 1)).await;
            assert!(next.is_ok(), "{case}: {next:?}");
            assert_eq!(effects.counts(), (2, 1), "{case}");
            let tokens: Vec<_> = effects.begun().iter().map(|run| run.token).collect();
            assert!(tokens[0] < tokens[1], "{case}: {tokens:?}");
            end([here, there]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_full_takes_results_and_no_claims() {
    let Some((mut ground, here, there)) = begin().await else {
        return;
    };
    let effects = ground.effects();
    let held = call(&here, &effects.held_at(Point::Begun), Operation::Book, 1);
    effects.wait_for(1, Point::Begun);
    let waits = call(&there, &effects, Operation::Book, 1);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let limit = |limit| ["CONFIG", "SET", "maxmemory", limit];
    assert_eq!(ground.redis().ask(&limit("1")), "+OK");
    let refused = answer(call(&here, &effects, Operation::BookNow, 2)).await;
    assert_eq!(refused, Err("Store".to_owned()));
    tokio::time::sleep(SEVERAL_RENEWALS).await;
    effects.release(Point::Begun);
    let (first, second) = (answer(held).await, answer(waits).await);
    assert!(first.is_ok() && first == second, "{first:?} {second:?}");
    assert_eq!(effects.counts(), (1, 1));
    assert_eq!(ground.redis().ask(&limit("0")), "+OK");
    end([here, there]).await;
}
