//! The record in doubt that is made before a step begins again: a saga that is parked as poison is undone from it.

use std::sync::Arc;
use std::time::Duration;

use resilience_runtime::saga::CompensateOutcome;
use resilience_runtime::saga::journal::{Parking, Status, StepOutcome};
use tokio::time::timeout;

use crate::store::Trouble;
use crate::world::{Failed, Goes, Process, World, a, b, doubtful};

/// The first run, and one for each interruption that is allowed.
const RUNS: usize = 6;

async fn one_after_the_other(world: World) -> Result<String, Failed> {
    a(&world, 1).await?;
    doubtful(&world, 2).await?;
    b(&world, 3).await
}

async fn beside_each_other(world: World) -> Result<String, Failed> {
    tokio::try_join!(doubtful(&world, 1), a(&world, 2), doubtful(&world, 3))?;
    Ok(String::new())
}

/// Undoes the saga, which has to be parked.
async fn undone(process: &Process) -> Vec<String> {
    let saga = process.saga();
    assert_eq!(saga.parking, Some(Parking::Poison));
    process.world.forget_effects();
    let undone = process.runtime.sagas().compensate(&saga.id, "ada").await;
    assert_eq!(undone.unwrap(), CompensateOutcome::Undone);
    assert_eq!(process.status(), Status::Compensated);
    process.world.effects()
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_begun_again_is_written_down_once() {
    let process = Process::first().await;
    process.world.body(one_after_the_other);
    process.world.goes("doubtful 2", &[Goes::Hang; RUNS]);
    process.die_in("doubtful 2", 1).await;
    // What was interrupted for the first time shows no trace of it.
    assert_eq!(process.writes(), ["start", "a#0"]);
    let mut process = process;
    for run in 2..=RUNS {
        process = process.restart().await;
        process.world.done("doubtful 2", run).await;
        assert_eq!(process.writes(), ["start", "a#0", "doubtful#0"]);
    }
    let process = process.restart().await;
    process.runtime.recovered().await;
    let writes = ["start", "a#0", "doubtful#0", "parked"];
    assert_eq!(process.writes(), writes);
    assert_eq!(process.world.times("doubtful 2"), RUNS);
    let effects = ["undo doubtful 2 in doubt", "undo a 1"];
    assert_eq!(undone(&process).await, effects);
}

#[tokio::test(start_paused = true)]
async fn what_it_comes_to_takes_the_place_of_the_note() {
    let process = Process::first().await;
    process.world.body(one_after_the_other);
    process.world.goes("doubtful 2", &[Goes::Hang; 2]);
    process.die_in("doubtful 2", 1).await;
    let process = process.restart().await;
    process.world.done("doubtful 2", 2).await;
    let process = process.restart().await;
    process.runtime.recovered().await;
    let writes = ["start", "a#0", "doubtful#0", "doubtful#0", "b#0 completed"];
    assert_eq!(process.writes(), writes);
    let steps = process.saga().steps;
    let came_to: Vec<_> = steps
        .iter()
        .map(|step| (&*step.step, step.outcome))
        .collect();
    let done = StepOutcome::Done;
    assert_eq!(came_to, [("a", done), ("doubtful", done), ("b", done)]);
    let effects = ["a 1", "doubtful 2", "doubtful 2", "doubtful 2", "b 3"];
    assert_eq!(process.world.effects(), effects);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_undone_and_answers_the_same_when_it_is_replayed() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        a(&world, 1).await?;
        let failed = doubtful(&world, 2).await.unwrap_err();
        b(&world, 3).await?;
        Err(failed)
    });
    process.world.goes("doubtful 2", &[Goes::Hang, Goes::Fail]);
    process.world.goes("b 3", &[Goes::Hang]);
    process.die_in("doubtful 2", 1).await;
    let process = process.restart().await;
    process.world.done("b 3", 1).await;
    let process = process.restart().await;
    process.runtime.recovered().await;
    let writes = [
        "start",
        "a#0",
        "doubtful#0",
        "doubtful#0",
        "b#0 compensating",
        "undone b",
        "undone doubtful",
        "undone a compensated",
    ];
    assert_eq!(process.writes(), writes);
    assert_eq!(process.saga().error.as_deref(), Some("failed doubtful 2"));
    let effects = process.world.effects();
    let undone = ["undo b 3", "undo doubtful 2 in doubt", "undo a 1"];
    assert_eq!(effects[effects.len() - 3..], undone);
}

#[tokio::test(start_paused = true)]
async fn of_steps_beside_each_other_each_is_undone() {
    let process = Process::first().await;
    process.world.body(beside_each_other);
    for step in ["doubtful 1", "a 2", "doubtful 3"] {
        process.world.goes(step, &[Goes::Hang; RUNS]);
    }
    process.die_in("doubtful 3", 1).await;
    let mut process = process;
    for run in 2..=RUNS {
        process = process.restart().await;
        for step in ["doubtful 1", "a 2", "doubtful 3"] {
            process.world.done(step, run).await;
        }
    }
    let process = process.restart().await;
    process.runtime.recovered().await;
    // What is not undone in doubt is not written down.
    let steps = process.saga().steps;
    let noted: Vec<_> = steps
        .iter()
        .map(|step| (&*step.step, step.outcome))
        .collect();
    assert_eq!(noted, [("doubtful", StepOutcome::InDoubt); 2]);
    let effects = ["undo doubtful 3 in doubt", "undo doubtful 1 in doubt"];
    assert_eq!(undone(&process).await, effects);
}

/// Either it was not written, and the step has not begun, or it was: the next process comes to the same end.
#[tokio::test(start_paused = true)]
async fn a_process_that_dies_at_the_write_loses_nothing() {
    for body in [0, 1] {
        for trouble in [Trouble::DieBefore(0), Trouble::DieAfter(0)] {
            let process = Process::first().await;
            let hangs = match body {
                0 => {
                    process.world.body(one_after_the_other);
                    "doubtful 2"
                }
                _ => {
                    process.world.body(beside_each_other);
                    "doubtful 1"
                }
            };
            process.world.goes(hangs, &[Goes::Hang; RUNS]);
            process.die_in(hangs, 1).await;
            let process = process.restart_with(trouble).await;
            let died = timeout(Duration::from_secs(60), process.store.died()).await;
            assert!(died.is_ok(), "{trouble:?}: it writes nothing");
            assert_eq!(process.world.times(hangs), 1, "{trouble:?}");
            let mut process = process;
            for run in 3..=RUNS {
                process = process.restart().await;
                process.world.done(hangs, run - 1).await;
            }
            let process = process.restart().await;
            process.runtime.recovered().await;
            let item = &hangs["doubtful ".len()..];
            let undo = format!("undo doubtful {item} in doubt");
            assert!(undone(&process).await.contains(&undo), "{trouble:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_is_away_is_waited_for_before_the_step_begins() {
    for trouble in [Trouble::Refuse(3), Trouble::Doubt(3)] {
        let process = Process::first().await;
        process.world.body(one_after_the_other);
        process.world.goes("doubtful 2", &[Goes::Hang]);
        process.die_in("doubtful 2", 1).await;
        let process = process.restart_with(trouble).await;
        process.runtime.recovered().await;
        assert_eq!(process.status(), Status::Completed, "{trouble:?}");
        let effects = ["a 1", "doubtful 2", "doubtful 2", "b 3"];
        assert_eq!(process.world.effects(), effects, "{trouble:?}");
    }
}

/// A process that stood still, wakes up, and would begin the step.
#[tokio::test(start_paused = true)]
async fn a_saga_that_is_somebody_elses_by_then_does_not_begin_it() {
    let process = Process::first().await;
    let disk = Arc::clone(&process.store.disk);
    process.world.body(move |world| {
        let disk = Arc::clone(&disk);
        async move {
            a(&world, 1).await?;
            if disk.saga().epoch == 2 {
                disk.supersede();
            }
            doubtful(&world, 2).await
        }
    });
    process.world.goes("doubtful 2", &[Goes::Hang]);
    process.die_in("doubtful 2", 1).await;
    let process = process.restart().await;
    process.runtime.recovered().await;
    assert_eq!(process.status(), Status::Running);
    assert_eq!(process.world.times("doubtful 2"), 1);
    assert_eq!(process.writes(), ["start", "a#0"]);
    let process = process.restart().await;
    process.runtime.recovered().await;
    assert_eq!(process.status(), Status::Completed);
    assert_eq!(process.world.times("doubtful 2"), 2);
}

#[tokio::test(start_paused = true)]
async fn what_begins_for_the_first_time_is_not_written_down() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        a(&world, 1).await?;
        doubtful(&world, 2).await
    });
    process.world.goes("a 1", &[Goes::Hang]);
    process.die_in("a 1", 1).await;
    let process = process.restart().await;
    process.runtime.recovered().await;
    assert_eq!(process.writes(), ["start", "a#0", "doubtful#0 completed"]);
}

#[tokio::test(start_paused = true)]
async fn code_that_differs_is_told_apart_all_the_same() {
    let process = Process::first().await;
    process.world.body(one_after_the_other);
    process.world.goes("doubtful 2", &[Goes::Hang; 2]);
    process.die_in("doubtful 2", 1).await;
    let process = process.restart().await;
    process.world.done("doubtful 2", 2).await;
    process.world.body(|world| async move {
        b(&world, 1).await?;
        doubtful(&world, 2).await
    });
    let process = process.restart().await;
    process.runtime.recovered().await;
    let difference = "asks for step `b` (call 1), and the journal goes on with `a` (call 1)";
    assert!(process.difference().contains(difference));
    assert_eq!(process.world.times("b 1"), 0);
}

/// Asked for twice with the same arguments, because it failed the first time.
async fn once_more(world: World) -> Result<String, Failed> {
    if doubtful(&world, 1).await.is_err() {
        doubtful(&world, 1).await?;
    }
    b(&world, 2).await?;
    a(&world, 3).await
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_doubt_is_not_taken_for_the_call_after_it() {
    for dies_first in [false, true] {
        let process = Process::first().await;
        process.world.body(once_more);
        let mut goes = vec![Goes::Fail, Goes::Hang];
        // In its second run it is written down before it begins.
        goes.splice(0..0, dies_first.then_some(Goes::Hang));
        process.world.goes("doubtful 1", &goes);
        process.world.goes("b 2", &[Goes::Hang]);
        process.world.goes("a 3", &[Goes::Fail]);
        process
            .die_in("doubtful 1", if dies_first { 1 } else { 2 })
            .await;
        let mut process = process;
        if dies_first {
            process = process.restart().await;
            process.world.done("doubtful 1", 3).await;
        }
        let process = process.restart().await;
        process.world.done("b 2", 1).await;
        let process = process.restart().await;
        process.runtime.recovered().await;
        // What was done is not done again, and what may have been done before it is undone, too.
        let mut effects = vec!["doubtful 1"; goes.len() + 1];
        effects.extend(["b 2", "b 2", "a 3", "undo b 2"]);
        effects.extend(["undo doubtful 1", "undo doubtful 1 in doubt"]);
        assert_eq!(process.world.effects(), effects, "{dies_first}");
        assert_eq!(process.status(), Status::Compensated);
    }
}
