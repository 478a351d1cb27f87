//! Sagas whose callers went away.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::ending;
use super::execution::Execution;
use super::journal::Status;
use super::ledger::{self, Stop};
use super::resume::resume;
use crate::core::{Abandoned, Permit};

/// How often in a row a saga may be cut off without finishing a step. A timeout above it that is
/// shorter than its slowest step would cut it off for ever.
const FRUITLESS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Finishes abandoned sagas until the runtime is gone. There is no bound on how many at once: they
/// ran side by side before their callers went away.
pub(crate) async fn supervise(mut abandoned: mpsc::UnboundedReceiver<Abandoned>) {
    let mut working = JoinSet::new();
    loop {
        tokio::select! {
            saga = abandoned.recv() => match saga {
                Some(saga) => {
                    working.spawn(saga);
                }
                None => break,
            },
            Some(ended) = working.join_next() => {
                if let Err(error) = ended && error.is_panic() {
                    tracing::error!(target: "resilience", %error, "a saga panicked after its caller went away");
                }
            }
        }
    }
}

/// Finishes a saga whose body was dropped before its end; `panicked` says that a panic dropped it.
pub(super) async fn finish(execution: Arc<Execution>, permit: Permit, panicked: bool) {
    // In each case a `Stop` means that somebody else goes on, or the next process.
    match execution.stopped() {
        Some(Stop::Mismatch(difference)) => {
            let _ = ending::die(execution, difference, permit).await;
            return;
        }
        Some(Stop::Superseded | Stop::Unwritten(_)) => return,
        None => {}
    }
    if panicked {
        tracing::error!(target: "resilience", saga = execution.saga, saga_id = %execution.id, "a saga panicked");
        let _ = ending::fail(execution, "panicked".to_owned(), None, permit).await;
        return;
    }
    tracing::info!(target: "resilience", saga = execution.saga, saga_id = %execution.id,
        "the caller of a saga went away; the runtime finishes it");
    let _ = go_on(execution, permit).await;
}

async fn go_on(execution: Arc<Execution>, permit: Permit) -> Result<(), Stop> {
    execution.flush().await?;
    let core = Arc::clone(&execution.core);
    let Some(record) = ledger::load(&core, &execution.id).await? else {
        return Ok(());
    };
    if record.status != Status::Running || record.epoch != execution.epoch {
        return Ok(());
    }
    let fruitless = match record.steps.len() > execution.found {
        true => 0,
        false => execution.fruitless + 1,
    };
    if fruitless > FRUITLESS {
        let difference = format!(
            "it was cut off {FRUITLESS} times in a row before it finished a step; a timeout above \
             the saga is probably shorter than that step"
        );
        return ending::die(execution, difference, permit).await;
    }
    if fruitless > 1 {
        let pause = FIRST_PAUSE * 2_u32.pow(fruitless);
        // A shutdown waits for this saga, and has no time for pauses.
        let _ = tokio::time::timeout(pause, core.gate.closed()).await;
    }
    resume(core, record, permit, fruitless).await;
    Ok(())
}
