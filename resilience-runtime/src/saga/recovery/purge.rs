//! Deleting what has been over for as long as it is kept.
//!
//! In a task of its own: where there is much to delete, those who wait to be taken over, or to be cancelled, do not wait for
//! that.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::core::Core;
use crate::error::StoreError;
use crate::telemetry::sagas;

/// How many are deleted in one transaction.
const BATCH: u32 = 500;
/// How often it is looked for what may be deleted, at most.
const EVERY: Duration = Duration::from_secs(60);
/// What is over is kept so long at least: who waits for it in another process looks for its end twice a second, and would
/// take one that is gone for one that never was.
const LOOKED_FOR: Duration = Duration::from_secs(60);

/// The task, while there is one. Dropped, it ends where it stands.
#[derive(Default)]
pub(super) struct Purge {
    task: JoinSet<()>,
    began: Option<Instant>,
}

impl Purge {
    /// Begins to delete, if it is time.
    pub(super) fn begin(&mut self, core: &Arc<Core>) {
        while self.task.try_join_next().is_some() {}
        let Some(retention) = core.settings.retention else {
            return;
        };
        if !self.task.is_empty() || self.began.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        self.began = Some(Instant::now());
        let kept = retention.max(LOOKED_FOR);
        self.task.spawn(purge(Arc::downgrade(core), kept));
    }
}

/// What is of a kind and over.
#[derive(Clone, Copy)]
enum What {
    Sagas,
    Letters,
}

async fn purge(core: Weak<Core>, retention: Duration) {
    let mut sum = 0;
    for what in [What::Sagas, What::Letters] {
        match all(&core, what, retention).await {
            Ok(count) => sum += count,
            Err(error) if core.upgrade().is_some_and(|core| core.gate.is_open()) => {
                tracing::warn!(target: "resilience", %error, "what is over could not be deleted; it is tried again");
            }
            // The store may have been closed meanwhile.
            Err(_) => return,
        }
    }
    if sum > 0 {
        sagas::purged(sum);
        tracing::debug!(target: "resilience", sum, "deleted sagas and letters that were over for long enough");
    }
}

/// Between two transactions others have the store for as long as one takes.
async fn all(core: &Weak<Core>, what: What, retention: Duration) -> Result<u64, StoreError> {
    let mut sum = 0;
    while let Some(core) = core.upgrade().filter(|core| core.gate.is_open()) {
        let began = Instant::now();
        let count = match what {
            What::Sagas => core.stores.journal.purge(retention, BATCH).await?,
            What::Letters => core.stores.queue.purge_letters(retention, BATCH).await?,
        };
        drop(core);
        sum += count;
        if count < BATCH.into() {
            break;
        }
        tokio::time::sleep(began.elapsed()).await;
    }
    Ok(sum)
}
