//! Sagas that change their owner: left behind by a worker that is gone, or dead and tried again.
//!
//! What is acquired must reach the caller, or nobody would work on it as long as this worker lives. So what is about
//! to be acquired is written down first, here in memory; the next one who takes over looks for what an
//! answer that was lost, or a caller that went away, has left of it. For that one acquisition of this process comes after the other
//! (`LINE`), also where nobody waits for the answer of the first one: a statement does not see what another one does meanwhile,
//! and would say that there is nothing. And what was to be acquired is forgotten only when it is told, or somebody has it.

mod statements;

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::postgres::PgRow;
use tokio::sync::MutexGuard;
use uuid::Uuid;

use self::statements::{ACQUIRE, COLLECT, LEFT_BEHIND, MINE, PARKED};
use super::PostgresStore;
use super::call::Call;
use super::journal::known_as_json;
use super::journal::rows::saga;
use super::rows::{at, column, worker};
use crate::dlq::RetryAs;
use crate::error::{Effect, StoreError};
use crate::operator::Operator;
use crate::saga::journal::{Event, SagaCursor, SagaId, SagaRecord, SagaVersion, Status};
use crate::store::rows::{Columns, Unreadable, text, word, word_if_any};
use crate::timestamp::Timestamp;

const TAKING_OVER: &str = "taking over sagas";

/// The line of the statements that acquire sagas, and of those that look for what was acquired.
const LINE: &str = "taking over";

/// Sagas that this worker may have acquired and has not told anybody of, with the epoch that they have then.
pub(super) type Untold = BTreeMap<SagaId, i64>;

/// A saga as it was looked at, to be acquired if it is still so.
pub(super) struct Sighted {
    id: SagaId,
    epoch: i64,
    owner: Option<Uuid>,
    status: Status,
    /// What it becomes; `None`: it is taken over as it is.
    becomes: Option<Status>,
}

impl Sighted {
    pub(super) fn of(record: &SagaRecord, owner: Option<Uuid>) -> Self {
        Self {
            id: record.id.clone(),
            epoch: record.epoch,
            owner,
            status: record.status,
            becomes: None,
        }
    }

    pub(super) fn into(self, becomes: Status) -> Self {
        Self {
            becomes: Some(becomes),
            ..self
        }
    }

    /// One that somebody asked to retry, or that is parked and tried again.
    fn retried(self, retry: RetryAs) -> Result<Self, Unreadable> {
        let event = match (retry, self.status) {
            (RetryAs::Itself, Status::Parked) => Event::Resumed,
            (RetryAs::Itself | RetryAs::Compensation, _) => Event::Compensate,
        };
        let becomes = self.status.after(event);
        let becomes = becomes.ok_or_else(|| Unreadable::because("a retry of what is not dead"))?;
        Ok(self.into(becomes))
    }
}

/// A page of sagas to acquire, and where the next one begins.
type Page = (Vec<Sighted>, Option<SagaCursor>);

/// Before all others.
fn beginning() -> SagaCursor {
    SagaCursor {
        started_at: Timestamp::from_micros(i64::MIN),
        id: SagaId::from(String::new()),
    }
}

impl PostgresStore {
    /// See [`Journal::take_over`](crate::saga::journal::Journal::take_over).
    pub(super) async fn take_over_sagas(
        &self,
        known: Vec<SagaVersion>,
        limit: u32,
    ) -> Result<Vec<SagaRecord>, StoreError> {
        self.take(&known, None, limit).await
    }

    /// See [`Journal::take_parked`](crate::saga::journal::Journal::take_parked).
    pub(super) async fn take_parked_sagas(
        &self,
        known: Vec<SagaVersion>,
        parked_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<SagaRecord>, StoreError> {
        self.take(&known, Some(parked_before), limit).await
    }

    /// Acquires a page of what was left behind, or is parked since before a moment, and tells what was acquired.
    async fn take(
        &self,
        known: &[SagaVersion],
        parked_before: Option<Timestamp>,
        limit: u32,
    ) -> Result<Vec<SagaRecord>, StoreError> {
        let mut untold = self.shared.sagas.untold.lock().await;
        let mut after = beginning();
        loop {
            let (sighted, last) = match parked_before {
                None => self.left_behind(TAKING_OVER, known, &after, limit).await?,
                Some(before) => self.parked(known, before, &after, limit).await?,
            };
            self.acquire(TAKING_OVER, &mut untold, &sighted, None)
                .await?;
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
        by: Option<(&'static str, Operator)>,
    ) -> Result<Option<SagaRecord>, StoreError> {
        let mut untold = self.shared.sagas.untold.lock().await;
        // Another caller of this process may have had it since: then the statement would find it done, as it
        // does where its own answer was lost.
        let is_still_so = |(record, owner): (SagaRecord, Option<Uuid>)| {
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
        if !self.acquire(doing, &mut untold, &[sighted], by).await? {
            return Ok(None);
        }
        Ok(self.collect(doing, &mut untold, &wanted).await?.pop())
    }

    /// Lets those count as gone whose lease is over.
    pub(super) async fn bury_the_dead(&self, doing: &'static str) -> Result<(), StoreError> {
        self.left_behind(doing, &[], &beginning(), 0)
            .await
            .map(drop)
    }

    /// Sagas that nobody works on, from after `after`.
    async fn left_behind(
        &self,
        doing: &'static str,
        known: &[SagaVersion],
        after: &SagaCursor,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let call = Call::new(doing, LEFT_BEHIND)
            .text(known_as_json(known))
            .number(at(after.started_at))
            .text(after.id.as_str())
            .number(limit.into())
            .text(self.shared.sagas.worker.id().to_string())
            .number(self.shared.sagas.worker.lease_in_microseconds())
            .flag(self.shared.sagas.worker.may_bury());
        self.page(doing, call, limit).await
    }

    /// Sagas that have been parked since before `parked_before`, because code and journal differ.
    async fn parked(
        &self,
        known: &[SagaVersion],
        parked_before: Timestamp,
        after: &SagaCursor,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let call = Call::new(TAKING_OVER, PARKED)
            .text(known_as_json(known))
            .number(at(after.started_at))
            .text(after.id.as_str())
            .number(limit.into())
            .number(at(parked_before));
        self.page(TAKING_OVER, call, limit).await
    }

    /// What `call` found, and its last saga where the page is full.
    async fn page(&self, doing: &'static str, call: Call, limit: u32) -> Result<Page, StoreError> {
        let mut page = Vec::new();
        let mut last = None;
        let rows = self.call(call).await?;
        for row in &rows {
            let id: String = column(row, 0).map_err(|unreadable| unreadable.refused(doing))?;
            let id = SagaId::from(id);
            match sighted(row, id.clone()) {
                // One of this process, under a name that it had: not left behind.
                Ok(sighted) if sighted.becomes.is_none() && self.is_ours(sighted.owner) => {}
                Ok(sighted) => page.push(sighted),
                Err(error) => {
                    tracing::error!(target: "resilience", saga = %id, %error,
                        "a saga that is to be taken over cannot be read and is left as it is");
                }
            }
            let started_at = row
                .moment(1)
                .map_err(|unreadable| unreadable.refused(doing))?;
            last = Some(SagaCursor { started_at, id });
        }
        let is_full = rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        Ok((page, last.filter(|_| is_full)))
    }

    fn is_ours(&self, owner: Option<Uuid>) -> bool {
        owner.is_some_and(|owner| self.shared.sagas.worker.was(owner))
    }

    /// Acquires those of `sighted` that are still so; false when it was none. They are in `untold` in any case.
    async fn acquire(
        &self,
        doing: &'static str,
        untold: &mut MutexGuard<'_, Untold>,
        sighted: &[Sighted],
        by: Option<(&'static str, Operator)>,
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
                    "owner": saga.owner.map(|owner| owner.to_string()),
                    "status": saga.status.as_str(),
                    "becomes": saga.becomes.map(Status::as_str),
                })
            })
            .collect();
        let owner = self.shared.sagas.worker.id();
        let (action, by) = by.unzip();
        let (name, reason) = by.map(|by| (by.name, by.reason)).unzip();
        let maybe = |content: Option<String>| content.map(|content| text(&content).into_owned());
        let call = Call::new(doing, ACQUIRE)
            .text(json!(changes).to_string())
            .text(owner.to_string())
            .maybe_text(maybe(name))
            .maybe_text(action.map(str::to_owned))
            .maybe_text(maybe(reason.flatten()))
            .text(Uuid::new_v4().to_string());
        untold.extend(sighted.iter().map(|saga| (saga.id.clone(), saga.epoch + 1)));
        let acquired: Vec<String> = match self.hand_over(LINE, call).await {
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
        let call = Call::new(doing, COLLECT)
            .text(json!(sagas).to_string())
            .text(self.shared.sagas.worker.all_ids());
        let rows = self.hand_over(LINE, call).await.map_err(|error| {
            // They are this worker's by now.
            StoreError::in_doubt(doing, error)
        })?;
        let mut told = Vec::new();
        for row in &rows {
            let read = || Ok((SagaId::from(column::<String>(row, 0)?), column(row, MINE)?));
            let (id, mine) = read().map_err(|it: Unreadable| it.in_doubt(doing))?;
            untold.remove(&id);
            match saga(row) {
                Ok(record) if mine => told.push(record),
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(target: "resilience", saga = %id, %error, "a saga that was taken over cannot be read");
                }
            }
        }
        Ok(told)
    }
}

/// A row of a page.
fn sighted(row: &PgRow, id: SagaId) -> Result<Sighted, Unreadable> {
    let sighted = Sighted {
        id,
        epoch: column(row, 2)?,
        owner: worker(row, 3)?,
        status: word(row, 4, Status::from_stored)?,
        becomes: None,
    };
    match word_if_any(row, 5, RetryAs::from_stored)? {
        Some(retry) => sighted.retried(retry),
        None => Ok(sighted),
    }
}
