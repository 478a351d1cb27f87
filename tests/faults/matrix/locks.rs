//! One lock and several processes.

use std::collections::BTreeSet;
use std::time::Duration;

use resilience_test_support::wait;

use super::effects::{Effects, Point, What};
use super::ground::Ground;
use super::operations::{Operation, SEVERAL_RENEWALS};
use super::process::{Job, Process, answer, call};

const PROCESSES: usize = 4;
const TASKS: u32 = 8;
const CALLS: u32 = 25;

super::on_every_store!(
    bodies_run_one_after_the_other_under_growing_tokens,
    waiters_of_several_processes_are_served_in_their_order,
    a_killed_holder_is_followed_by_who_waits,
);

/// Each body has ended when the next one begins, and has a smaller token.
fn are_apart(effects: &Effects) {
    let mut inside = None;
    let mut last = 0;
    for line in effects.lines() {
        match line.what {
            What::Begun(run) => {
                assert_eq!(inside.replace(line.process), None, "two bodies at once");
                assert!(run.token > last, "{} after {last}", run.token);
                last = run.token;
            }
            What::Ended => assert_eq!(inside.take(), Some(line.process)),
            _ => {}
        }
    }
}

async fn bodies_run_one_after_the_other_under_growing_tokens(ground: Ground) {
    let effects = ground.effects();
    let job = Job::InTurn {
        operation: Operation::Enter,
        tasks: TASKS,
        calls: CALLS,
    };
    let takes = Duration::from_micros(200);
    let start = || {
        Process::start(
            &ground.address(),
            &effects,
            job.clone(),
            Point::Before,
            takes,
        )
    };
    let processes: Vec<_> = (0..PROCESSES).map(|_| start()).collect();
    effects.wait_for(PROCESSES, Point::Before);
    effects.release(Point::Before);
    processes.into_iter().for_each(Process::end);
    let calls = PROCESSES * usize::try_from(TASKS * CALLS).unwrap();
    assert_eq!(effects.counts(), (calls, calls));
    let told: BTreeSet<_> = effects
        .told()
        .into_iter()
        .map(|(_, _, told)| told)
        .collect();
    // Every call has run, and none twice.
    assert!(told.len() == calls && told.iter().all(Result::is_ok));
    are_apart(&effects);
}

async fn waiters_of_several_processes_are_served_in_their_order(ground: Ground) {
    let effects = ground.effects();
    let none = Duration::ZERO;
    let address = ground.address();
    let enter = Job::Call(Operation::Enter, 0);
    let holder = Process::start(&address, &effects, enter.clone(), Point::Begun, none);
    effects.wait_for(1, Point::Begun);
    let mut waiters = Vec::new();
    for number in 1..=4 {
        let line = ground.lines().await;
        let waiter = Process::start(&address, &effects, enter.clone(), Point::Before, none);
        effects.wait_for(number, Point::Before);
        waiters.push(waiter);
        if number == 1 {
            effects.release(Point::Before);
        }
        let stands_in_line = async {
            while ground.lines().await <= line {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let stands_in_line = tokio::time::timeout(wait::PATIENCE, stands_in_line).await;
        stands_in_line.expect("it asks for the lock");
    }
    assert_eq!(effects.counts(), (1, 0));
    effects.release(Point::Begun);
    let mut order = vec![holder.id()];
    order.extend(waiters.iter().map(Process::id));
    holder.end();
    waiters.into_iter().for_each(Process::end);
    let lines = effects.lines();
    let begun = lines
        .iter()
        .filter(|line| matches!(line.what, What::Begun(_)));
    assert_eq!(begun.map(|line| line.process).collect::<Vec<_>>(), order);
    are_apart(&effects);
}

async fn a_killed_holder_is_followed_by_who_waits(ground: Ground) {
    let effects = ground.effects();
    let runtime = ground.open().await;
    let address = ground.address();
    let visit = Job::Call(Operation::Visit, 0);
    let none = Duration::ZERO;
    let holder = Process::start(&address, &effects, visit.clone(), Point::Begun, none);
    effects.wait_for(1, Point::Begun);
    // One waits in this process, one in another, and one is killed while it waits.
    let here = call(&runtime, &effects, Operation::Visit, 0);
    let there = Process::start(&address, &effects, visit.clone(), Point::Before, none);
    let killed = Process::start(&address, &effects, visit, Point::Before, none);
    effects.wait_for(2, Point::Before);
    effects.release(Point::Before);
    tokio::time::sleep(SEVERAL_RENEWALS).await;
    assert!(!here.is_finished() && effects.counts() == (1, 0));
    killed.kill9();
    let dead = holder.id();
    holder.kill9();
    answer(here).await.expect("it has its turn");
    there.end();
    let told = effects.told();
    assert!(matches!(&told[..], [(_, _, Ok(_))]), "{told:?}");
    assert_eq!(effects.counts(), (3, 2));
    let tokens: Vec<_> = effects.begun().iter().map(|run| run.token).collect();
    assert!(tokens.is_sorted_by(|one, next| one < next), "{tokens:?}");
    assert_eq!(effects.lines()[0].process, dead);
    // Who was killed in the line is passed over.
    let next = answer(call(&runtime, &effects, Operation::Visit, 0)).await;
    assert!(next.is_ok(), "{next:?}");
    assert_eq!(runtime.shutdown().await.left, 0);
}
