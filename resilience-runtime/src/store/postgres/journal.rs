//! The saga journal.

mod lines;
pub(super) mod rows;
mod statements;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sqlx::postgres::PgRow;
use tokio::sync::Mutex;
use uuid::Uuid;

use self::lines::Lines;
use self::rows::{Unreadable, column, saga, text, word, worker};
use self::statements::{ADVANCE, COUNTS, LOAD, START};
use super::PostgresStore;
use super::call::Call;
use super::liveness::Worker;
use super::pool::Pool;
use super::recovery::{Sighted, Untold};
use crate::BoxFuture;
use crate::error::StoreError;
use crate::operator::Operator;
use crate::saga::journal::{
    Advance, Event, Journal, Known, NewSaga, SagaId, SagaRecord, Settles, Started, Status, Written,
};
use crate::timestamp::Timestamp;

const STARTING: &str = "starting a saga";
const WRITING: &str = "writing the saga journal";
const REVIVING: &str = "reviving a saga";
const READING: &str = "reading the saga journal";

/// What an open store knows beside the database.
pub(super) struct Sagas {
    pub(super) worker: Worker,
    pub(super) lines: Lines,
    /// Held while sagas are acquired.
    pub(super) untold: Mutex<Untold>,
}

impl Sagas {
    pub(super) async fn enter(pool: &Arc<Pool>, lease: Duration) -> Result<Self, StoreError> {
        Ok(Self {
            worker: Worker::enter(pool, lease).await?,
            lines: Lines::new(),
            untold: Mutex::default(),
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
            // Each further round means that somebody else has changed the saga in between.
            loop {
                let owner = self.shared.sagas.worker.id();
                let call = starting(&saga, owner);
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
            let call = advancing(&saga, epoch, &advance);
            let rows = self.hand_over(saga.as_str(), call).await?;
            Ok(if rows.is_empty() {
                Written::Superseded
            } else {
                Written::YES
            })
        })
    }

    fn take_over(
        &self,
        known: Vec<Known>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>> {
        Box::pin(self.take_over_sagas(known, limit))
    }

    fn revive(
        &self,
        saga: SagaId,
        _event: Event,
        _by: Option<Operator>,
    ) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(async move {
            match self.find(&saga, REVIVING).await? {
                Some((record, owner)) if record.status.is_dead() => {
                    let dead = Sighted::of(&record, owner);
                    self.acquire_one(REVIVING, dead).await
                }
                _ => Ok(None),
            }
        })
    }

    fn load(&self, saga: SagaId) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(async move {
            let found = self.find(&saga, READING).await?;
            Ok(found.map(|(record, _)| record))
        })
    }
}

impl PostgresStore {
    /// Carries out `call` after those that were handed over before it under `name`, also when nobody waits for
    /// the answer any more.
    pub(super) async fn hand_over(&self, name: &str, call: Call) -> Result<Vec<PgRow>, StoreError> {
        let doing = call.doing;
        let store = self.clone();
        let handed_over = self
            .shared
            .sagas
            .lines
            .enter(name, async move { store.call(call).await })
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
        } = there;
        if new {
            return Ok(Started::New(Timestamp::of_this_machine()));
        }
        let is_ours = self.shared.sagas.worker.was(owner);
        if record.id == saga.id {
            // Finding it as this store would have written it is the same as writing it: the first answer
            // may have been lost.
            if record.status == Status::Running && record.epoch == 1 && is_ours {
                return Ok(Started::New(Timestamp::of_this_machine()));
            }
            let text = format!("there is another saga with the id {}", record.id);
            return Err(StoreError::refused(STARTING, text));
        }
        if !record.status.is_unfinished() {
            return Ok(Started::Ended(record));
        }
        if is_ours || alive {
            return Ok(Started::Busy(record.id));
        }
        self.bury_the_dead(STARTING).await?;
        let taken = self
            .acquire_one(STARTING, Sighted::of(&record, owner))
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
    ) -> Result<Option<(SagaRecord, Uuid)>, StoreError> {
        let rows = self.call(Call::new(doing, LOAD).text(id.as_str())).await?;
        let found = rows.first().map(|row| Ok((saga(row)?, worker(row, 9)?)));
        found
            .transpose()
            .map_err(|unreadable: Unreadable| unreadable.refused(doing))
    }
}

/// What there is under the key, or under the id, of a saga that was to be started.
struct Present {
    record: SagaRecord,
    owner: Uuid,
    alive: bool,
    new: bool,
}

impl Present {
    fn read(row: &PgRow) -> Result<Self, Unreadable> {
        Ok(Self {
            record: saga(row)?,
            owner: worker(row, 9)?,
            alive: column(row, 10)?,
            new: column(row, 11)?,
        })
    }
}

fn starting(saga: &NewSaga, owner: Uuid) -> Call {
    let key = saga.key.map(|key| key.digest.as_bytes().to_vec());
    let ttl = saga
        .key
        .map(|key| i64::try_from(key.ttl.as_micros()).unwrap_or(i64::MAX));
    Call::new(STARTING, START)
        .text(saga.id.as_str())
        .text(text(&saga.name))
        .maybe_bytes(key)
        .text(text(&saga.input))
        .text(owner.to_string())
        .maybe_number(ttl)
}

fn advancing(saga: &SagaId, epoch: i64, advance: &Advance) -> Call {
    let maybe = |content: Option<&str>| content.map(|content| text(content).into_owned());
    let steps: Vec<_> = advance
        .steps
        .iter()
        .map(|step| {
            json!({
                "position": step.position,
                "step": text(&step.step),
                "occurrence": step.occurrence,
                "arguments": text(&step.arguments),
                "output": step.output.as_deref().map(text),
                "undone": step.undone,
            })
        })
        .collect();
    let letter = advance.dead_letter.as_ref();
    Call::new(WRITING, ADVANCE)
        .text(saga.as_str())
        .number(epoch)
        .maybe_text(advance.status.map(|status| status.as_str().to_owned()))
        .maybe_text(maybe(advance.output.as_deref()))
        .maybe_text(maybe(advance.error.as_deref()))
        .text(json!(steps).to_string())
        .maybe_number(advance.undone.map(i64::from))
        .flag((advance.settles != Settles::Nothing))
        .maybe_text(letter.map(|letter| letter.kind.as_str().to_owned()))
        .maybe_text(maybe(letter.map(|letter| letter.operation.as_str())))
        .maybe_text(maybe(letter.map(|letter| letter.arguments.as_str())))
        .maybe_text(maybe(letter.and_then(|letter| letter.output.as_deref())))
        .maybe_text(maybe(letter.map(|letter| letter.error.as_str())))
        .maybe_number(letter.map(|letter| letter.attempts.into()))
        .text(Uuid::new_v4().to_string())
}
