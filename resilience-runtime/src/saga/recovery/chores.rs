//! What recovery looks after besides sagas: what nobody can run, how full the queue is, and what may be deleted.

use std::time::Duration;

use tokio::time::Instant;

use super::alarm::Alarm;
use crate::core::Core;
use crate::error::StoreError;
use crate::saga::journal::Unknown;
use crate::telemetry::sagas;

/// How many are deleted in one transaction.
const BATCH: u32 = 500;
/// How often it is looked for what may be deleted, at most.
const PURGED_EVERY: Duration = Duration::from_secs(60);

/// What is over is kept so long at least: who waits for it in another process looks for its end twice a second, and would
/// take one that is gone for one that never was.
const LOOKED_FOR: Duration = Duration::from_secs(60);

/// What was found the last time.
#[derive(Default)]
pub(super) struct Chores {
    unknown: Vec<Unknown>,
    alarm: Alarm,
    purged: Option<Instant>,
    done: Option<Instant>,
}

impl Chores {
    /// Does all of it, if it is time; what fails is done in the next round.
    pub(super) async fn all(&mut self, core: &Core) -> Result<(), StoreError> {
        let interval = core.settings.poll_interval;
        if self.done.is_some_and(|at| at.elapsed() < interval) {
            return Ok(());
        }
        self.unknown(core).await?;
        self.queue(core).await?;
        self.purge(core).await?;
        self.done = Some(Instant::now());
        Ok(())
    }

    async fn unknown(&mut self, core: &Core) -> Result<(), StoreError> {
        let unknown = core.stores.journal.unknown(core.catalog.known()).await?;
        sagas::unknown(unknown.iter().map(|unknown| unknown.count).sum());
        if unknown == self.unknown {
            return Ok(());
        }
        for Unknown {
            name,
            version,
            count,
        } in &unknown
        {
            tracing::warn!(target: "resilience", saga = name, version, count,
                "unfinished sagas wait for a process that knows their function in this version; this one does not");
        }
        if unknown.is_empty() {
            tracing::info!(target: "resilience", "no saga waits for a process that knows its function any more");
        }
        self.unknown = unknown;
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

    async fn purge(&mut self, core: &Core) -> Result<(), StoreError> {
        let Some(retention) = core.settings.retention else {
            return Ok(());
        };
        if self.purged.is_some_and(|at| at.elapsed() < PURGED_EVERY) {
            return Ok(());
        }
        self.purged = Some(Instant::now());
        let retention = retention.max(LOOKED_FOR);
        let mut sum = 0;
        while core.gate.is_open() {
            let count = core.stores.journal.purge(retention, BATCH).await?;
            sum += count;
            if count < BATCH.into() {
                break;
            }
        }
        while core.gate.is_open() {
            let count = core.stores.queue.purge_letters(retention, BATCH).await?;
            sum += count;
            if count < BATCH.into() {
                break;
            }
        }
        if sum > 0 {
            sagas::purged(sum);
            tracing::debug!(target: "resilience", sum, "deleted sagas and letters that were over for long enough");
        }
        Ok(())
    }
}
