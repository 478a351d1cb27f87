//! What recovery looks after besides sagas: what nobody can run, how full the queue is, and what may be deleted.

use std::sync::Arc;

use tokio::time::Instant;

use super::alarm::Alarm;
use super::purge::Purge;
use crate::core::Core;
use crate::error::StoreError;
use crate::saga::journal::OrphanedSagas;
use crate::telemetry::sagas;

/// What was found the last time.
#[derive(Default)]
pub(super) struct Maintenance {
    orphaned: Vec<OrphanedSagas>,
    alarm: Alarm,
    purge: Purge,
    done: Option<Instant>,
}

impl Maintenance {
    /// Does all of it, if it is time; what fails is done in the next round.
    pub(super) async fn run(&mut self, core: &Arc<Core>) -> Result<(), StoreError> {
        let interval = core.settings.poll_interval;
        if self.done.is_some_and(|at| at.elapsed() < interval) {
            return Ok(());
        }
        self.purge.begin(core);
        self.orphaned(core).await?;
        self.queue(core).await?;
        self.done = Some(Instant::now());
        Ok(())
    }

    async fn orphaned(&mut self, core: &Core) -> Result<(), StoreError> {
        let orphaned = core.stores.journal.orphaned(core.catalog.known()).await?;
        sagas::unknown(orphaned.iter().map(|orphaned| orphaned.count).sum());
        if orphaned == self.orphaned {
            return Ok(());
        }
        for OrphanedSagas {
            name,
            version,
            count,
        } in &orphaned
        {
            tracing::warn!(target: "resilience", saga = name, version, count,
                "unfinished sagas wait for a process that knows their function in this version; this one does not \
                 (if no process ever will, an operator can park them: `resilience sagas park`)");
        }
        if orphaned.is_empty() {
            tracing::info!(target: "resilience", "no saga waits for a process that knows its function any more");
        }
        self.orphaned = orphaned;
        Ok(())
    }

    async fn queue(&mut self, core: &Core) -> Result<(), StoreError> {
        let letters = core.stores.queue.unresolved().await?;
        sagas::unresolved(letters);
        let limit = core.settings.dead_letter_limit;
        if self.alarm.rings(letters, limit) {
            sagas::over_limit();
            tracing::error!(target: "resilience", letters, limit,
                "so many dead letters wait for an operator: look what has failed, and retry or close them");
        }
        Ok(())
    }
}
