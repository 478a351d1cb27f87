//! Waking those who wait for another holder.
//!
//! What this store commits wakes its own waiters at once. What another process commits is found by looking: as long
//! as somebody waits, one task asks SQLite whether the file has changed (`PRAGMA data_version`, a number in shared
//! memory), and when it has, whether that concerns a waiter. For a waiter that is new it looks in any case, so that
//! nothing is missed between the answer that it has to wait and its registration.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::{sleep, timeout};

use super::readers::Readers;
use crate::lock::store::PLACE;
use crate::store::waiters::Waiters;

/// How long after a new waiter came the first look is, and how long after the last look the next one is, at most:
/// each time twice as long.
const FIRST_LOOK: Duration = Duration::from_millis(2);
const LAST_LOOK: Duration = Duration::from_millis(20);

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// The end of the claim under this key.
    Record(String),
    /// The turn at the lock with this key, of this nonce.
    Turn(String, String),
}

/// Those who wait.
pub(super) struct Wakes {
    readers: Readers,
    background: Handle,
    arrived: Notify,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// Whether the task that looks is there.
    looking: bool,
    /// Whether somebody came after the last look.
    new: bool,
    waiters: Waiters<Subject, Waiter>,
}

struct Waiter {
    /// The nonce of the claim whose end is waited for; nothing for a turn.
    claim: String,
    wake: oneshot::Sender<()>,
}

/// A place among those who wait.
pub(super) struct Registered {
    wakes: Arc<Wakes>,
    subject: Subject,
    number: u64,
    woken: oneshot::Receiver<()>,
}

impl Registered {
    /// Resolves when it may be worth to ask again.
    pub(super) async fn woken(mut self) {
        // That the sender is gone says it as well.
        let _ = (&mut self.woken).await;
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut waiting = self.wakes.waiting();
        waiting.waiters.leave(&self.subject, self.number);
    }
}

impl Wakes {
    /// Nobody yet. Looks for changes over `readers`, in the runtime that this is called in.
    pub(super) fn new(readers: Readers) -> Self {
        Self {
            readers,
            background: Handle::current(),
            arrived: Notify::new(),
            waiting: Mutex::default(),
        }
    }

    /// Waits for the end of the claim with this nonce.
    pub(super) fn until_ended(self: &Arc<Self>, key: String, claim: String) -> Registered {
        self.register(Subject::Record(key), claim)
    }

    /// Waits for the turn of `nonce` at a lock.
    pub(super) fn until_turn(self: &Arc<Self>, key: String, nonce: String) -> Registered {
        self.register(Subject::Turn(key, nonce), String::new())
    }

    fn register(self: &Arc<Self>, subject: Subject, claim: String) -> Registered {
        let (wake, woken) = oneshot::channel();
        let mut waiting = self.waiting();
        let waiter = Waiter { claim, wake };
        let number = waiting.waiters.join(subject.clone(), waiter);
        waiting.new = true;
        if !std::mem::replace(&mut waiting.looking, true) {
            self.background.spawn(look(Arc::clone(self)));
        }
        drop(waiting);
        self.arrived.notify_one();
        Registered {
            wakes: Arc::clone(self),
            subject,
            number,
            woken,
        }
    }

    /// Wakes who waits for `subject`.
    pub(super) fn wake(&self, subject: &Subject) {
        let waiters = self.waiting().waiters.take(subject);
        for waiter in waiters {
            let _ = waiter.wake.send(());
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody came since this was asked last; `None` if nobody waits any more, and then the task
    /// that asks must end.
    fn anybody_new(&self) -> Option<bool> {
        let mut waiting = self.waiting();
        if waiting.waiters.is_empty() {
            waiting.looking = false;
            return None;
        }
        Some(std::mem::take(&mut waiting.new))
    }

    /// Lets everybody ask again, who hears there what is wrong.
    fn give_up(&self) {
        let mut waiting = self.waiting();
        waiting.looking = false;
        let waiters = waiting.waiters.take_all();
        drop(waiting);
        for waiter in waiters {
            let _ = waiter.wake.send(());
        }
    }

    fn questions(&self) -> Questions {
        let waiting = self.waiting();
        let mut questions = Questions::default();
        for (subject, waiter) in waiting.waiters.iter() {
            match subject {
                Subject::Record(key) => {
                    let claim = waiter.claim.clone();
                    questions.records.push((key.clone(), claim));
                }
                Subject::Turn(key, nonce) => questions.turns.push((key.clone(), nonce.clone())),
            }
        }
        questions.records.sort();
        questions.records.dedup();
        questions.turns.sort();
        questions.turns.dedup();
        questions
    }
}

/// What is looked for, as the statements read it.
#[derive(Default)]
struct Questions {
    /// `[key, nonce of the claim]`
    records: Vec<(String, String)>,
    /// `[key, nonce]`
    turns: Vec<(String, String)>,
}

/// The task that looks, until nobody waits.
async fn look(wakes: Arc<Wakes>) {
    let closed = wakes.readers.pool().close_event();
    let looking = look_while_anybody_waits(&wakes);
    let ended = tokio::select! {
        ended = looking => ended,
        () = closed => Err(sqlx::Error::PoolClosed),
    };
    if let Err(error) = ended {
        tracing::debug!(target: "resilience", %error, "those who wait were woken, because nobody could look for them");
        wakes.give_up();
    }
}

async fn look_while_anybody_waits(wakes: &Wakes) -> Result<(), sqlx::Error> {
    let mut connection = wakes.readers.in_place()?.acquire().await?;
    let mut seen = None;
    let mut pause = FIRST_LOOK;
    while let Some(anybody_new) = wakes.anybody_new() {
        let version: i64 = sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&mut *connection)
            .await?;
        if anybody_new || seen != Some(version) {
            for subject in changed(wakes, &mut connection).await? {
                wakes.wake(&subject);
            }
        }
        seen = Some(version);
        // Who comes is looked for soon, and together with those who come at the same time.
        if timeout(pause, wakes.arrived.notified()).await.is_ok() {
            pause = FIRST_LOOK;
            sleep(pause).await;
        }
        pause = (pause * 2).min(LAST_LOOK);
    }
    Ok(())
}

/// What is not any more as those found it who wait for it.
async fn changed(
    wakes: &Wakes,
    connection: &mut SqliteConnection,
) -> Result<Vec<Subject>, sqlx::Error> {
    let Questions { records, turns } = wakes.questions();
    let mut changed = Vec::new();
    if !records.is_empty() {
        let keys: Vec<String> = sqlx::query_scalar(CHANGED_RECORDS)
            .bind(serde_json::to_string(&records).unwrap_or_default())
            .fetch_all(&mut *connection)
            .await?;
        changed.extend(keys.into_iter().map(Subject::Record));
    }
    if !turns.is_empty() {
        let turns: Vec<(String, String)> = sqlx::query_as(TURNS)
            .bind(serde_json::to_string(&turns).unwrap_or_default())
            .bind(PLACE.as_secs_f64())
            .fetch_all(&mut *connection)
            .await?;
        let turns = turns.into_iter();
        changed.extend(turns.map(|(key, nonce)| Subject::Turn(key, nonce)));
    }
    Ok(changed)
}

// [key, nonce of the claim]
const CHANGED_RECORDS: &str = "
SELECT DISTINCT change.value ->> 0
FROM json_each(?1) AS change
LEFT JOIN resilience_idempotency_records AS record ON record.key = change.value ->> 0
WHERE record.state IS NOT 'running' OR record.nonce IS NOT change.value ->> 1";

// [key, nonce]
const TURNS: &str = "
SELECT change.value ->> 0, change.value ->> 1
FROM json_each(?1) AS change
LEFT JOIN resilience_locks AS lock ON lock.key = change.value ->> 0
WHERE lock.nonce IS NULL
  AND coalesce(change.value ->> 1 = (
        SELECT place.nonce FROM resilience_lock_places AS place
        WHERE place.key = change.value ->> 0 AND place.seen_at > unixepoch('subsec') - ?2
        ORDER BY place.place LIMIT 1), true)";

#[cfg(test)]
mod tests {
    use super::super::SqliteStore;
    use super::*;

    /// What was committed between the answer that a key is busy and the registration.
    #[tokio::test]
    async fn what_happened_before_the_registration_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("a.db"))
            .await
            .unwrap();
        let wakes = &store.shared.wakes;
        let (key, nonce) = ("a".to_owned(), "b".to_owned());
        for _ in 0..3 {
            // Neither a claim nor a lock is there any more.
            let ended = wakes.until_ended(key.clone(), nonce.clone());
            let turn = wakes.until_turn(key.clone(), nonce.clone());
            timeout(Duration::from_secs(20), ended.woken())
                .await
                .unwrap();
            timeout(Duration::from_secs(20), turn.woken())
                .await
                .unwrap();
        }
        while wakes.waiting().looking {
            sleep(FIRST_LOOK).await;
        }
        assert!(wakes.waiting().waiters.is_empty());
    }
}
