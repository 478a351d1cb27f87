//! Bodies that are run again: what is answered, what is held, and how differences are told.

use std::time::Duration;

use resilience_runtime::saga::journal::{Status, StepOutcome};

use crate::store::Trouble;
use crate::world::{Failed, Goes, Process, World, a, b, c, doubtful, lost};

async fn handles_a_failure(world: World) -> Result<String, Failed> {
    match a(&world, 1).await {
        Ok(_) => b(&world, 1).await,
        Err(Failed(text)) => c(&world, 2).await.map(|did| format!("{text}, {did}")),
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_a_record_that_rides_with_the_next_write_and_answers_the_same() {
    for at in 0..3 {
        let process = Process::first().await;
        process.world.body(handles_a_failure);
        process.world.goes("a 1", &[Goes::Fail]);
        process.die(Trouble::DieAfter(at)).await;
        // Asked again, it would succeed.
        process
            .world
            .goes("a 1", &[Goes::Fail; 1][usize::from(at > 0)..]);
        let process = process.restart().await;
        process.runtime.recovered().await;
        assert_eq!(process.writes(), ["start", "a#0", "c#0 completed"]);
        assert_eq!(process.world.effects(), ["a 1", "c 2"]);
        let saga = process.saga();
        assert_eq!(saga.output.as_deref(), Some("\"failed a 1, did c 2\""));
        let failed = &saga.steps[0];
        assert_eq!(failed.outcome, StepOutcome::Failed);
        assert_eq!(failed.output.as_deref(), Some("\"failed a 1\""));
        assert_eq!(failed.compensation, None);
        assert_eq!(saga.steps[1].compensation.as_deref(), Some("undo"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_at_the_end_rides_with_the_decision() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        a(&world, 1).await?;
        b(&world, 2).await
    });
    process.world.goes("b 2", &[Goes::Fail]);
    assert_eq!(process.run().await, Err(Failed("failed b 2".to_owned())));
    let writes = ["start", "a#0", "b#0 compensating", "undone a compensated"];
    assert_eq!(process.writes(), writes);
    assert_eq!(process.world.effects(), ["a 1", "b 2", "undo a 1"]);
}

#[tokio::test(start_paused = true)]
async fn an_error_without_a_form_is_no_record() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        lost(&world, 1).await?;
        Ok(String::new())
    });
    process.world.goes("lost 1", &[Goes::Fail]);
    process.run().await.unwrap_err();
    assert_eq!(process.writes(), ["start", "failed"]);
    assert_eq!(process.world.effects(), ["lost 1"]);
}

/// A saga of `a`, `b` and `c` dies when `a` and `b` are durable, and `c` had its effect; the next process has other code.
/// What became of it, and how long the difference took to be seen.
async fn other_code<F, R>(code: F) -> (Process, Duration)
where
    F: Fn(World) -> R + Send + Sync + 'static,
    R: Future<Output = Result<String, Failed>> + Send + 'static,
{
    let process = Process::first().await;
    process.world.body(|world| async move {
        a(&world, 1).await?;
        b(&world, 2).await?;
        c(&world, 3).await
    });
    process.die_in("c 3", 1).await;
    process.world.forget_effects();
    process.world.body(code);
    let process = process.restart().await;
    let began = tokio::time::Instant::now();
    process.runtime.recovered().await;
    while process.status() == Status::Running {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    (process, began.elapsed())
}

async fn parked<F, R>(code: F, difference: &str)
where
    F: Fn(World) -> R + Send + Sync + 'static,
    R: Future<Output = Result<String, Failed>> + Send + 'static,
{
    let (process, took) = other_code(code).await;
    assert!(
        process.difference().contains(difference),
        "{}",
        process.difference()
    );
    assert_eq!(process.world.effects(), [""; 0], "{difference}");
    assert!(took < Duration::from_secs(3), "{difference}: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_inserted_step_is_held_and_told() {
    let code = |world| async move {
        a(&world, 1).await?;
        lost(&world, 9).await?;
        b(&world, 2).await?;
        c(&world, 3).await
    };
    let difference = "asks for step `lost` (call 1), and the journal goes on with `b` (call 1)";
    parked(code, difference).await;
}

#[tokio::test(start_paused = true)]
async fn an_inserted_call_of_a_known_step_is_told_by_its_arguments() {
    let code = |world| async move {
        a(&world, 1).await?;
        b(&world, 9).await?;
        b(&world, 2).await?;
        c(&world, 3).await
    };
    parked(code, "step `b` (call 1) with another value of `item`").await;
}

#[tokio::test(start_paused = true)]
async fn a_removed_step_is_told() {
    let code = |world| async move {
        a(&world, 1).await?;
        c(&world, 3).await
    };
    let difference = "asks for step `c` (call 1), and the journal goes on with `b` (call 1)";
    parked(code, difference).await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_ends_too_early_is_told() {
    let code = |world| async move { a(&world, 1).await };
    let difference = "finished step `b` (call 1) that the code did not ask for";
    parked(code, difference).await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_too_early_is_told_and_not_undone() {
    let code = |world| async move {
        a(&world, 1).await?;
        Err(Failed("it changed its mind".to_owned()))
    };
    let difference = "did not ask for; it asked for `a` (1x); it failed: it changed its mind";
    parked(code, difference).await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_panics_too_early_is_told_and_not_undone() {
    let code = |world| async move {
        a(&world, 1).await?;
        panic!("it has a bug")
    };
    let difference = "did not ask for; it asked for `a` (1x); it panicked: it has a bug";
    parked(code, difference).await;
}

#[tokio::test(start_paused = true)]
async fn calls_beside_each_other_may_be_made_in_another_order() {
    // Which `b` comes first depends on how long the `a`s take: in a run that replays them, on nothing.
    let process = Process::first().await;
    process.world.body(|world| async move {
        let pipe = |item| {
            let world = &world;
            async move {
                a(world, item).await?;
                b(world, item).await
            }
        };
        let (one, two) = tokio::try_join!(biased; pipe(1), pipe(2))?;
        c(&world, 3)
            .await
            .map(|third| format!("{one}, {two}, {third}"))
    });
    process.world.goes("a 1", &[Goes::Slow(100)]);
    process.die_in("b 1", 1).await;
    let keys = process.world.notes();
    process.world.forget_effects();
    let process = process.restart().await;
    process.runtime.recovered().await;
    assert_eq!(process.status(), Status::Completed);
    let output = process.saga().output.unwrap();
    assert_eq!(output, "\"did b 1, did b 2, did c 3\"");
    assert_eq!(process.world.effects(), ["b 1", "c 3"]);
    // Each has the key that it had before.
    for note in process.world.notes() {
        let (what, key) = note.split_once(": attempt 2, ").unwrap_or(("", ""));
        let before = keys
            .iter()
            .any(|before| *before == format!("{what}: attempt 1, {key}"));
        assert!(before || what.is_empty(), "{note}: {keys:?}");
    }
    // And each has an occurrence of its own.
    let steps = process.saga().steps.into_iter();
    let mut occurrences: Vec<_> = steps.map(|step| (step.step, step.occurrence)).collect();
    occurrences.sort();
    occurrences.dedup();
    assert_eq!(occurrences.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_renamed_step_is_told() {
    let code = |world| async move {
        a(&world, 1).await?;
        doubtful(&world, 2).await?;
        c(&world, 3).await
    };
    let difference = "asks for step `doubtful` (call 1), and the journal goes on with `b` (call 1)";
    parked(code, difference).await;
}

#[tokio::test(start_paused = true)]
async fn a_helper_that_is_inserted_is_told() {
    let code = |world| async move {
        a(&world, 1).await?;
        resilience_runtime::saga::now().await;
        b(&world, 2).await?;
        c(&world, 3).await
    };
    let difference =
        "asks for step `saga::now` (call 1), and the journal goes on with `b` (call 1)";
    parked(code, difference).await;
}

#[tokio::test(start_paused = true)]
async fn another_type_of_output_is_told() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        a(&world, 1).await?;
        b(&world, 2).await
    });
    process.die_in("b 2", 1).await;
    process
        .store
        .disk
        .tamper(|saga| saga.steps[0].output = Some("7".to_owned()));
    process.world.forget_effects();
    let process = process.restart().await;
    process.runtime.recovered().await;
    let difference = "the output of step `a` is of another type";
    assert!(process.difference().contains(difference));
    assert!(process.world.effects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn reordered_steps_are_no_difference_where_each_is_in_the_journal() {
    let (process, _) = other_code(|world| async move {
        b(&world, 2).await?;
        a(&world, 1).await?;
        c(&world, 3).await
    })
    .await;
    assert_eq!(process.status(), Status::Completed);
    assert_eq!(process.world.effects(), ["c 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_moved_before_finished_ones_is_told() {
    let code = |world| async move {
        c(&world, 3).await?;
        a(&world, 1).await?;
        b(&world, 2).await
    };
    let difference = "asks for step `c` (call 1), and the journal goes on with `a` (call 1)";
    parked(code, difference).await;
}

#[tokio::test(start_paused = true)]
async fn appended_steps_are_run() {
    let (process, _) = other_code(|world| async move {
        a(&world, 1).await?;
        b(&world, 2).await?;
        c(&world, 3).await?;
        c(&world, 4).await
    })
    .await;
    assert_eq!(process.status(), Status::Completed);
    assert_eq!(process.world.effects(), ["c 3", "c 4"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_step_beside_finished_ones_begins_when_they_were_asked_for() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        let many = async {
            for item in 0..4 {
                // Whoever is asked for later than the others is not taken for missing.
                resilience_runtime::saga::sleep(Duration::from_secs(60)).await;
                b(&world, item).await?;
            }
            Ok(())
        };
        let (one, many) = tokio::join!(biased; a(&world, 1), many);
        many.and(one)
    });
    process.world.goes("a 1", &[Goes::Hang]);
    process.die_in("b 3", 1).await;
    process.world.forget_effects();
    let process = process.restart().await;
    process.runtime.recovered().await;
    assert_eq!(process.status(), Status::Completed);
    // It does not wait for the last pause to be over.
    assert_eq!(process.world.effects(), ["a 1", "b 3"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_timer_of_the_body_cut_off_is_cut_off_again() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        let slow = a(&world, 1);
        let cut = tokio::time::timeout(Duration::from_secs(5), slow).await;
        assert!(cut.is_err());
        b(&world, 2).await?;
        c(&world, 3).await
    });
    process.world.goes("a 1", &[Goes::Hang]);
    process.die_in("c 3", 1).await;
    let writes = ["start", "a#0", "b#0"];
    assert_eq!(process.writes(), writes);
    assert_eq!(process.saga().steps[0].outcome, StepOutcome::InDoubt);
    process.world.forget_effects();
    let process = process.restart().await;
    process.runtime.recovered().await;
    assert_eq!(process.status(), Status::Completed);
    assert_eq!(process.world.effects(), ["c 3"]);
}

#[tokio::test(start_paused = true)]
async fn of_failures_beside_each_other_each_is_answered_where_it_was() {
    // `a` fails, `b` and then `c` come out beside it, and the body goes on with what it knows.
    let process = Process::first().await;
    process.world.body(|world| async move {
        let beside = async {
            b(&world, 2).await?;
            c(&world, 3).await
        };
        let first = tokio::try_join!(a(&world, 1), beside);
        let failed = first.unwrap_err();
        c(&world, 4).await?;
        c(&world, 5).await?;
        Ok(failed.0)
    });
    process.world.goes("a 1", &[Goes::SlowFail(5)]);
    process.world.goes("b 2", &[Goes::Slow(10)]);
    process.die_in("c 5", 1).await;
    assert_eq!(process.world.effects(), ["a 1", "b 2", "c 4", "c 5"]);
    process.world.forget_effects();
    let process = process.restart().await;
    process.runtime.recovered().await;
    assert_eq!(process.status(), Status::Completed);
    assert_eq!(process.saga().output.as_deref(), Some("\"failed a 1\""));
    // `c 3` was never begun, and is not now.
    assert_eq!(process.world.effects(), ["c 5"]);
}
