//! Sagas that change their owner: left behind by a worker that is gone, or dead and tried again.
//!
//! What is acquired must reach the caller, or nobody would work on it as long as this worker lives. So what is about
//! to be acquired is written down first, here in memory; the next one who takes over looks for what an
//! answer that was lost, or a caller that went away, has left of it.

mod statements;

use std::collections::BTreeMap;

use serde_json::json;
use tokio::sync::MutexGuard;
use uuid::Uuid;

use self::statements::{ACQUIRE, COLLECT, LEFT_BEHIND};
use super::PostgresStore;
use super::call::Call;
use super::journal::rows::{Unreadable, column, saga, text, word, worker};
use crate::error::{Effect, StoreError};
use crate::saga::journal::{Known, SagaId, SagaRecord, Status};

const TAKING_OVER: &str = "taking over sagas";

/// Sagas that this worker may have acquired and has not told anybody of, with the epoch that they have then.
pub(super) type Untold = BTreeMap<SagaId, i64>;

/// A saga as it was looked at, to be acquired if it is still so.
pub(super) struct Sighted {
    id: SagaId,
    epoch: i64,
    owner: Uuid,
    status: Status,
}

impl Sighted {
    pub(super) fn of(record: &SagaRecord, owner: Uuid) -> Self {
        Self {
            id: record.id.clone(),
            epoch: record.epoch,
            owner,
            status: record.status,
        }
    }
}

impl PostgresStore {
    /// See [`Journal::take_over`](crate::saga::journal::Journal::take_over).
    pub(super) async fn take_over_sagas(
        &self,
        known: Vec<Known>,
        limit: u32,
    ) -> Result<Vec<SagaRecord>, StoreError> {
        let mut untold = self.shared.sagas.untold.lock().await;
        let mut after = String::new();
        loop {
            let (page, last) = self.left_behind(TAKING_OVER, &known, &after, limit).await?;
            self.acquire(TAKING_OVER, &mut untold, &page).await?;
            let wanted = untold.clone();
            let taken = self.collect(TAKING_OVER, &mut untold, &wanted).await?;
            match last {
                // Somebody else has taken this page; there may be another one.
                Some(last) if taken.is_empty() && limit > 0 => after = last,
                _ => return Ok(taken),
            }
        }
    }

    /// Acquires `sighted` and answers how it is then; `None` when it was not so any more.
    pub(super) async fn acquire_one(
        &self,
        doing: &'static str,
        sighted: Sighted,
    ) -> Result<Option<SagaRecord>, StoreError> {
        let mut untold = self.shared.sagas.untold.lock().await;
        // Another caller of this process may have had it since: then the statement would find it done, as it
        // does where its own answer was lost.
        let is_still_so = |(record, owner): (SagaRecord, Uuid)| {
            record.epoch == sighted.epoch && owner == sighted.owner
        };
        if !self
            .find(&sighted.id, doing)
            .await?
            .is_some_and(is_still_so)
        {
            return Ok(None);
        }
        let wanted = Untold::from([(sighted.id.clone(), sighted.epoch + 1)]);
        if !self.acquire(doing, &mut untold, &[sighted]).await? {
            return Ok(None);
        }
        Ok(self.collect(doing, &mut untold, &wanted).await?.pop())
    }

    /// Lets those count as gone whose lease is over.
    pub(super) async fn bury_the_dead(&self, doing: &'static str) -> Result<(), StoreError> {
        self.left_behind(doing, &[], "", 0).await.map(drop)
    }

    /// Unfinished sagas of workers that are gone, with ids above `after`, and the last id of a page that is full.
    async fn left_behind(
        &self,
        doing: &'static str,
        known: &[Known],
        after: &str,
        limit: u32,
    ) -> Result<(Vec<Sighted>, Option<String>), StoreError> {
        let names: Vec<_> = known.iter().map(|known| text(&known.name)).collect();
        let call = Call::new(doing, LEFT_BEHIND)
            .text(json!(names).to_string())
            .text(after)
            .number(limit.into())
            .text(self.shared.sagas.worker.id().to_string())
            .number(self.shared.sagas.worker.lease_in_microseconds())
            .flag(self.shared.sagas.worker.may_bury());
        let mut page = Vec::new();
        let mut last = None;
        let rows = self.call(call).await?;
        for row in &rows {
            let id: String = column(row, 0).map_err(|unreadable| unreadable.refused(doing))?;
            let sighted = || -> Result<_, Unreadable> {
                Ok(Sighted {
                    id: SagaId::from_stored(id.clone()),
                    epoch: column(row, 1)?,
                    owner: worker(row, 2)?,
                    status: word(row, 3, Status::from_stored)?,
                })
            };
            match sighted() {
                // One of this process, under a name that it had: not left behind.
                Ok(sighted) if self.shared.sagas.worker.was(sighted.owner) => {}
                Ok(sighted) => page.push(sighted),
                Err(error) => {
                    tracing::error!(target: "resilience", saga = %id, %error,
                        "an unfinished saga cannot be read and is left as it is");
                }
            }
            last = Some(id);
        }
        let is_full = rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        Ok((page, last.filter(|_| is_full)))
    }

    /// Acquires those of `sighted` that are still so; false when it was none. They are in `untold` then.
    async fn acquire(
        &self,
        doing: &'static str,
        untold: &mut MutexGuard<'_, Untold>,
        sighted: &[Sighted],
    ) -> Result<bool, StoreError> {
        if sighted.is_empty() {
            return Ok(false);
        }
        let changes: Vec<_> = sighted
            .iter()
            .map(|saga| {
                json!({
                    "id": saga.id,
                    "epoch": saga.epoch,
                    "owner": saga.owner.to_string(),
                    "dead": saga.status.is_dead(),
                })
            })
            .collect();
        let owner = self.shared.sagas.worker.id();
        let call = Call::new(doing, ACQUIRE)
            .text(json!(changes).to_string())
            .text(owner.to_string());
        untold.extend(sighted.iter().map(|saga| (saga.id.clone(), saga.epoch + 1)));
        let acquired: Vec<String> = match self.call(call).await {
            Ok(rows) => {
                let ids: Result<_, Unreadable> = rows.iter().map(|row| column(row, 0)).collect();
                ids.map_err(|unreadable| unreadable.in_doubt(doing))?
            }
            Err(error) => {
                if error.effect() == Effect::DidNotRun {
                    untold.retain(|id, _| !sighted.iter().any(|saga| saga.id == *id));
                }
                return Err(error);
            }
        };
        self.shared.sagas.worker.has_written_as(owner);
        for saga in sighted {
            if !acquired.iter().any(|id| id == saga.id.as_str()) {
                untold.remove(&saga.id);
            }
        }
        Ok(!acquired.is_empty())
    }

    /// Those of `wanted` that are this worker's, to be told to the caller. They are read after they were acquired:
    /// until then, an owner that was only slow could still write to them.
    async fn collect(
        &self,
        doing: &'static str,
        untold: &mut MutexGuard<'_, Untold>,
        wanted: &Untold,
    ) -> Result<Vec<SagaRecord>, StoreError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let sagas: Vec<_> = wanted
            .iter()
            .map(|(id, epoch)| json!({ "id": id, "epoch": epoch }))
            .collect();
        let owners: Vec<_> = self
            .shared
            .sagas
            .worker
            .ids()
            .iter()
            .map(Uuid::to_string)
            .collect();
        let call = Call::new(doing, COLLECT)
            .text(json!(sagas).to_string())
            .text(json!(owners).to_string());
        let rows = self.call(call).await.map_err(|error| {
            // They are this worker's by now.
            StoreError::in_doubt(doing, error)
        })?;
        untold.retain(|id, _| !wanted.contains_key(id));
        let mut told = Vec::new();
        for row in &rows {
            match saga(row) {
                Ok(record) => told.push(record),
                Err(error) => {
                    tracing::error!(target: "resilience", %error, "a saga that was taken over cannot be read");
                }
            }
        }
        Ok(told)
    }
}
