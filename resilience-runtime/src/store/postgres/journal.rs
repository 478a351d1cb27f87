mod lines;
mod park;
mod queries;
pub(super) mod rows;
pub(super) mod statements;
mod together;
pub(super) mod write;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sqlx::postgres::PgRow;
use tokio::sync::Mutex;
use uuid::Uuid;

use self::lines::Lines;
use self::rows::{OWNER, saga};
use self::statements::{CANCEL, CANCELLED, LOAD};
use self::together::Together;
use self::write::{Answer, Write, full, is_plain, starting};
use super::PostgresStore;
use super::call::Call;
use super::liveness::Worker;
use super::pool::Pool;
use super::recovery::{Sighted, Untold};
use super::rows::{column, worker};
use crate::BoxFuture;
use crate::error::StoreError;
use crate::operator::Operator;
use crate::saga::journal::{
    Advance, CancelOutcome, Event, Journal, NewSaga, OrphanedSagas, Park, ParkOutcome, SagaCursor,
    SagaFilter, SagaId, SagaRecord, SagaStatistics, SagaSummary, SagaVersion, Started, Status,
    Written,
};
use crate::store::rows::{Unreadable, text};
use crate::timestamp::Timestamp;

pub(super) const STARTING: &str = "starting a saga";
const WRITING: &str = "writing the saga journal";
const REVIVING: &str = "reviving a saga";
const CANCELLING: &str = "cancelling a saga";
const READING: &str = "reading the saga journal";

/// What an open store knows beside the database.
pub(super) struct Sagas {
    pub(super) worker: Worker,
    lines: Lines,
    together: Together,
    /// Held while sagas are acquired.
    pub(super) untold: Mutex<Untold>,
    /// Under which nonces works were taken that nobody was told of. Held while works are taken.
    pub(super) untold_works: Mutex<Vec<Uuid>>,
}

impl Sagas {
    pub(super) async fn enter(pool: &Arc<Pool>, lease: Duration) -> Result<Self, StoreError> {
        Ok(Self {
            worker: Worker::enter(pool, lease).await?,
            lines: Lines::new(),
            together: Together::default(),
            untold: Mutex::default(),
            untold_works: Mutex::default(),
        })
    }

    /// Finishes the writes that were handed over, and leaves what is unfinished to others.
    pub(super) async fn leave(&self) {
        self.lines.finish().await;
        self.worker.leave().await;
    }
}

impl Journal for PostgresStore {
    fn start(&self, saga: NewSaga) -> BoxFuture<'_, Result<Started, StoreError>> {
        Box::pin(async move {
            // Nobody can be in the way of a saga that nobody else can name.
            if saga.key.is_none() && !saga.given {
                let write = Write::Begin(Box::new(saga.clone()));
                if let Answer::Begun(at) = self.make(write).await? {
                    return Ok(Started::New(at));
                }
            }
            // Each further round means that somebody else has changed the saga in between.
            loop {
                let owner = self.shared.sagas.worker.id();
                let call = starting(&saga, Some(owner), 1);
                let rows = self.hand_over(saga.id.as_str(), call).await?;
                self.shared.sagas.worker.has_written_as(owner);
                let Some(row) = rows.first() else { continue };
                let there = Present::read(row).map_err(|e| e.in_doubt(STARTING))?;
                return self.started(&saga, there).await;
            }
        })
    }

    fn advance(
        &self,
        saga: SagaId,
        epoch: i64,
        advance: Advance,
    ) -> BoxFuture<'_, Result<Written, StoreError>> {
        Box::pin(async move {
            let cancelled = if is_plain(&advance) {
                let write = Write::Advance(saga, epoch, Box::new(advance));
                match self.make(write).await? {
                    Answer::Written(cancelled) => Some(cancelled),
                    Answer::Begun(_) | Answer::Nothing => None,
                }
            } else {
                let call = full(&saga, epoch, &advance);
                let rows = self.hand_over(saga.as_str(), call).await?;
                let cancelled = rows.first().map(|row| column(row, 0)).transpose();
                cancelled.map_err(|unreadable: Unreadable| unreadable.in_doubt(WRITING))?
            };
            Ok(cancelled.map_or(Written::Superseded, |cancelled| Written::Yes { cancelled }))
        })
    }

    fn take_over(
        &self,
        known: Vec<SagaVersion>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>> {
        Box::pin(self.take_over_sagas(known, limit))
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        if self.shared.channel.is_none() {
            return Box::pin(std::future::pending());
        }
        Box::pin(self.shared.wakes.changed())
    }

    fn take_parked(
        &self,
        known: Vec<SagaVersion>,
        parked_before: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>> {
        Box::pin(self.take_parked_sagas(known, parked_before, limit))
    }

    fn revive(
        &self,
        saga: SagaId,
        event: Event,
        by: Option<Operator>,
    ) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(async move {
            let Some((record, owner)) = self.find(&saga, REVIVING).await? else {
                return Ok(None);
            };
            if !matches!(event, Event::Resumed | Event::Compensate) {
                return Ok(None);
            }
            let Some(status) = record.status.after(event) else {
                return Ok(None);
            };
            let sighted = Sighted::of(&record, owner).into(status);
            let action = match event {
                Event::Resumed => "retry",
                _ => "compensate",
            };
            self.acquire_one(REVIVING, sighted, by.map(|by| (action, by)))
                .await
        })
    }

    fn cancel(
        &self,
        saga: SagaId,
        by: Operator,
    ) -> BoxFuture<'_, Result<Option<CancelOutcome>, StoreError>> {
        Box::pin(async move {
            let call = Call::new(CANCELLING, CANCEL)
                .text(saga.as_str())
                .text(text(&by.name))
                .maybe_text(by.reason.map(|reason| text(&reason).into_owned()))
                .text(Uuid::new_v4().to_string());
            let rows = self.hand_over("", call).await?;
            let answer = rows.first().map(|row| column::<Option<String>>(row, 0));
            let word = answer.transpose().map_err(|e| e.in_doubt(CANCELLING))?;
            Ok(match word.flatten().as_deref() {
                None => None,
                Some("requested") => Some(CancelOutcome::Requested),
                Some("pivoted") => Some(CancelOutcome::Pivoted),
                Some(word) => {
                    let unreadable =
                        || StoreError::refused(CANCELLING, format!("unknown word {word:?}"));
                    Some(CancelOutcome::NotRunning(
                        Status::from_stored(word).ok_or_else(unreadable)?,
                    ))
                }
            })
        })
    }

    fn park(
        &self,
        saga: SagaId,
        park: Park,
        by: Operator,
    ) -> BoxFuture<'_, Result<Option<ParkOutcome>, StoreError>> {
        Box::pin(self.park_saga(saga, park, by))
    }

    fn cancelled(&self) -> BoxFuture<'_, Result<Vec<SagaId>, StoreError>> {
        Box::pin(async move {
            let call = Call::new(READING, CANCELLED).text(self.shared.sagas.worker.all_ids());
            let rows = self.call(call).await?;
            let read = |row| column::<String>(row, 0).map(SagaId::from);
            let ids: Result<_, _> = rows.iter().map(read).collect();
            ids.map_err(|unreadable: Unreadable| unreadable.refused(READING))
        })
    }

    fn load(&self, saga: SagaId) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(async move {
            let found = self.find(&saga, READING).await?;
            Ok(found.map(|(record, _)| record))
        })
    }

    fn list(
        &self,
        filter: SagaFilter,
        after: Option<SagaCursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaSummary>, StoreError>> {
        Box::pin(self.list_sagas(filter, after, limit))
    }

    fn now(&self) -> BoxFuture<'_, Result<Timestamp, StoreError>> {
        Box::pin(self.clock())
    }

    fn statistics(&self) -> BoxFuture<'_, Result<Vec<SagaStatistics>, StoreError>> {
        Box::pin(self.saga_statistics())
    }

    fn orphaned(
        &self,
        known: Vec<SagaVersion>,
    ) -> BoxFuture<'_, Result<Vec<OrphanedSagas>, StoreError>> {
        Box::pin(self.orphaned_sagas(known))
    }

    fn purge(&self, retention: Duration, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.purge_sagas(retention, limit))
    }
}

impl PostgresStore {
    /// Makes `write` after those to its saga that were handed over before it, also when nobody waits for the
    /// answer any more.
    async fn make(&self, write: Write) -> Result<Answer, StoreError> {
        let doing = write.doing();
        let store = self.clone();
        let name = write.saga().to_string();
        let making = async move { store.shared.sagas.together.make(&store, write).await };
        self.in_line(doing, &name, making).await
    }

    /// Carries out `call` after those that were handed over before it under `name`, also when nobody waits for
    /// the answer any more.
    pub(super) async fn hand_over(&self, name: &str, call: Call) -> Result<Vec<PgRow>, StoreError> {
        let doing = call.doing;
        let store = self.clone();
        self.in_line(doing, name, async move { store.call(call).await })
            .await
    }

    async fn in_line<T, F>(
        &self,
        doing: &'static str,
        name: &str,
        write: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let handed_over = self
            .shared
            .sagas
            .lines
            .enter(name, write)
            .map_err(|error| StoreError::refused(doing, error))?;
        let ended = handed_over.await;
        ended.map_err(|error| StoreError::in_doubt(doing, error))?
    }

    /// What it means that `there` is what was found when `saga` was to be started.
    async fn started(&self, saga: &NewSaga, there: Present) -> Result<Started, StoreError> {
        let Present {
            record,
            owner,
            alive,
            new,
            same,
        } = there;
        if new {
            return Ok(Started::New(record.started_at));
        }
        let is_ours = owner.is_some_and(|owner| self.shared.sagas.worker.was(owner));
        if record.id == saga.id {
            // Finding it as this call would have written it is the same as writing it: the first answer may have
            // been lost.
            if record.status == Status::Running && record.epoch == 1 && is_ours && same {
                return Ok(Started::New(record.started_at));
            }
            if !saga.given {
                let text = format!("there is another saga with the id {}", record.id);
                return Err(StoreError::refused(STARTING, text));
            }
        }
        if !record.status.is_unfinished() {
            return Ok(Started::Ended(record));
        }
        if is_ours || alive || !saga.has_code_of(&record) {
            return Ok(Started::Busy(record.id));
        }
        self.bury_the_dead(STARTING).await?;
        let taken = self
            .acquire_one(STARTING, Sighted::of(&record, owner), None)
            .await?;
        Ok(match taken {
            Some(record) => Started::TakenOver(record),
            // Somebody else was first, or its owner has come back.
            None => Started::Busy(record.id),
        })
    }

    pub(super) async fn find(
        &self,
        id: &SagaId,
        doing: &'static str,
    ) -> Result<Option<(SagaRecord, Option<Uuid>)>, StoreError> {
        let rows = self.call(Call::new(doing, LOAD).text(id.as_str())).await?;
        let found = rows
            .first()
            .map(|row| Ok((saga(row)?, worker(row, OWNER)?)));
        found
            .transpose()
            .map_err(|unreadable: Unreadable| unreadable.refused(doing))
    }
}

/// What there is under the key, or under the id, of a saga that was to be started.
pub(super) struct Present {
    pub(super) record: SagaRecord,
    owner: Option<Uuid>,
    alive: bool,
    pub(super) new: bool,
    /// Whether the same call started it.
    same: bool,
}

impl Present {
    pub(super) fn read(row: &PgRow) -> Result<Self, Unreadable> {
        Ok(Self {
            record: saga(row)?,
            owner: worker(row, OWNER)?,
            alive: column(row, OWNER + 1)?,
            new: column(row, OWNER + 2)?,
            same: column(row, OWNER + 3)?,
        })
    }
}

/// The functions of a process, as a JSON array.
pub(super) fn known_as_json(known: &[SagaVersion]) -> String {
    let known = known
        .iter()
        .map(|known| json!({ "name": text(&known.name), "version": known.version }));
    json!(known.collect::<Vec<_>>()).to_string()
}

/// How many a statement says that there are, or were.
pub(super) fn counted(doing: &'static str, rows: &[PgRow]) -> Result<u64, StoreError> {
    let count = rows.first().map(|row| column::<i64>(row, 0)).transpose();
    let count = count.map_err(|unreadable| unreadable.in_doubt(doing))?;
    Ok(count.map_or(0, |count| u64::try_from(count).unwrap_or(0)))
}
