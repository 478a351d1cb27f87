//! Telling those who take sagas over that there may be something to do.
//!
//! What this store commits is known at once. What others commit is found by asking, as long as somebody waits: the number
//! of the last entry of the audit says that an operator has asked for something, and the few rows that are nobody's say that a
//! process left, or that a saga was started in somebody's transaction. Each is one look at an index.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::readers::Readers;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::Notify;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// What others have left, and asked for.
#[derive(Debug, Clone, Copy)]
struct Traces {
    /// The number of the last entry of the audit.
    asked: i64,
    /// How many sagas, and works that are to be done again, are nobody's.
    left: i64,
    /// When the newest of those sagas was started, in microseconds.
    newest: i64,
}

pub(super) const TRACES: &str = "
SELECT coalesce((SELECT max(id) FROM resilience_audit), 0) AS asked,
       count(*) + (SELECT count(*) FROM resilience_dead_letters INDEXED BY resilience_dead_letters_wanted
                   WHERE kind = 'work' AND status = 'retrying' AND owner IS NULL) AS left,
       coalesce(CAST(max(created_at) * 1000000 AS INTEGER), 0) AS newest
FROM resilience_sagas
WHERE owner = ''
  AND status NOT IN ('completed', 'compensated', 'failed', 'resolved', 'parked',
                     'compensation_failed')";

impl Traces {
    async fn read(from: impl sqlx::SqliteExecutor<'_>) -> Result<Self, sqlx::Error> {
        let (asked, left, newest) = sqlx::query_as(TRACES).fetch_one(from).await?;
        Ok(Self {
            asked,
            left,
            newest,
        })
    }
}

/// What has changed since somebody looked.
#[derive(Debug)]
pub(super) struct Changes {
    own: Notify,
    /// As they were when somebody was told last.
    told: Mutex<Traces>,
}

impl Changes {
    /// Nothing has changed since now.
    pub(super) async fn since_now(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let now = Traces::read(connection).await?;
        Ok(Self {
            own: Notify::new(),
            told: Mutex::new(now),
        })
    }

    /// This store has committed what an operator asked for.
    pub(super) fn happened(&self) {
        self.own.notify_waiters();
        // For who does not wait yet.
        self.own.notify_one();
    }

    /// Resolves when something may have changed since somebody was told last.
    pub(super) async fn next(&self, readers: &Readers) {
        tokio::select! {
            () = self.own.notified() => {}
            () = self.made_by_others(readers) => {}
        }
    }

    async fn made_by_others(&self, readers: &Readers) {
        loop {
            let traces = match readers.in_place() {
                Ok(pool) => Traces::read(pool).await,
                Err(error) => Err(error),
            };
            match traces {
                Ok(now) if self.is_new(now) => return,
                Ok(_) => {}
                // Nobody takes anything over any more.
                Err(sqlx::Error::PoolClosed) => std::future::pending().await,
                Err(error) => {
                    tracing::debug!(target: "resilience", %error, "nobody could look for what others have left");
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether there is more than before; that there is less says that somebody has taken it.
    fn is_new(&self, now: Traces) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *told, now);
        now.asked > before.asked || now.left > before.left || now.newest > before.newest
    }
}
