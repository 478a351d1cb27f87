//! Several processes on one file: they share keys, one of them dies, one of them is stopped.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;
use std::time::Duration;

use resilience_test_support::{child, wait};
use rustix::process::{Pid, Signal, kill_process};

use crate::journal;
use crate::ledger::{Action, Entry, HOLD_AT, KILL_AT, Told};
use crate::place::Place;
use crate::process::{Job, command};
use crate::shop::{Order, Plan, RESULT, keyed_purchase};

const STEPS: [Action; 3] = [Action::Do(1), Action::Do(2), Action::Do(3)];

/// How often each answer was given to the calls with this key.
fn answers(place: &Place, order: u64) -> Vec<Told> {
    let of_order = |entry| match entry {
        Entry::Answer { order: of, told } if of == order => Some(told),
        _ => None,
    };
    place
        .ledger()
        .read()
        .into_iter()
        .filter_map(of_order)
        .collect()
}

/// The processes that had effects.
fn workers(place: &Place) -> usize {
    let process = |entry| match entry {
        Entry::Effect { process, .. } => Some(process),
        Entry::Answer { .. } => None,
    };
    let mut workers: Vec<u32> = place
        .ledger()
        .read()
        .into_iter()
        .filter_map(process)
        .collect();
    workers.sort_unstable();
    workers.dedup();
    workers.len()
}

#[tokio::test]
async fn two_processes_run_each_key_once() {
    let place = Place::new();
    let jobs = [
        Job::Keyed((0..50).collect()),
        Job::Keyed((25..75).collect()),
    ];
    let mut processes = jobs.map(|job| command(place.folder(), &job).spawn().expect("it starts"));
    for process in &mut processes {
        assert!(child::wait(process).success());
    }
    for order in 0..75 {
        assert_eq!(place.ledger().actions(order), STEPS, "order {order}");
        // A lock that one of them could not have would be an answer here.
        let calls = if (25..50).contains(&order) { 2 } else { 1 };
        assert_eq!(
            answers(&place, order),
            vec![Told::Success(RESULT); calls],
            "order {order}"
        );
    }
    assert_eq!(workers(&place), 2);
    let sagas = place.look().await.sagas;
    assert_eq!(sagas.len(), 75);
    assert!(sagas.iter().all(|saga| saga.status == "completed"));
}

#[tokio::test]
async fn a_process_finishes_what_a_killed_one_leaves_without_a_restart() {
    let place = Place::new();
    let ledger = place.ledger();
    let survivor = Job::KeyedAndStay((25..75).collect());
    let mut survivor = command(place.folder(), &survivor)
        .spawn()
        .expect("it starts");
    let mut killed = command(place.folder(), &Job::Keyed((0..50).collect()))
        .env(KILL_AT, "10/do2:after")
        .spawn()
        .expect("it starts");
    assert_eq!(child::wait(&mut killed).signal(), Some(9));
    let recovered = tokio::task::spawn_blocking({
        let (database, ledger) = (place.database(), ledger.clone());
        move || {
            wait::until("the survivor to finish everything", || {
                let stays = ledger.is_held();
                stays && journal::unfinished(&database) == 0
            });
        }
    });
    recovered.await.expect("it does");
    assert_eq!(
        survivor.try_wait().expect("its state"),
        None,
        "it was not restarted"
    );
    ledger.release();
    assert!(child::wait(&mut survivor).success());

    let sagas = place.look().await.sagas;
    assert!(
        sagas.iter().all(|saga| saga.status == "completed"),
        "{sagas:#?}"
    );
    let (mut begun, mut taken_over) = (0, 0);
    for order in 0..75 {
        let mut actions = ledger.actions(order);
        let effects = actions.len();
        actions.dedup();
        // A saga that the killed process had not begun has no effect at all.
        if actions.is_empty() && order < 25 {
            continue;
        }
        begun += 1;
        taken_over += effects - STEPS.len();
        assert_eq!(actions, STEPS, "order {order}");
        // At most the step that was under way at the kill has its effect twice.
        assert!(
            effects <= STEPS.len() + usize::from(order < 50),
            "order {order}"
        );
        if order >= 25 {
            assert!(
                answers(&place, order).contains(&Told::Success(RESULT)),
                "order {order}"
            );
        }
    }
    assert_eq!(begun, sagas.len());
    assert!(ledger.actions(10).len() == 4 && taken_over >= 1);
}

fn signal(process: &Child, signal: Signal) {
    let id = i32::try_from(process.id()).expect("a process id");
    let id = Pid::from_raw(id).expect("not 0");
    kill_process(id, signal).expect("it is there");
}

fn is_stopped(process: &Child) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{}/stat", process.id()));
    // The name of the program, in brackets, may hold anything.
    state.is_ok_and(|state| {
        state
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('T'))
    })
}

/// Longer than the pause between two rounds of recovery.
const STOPPED_FOR: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_process_is_not_robbed() {
    const ORDER: u64 = 7;
    let place = Place::new();
    let ledger = place.ledger();
    let mut process = command(place.folder(), &Job::Keyed(vec![ORDER]))
        .env(HOLD_AT, "do2:after")
        .spawn()
        .expect("it starts");
    wait::until("the second step", || ledger.is_held());
    signal(&process, Signal::STOP);
    wait::until("the process to be stopped", || is_stopped(&process));

    let runtime = place.runtime().scoped().open().await.expect("it opens");
    runtime.recovered().await;
    let duplicate = tokio::spawn({
        let (runtime, ledger) = (runtime.clone(), ledger.clone());
        async move {
            let order = Order {
                id: ORDER,
                plan: Plan::Succeed,
            };
            runtime.scope(keyed_purchase(&ledger, order)).await
        }
    });
    let database = place.database();
    let robbed = wait::holds_within(STOPPED_FOR, || {
        journal::epochs(&database) != [1] || ledger.actions(ORDER) != STEPS[..2]
    });
    assert!(!robbed && !duplicate.is_finished());

    ledger.release();
    signal(&process, Signal::CONT);
    assert!(child::wait(&mut process).success());
    let answer = duplicate.await.expect("it does not panic");
    assert_eq!(answer.expect("it gets the result of the first"), RESULT);
    assert_eq!(runtime.shutdown().await.left, 0);
    assert_eq!(ledger.actions(ORDER), STEPS);
    assert_eq!(answers(&place, ORDER), [Told::Success(RESULT)]);
    assert_eq!((journal::epochs(&database), workers(&place)), (vec![1], 1));
}
