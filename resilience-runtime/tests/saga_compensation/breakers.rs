//! Compensations whose step has a breaker that is open.

use std::time::Duration;

use resilience_runtime::saga::journal::Status;

use crate::process::Process;
use crate::shop::{Do, GATEWAY, guarded_alone, order};

/// One test, because the breaker is one.
#[tokio::test(start_paused = true)]
async fn a_compensation_waits_for_the_breaker_of_its_step_and_not_for_ever() {
    let process = Process::first().await;
    process.world.plan("order", &[("guarded", 1), ("fail", 0)]);
    let call = || async {
        let began = tokio::time::Instant::now();
        process.world.script("guarded 9", [Do::Fail]);
        process.world.script("guarded 1", [Do::Take(1)]);
        let opens = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            guarded_alone(&process.world, 9).await.unwrap_err();
        };
        let (answer, ()) = tokio::join!(process.runtime.scope(order(&process.world, 1)), opens);
        answer.unwrap_err();
        began.elapsed()
    };
    // It opens for 30 s half a second after the beginning.
    assert_eq!(call().await, Duration::from_millis(30_500));
    assert_eq!(process.world.times("undo 1"), 1);
    GATEWAY.reset();

    // An attempt that fails does not wait again while it is half open, and waiting is no attempt.
    process.world.script("undo 1", [Do::Fail, Do::Fail]);
    call().await;
    assert_eq!(process.world.times("undo 1"), 3);
    assert_eq!(process.letters().await[0].work.attempts, 2);
    assert_eq!(
        process.letters().await[0].work.dependency.as_deref(),
        Some("gateway")
    );
    GATEWAY.reset();

    // Held open it is tried all the same, after ten minutes.
    let began = tokio::time::Instant::now();
    process.world.script("guarded 1", [Do::Take(1)]);
    let holds = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        GATEWAY.force_open();
    };
    let (answer, ()) = tokio::join!(process.runtime.scope(order(&process.world, 1)), holds);
    answer.unwrap_err();
    assert_eq!(began.elapsed(), Duration::from_secs(601));
    assert_eq!(process.world.times("undo 1"), 4);

    // Closed by hand, it is seen within seconds.
    GATEWAY.reset();
    process.world.script("guarded 1", [Do::Take(1)]);
    let began = tokio::time::Instant::now();
    let closes = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        GATEWAY.force_open();
        tokio::time::sleep(Duration::from_secs(40)).await;
        GATEWAY.reset();
    };
    let (answer, ()) = tokio::join!(process.runtime.scope(order(&process.world, 1)), closes);
    answer.unwrap_err();
    assert!(began.elapsed() <= Duration::from_secs(46));
    let sagas = process.sagas().await;
    let compensated = |saga: &&_| saga_status(saga) == Status::Compensated;
    assert_eq!(sagas.iter().filter(compensated).count(), 3);
}

fn saga_status(saga: &resilience_runtime::saga::journal::SagaRecord) -> Status {
    saga.status
}
