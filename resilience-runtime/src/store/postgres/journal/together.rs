//! Writes of several sagas in one statement, and so in one commit.
//!
//! A write that finds nothing under way is made at once, as it is. What comes while one is under way waits for it, and
//! is made together then: the commits get fewer as the sagas get more. The only ones that a write waits for are those who
//! have just been answered: see [`Away`].
//! Whoever waits first makes the next batch. What a batch did not write is made alone by the one who wants it written: a
//! row that cannot be written, or that somebody has locked, is nobody else's trouble.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use sqlx::postgres::PgRow;
use tokio::sync::Notify;
use tokio::sync::oneshot::{self, error::RecvError};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::WRITING;
use super::statements::TOGETHER;
use super::write::{Answer, Write, json_array, without_nul};
use crate::error::StoreError;
use crate::saga::journal::{SagaId, Status};
use crate::store::away::{self, Away};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::call::Call;
use crate::store::postgres::rows::{column, micros};
use crate::store::rows::Unreadable;
use crate::timestamp::Timestamp;

/// Who waits for longer than this, and than the last batch took several times over, does not wait for the statement that is
/// under way, which perhaps waits for a row that somebody has locked: another one is made beside it.
const PATIENCE: Duration = Duration::from_millis(200);
const PATIENCE_BATCHES: u32 = 4;
/// How many statements are under way at once then.
const LANES_MAX: usize = 4;
/// How many writes share one.
const WRITES_MAX: usize = 64;
/// How many bytes they have then, about.
const SIZE_MAX: usize = 1 << 20;

/// The writes that wait for each other.
#[derive(Debug, Default)]
pub(super) struct Together {
    inner: Mutex<Inner>,
    /// Somebody waits who did not before.
    come: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// How many statements are under way.
    lanes: usize,
    waiting: VecDeque<Waiting>,
    tickets: u64,
    away: Away,
    /// How long the last batch took.
    took: Duration,
}

impl Inner {
    fn patience(&self) -> Duration {
        PATIENCE.max(self.took * PATIENCE_BATCHES)
    }
}

#[derive(Debug)]
struct Waiting {
    ticket: u64,
    write: Write,
    turn: oneshot::Sender<Turn>,
}

/// A place among those that wait.
#[derive(Debug)]
struct Place {
    ticket: u64,
    patience: Duration,
    turn: oneshot::Receiver<Turn>,
}

/// What a write that waited hears.
#[derive(Debug)]
enum Turn {
    /// It is to make the next batch, which it is the first of.
    Lead(Write),
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
            Ok(write) => Turn::Lead(write),
            Err(place) => {
                let text = "the task that was to make this write has ended";
                let turn = self.turn(place).await;
                turn.map_err(|_| StoreError::in_doubt(doing, text.to_owned()))?
            }
        };
        match turn {
            Turn::Made(answer) => Ok(answer),
            Turn::Alone(write) => alone(store, &write).await,
            Turn::Lead(write) => {
                let mut lane = Lane::of(self);
                while let Some(until) = self.waits_until() {
                    away::wait(until, self.come.notified()).await;
                }
                let others = self.others(&write);
                lane.set_off(others.len() + 1);
                if others.is_empty() {
                    let answer = alone(store, &write).await;
                    drop(lane);
                    return answer;
                }
                let made = together(store, &write, &others).await;
                drop(lane);
                let mut made = made.unwrap_or_default();
                for Waiting { write, turn, .. } in others {
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
    fn enter(&self, write: Write) -> Result<Write, Place> {
        let mut inner = self.inner();
        inner.away.come(1);
        if inner.lanes == 0 {
            inner.lanes = 1;
            return Ok(write);
        }
        let (turn, mine) = oneshot::channel();
        let ticket = inner.tickets;
        inner.tickets += 1;
        inner.waiting.push_back(Waiting {
            ticket,
            write,
            turn,
        });
        self.come.notify_one();
        Err(Place {
            ticket,
            patience: inner.patience(),
            turn: mine,
        })
    }

    /// Waits for the turn of a write, not for ever while it is in no batch.
    async fn turn(&self, place: Place) -> Result<Turn, RecvError> {
        let Place {
            ticket,
            patience,
            mut turn,
        } = place;
        if let Ok(turn) = timeout(patience, &mut turn).await {
            return turn;
        }
        let turned = {
            let mut inner = self.inner();
            let at = { inner.waiting.iter() }.position(|it| it.ticket == ticket);
            let mine = at.and_then(|at| inner.waiting.remove(at));
            let is_free = inner.lanes < LANES_MAX;
            inner.lanes += usize::from(mine.is_some() && is_free);
            mine.map(|mine| match is_free {
                true => Turn::Lead(mine.write),
                false => Turn::Alone(mine.write),
            })
        };
        match turned {
            Some(turn) => Ok(turn),
            None => turn.await,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when somebody is waited for who would fit into the next batch.
    fn waits_until(&self) -> Option<Instant> {
        let inner = self.inner();
        let until = inner.away.until(Instant::now());
        until.filter(|_| inner.waiting.len() + 1 < WRITES_MAX)
    }

    /// Who is in a batch with `first`.
    fn others(&self, first: &Write) -> Vec<Waiting> {
        let mut inner = self.inner();
        let mut size = first.size();
        let mut others = Vec::new();
        while others.len() + 1 < WRITES_MAX
            && let Some(next) = inner.waiting.front()
            && size + next.write.size() <= SIZE_MAX
        {
            size += next.write.size();
            others.extend(inner.waiting.pop_front());
        }
        others
    }

    /// Who leads the next batch. Nobody waits: the lane is left.
    fn next(&self) -> Option<Waiting> {
        let mut inner = self.inner();
        let next = inner.waiting.pop_front();
        if next.is_none() {
            inner.lanes -= 1;
        }
        next
    }
}

/// A statement that is under way. When it is not any more, the next batch is made; if it was one of several, and took too
/// long, by the others.
struct Lane<'a> {
    together: &'a Together,
    set_off: Option<(usize, Instant)>,
}

impl<'a> Lane<'a> {
    fn of(together: &'a Together) -> Self {
        let set_off = None;
        Self { together, set_off }
    }

    /// The statement has so many writes.
    fn set_off(&mut self, writes: usize) {
        self.set_off = Some((writes, Instant::now()));
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        if let Some((writes, began)) = self.set_off {
            let now = Instant::now();
            let mut inner = self.together.inner();
            if now - began >= inner.patience() && inner.lanes > 1 {
                inner.lanes -= 1;
                return;
            }
            inner.away = Away::answered(writes, began, now);
            if writes > 1 {
                inner.took = now - began;
            }
        }
        while let Some(next) = self.together.next() {
            // One whose task was ended with its runtime does not want to know.
            if next.turn.send(Turn::Lead(next.write)).is_ok() {
                return;
            }
        }
    }
}

async fn alone(store: &PostgresStore, write: &Write) -> Result<Answer, StoreError> {
    let answered = |rows: &[PgRow]| {
        let answer = write.answered(rows);
        answer.map_err(|unreadable| unreadable.in_doubt(write.doing()))
    };
    if let Some(quick) = write.quick() {
        let answer = answered(&store.call(quick).await?)?;
        if answer != Answer::Nothing {
            return Ok(answer);
        }
    }
    let owner = store.shared.sagas.worker.id();
    let rows = store.call(write.alone(owner)).await?;
    if matches!(write, Write::Begin(_)) {
        store.shared.sagas.worker.has_written_as(owner);
    }
    answered(&rows)
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
