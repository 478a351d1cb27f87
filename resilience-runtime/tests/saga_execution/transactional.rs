//! Steps whose effect and whose record are one commit, on a database that is the disk of the journal.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use resilience_runtime::BoxFuture;
use resilience_runtime::outcome::{Kept, function, kept, stored};
use resilience_runtime::registry::{CompensationError, JournaledCall, StepEntry};
use resilience_runtime::saga::SagaStep;
use resilience_runtime::saga::journal::Status;

use crate::connection::Connection;
use crate::store::Trouble;
use crate::world::{Failed, Goes, PLACE, Process, STATES, World, a, b};

/// `#[saga_step(tx = connection, compensate = undo)]`
async fn row(connection: &mut Connection, item: u32) -> Result<String, Failed> {
    static STEP: SagaStep = SagaStep::named("row").compensated_by("undo");
    let function = function::<Result<String, Failed>>("row");
    let stored = stored::<Result<String, Failed>>();
    let kept: Kept<Failed> = kept::<Result<String, Failed>>().found();
    let arguments = STEP.arguments().with("item", &item);
    let answer = match STEP
        .begin_in(&mut *connection, arguments, function, stored, kept)
        .await
    {
        ControlFlow::Break(answer) => answer,
        ControlFlow::Continue(mut taken) => {
            let scope = taken.scope();
            let answer = {
                let connection = taken.connection();
                scope
                    .run(async {
                        let world = connection.world.clone();
                        let key = resilience_runtime::saga::idempotency_key();
                        world.note(format!("row: {}", key.is_some()));
                        // A step in a step is a plain call.
                        let done = world.act(format!("row {item}")).await;
                        done.map_err(Failed)
                    })
                    .await
            };
            taken.end(answer).await
        }
    };
    answer.into_result()
}

const _: () = {
    fn compensate(call: JournaledCall) -> BoxFuture<'static, Result<(), CompensationError>> {
        Box::pin(async move {
            let world = call.state::<World>()?;
            let done = world.act("undo row".to_owned()).await;
            done.map(drop).map_err(CompensationError::Failed)
        })
    }
    resilience_runtime::private::submit! {
        StepEntry {
            step: SagaStep::named("row").compensated_by("undo"),
            place: PLACE,
            states: STATES,
            compensate: Some(compensate),
        }
    }
};

/// A saga of `a`, `row`, and `b`.
async fn process() -> Process {
    let process = Process::first().await;
    with_body(&process);
    process
}

fn with_body(process: &Process) {
    let store = Arc::clone(&process.store);
    process.world.body(move |world| {
        let mut connection = Connection {
            store: Arc::clone(&store),
            world: world.clone(),
        };
        async move {
            a(&world, 1).await?;
            row(&mut connection, 2).await?;
            b(&world, 3).await
        }
    });
}

const EFFECTS: [&str; 8] = [
    "a 1",
    "begin",
    "row 2",
    "send",
    "commit",
    "committed 0",
    "answer",
    "b 3",
];

#[tokio::test(start_paused = true)]
async fn the_record_is_committed_with_the_effect_and_costs_no_write_of_the_journal() {
    let process = process().await;
    assert_eq!(process.run().await.unwrap(), "did b 3");
    assert_eq!(process.world.effects(), EFFECTS);
    let writes = ["start", "a#0", "tx row#0", "b#0 completed"];
    assert_eq!(process.writes(), writes);
    let positions: Vec<u32> = process
        .saga()
        .steps
        .iter()
        .map(|step| step.position)
        .collect();
    assert_eq!(positions, [0, 1, 2]);
    assert!(process.world.notes().contains(&"row: true".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_anywhere_has_committed_once() {
    for trouble in (0..4).flat_map(|at| [Trouble::DieBefore(at), Trouble::DieAfter(at)]) {
        let process = process().await;
        process.die(trouble).await;
        let process = process.restart().await;
        with_body(&process);
        process.runtime.recovered().await;
        if process.store.disk.is_empty() {
            continue;
        }
        assert_eq!(process.status(), Status::Completed, "{trouble:?}");
        let rows = process.writes();
        let rows = rows.iter().filter(|write| *write == "tx row#0").count();
        assert_eq!(rows, 1, "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_is_rolled_back_and_has_nothing_to_undo() {
    let process = process().await;
    process.world.goes("row 2", &[Goes::Fail]);
    assert_eq!(process.run().await, Err(Failed("failed row 2".to_owned())));
    let effects = ["a 1", "begin", "row 2", "rollback", "undo a 1"];
    assert_eq!(process.world.effects(), effects);
    assert_eq!(process.writes()[2], "row#0 compensating");
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_failed_for_certain_is_a_failure_without_effect() {
    for what in ["begin", "commit"] {
        let process = process().await;
        process.world.goes(what, &[Goes::Fail]);
        let error = process.run().await.unwrap_err();
        assert!(error.0.starts_with("policy: `row` was not run"), "{error}");
        assert_eq!(process.world.times("committed 0"), 0);
        assert_eq!(process.world.times("undo a 1"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_in_doubt_is_looked_up_and_was_made() {
    let process = process().await;
    process.world.goes("answer", &[Goes::Fail]);
    // The journal is away for a while: it is waited for.
    assert_eq!(process.run().await.unwrap(), "did b 3");
    assert_eq!(process.world.effects(), EFFECTS);
    let writes = ["start", "a#0", "tx row#0", "", "b#0 completed"];
    assert_eq!(process.writes(), writes);
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_is_away_is_waited_for_when_a_commit_is_in_doubt() {
    let process = process().await;
    process.world.goes("answer", &[Goes::SlowFail(10)]);
    let away = async {
        process.world.done("committed 0", 1).await;
        process.store.expect(Trouble::Refuse(20));
    };
    let began = tokio::time::Instant::now();
    let (answer, ()) = tokio::join!(process.run(), away);
    assert_eq!(answer.unwrap(), "did b 3");
    assert!(began.elapsed() > Duration::from_secs(20));
    assert_eq!(process.world.effects(), EFFECTS);
}

#[tokio::test(start_paused = true)]
async fn a_commit_in_doubt_that_was_not_made_is_a_failure_without_effect() {
    let process = process().await;
    process.world.goes("send", &[Goes::Fail]);
    let error = process.run().await.unwrap_err();
    assert!(error.0.starts_with("policy: `row` was not run"), "{error}");
    assert_eq!(process.world.times("committed 0"), 0);
    assert_eq!(process.status(), Status::Compensated);
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_is_somebody_elses_commits_nothing() {
    let process = process().await;
    let taken = async {
        process.world.done("row 2", 1).await;
        process.store.disk.supersede();
    };
    let (answer, ()) = tokio::join!(process.run(), taken);
    assert!(answer.unwrap_err().0.contains("policy"));
    assert_eq!(process.world.times("committed 0"), 0);
    assert_eq!(process.world.times("b 3"), 0);
    assert_eq!(process.status(), Status::Running);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_at_any_await_leaves_one_commit() {
    let mut polls = 0;
    loop {
        polls += 1;
        let process = process().await;
        let mut call = Box::pin(process.run());
        let mut done = false;
        for _ in 0..polls {
            let poll =
                std::future::poll_fn(|context| std::task::Poll::Ready(call.as_mut().poll(context)));
            done = poll.await.is_ready();
            if done {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(call);
        process.runtime.shutdown().await;
        let when = format!("dropped after {polls} polls");
        assert_eq!(process.status(), Status::Completed, "{when}");
        let writes = process.writes();
        let rows = writes.iter().filter(|write| *write == "tx row#0").count();
        assert_eq!(rows, 1, "{when}: {writes:?}");
        if done {
            break;
        }
    }
    assert!(polls > 10, "{polls}");
}

#[tokio::test(start_paused = true)]
async fn outside_of_a_saga_nothing_is_begun() {
    let process = process().await;
    let mut connection = Connection {
        store: Arc::clone(&process.store),
        world: process.world.clone(),
    };
    assert_eq!(row(&mut connection, 5).await.unwrap(), "did row 5");
    assert_eq!(process.world.effects(), ["row 5"]);
    assert_eq!(process.world.notes(), ["row: false"]);
    assert!(process.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn steps_beside_it_are_written_whatever_the_order() {
    let process = Process::first().await;
    let store = Arc::clone(&process.store);
    process.world.body(move |world| {
        let mut connection = Connection {
            store: Arc::clone(&store),
            world: world.clone(),
        };
        async move {
            tokio::try_join!(biased; a(&world, 1), row(&mut connection, 2))?;
            b(&world, 3).await?;
            b(&world, 4).await
        }
    });
    process.world.goes("b 4", &[Goes::Fail]);
    process.run().await.unwrap_err();
    // `a` came out first, and its record follows that of `row`.
    let writes = process.writes();
    assert_eq!(writes[..4], ["start", "tx row#0", "a#0", "b#0"]);
    let undone = process.world.effects();
    assert_eq!(
        undone[undone.len() - 3..],
        ["undo b 3", "undo row", "undo a 1"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_the_body_cut_off_is_found_and_undone() {
    for (what, was_made) in [("answer", true), ("send", false)] {
        let process = Process::first().await;
        let store = Arc::clone(&process.store);
        process.world.body(move |world| {
            let mut connection = Connection {
                store: Arc::clone(&store),
                world: world.clone(),
            };
            async move {
                a(&world, 1).await?;
                let row = row(&mut connection, 2);
                let cut = tokio::time::timeout(Duration::from_secs(1), row).await;
                cut.unwrap_or(Err(Failed("cut off".to_owned())))
            }
        });
        process.world.goes(what, &[Goes::Hang]);
        assert_eq!(process.run().await, Err(Failed("cut off".to_owned())));
        assert_eq!(process.world.times("committed 0"), usize::from(was_made));
        assert_eq!(process.world.times("undo row"), usize::from(was_made));
        assert_eq!(process.status(), Status::Compensated);
    }
}
