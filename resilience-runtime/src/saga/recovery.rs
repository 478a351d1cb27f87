//! Sagas whose process is gone.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::compensation::{self, Undoing};
use super::journal::{SagaRecord, Status};
use super::resume::resume;
use crate::core::{Core, Gate, Permit};

/// How many sagas are taken from the journal at once.
const BATCH: u32 = 64;
/// How many of them are worked on side by side.
const AT_ONCE: usize = 16;
/// How long after a round the next one begins: another process may have died.
const INTERVAL: Duration = Duration::from_secs(5);
/// The pause after a round that could not ask the journal.
const RETRY: Duration = Duration::from_secs(1);

/// Takes over what is left behind, at start and ever again, until the gate closes. `recovered`
/// becomes true after the first complete round.
pub(crate) async fn recover(core: Weak<Core>, gate: Gate, recovered: watch::Sender<bool>) {
    while let Some(core) = core.upgrade() {
        let complete = round(&core).await;
        drop(core);
        if complete {
            recovered.send_replace(true);
        }
        let pause = if complete { INTERVAL } else { RETRY };
        if tokio::time::timeout(pause, gate.closed()).await.is_ok() {
            break;
        }
    }
    recovered.send_replace(true);
}

/// Works on every saga that nobody works on; false when the journal could not be asked.
async fn round(core: &Arc<Core>) -> bool {
    let known = core.catalog.known();
    let mut working = JoinSet::new();
    let mut complete = true;
    while core.gate.is_open() {
        let batch = match core.stores.journal.take_over(known.clone(), BATCH).await {
            Ok(batch) if batch.is_empty() => break,
            Ok(batch) => batch,
            Err(error) => {
                tracing::warn!(target: "resilience", %error, "recovery could not ask the journal, and asks again");
                complete = false;
                break;
            }
        };
        for record in batch {
            if working.len() >= AT_ONCE {
                report(working.join_next().await);
            }
            // Closed since: the saga keeps this process as its owner, and is taken over from it.
            if let Some(permit) = core.enter() {
                working.spawn(finish(Arc::clone(core), record, permit));
            }
        }
    }
    while let Some(ended) = working.join_next().await {
        report(Some(ended));
    }
    complete
}

/// Brings one saga to its end.
pub(super) async fn finish(core: Arc<Core>, record: SagaRecord, permit: Permit) {
    tracing::info!(target: "resilience", saga = record.name, saga_id = %record.id, status = record.status.as_str(),
        steps = record.steps.len(), "recovering a saga that its process left behind"
    );
    match record.status {
        Status::Running => resume(core, record, permit, 0).await,
        Status::Compensating => {
            compensation::undo(&core, Undoing::of(record)).await;
        }
        _ => {}
    }
}

/// A panic of one saga is reported, and is no matter to the others.
fn report(ended: Option<Result<(), JoinError>>) {
    if let Some(Err(error)) = ended
        && error.is_panic()
    {
        tracing::error!(target: "resilience", %error, "a saga panicked while it was recovered");
    }
}
