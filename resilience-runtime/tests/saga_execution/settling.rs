//! Steps beside each other: who fails waits for the others, and nobody waits for ever.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use resilience_runtime::saga::journal::{Status, StepOutcome};
use tokio::time::Instant;

use crate::world::{Failed, Goes, Process, a, b, c, doubtful, lost};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_step_that_fails_is_answered_when_those_beside_it_came_out() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        let beside = async {
            b(&world, 2).await?;
            // Not begun: somebody failed.
            b(&world, 9).await
        };
        tokio::try_join!(a(&world, 1), beside, c(&world, 3))?;
        Ok(String::new())
    });
    process.world.goes("a 1", &[Goes::Fail]);
    process.world.goes("b 2", &[Goes::Slow(500)]);
    process.world.goes("c 3", &[Goes::Slow(70_000)]);
    let began = Instant::now();
    assert_eq!(process.run().await, Err(Failed("failed a 1".to_owned())));
    assert_eq!(began.elapsed(), Duration::from_secs(70));
    let effects = ["a 1", "b 2", "c 3", "undo c 3", "undo b 2"];
    assert_eq!(process.world.effects(), effects);
    let writes = [
        "start",
        "b#0",
        "c#0 a#0 compensating",
        "undone c",
        "undone b compensated",
    ];
    assert_eq!(process.writes(), writes);
}

/// A process that dies while a slow step is under way must not cost what came out long before.
#[tokio::test(start_paused = true)]
async fn what_came_out_is_written_while_the_body_waits_for_something_else() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        tokio::try_join!(b(&world, 2), c(&world, 3))?;
        a(&world, 1).await?;
        tokio::time::sleep(Duration::from_secs(60)).await;
        Ok(String::new())
    });
    process.world.goes("b 2", &[Goes::Slow(60_000)]);
    let look = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let beside = process.writes();
        tokio::time::sleep(Duration::from_secs(60)).await;
        (beside, process.writes())
    };
    let (answer, (beside, behind)) = tokio::join!(process.run(), look);
    answer.unwrap();
    assert_eq!(beside, ["start", "c#0"]);
    assert_eq!(behind, ["start", "c#0", "b#0", "a#0"]);
}

#[tokio::test(start_paused = true)]
async fn an_error_without_a_form_waits_too() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        let one = async { lost(&world, 1).await.map_err(Failed::from) };
        tokio::try_join!(one, b(&world, 2))?;
        Ok(String::new())
    });
    process.world.goes("lost 1", &[Goes::Fail]);
    process.world.goes("b 2", &[Goes::Slow(500)]);
    process.run().await.unwrap_err();
    assert_eq!(process.world.effects(), ["lost 1", "b 2", "undo b 2"]);
}

#[tokio::test(start_paused = true)]
async fn failures_beside_each_other_do_not_wait_for_each_other() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        let (one, other) = tokio::join!(biased; a(&world, 1), b(&world, 2));
        let third = c(&world, 3).await?;
        Ok(format!(
            "{}, {}, {third}",
            one.unwrap_err(),
            other.unwrap_err()
        ))
    });
    process.world.goes("a 1", &[Goes::Fail]);
    process.world.goes("b 2", &[Goes::SlowFail(100)]);
    let answer = tokio::time::timeout(MINUTE, process.run()).await.unwrap();
    assert_eq!(answer.unwrap(), "failed a 1, failed b 2, did c 3");
    assert_eq!(process.writes(), ["start", "b#0 a#0", "c#0 completed"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_goes_on_after_a_failure_beside_it_begins_when_that_was_heard() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        let beside = async {
            b(&world, 2).await?;
            b(&world, 3).await
        };
        let (one, beside) = tokio::join!(a(&world, 1), beside);
        assert!(one.is_err());
        beside
    });
    process.world.goes("a 1", &[Goes::Fail]);
    process.world.goes("b 2", &[Goes::Slow(100)]);
    let answer = tokio::time::timeout(MINUTE, process.run()).await.unwrap();
    assert_eq!(answer.unwrap(), "did b 3");
}

#[tokio::test(start_paused = true)]
async fn what_select_drops_is_in_doubt_and_does_not_hold_up_anybody() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        tokio::select! {
            _ = doubtful(&world, 1) => panic!("it hangs"),
            done = a(&world, 2) => done?,
        };
        b(&world, 3).await
    });
    process.world.goes("doubtful 1", &[Goes::Hang]);
    process.world.goes("b 3", &[Goes::Fail]);
    let answer = tokio::time::timeout(MINUTE, process.run()).await.unwrap();
    assert_eq!(answer, Err(Failed("failed b 3".to_owned())));
    let undone = ["undo doubtful 1 in doubt", "undo a 2"];
    assert_eq!(process.world.effects()[3..], undone);
    let outcomes: Vec<_> = process
        .saga()
        .steps
        .iter()
        .map(|step| step.outcome)
        .collect();
    let expected = [StepOutcome::Done, StepOutcome::InDoubt, StepOutcome::Failed];
    assert_eq!(outcomes, expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_cut_off_is_not_undone_unless_its_author_says_so() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        let cut = tokio::time::timeout(Duration::from_secs(1), a(&world, 1)).await;
        assert!(cut.is_err());
        b(&world, 2).await
    });
    process.world.goes("a 1", &[Goes::Hang]);
    process.world.goes("b 2", &[Goes::Fail]);
    process.run().await.unwrap_err();
    assert_eq!(process.world.effects(), ["a 1", "b 2"]);
    assert_eq!(process.writes(), ["start", "a#0", "b#0 failed"]);
    assert_eq!(process.saga().steps[0].outcome, StepOutcome::InDoubt);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_failed_in_doubt_is_undone_and_answers_the_same_again() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        let failed = doubtful(&world, 1).await.unwrap_err();
        a(&world, 2).await?;
        b(&world, 3).await?;
        Err(failed)
    });
    process.world.goes("doubtful 1", &[Goes::Fail]);
    process.die_in("b 3", 1).await;
    let process = process.restart().await;
    process.runtime.recovered().await;
    assert_eq!(process.status(), Status::Compensated);
    let effects = [
        "doubtful 1",
        "a 2",
        "b 3",
        "b 3",
        "undo b 3",
        "undo a 2",
        "undo doubtful 1 in doubt",
    ];
    assert_eq!(process.world.effects(), effects);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_an_earlier_run_began_is_undone_although_this_one_did_not_run_it() {
    let process = Process::first().await;
    process
        .world
        .body(|world| async move { doubtful(&world, 1).await });
    process.die_in("doubtful 1", 1).await;
    process.world.goes("doubtful 1", &[Goes::Fail]);
    let process = process.restart().await;
    process.runtime.recovered().await;
    let effects = ["doubtful 1", "doubtful 1", "undo doubtful 1 in doubt"];
    assert_eq!(process.world.effects(), effects);
}

#[tokio::test(start_paused = true)]
async fn a_step_is_undone_that_a_pause_beside_it_cut_off_while_nobody_ran_the_saga() {
    for pause_first in [true, false] {
        let process = Process::first().await;
        process.world.body(move |world| async move {
            let step = doubtful(&world, 1);
            let pause = resilience_runtime::saga::sleep(MINUTE);
            let cut_off = Failed("it took too long".to_owned());
            match pause_first {
                true => tokio::select! { biased; () = pause => Err(cut_off), done = step => done },
                false => tokio::select! { biased; done = step => done, () = pause => Err(cut_off) },
            }
        });
        process.world.goes("doubtful 1", &[Goes::Hang]);
        process.die_in("doubtful 1", 1).await;
        tokio::time::sleep(2 * MINUTE).await;
        let process = process.restart().await;
        process.runtime.recovered().await;
        let effects = ["doubtful 1", "undo doubtful 1 in doubt"];
        assert_eq!(process.world.effects(), effects, "{pause_first}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_step_that_is_not_polled_any_more() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        let mut kept = pin!(a(&world, 1));
        let began = async {
            while world.notes().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            _ = &mut kept => panic!("it is slow"),
            () = began => {}
        }
        // `a` sleeps, wakes, and is not polled.
        let failed = b(&world, 2).await;
        assert!(failed.is_err());
        c(&world, 3).await?;
        kept.await
    });
    process.world.goes("a 1", &[Goes::Slow(10)]);
    process.world.goes("b 2", &[Goes::Fail]);
    let began = Instant::now();
    let answer = tokio::time::timeout(MINUTE, process.run()).await.unwrap();
    assert_eq!(answer.unwrap(), "did a 1");
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(process.world.effects(), ["b 2", "c 3", "a 1"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_failure_that_nobody_asks_for() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        let mut failing = Box::pin(a(&world, 1));
        let mut beside = Box::pin(b(&world, 2));
        // Both begin; `a` fails while `b` is under way.
        while world.times("a 1") == 0 {
            let poll = std::future::poll_fn(|context| {
                assert!(failing.as_mut().poll(context).is_pending());
                assert!(beside.as_mut().poll(context).is_pending());
                Poll::Ready(())
            });
            poll.await;
            tokio::task::yield_now().await;
        }
        for _ in 0..3 {
            let poll = std::future::poll_fn(|context| Poll::Ready(failing.as_mut().poll(context)));
            assert!(poll.await.is_pending());
            tokio::task::yield_now().await;
        }
        beside.await?;
        // `a` could be answered now, and is not asked.
        c(&world, 3).await?;
        Ok(failing.await.unwrap_err().0)
    });
    process.world.goes("a 1", &[Goes::Fail]);
    process.world.goes("b 2", &[Goes::Slow(100)]);
    let answer = tokio::time::timeout(MINUTE, process.run()).await.unwrap();
    assert_eq!(answer.unwrap(), "failed a 1");
}

#[tokio::test(start_paused = true)]
async fn a_step_that_waits_for_the_one_that_waits_for_it_is_given_up() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        let lock = tokio::sync::Mutex::new(());
        let holds = async {
            let _held = lock.lock().await;
            a(&world, 1).await
        };
        // A lock of the body that a step waits for.
        let waits = async {
            tokio::join!(b(&world, 2), async {
                drop(lock.lock().await);
                world.goes("b 2", &[]);
            })
        };
        let (held, _) = tokio::join!(biased; holds, waits);
        held
    });
    process.world.goes("a 1", &[Goes::Fail]);
    process.world.goes("b 2", &[Goes::Hang]);
    tokio::time::timeout(MINUTE * 11, process.run())
        .await
        .expect_err("`b` hangs for ever, but `a` was answered");
    assert_eq!(process.world.effects(), ["a 1", "b 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_body_with_parallel_steps_can_be_dropped_at_every_await() {
    let mut polls = 0;
    loop {
        polls += 1;
        let process = Process::first().await;
        process.world.body(|world| async move {
            let beside = async {
                b(&world, 2).await?;
                b(&world, 3).await
            };
            tokio::try_join!(a(&world, 1), beside, doubtful(&world, 4))?;
            c(&world, 5).await
        });
        process
            .world
            .goes("b 2", &[Goes::Slow(100), Goes::Slow(100)]);
        process
            .world
            .goes("b 3", &[Goes::SlowFail(100), Goes::Fail, Goes::Fail]);
        let mut call = Box::pin(process.run());
        let mut done = false;
        for _ in 0..polls {
            let poll = std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context)));
            done |= poll.await.is_ready();
            if done {
                break;
            }
            tokio::task::yield_now().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drop(call);
        process.runtime.shutdown().await;
        let when = format!("dropped after {polls} polls: {:?}", process.world.effects());
        assert_eq!(process.status(), Status::Compensated, "{when}");
        // What was done is undone, each once.
        for done in ["a 1", "b 2"] {
            assert!(process.world.times(done) >= 1, "{when}");
            assert_eq!(process.world.times(&format!("undo {done}")), 1, "{when}");
        }
        assert_eq!(process.world.times("c 5"), 0, "{when}");
        assert_eq!(process.world.times("undo b 3"), 0, "{when}");
        if done {
            break;
        }
    }
    assert!(polls > 8, "{polls}");
}
