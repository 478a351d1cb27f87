//! Works of the author's own that failed, and are tried again.

use std::sync::Arc;

use crate::core::{Core, SCOPED, inside};
use crate::dlq::DeadLetter;
use crate::pauses::Pauses;
use crate::saga::caught::Caught;

/// Handles a letter that this process took, and writes down how that ended.
pub(crate) async fn handle(core: &Arc<Core>, letter: DeadLetter) {
    let ended = work(core, &letter).await;
    if let Err(error) = &ended {
        if core.gate.is_stopped() {
            // It may have failed because of that: the next process takes it.
            return;
        }
        tracing::warn!(target: "resilience", letter = letter.id, operation = letter.work.operation, error,
            "the work of a dead letter failed again");
    }
    let mut pauses = Pauses::STORE;
    while let Err(error) = core
        .stores
        .queue
        .end_work(letter.id, ended.clone().err())
        .await
    {
        let pause = pauses.next();
        tracing::warn!(target: "resilience", letter = letter.id, %error, ?pause,
            "how a dead letter ended could not be written, and is tried again");
        if !core.gate.pause(pause).await {
            break;
        }
    }
}

/// The handler's answer; the text of its panic, if it panicked.
async fn work(core: &Arc<Core>, letter: &DeadLetter) -> Result<(), String> {
    let operation = letter.work.operation.as_str();
    let Some(handler) = core.settings.handlers.get(operation) else {
        return Err(format!("this program has no handler for `{operation}`"));
    };
    let arguments = serde_json::from_str(&letter.work.arguments)
        .map_err(|error| format!("its arguments are not JSON: {error}"))?;
    let call = Caught(handler(arguments));
    SCOPED
        .scope(Arc::clone(core), inside(call))
        .await
        .unwrap_or_else(Err)
}
