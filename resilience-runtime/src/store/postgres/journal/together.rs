//! Writes of several sagas in one statement, and so in one commit.
//!
//! A write that finds nothing under way is made at once, as it is. What comes while one is under way waits for it, and
//! is made together then: the commits get fewer as the sagas get more, and no write waits for others to come.
//! Whoever waits first makes the next batch. What a batch did not write is made alone by the one who wants it written: a
//! row that cannot be written, or that somebody has locked, is nobody else's trouble.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use sqlx::postgres::PgRow;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::WRITING;
use super::rows::column;
use super::statements::TOGETHER;
use super::write::{Answer, Write, json_array, without_nul};
use crate::error::StoreError;
use crate::saga::journal::{SagaId, Status};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::call::Call;
use crate::store::postgres::rows::micros;
use crate::store::rows::Unreadable;
use crate::timestamp::Timestamp;

/// How many statements are under way at once.
const LANES: usize = 2;
/// How many writes share one.
const WRITES_MAX: usize = 64;
/// How many bytes they have then, about.
const SIZE_MAX: usize = 1 << 20;

/// The writes that wait for each other.
#[derive(Debug, Default)]
pub(super) struct Together {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// How many statements are under way.
    lanes: usize,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    write: Write,
    turn: oneshot::Sender<Turn>,
}

/// What a write that waited hears.
#[derive(Debug)]
enum Turn {
    /// It is to make this batch, which it is the first of.
    Lead(Write, Vec<Waiting>),
    /// It is made.
    Made(Answer),
    /// It was not made with the others, and is to be made alone.
    Alone(Write),
}

impl Together {
    /// Makes `write`, alone or with others. To be polled to its end by a task: others wait for it.
    pub(super) async fn make(
        &self,
        store: &PostgresStore,
        write: Write,
    ) -> Result<Answer, StoreError> {
        let doing = write.doing();
        let turn = match self.enter(write) {
            Ok(write) => Turn::Lead(write, Vec::new()),
            Err(turn) => {
                let text = "the task that was to make this write has ended";
                turn.await
                    .map_err(|_| StoreError::in_doubt(doing, text.to_owned()))?
            }
        };
        match turn {
            Turn::Made(answer) => Ok(answer),
            Turn::Alone(write) => alone(store, &write).await,
            Turn::Lead(write, others) => {
                let lane = Lane(self);
                if others.is_empty() {
                    let answer = alone(store, &write).await;
                    drop(lane);
                    return answer;
                }
                let made = together(store, &write, &others).await;
                drop(lane);
                let mut made = made.unwrap_or_default();
                for Waiting { write, turn } in others {
                    let said = match made.take(&write) {
                        Some(answer) => Turn::Made(answer),
                        None => Turn::Alone(write),
                    };
                    // Who is gone does not want to know.
                    drop(turn.send(said));
                }
                match made.take(&write) {
                    Some(answer) => Ok(answer),
                    None => alone(store, &write).await,
                }
            }
        }
    }

    /// Enters a lane with `write`, or waits for one.
    fn enter(&self, write: Write) -> Result<Write, oneshot::Receiver<Turn>> {
        let mut inner = self.inner();
        if inner.lanes < LANES {
            inner.lanes += 1;
            return Ok(write);
        }
        let (turn, mine) = oneshot::channel();
        inner.waiting.push_back(Waiting { write, turn });
        Err(mine)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch.
    fn next(&self) -> Option<(Waiting, Vec<Waiting>)> {
        let mut inner = self.inner();
        let Some(first) = inner.waiting.pop_front() else {
            inner.lanes -= 1;
            return None;
        };
        let mut size = first.write.size();
        let mut others = Vec::new();
        while others.len() + 1 < WRITES_MAX
            && let Some(next) = inner.waiting.front()
            && size + next.write.size() <= SIZE_MAX
        {
            size += next.write.size();
            others.extend(inner.waiting.pop_front());
        }
        Some((first, others))
    }
}

/// A statement that is under way. When it is not any more, the next batch is made.
struct Lane<'a>(&'a Together);

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        while let Some((first, others)) = self.0.next() {
            let Err(turn) = first.turn.send(Turn::Lead(first.write, others)) else {
                return;
            };
            // Its task was ended with its runtime; the others are asked again.
            if let Turn::Lead(_, others) = turn {
                let mut inner = self.0.inner();
                for other in others.into_iter().rev() {
                    inner.waiting.push_front(other);
                }
            }
        }
    }
}

async fn alone(store: &PostgresStore, write: &Write) -> Result<Answer, StoreError> {
    let owner = store.shared.sagas.worker.id();
    let rows = store.call(write.alone(owner)).await?;
    if matches!(write, Write::Begin(_)) {
        store.shared.sagas.worker.has_written_as(owner);
    }
    write
        .answered(&rows)
        .map_err(|unreadable| unreadable.in_doubt(write.doing()))
}

/// What of a batch was made.
#[derive(Debug, Default)]
struct Made(Vec<(String, Answer)>);

impl Made {
    fn read(rows: &[PgRow]) -> Result<Self, Unreadable> {
        let read = |row| {
            let began: Option<i64> = column(row, 1)?;
            let answer = match began {
                Some(began) => Answer::Begun(Timestamp::from_micros(began)),
                None => Answer::Written(column(row, 2)?),
            };
            Ok((column(row, 0)?, answer))
        };
        rows.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    fn take(&mut self, write: &Write) -> Option<Answer> {
        let id = write.saga().as_str();
        let at = self.0.iter().position(|(made, _)| made == id)?;
        Some(self.0.swap_remove(at).1)
    }
}

#[derive(Serialize)]
struct Begin<'a> {
    id: &'a str,
    name: &'a str,
    input: &'a str,
    version: u32,
    timeout: Option<i64>,
    parent: Option<&'a str>,
}

#[derive(Serialize)]
struct Change<'a> {
    id: &'a str,
    epoch: i64,
    status: Option<&'static str>,
    output: Option<&'a str>,
    error: Option<&'a str>,
    failure: Option<&'a str>,
    pivots: bool,
}

async fn together(
    store: &PostgresStore,
    first: &Write,
    others: &[Waiting],
) -> Result<Made, StoreError> {
    let owner = store.shared.sagas.worker.id();
    let rows = store.call(call(first, others, owner)).await?;
    store.shared.sagas.worker.has_written_as(owner);
    Made::read(&rows).map_err(|unreadable| unreadable.in_doubt(WRITING))
}

fn call(first: &Write, others: &[Waiting], owner: Uuid) -> Call {
    let mut begun = Vec::new();
    let mut changes = Vec::new();
    let mut steps = Vec::new();
    for write in std::iter::once(first).chain(others.iter().map(|other| &other.write)) {
        match write {
            Write::Begin(saga) => begun.push(Begin {
                id: saga.id.as_str(),
                name: &saga.name,
                input: &saga.input,
                version: saga.version,
                timeout: saga.timeout.map(micros),
                parent: saga.parent.as_ref().map(SagaId::as_str),
            }),
            Write::Advance(saga, epoch, advance) => {
                changes.push(Change {
                    id: saga.as_str(),
                    epoch: *epoch,
                    status: advance.status.map(Status::as_str),
                    output: advance.output.as_deref(),
                    error: advance.error.as_deref(),
                    failure: advance.failure.as_deref(),
                    pivots: advance.pivots,
                });
                steps.extend(advance.steps.iter().map(|step| (Some(saga.as_str()), step)));
            }
        }
    }
    let json = |written: Result<String, _>| without_nul(written.unwrap_or_default());
    Call::new(WRITING, TOGETHER)
        .text(json(serde_json::to_string(&begun)))
        .text(owner.to_string())
        .text(json(serde_json::to_string(&changes)))
        .text(json_array(steps.into_iter()))
}
