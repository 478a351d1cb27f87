//! The one task that writes.
//!
//! It takes what is waiting, up to a bound, and makes one commit of it. While a commit waits for
//! the disk, the next operations gather; so the more there is to do, the more share a commit.
//!
//! Those who have just been answered are let in once more before the next commit: see [`Away`].
//!
//! All operations of a batch were waiting at the same time, so any order among them is right as
//! long as no two concern the same thing; those wait for the next batch, in their order.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::changes::Changes;
use super::connection;
use super::failure::{Failure, ended_without_effect, may_be_one_operation};
use super::identity::Identity;
use super::liveness::Worker;
use super::operation::Job;
use super::readers::MOVED;
use super::statements::{self, COMMITTED, Part};
use super::wakes::Wakes;
use crate::store::away::{self, Away};

/// How many operations share a commit at most.
const OPERATIONS_MAX: usize = 256;
/// How many operations the writer looks at: more than a batch holds, so that many on one key do not
/// keep the others from sharing its commits.
const WAITING_MAX: usize = 1024;
/// How much text a batch has at most, unless a single operation has more.
const BYTES_MAX: usize = 4 << 20;

/// What is sent to the writer.
pub(super) enum Message {
    /// An operation to execute.
    Work(Job),
    /// Finish what is waiting, leave in order, and close the file.
    Close(oneshot::Sender<Result<(), sqlx::Error>>),
}

/// How many commits there were, and how many operations they held.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) batches: AtomicU64,
    pub(super) operations: AtomicU64,
}

/// The state of the task.
pub(super) struct Writer {
    pub(super) path: PathBuf,
    /// The file that was opened.
    pub(super) file: Identity,
    /// `None` after a failure that leaves its state unclear; it is opened again for the next batch.
    pub(super) connection: Option<SqliteConnection>,
    pub(super) inbox: mpsc::Receiver<Message>,
    pub(super) counters: Arc<Counters>,
    /// The worker lives as long as somebody writes in its name.
    pub(super) worker: Arc<Worker>,
    /// Not kept alive by this: it has connections, and the one that writes is to be the last.
    pub(super) wakes: Weak<Wakes>,
    pub(super) changes: Arc<Changes>,
    /// The text of each combination of parts that was needed so far.
    pub(super) texts: HashMap<u32, Arc<str>>,
}

impl Writer {
    /// Executes operations until the store is closed or its last handle is dropped.
    pub(super) async fn run(mut self) {
        let mut waiting = VecDeque::new();
        let mut closing = Vec::new();
        let mut away = Away::default();
        loop {
            if waiting.is_empty() {
                match self.inbox.recv().await {
                    Some(message) => self.accept(message, &mut waiting, &mut closing),
                    None => break,
                }
                away.come(1);
            }
            loop {
                away.come(self.accept_all(&mut waiting, &mut closing));
                let is_full = waiting.len() >= OPERATIONS_MAX || !closing.is_empty();
                let Some(until) = away.until(Instant::now()).filter(|_| !is_full) else {
                    break;
                };
                match away::wait(until, self.inbox.recv()).await {
                    Some(Some(message)) => {
                        self.accept(message, &mut waiting, &mut closing);
                        away.come(1);
                    }
                    Some(None) => break,
                    None => {}
                }
            }
            let batch = next_batch(&mut waiting);
            if !batch.is_empty() {
                let (began, count) = (Instant::now(), batch.len());
                self.write(batch).await;
                away = Away::answered(count, began, Instant::now());
            }
        }
        if !closing.is_empty() {
            self.leave_all().await;
        }
        let mut closed = match self.connection.take() {
            Some(connection) => connection::close(connection).await,
            None => Ok(()),
        };
        self.worker.leave();
        for done in closing {
            // Everything is durable by now; the first to ask hears how closing the file went.
            drop(done.send(std::mem::replace(&mut closed, Ok(()))));
        }
    }

    /// Accepts what is there; how much that was.
    fn accept_all(
        &mut self,
        waiting: &mut VecDeque<Job>,
        closing: &mut Vec<oneshot::Sender<Result<(), sqlx::Error>>>,
    ) -> usize {
        let before = waiting.len();
        while waiting.len() < WAITING_MAX
            && let Ok(message) = self.inbox.try_recv()
        {
            self.accept(message, waiting, closing);
        }
        waiting.len() - before
    }

    fn accept(
        &mut self,
        message: Message,
        waiting: &mut VecDeque<Job>,
        closing: &mut Vec<oneshot::Sender<Result<(), sqlx::Error>>>,
    ) {
        match message {
            Message::Work(job) => waiting.push_back(job),
            Message::Close(done) => {
                // What was sent before is still received.
                self.inbox.close();
                closing.push(done);
            }
        }
    }

    /// Makes what is unfinished nobody's, so that it can be taken at once and counts no interruption.
    async fn leave_all(&mut self) {
        if !self.file.is_at(&self.path) {
            return;
        }
        let Some(connection) = &mut self.connection else {
            return;
        };
        let id = self.worker.id();
        let left = async {
            for (any, leave) in [
                (statements::HAS_SAGAS, statements::LEAVE_SAGAS),
                (statements::HAS_WORKS, statements::LEAVE_WORKS),
            ] {
                let any = sqlx::query_scalar(any).bind(id);
                if any.fetch_one(&mut *connection).await? {
                    let leave = sqlx::query(leave).bind(id);
                    leave.execute(&mut *connection).await?;
                }
            }
            Ok::<_, sqlx::Error>(())
        };
        if let Err(error) = left.await {
            tracing::warn!(target: "resilience", %error,
                "unfinished sagas could not be left in order, and count an interruption when they are taken over"
            );
        }
    }

    async fn write(&mut self, batch: Vec<Job>) {
        match self.commit(&batch).await {
            Ok(rows) => self.answer(batch, rows),
            Err(Failed { may_be_one, .. }) if may_be_one && batch.len() > 1 => {
                // Nothing of the batch was kept: each gets its own commit, and its own failure.
                for job in batch {
                    let single = vec![job];
                    match self.commit(&single).await {
                        Ok(rows) => self.answer(single, rows),
                        Err(failed) => refuse(single, &failed.failure),
                    }
                }
            }
            Err(failed) => refuse(batch, &failed.failure),
        }
    }

    /// One call to the driver for the whole batch. It was committed if the row after `COMMIT` is
    /// there.
    async fn commit(&mut self, batch: &[Job]) -> Result<Vec<SqliteRow>, Failed> {
        if !self.file.is_at(&self.path) {
            let text = format!("{MOVED}: what is written now would be lost");
            return Err(Failed::of_all(Failure::without_effect(text)));
        }
        let mut changes: [String; Part::COUNT] = std::array::from_fn(|_| String::new());
        let mut parts = 0_u32;
        for (part, change) in batch.iter().flat_map(|job| &job.operation.changes) {
            let list = &mut changes[part.index()];
            list.push(if list.is_empty() { '[' } else { ',' });
            list.push_str(change);
            parts |= 1 << part.index();
        }
        let text = self
            .texts
            .entry(parts)
            .or_insert_with(|| statements::batch(|part| parts & (1 << part.index()) != 0).into());
        let mut query = sqlx::query(AssertSqlSafe(Arc::clone(text)));
        for mut list in changes {
            if !list.is_empty() {
                list.push(']');
            }
            query = query.bind(list);
        }
        let connection = match &mut self.connection {
            Some(connection) => connection,
            closed => match connection::reopen(&self.path).await {
                Ok(connection) => closed.insert(connection),
                Err(error) => return Err(Failed::of_all(Failure::without_effect(error))),
            },
        };
        match query.fetch_all(connection).await {
            Ok(mut rows) => match rows.pop() {
                Some(last) if last.try_get(0).is_ok_and(|part: i64| part == COMMITTED) => {
                    let operations = u64::try_from(batch.len()).unwrap_or(u64::MAX);
                    self.counters.batches.fetch_add(1, Ordering::Relaxed);
                    self.counters
                        .operations
                        .fetch_add(operations, Ordering::Relaxed);
                    Ok(rows)
                }
                _ => {
                    self.connection = None;
                    Err(Failed::of_all(Failure::in_doubt(
                        "the connection ended before it confirmed the commit",
                    )))
                }
            },
            Err(error) => Err(self.roll_back(&error).await),
        }
    }

    /// Gives each operation its rows, and wakes who waits for what it did. Nobody may wait for an answer any more: the
    /// write stands.
    fn answer(&self, batch: Vec<Job>, rows: Vec<SqliteRow>) {
        let wakes = self.wakes.upgrade();
        let mut by_subject: HashMap<(i64, String), Vec<SqliteRow>> = HashMap::new();
        for row in rows {
            if let (Ok(part), Ok(subject)) = (row.try_get(0), row.try_get(1)) {
                by_subject.entry((part, subject)).or_default().push(row);
            }
        }
        for job in batch {
            let (part, subject) = &job.operation.answered_by;
            let part = i64::try_from(part.index()).unwrap_or(i64::MAX);
            let rows = by_subject
                .remove(&(part, subject.clone()))
                .unwrap_or_default();
            if matches!(job.operation.answered_by.0, Part::Cancel | Part::Retry) && !rows.is_empty()
            {
                self.changes.happened();
            }
            if let Some(wakes) = &wakes
                && let Some(subject) = job.operation.awaited(&rows)
            {
                wakes.wake(&subject);
            }
            drop(job.answer.send(Ok(rows)));
        }
    }

    /// Leaves no transaction behind, and finds out whether the batch can have been kept.
    async fn roll_back(&mut self, error: &sqlx::Error) -> Failed {
        let undone = match &mut self.connection {
            Some(connection) => sqlx::raw_sql("ROLLBACK").execute(connection).await,
            None => Err(sqlx::Error::WorkerCrashed),
        };
        // SQLite ends the transaction by itself after some errors, and has nothing to roll back
        // then. After any other answer, the state of the connection is not known.
        let certain = match undone {
            Ok(_) => true,
            Err(sqlx::Error::Database(_)) if ended_without_effect(error) => true,
            Err(_) => {
                self.connection = None;
                false
            }
        };
        tracing::warn!(target: "resilience", %error, certain, "a batch of writes to the SQLite file failed");
        if certain {
            Failed {
                failure: Failure::without_effect(error),
                may_be_one: may_be_one_operation(error),
            }
        } else {
            Failed::of_all(Failure::in_doubt(error))
        }
    }
}

/// Why a batch failed.
struct Failed {
    failure: Failure,
    /// Nothing was kept, and one operation alone may be the reason.
    may_be_one: bool,
}

impl Failed {
    fn of_all(failure: Failure) -> Self {
        Self {
            failure,
            may_be_one: false,
        }
    }
}

/// Takes, in order, the operations that have nothing in common. What an operation that has to wait
/// touches is taken too, so that nobody overtakes it.
fn next_batch(waiting: &mut VecDeque<Job>) -> Vec<Job> {
    let mut taken: HashSet<String> = HashSet::new();
    let mut batch = Vec::new();
    let mut left = VecDeque::new();
    let mut bytes = 0;
    for mut job in waiting.drain(..) {
        let fits = batch.is_empty()
            || (batch.len() < OPERATIONS_MAX && bytes + job.operation.bytes() <= BYTES_MAX);
        let conflicts = job.operation.touches.iter().any(|id| taken.contains(id));
        if fits && !conflicts {
            bytes += job.operation.bytes();
            taken.extend(std::mem::take(&mut job.operation.touches));
            batch.push(job);
        } else {
            taken.extend(job.operation.touches.iter().cloned());
            left.push_back(job);
        }
    }
    *waiting = left;
    batch
}

fn refuse(batch: Vec<Job>, failure: &Failure) {
    for job in batch {
        drop(job.answer.send(Err(failure.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::super::operation::Operation;
    use super::*;

    fn job(touches: &[&str], bytes: usize) -> Job {
        let mut operation = Operation::new("testing", Part::Fence, touches.concat());
        operation.touches = touches.iter().map(ToString::to_string).collect();
        operation.changes.push((Part::Fence, " ".repeat(bytes)));
        let (answer, _) = oneshot::channel();
        Job { operation, answer }
    }

    fn subjects(jobs: &[Job]) -> Vec<&str> {
        jobs.iter()
            .map(|job| job.operation.answered_by.1.as_str())
            .collect()
    }

    #[test]
    fn who_has_to_wait_is_not_overtaken() {
        let jobs = [&["a"][..], &["a", "b"], &["b"], &["c"]].map(|touches| job(touches, 1));
        let mut waiting = VecDeque::from(jobs);
        assert_eq!(subjects(&next_batch(&mut waiting)), ["a", "c"]);
        assert_eq!(subjects(&next_batch(&mut waiting)), ["ab"]);
        assert_eq!(subjects(&next_batch(&mut waiting)), ["b"]);
        assert!(next_batch(&mut waiting).is_empty());
    }

    #[test]
    fn a_batch_is_bounded_and_an_operation_above_the_bound_goes_alone() {
        let sizes = [BYTES_MAX / 2, BYTES_MAX / 2, 1, 2 * BYTES_MAX];
        let mut waiting = VecDeque::from(sizes.map(|bytes| job(&[], bytes)));
        let batches = std::iter::from_fn(|| Some(next_batch(&mut waiting).len()));
        assert_eq!(batches.take(4).collect::<Vec<_>>(), [2, 1, 1, 0]);
        let mut waiting: VecDeque<_> = (0..300).map(|_| job(&[], 1)).collect();
        assert_eq!(next_batch(&mut waiting).len(), OPERATIONS_MAX);
    }
}
