//! Duplicates at the same time, from several processes.

use std::collections::BTreeSet;
use std::time::Duration;

use super::effects::{Point, Run};
use super::ground::Ground;
use super::operations::Operation;
use super::process::{Job, Process};

const PROCESSES: usize = 4;
/// Of each process: what one process asks, its runtimes do not share.
const RUNTIMES: u32 = 2;

super::on_every_store!(
    a_thousand_duplicates_run_once,
    four_thousand_calls_of_twenty_keys_run_twenty_times
);

async fn a_thousand_duplicates_run_once(ground: Ground) {
    run_once(&ground, 1, 125);
}

async fn four_thousand_calls_of_twenty_keys_run_twenty_times(ground: Ground) {
    run_once(&ground, 20, 25);
}

fn run_once(ground: &Ground, keys: u64, calls: u32) {
    let effects = ground.effects();
    let job = Job::Calls {
        operation: Operation::Pay,
        runtimes: RUNTIMES,
        keys,
        calls,
    };
    let takes = Duration::from_millis(50);
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

    let executions = usize::try_from(keys).unwrap();
    assert_eq!(effects.counts(), (executions, executions));
    let first = |run: &Run| (run.attempt, run.interrupted) == (1, false) && run.token > 0;
    assert!(effects.begun().iter().all(first));
    let told = effects.told();
    let calls_of_each = PROCESSES * usize::try_from(RUNTIMES * calls).unwrap();
    assert_eq!(told.len(), calls_of_each * executions);
    for key in 0..keys {
        let of_key = told.iter().filter(|(_, of, _)| *of == key);
        let answers: Vec<_> = of_key.map(|(_, _, told)| told.as_ref().unwrap()).collect();
        assert_eq!(answers.len(), calls_of_each);
        assert_eq!(
            answers.iter().collect::<BTreeSet<_>>().len(),
            1,
            "key {key}"
        );
    }
    // Runs are of one process and one number each, so no two keys have one result.
    let results: BTreeSet<_> = told.iter().map(|(_, _, told)| told.clone()).collect();
    assert_eq!(results.len(), executions);
}
