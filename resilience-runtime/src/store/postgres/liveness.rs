//! Who of the owners in the database is alive.
//!
//! Each open store is a *worker* with a row in a table, which says until when its lease lasts by the clock of the
//! server. One task renews it every third of the lease. Whoever finds a lease that is over deletes the row;
//! a worker whose row is not there is gone.
//!
//! - The deletion is the verdict, and not the time: a renewal and a deletion meet at the row, and the second one
//!   sees what the first one did. A worker that could not renew in time, and that nobody has missed, goes
//!   on as if nothing had been.
//! - Rows carry an id only after its row in the table is committed, and no id is used twice. Whoever finds an id of
//!   which there is no row in the table knows that its worker is gone for good.
//! - A worker that finds its row deleted takes a new id. What it still has passes over to the new one, under the
//!   same epoch; what others have taken has a new epoch, and refuses it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use sqlx::postgres::PgRow;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

use super::call::Call;
use super::journal::statements::at_rest;
use super::pool::Pool;
use crate::error::StoreError;

/// How long a worker that does not renew counts as alive.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// The pause after a renewal that failed.
const RETRY: Duration = Duration::from_secs(1);

const ENTERING: &str = "entering the table of workers";
const RENEWING: &str = "renewing the lease of a worker";
const ADOPTING: &str = "keeping the sagas of a worker whose lease was over";
const LEAVING: &str = "leaving the table of workers";

/// This open store, as the others see it. Dropping it is leaving, in the background.
#[derive(Debug)]
pub(super) struct Worker {
    known: Arc<Known>,
    leaving: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What the task and the store both know.
#[derive(Debug)]
struct Known {
    lease: Duration,
    /// The ids that this worker has had; the last one is its id.
    ids: RwLock<Vec<Uuid>>,
    /// Ids that may have sagas of ours.
    former: Mutex<Vec<Uuid>>,
    /// When others may be deleted.
    buries_from: Mutex<Instant>,
    /// Wakes the task.
    news: Notify,
}

impl Worker {
    /// Enters the table under a new id, for as long as the runtime that this is called on works.
    pub(super) async fn enter(pool: &Arc<Pool>, lease: Duration) -> Result<Self, StoreError> {
        let id = Uuid::new_v4();
        let known = Arc::new(Known {
            lease,
            ids: RwLock::new(vec![id]),
            former: Mutex::default(),
            buries_from: Mutex::new(Instant::now()),
            news: Notify::new(),
        });
        known.enter(pool, id).await?;
        let (leaving, left) = watch::channel(false);
        let task = tokio::spawn(Arc::clone(&known).keep(Arc::clone(pool), left));
        Ok(Self {
            known,
            leaving,
            task: Mutex::new(Some(task)),
        })
    }

    /// What rows carry as their owner.
    pub(super) fn id(&self) -> Uuid {
        self.known.id()
    }

    /// Every id that it has had, as a JSON array.
    pub(super) fn all_ids(&self) -> String {
        self.known.all_ids()
    }

    /// Whether `id` is its id, or was.
    pub(super) fn was(&self, id: Uuid) -> bool {
        let ids = self.known.ids.read();
        ids.unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    /// A row was written under `id`, which may not be the id any more: then the row is to pass over, too.
    pub(super) fn has_written_as(&self, id: Uuid) {
        if self.id() != id {
            self.known.former().push(id);
            self.known.news.notify_one();
        }
    }

    /// Whether it may find others dead. Who could not renew for so long that its own lease was over must suppose
    /// that they could not either, and gives them the time to.
    pub(super) fn may_bury(&self) -> bool {
        *self.known.buries_from() <= Instant::now()
    }

    pub(super) fn lease_in_microseconds(&self) -> i64 {
        in_microseconds(self.known.lease)
    }

    /// Leaves: everything that carries its id may be taken over from now on.
    pub(super) async fn leave(&self) {
        self.leaving.send_replace(true);
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            // It does not panic; when it was ended with its runtime, the lease ends by itself.
            let _ = task.await;
        }
    }
}

impl Known {
    fn id(&self) -> Uuid {
        let ids = self.ids.read().unwrap_or_else(PoisonError::into_inner);
        // There is always one.
        ids.last().copied().unwrap_or_default()
    }

    fn all_ids(&self) -> String {
        let ids = self.ids.read().unwrap_or_else(PoisonError::into_inner);
        let ids: Vec<_> = ids.iter().map(Uuid::to_string).collect();
        serde_json::json!(ids).to_string()
    }

    fn former(&self) -> MutexGuard<'_, Vec<Uuid>> {
        self.former.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn buries_from(&self) -> MutexGuard<'_, Instant> {
        self.buries_from
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Renews until the store is closed, or all its clones are dropped.
    async fn keep(self: Arc<Self>, pool: Arc<Pool>, mut left: watch::Receiver<bool>) {
        let mut pause = self.lease / 3;
        loop {
            tokio::select! {
                // An error says that the store was dropped.
                _ = left.wait_for(|left| *left) => break,
                () = self.news.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
            pause = match self.stay(&pool).await {
                Ok(()) => self.lease / 3,
                Err(error) => {
                    tracing::warn!(target: "resilience", %error, "the lease of this process could not be renewed");
                    RETRY.min(self.lease / 3)
                }
            };
        }
        let call = Call::new(LEAVING, LEAVE).text(self.all_ids());
        if let Err(error) = call.carry_out(&pool).await {
            tracing::debug!(target: "resilience", %error, "the lease of this process ends by itself");
        }
    }

    async fn stay(&self, pool: &Arc<Pool>) -> Result<(), StoreError> {
        let call = Call::new(RENEWING, RENEW)
            .text(self.id().to_string())
            .number(in_microseconds(self.lease));
        let rows = call.carry_out(pool).await?;
        match rows.first().map(was_over).transpose() {
            Ok(Some(false)) => {}
            Ok(Some(true)) => self.let_others_renew(),
            Ok(None) => self.take_new_id(pool).await?,
            Err(error) => return Err(StoreError::in_doubt(RENEWING, error)),
        }
        loop {
            let former = self.former().last().copied();
            let Some(former) = former else { return Ok(()) };
            let call = Call::new(ADOPTING, ADOPT)
                .text(former.to_string())
                .text(self.id().to_string());
            call.carry_out(pool).await?;
            let mut left = self.former();
            if let Some(at) = left.iter().position(|id| *id == former) {
                left.swap_remove(at);
            }
        }
    }

    async fn take_new_id(&self, pool: &Arc<Pool>) -> Result<(), StoreError> {
        self.let_others_renew();
        let former = self.id();
        let id = Uuid::new_v4();
        self.enter(pool, id).await?;
        // Whoever writes under the former id from now on sees that it has changed.
        self.ids
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(id);
        self.former().push(former);
        tracing::warn!(target: "resilience", worker = %former, now = %id,
            "the lease of this process was over and others may have taken its sagas; it goes on under a new id");
        Ok(())
    }

    fn let_others_renew(&self) {
        *self.buries_from() = Instant::now() + self.lease / 3 + RETRY;
    }

    async fn enter(&self, pool: &Arc<Pool>, id: Uuid) -> Result<(), StoreError> {
        let call = Call::new(ENTERING, ENTER)
            .text(id.to_string())
            .number(in_microseconds(self.lease));
        call.carry_out(pool).await.map(drop)
    }
}

fn was_over(row: &PgRow) -> Result<bool, sqlx::Error> {
    sqlx::Row::try_get(row, 0)
}

fn in_microseconds(lease: Duration) -> i64 {
    i64::try_from(lease.as_micros()).unwrap_or(i64::MAX)
}

/// `$1` id, `$2` microseconds.
const ENTER: &str = "
INSERT INTO resilience_workers (id, lease_end, entered_at)
VALUES ($1::uuid, clock_timestamp() + $2 * interval '1 microsecond', clock_timestamp())
ON CONFLICT DO NOTHING";

/// `$1` id, `$2` microseconds. One row, whether the lease was over, or none when the worker is gone.
const RENEW: &str = "
UPDATE resilience_workers AS worker
SET lease_end = clock_timestamp() + $2 * interval '1 microsecond'
FROM resilience_workers AS before
WHERE worker.id = $1::uuid AND before.id = worker.id
RETURNING before.lease_end <= clock_timestamp()";

/// `$1` the former id, `$2` the new one. Rows are locked in the order of their ids, as everybody does who locks
/// several.
const ADOPT: &str = concat!(
    "
WITH fence AS (
    SELECT id FROM resilience_sagas
    WHERE owner = $1::uuid AND status NOT IN ",
    at_rest!(),
    "
    ORDER BY id
    FOR NO KEY UPDATE
), works AS (
    UPDATE resilience_dead_letters SET owner = $2::uuid
    WHERE owner = $1::uuid AND status = 'retrying' AND kind = 'work'
)
UPDATE resilience_sagas AS saga SET owner = $2::uuid
FROM fence
WHERE saga.id = fence.id"
);

/// `$1` every id that the worker has had, as a JSON array. What is unfinished belongs to nobody then, works of a worker that
/// is not there are free, and those who wait for either are told; where nothing is, only the worker is gone.
const LEAVE: &str = concat!(
    "
WITH id AS MATERIALIZED (
    SELECT json_array_elements_text($1::json)::uuid AS id
), gone AS (
    DELETE FROM resilience_workers WHERE id IN (SELECT id FROM id)
), fence AS (
    SELECT saga.id FROM resilience_sagas AS saga
    WHERE saga.owner IN (SELECT id FROM id) AND saga.status NOT IN ",
    at_rest!(),
    "
    ORDER BY saga.id
    FOR NO KEY UPDATE
), left_behind AS (
    UPDATE resilience_sagas AS saga SET owner = NULL, updated_at = clock_timestamp()
    FROM fence
    WHERE saga.id = fence.id
    RETURNING saga.id
), works AS (
    SELECT FROM resilience_dead_letters
    WHERE status = 'retrying' AND kind = 'work' AND owner IN (SELECT id FROM id)
)
SELECT pg_notify('resilience_sagas', '')::text
FROM (SELECT (SELECT count(*) FROM left_behind) + (SELECT count(*) FROM works) AS count) AS left_over
WHERE count > 0"
);
