//! A process that is killed in a call: at every place, on every store.

use std::time::Duration;

use resilience_test_support::wait;

use super::effects::{Effects, Point, Run};
use super::ground::{Ground, Kind};
use super::operations::{Operation, SEVERAL_RENEWALS};
use super::process::{Job, Process, answer, call};

super::on_every_store!(
    a_killed_process_leaves_what_is_promised,
    who_waits_takes_over_from_a_killed_process,
);

/// What the next call finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// Nothing: it is the first.
    Nothing,
    /// That somebody has begun: it is the second.
    Claim,
    /// The result.
    Result,
}

const POINTS: [(Point, Found); 5] = [
    (Point::Before, Found::Nothing),
    (Point::Claimed, Found::Claim),
    (Point::Begun, Found::Claim),
    (Point::Ended, Found::Claim),
    (Point::Answered, Found::Result),
];

async fn a_killed_process_leaves_what_is_promised(ground: Ground) {
    for (key, (point, found)) in (0..).zip(POINTS) {
        let effects = ground.effects();
        let job = Job::Call(Operation::Book, key);
        let holder = Process::start(&ground.address(), &effects, job, point, Duration::ZERO);
        effects.wait_for(1, point);
        holder.kill9();
        let at = format!("{point:?}");
        finds(&ground, &effects, Operation::Book, key, found, &at).await;
    }
}

/// The next call with the key, and the one after it.
async fn finds(
    ground: &Ground,
    effects: &Effects,
    operation: Operation,
    key: u64,
    found: Found,
    at: &str,
) {
    let (begun, ended) = effects.counts();
    let runtime = ground.open().await;
    let result = answer(call(&runtime, effects, operation, key)).await;
    let result = result.unwrap_or_else(|error| panic!("{at}: {error}"));
    let own = result.ends_with(&format!(" {}", std::process::id()));
    let runs = usize::from(found != Found::Result);
    assert_eq!(own, found != Found::Result, "{at}: {result}");
    assert_eq!(effects.counts(), (begun + runs, ended + runs), "{at}");
    if own {
        is_told(effects, found == Found::Claim, at);
    }
    // And a process that has seen nothing of it.
    let another = ground.open().await;
    let again = answer(call(&another, effects, operation, key)).await;
    assert_eq!(again.as_ref(), Ok(&result), "{at}");
    assert_eq!(effects.counts(), (begun + runs, ended + runs), "{at}");
    for runtime in [runtime, another] {
        assert_eq!(runtime.shutdown().await.left, 0);
    }
}

/// The last run knows whether another one was cut off.
fn is_told(effects: &Effects, interrupted: bool, at: &str) {
    let begun = effects.begun();
    let (last, before) = begun.split_last().unwrap();
    let told = (last.attempt, last.interrupted);
    assert_eq!(told, (1 + u32::from(interrupted), interrupted), "{at}");
    let is_older = |run: &Run| run.token < last.token;
    assert!(before.iter().all(is_older), "{at}: {begun:?}");
}

async fn who_waits_takes_over_from_a_killed_process(ground: Ground) {
    let runtime = ground.open().await;
    for (key, point) in (0..).zip([Point::Claimed, Point::Begun, Point::Ended]) {
        let effects = ground.effects();
        let job = Job::Call(Operation::Book, key);
        let holder = Process::start(&ground.address(), &effects, job, point, Duration::ZERO);
        effects.wait_for(1, point);
        let waiters: Vec<_> = (0..3)
            .map(|_| call(&runtime, &effects, Operation::Book, key))
            .collect();
        let of_another = Job::Call(Operation::Book, key);
        let none = Duration::ZERO;
        let another = Process::start(&ground.address(), &effects, of_another, None, none);
        tokio::time::sleep(SEVERAL_RENEWALS).await;
        let waits = |waiter: &tokio::task::JoinHandle<_>| !waiter.is_finished();
        assert!(waiters.iter().all(waits) && effects.told().is_empty());
        let (begun, ended) = effects.counts();
        holder.kill9();

        let mut results = Vec::new();
        for waiter in waiters {
            results.push(answer(waiter).await);
        }
        another.end();
        results.extend(effects.told().into_iter().map(|(_, _, told)| told));
        assert_eq!(results.len(), 4);
        results.dedup();
        assert!(matches!(&results[..], [Ok(_)]), "{point:?}: {results:?}");
        assert_eq!(effects.counts(), (begun + 1, ended + 1), "{point:?}");
        is_told(&effects, true, &format!("{point:?}"));
    }
    assert_eq!(runtime.shutdown().await.left, 0);
}

/// What of a holder's last message is lost: where there is a network, a process can be killed between what the
/// server did and what the process knows of it.
#[derive(Debug, Clone, Copy)]
enum Lost {
    /// The server granted the claim, and the process never knew.
    Grant,
    /// The body has ended, and its result is on the way.
    Result,
    /// The server has the result, and the process does not know.
    Receipt,
}

mod network {
    super::super::on! { postgres: Postgres, new: what_is_on_the_way_when_a_process_is_killed }
    super::super::on! { redis: Redis, new: what_is_on_the_way_when_a_process_is_killed }
    use super::what_is_on_the_way_when_a_process_is_killed;
}

async fn what_is_on_the_way_when_a_process_is_killed(ground: Ground) {
    assert_ne!(ground.kind, Kind::Sqlite);
    let observer = ground.open().await;
    for (key, lost) in (0..).zip([Lost::Grant, Lost::Result, Lost::Receipt]) {
        let effects = ground.effects();
        let (proxy, address) = ground.network();
        let point = match lost {
            Lost::Grant => Point::Before,
            Lost::Result | Lost::Receipt => Point::Ended,
        };
        // A renewal would be on the connection that the result is to be sent on.
        let operation = match lost {
            Lost::Receipt => Operation::Pay,
            Lost::Grant | Lost::Result => Operation::Book,
        };
        let job = Job::Call(operation, key);
        let holder = Process::start(&address, &effects, job, point, Duration::ZERO);
        effects.wait_for(1, point);
        let before = ground.records().await;
        let asked = proxy.requests();
        proxy.set(|faults| match lost {
            Lost::Result => faults.blackhole_requests = true,
            Lost::Grant | Lost::Receipt => faults.blackhole_answers = true,
        });
        effects.release(point);
        let found = match lost {
            Lost::Grant => {
                claimed(&ground, before + 1).await;
                Found::Claim
            }
            Lost::Result => {
                wait::until("the result to be sent", || proxy.requests() > asked);
                Found::Claim
            }
            Lost::Receipt => {
                let theirs = answer(call(&observer, &effects, operation, key)).await;
                assert!(theirs.unwrap().ends_with(&format!(" {}", holder.id())));
                Found::Result
            }
        };
        holder.kill9();
        assert!(effects.told().is_empty(), "{lost:?}");
        // What did not arrive until now never does.
        proxy.reset();
        let at = format!("{lost:?}");
        finds(&ground, &effects, operation, key, found, &at).await;
    }
    assert_eq!(observer.shutdown().await.left, 0);
}

async fn claimed(ground: &Ground, records: u64) {
    let there = async {
        while ground.records().await < records {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let there = tokio::time::timeout(wait::PATIENCE, there).await;
    there.expect("the claim arrives");
}
