//! Work of the author's own, done again by its handler.

use std::sync::Arc;
use std::time::Duration;

use super::DeadLetter;
use crate::BoxFuture;
use crate::core::{Core, SCOPED};
use crate::error::StoreError;
use crate::pauses::Pauses;
use crate::saga::Caught;

/// How many are taken at once, and done one after the other.
const BATCH: u32 = 16;
/// Between two tries to write down what a work came to.
const PAUSES: Pauses = Pauses::new(Duration::from_millis(50), Duration::from_secs(2));

/// Takes the works of these operations for which a retry is requested, and does them, until there are none; how many.
pub(crate) async fn take_up(core: &Arc<Core>, operations: Vec<String>) -> Result<u64, StoreError> {
    let mut done = 0;
    while core.gate.is_open() && !operations.is_empty() {
        let queue = &core.stores.queue;
        let taken = queue.take_work(operations.clone(), BATCH).await?;
        if taken.is_empty() {
            break;
        }
        for letter in taken {
            handle(core, letter).await;
            done += 1;
        }
    }
    Ok(done)
}

/// Does the work of a letter that this process took, and writes down what it came to.
async fn handle(core: &Arc<Core>, letter: DeadLetter) {
    let operation = letter.work.operation.as_str();
    let failed = call(core, &letter).await.err();
    match &failed {
        None => {
            tracing::info!(target: "resilience", letter = letter.id, operation, "the work of a dead letter is done");
        }
        Some(error) => {
            tracing::warn!(target: "resilience", letter = letter.id, operation, error, "the work of a dead letter failed again");
        }
    }
    let mut pauses = PAUSES;
    loop {
        let ended = core.stores.queue.end_work(letter.id, failed.clone());
        // Not this process's any more: whoever has it writes down what it comes to.
        let Err(error) = ended.await else { return };
        let pause = pauses.next();
        tracing::warn!(target: "resilience", letter = letter.id, %error, ?pause, "a dead letter waits for its store");
        tokio::select! {
            () = core.gate.stopped() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn call(core: &Arc<Core>, letter: &DeadLetter) -> Result<(), String> {
    let operation = letter.work.operation.as_str();
    let handler = core.settings.handlers.get(operation);
    let handler = handler.ok_or_else(|| format!("there is no handler for `{operation}`"))?;
    let arguments = serde_json::from_str(&letter.work.arguments)
        .map_err(|error| format!("the arguments of the letter cannot be read: {error}"))?;
    let handler = Arc::clone(handler);
    // The handler may panic before there is a future.
    let work: BoxFuture<'static, _> = Box::pin(async move { handler(arguments).await });
    let called = SCOPED.scope(Arc::clone(core), Caught(work)).await;
    called.and_then(|answer| answer)
}
