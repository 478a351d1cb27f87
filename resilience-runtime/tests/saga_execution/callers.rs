//! Callers that go away while something of their saga is being written.

use std::time::Duration;

use resilience_runtime::saga::journal::{Status, StepOutcome};

use crate::store::Trouble;
use crate::world::{Goes, Process, a, b, c};

/// The next run reads the journal: what the run before it still writes must not come after that.
#[tokio::test(start_paused = true)]
async fn what_is_being_written_when_a_caller_goes_away_is_waited_for() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        match a(&world, 1).await {
            Ok(_) => b(&world, 2).await,
            Err(_) => c(&world, 3).await,
        }
    });
    process.world.goes("a 1", &[Goes::Fail]);
    tokio::select! {
        biased;
        // `c` waits until the failure is written.
        () = async {
            process.world.done("a 1", 1).await;
            process.store.expect(Trouble::Refuse(3));
            tokio::time::sleep(Duration::from_millis(20)).await;
        } => {}
        answer = process.run() => panic!("it was not cut off, and answered {answer:?}"),
    }
    while process.status() == Status::Running {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(process.status(), Status::Completed);
    assert_eq!(process.world.effects(), ["a 1", "c 3"]);
    assert_eq!(process.saga().steps[0].outcome, StepOutcome::Failed);
}
