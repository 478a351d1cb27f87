//! A journal in memory that counts its writes, fails when told to, and dies at a chosen write.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use resilience_runtime::BoxFuture;
use resilience_runtime::dlq::{DeadLetter, DeadLetterId, DeadLetterStatus, NewDeadLetter};
use resilience_runtime::error::StoreError;
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{
    Advance, Event, Journal, Known, NewSaga, SagaId, SagaRecord, SagaStatistics, Settles, Started,
    Status, StepOutcome, StepRecord, Written,
};
use resilience_runtime::timestamp::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::operations::{operations, types};

/// What survives a process.
#[derive(Default)]
pub(crate) struct Disk(Mutex<Data>);

#[derive(Default)]
pub(crate) struct Data {
    pub(crate) sagas: BTreeMap<SagaId, Row>,
    pub(crate) letters: Vec<DeadLetter>,
    pub(crate) writes: Vec<String>,
    owners: u64,
    buried: HashSet<u64>,
    /// The clock of the disk goes on while no process runs.
    born: Option<Instant>,
}

pub(crate) struct Row {
    pub(crate) record: SagaRecord,
    owner: u64,
    /// How much was written when interruptions were last counted.
    counted: usize,
}

impl Row {
    /// Gives it to `owner`, under a new epoch.
    fn take(&mut self, owner: u64, now: Timestamp) -> SagaRecord {
        let record = &mut self.record;
        let undone = record.steps.iter().filter(|step| step.undone);
        let counted = record.steps.len() + undone.count();
        record.interruptions = match counted > std::mem::replace(&mut self.counted, counted) {
            true => 1,
            false => record.interruptions + 1,
        };
        self.owner = owner;
        record.epoch += 1;
        self.read(now)
    }

    fn read(&self, now: Timestamp) -> SagaRecord {
        let mut record = self.record.clone();
        record.steps.sort_by_key(|step| step.position);
        record.read_at = now;
        record
    }
}

impl Disk {
    pub(crate) fn data(&self) -> MutexGuard<'_, Data> {
        self.0.lock().unwrap()
    }

    pub(crate) fn writes(&self) -> usize {
        self.data().writes.len()
    }

    /// The only saga.
    pub(crate) fn saga(&self) -> SagaRecord {
        let data = self.data();
        assert_eq!(data.sagas.len(), 1, "one saga");
        data.sagas.values().next().unwrap().record.clone()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.data().sagas.is_empty()
    }

    /// Changes what an earlier process wrote.
    pub(crate) fn tamper(&self, change: impl Fn(&mut SagaRecord)) {
        let mut data = self.data();
        data.sagas
            .values_mut()
            .for_each(|row| change(&mut row.record));
    }

    /// Gives the saga to nobody, as if another process had taken it and died.
    pub(crate) fn supersede(&self) {
        self.tamper(|record| record.epoch += 1);
    }
}

/// How writes go wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Trouble {
    #[default]
    None,
    /// So many writes fail, without effect.
    Refuse(u32),
    /// So many writes take effect and report a failure.
    Doubt(u32),
    /// The process dies at the n-th write (from 0), which is not made.
    DieBefore(usize),
    /// The process dies right after the n-th write.
    DieAfter(usize),
}

/// The disk, as one process sees it.
pub(crate) struct Store {
    pub(crate) disk: Arc<Disk>,
    owner: u64,
    trouble: Mutex<Trouble>,
    dead: watch::Sender<bool>,
}

impl Store {
    pub(crate) fn new(disk: &Arc<Disk>) -> Arc<Self> {
        let mut data = disk.data();
        data.owners += 1;
        Arc::new(Self {
            disk: Arc::clone(disk),
            owner: data.owners,
            trouble: Mutex::default(),
            dead: watch::Sender::new(false),
        })
    }

    pub(crate) fn expect(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap() = trouble;
    }

    /// Resolves when the process died at the chosen write.
    pub(crate) async fn died(&self) {
        let mut dead = self.dead.subscribe();
        dead.wait_for(|dead| *dead).await.unwrap();
    }

    /// The process is gone: its sagas can be taken over.
    pub(crate) fn bury(&self) {
        self.disk.data().buried.insert(self.owner);
        self.dead.send_replace(true);
    }

    /// A dead process does nothing more.
    pub(crate) async fn alive(&self) {
        tokio::task::yield_now().await;
        if *self.dead.borrow() {
            std::future::pending::<()>().await;
        }
    }

    /// One write; `make` describes it, or makes nothing and returns `None`.
    pub(crate) async fn write<T>(
        &self,
        make: impl FnOnce(&mut Data) -> (Option<String>, T),
    ) -> Result<T, StoreError> {
        self.alive().await;
        let trouble = *self.trouble.lock().unwrap();
        let number = self.disk.writes();
        match trouble {
            Trouble::Refuse(left) if left > 0 => {
                self.expect(Trouble::Refuse(left - 1));
                return Err(StoreError::refused("writing", "the disk is away"));
            }
            Trouble::DieBefore(at) if number >= at => {
                self.dead.send_replace(true);
                self.alive().await;
            }
            _ => {}
        }
        let (written, answer) = {
            let mut data = self.disk.data();
            let (what, answer) = make(&mut data);
            let written = what.is_some();
            data.writes.extend(what);
            (written, answer)
        };
        match trouble {
            Trouble::Doubt(left) if left > 0 && written => {
                self.expect(Trouble::Doubt(left - 1));
                return Err(StoreError::in_doubt("writing", "the connection broke"));
            }
            Trouble::DieAfter(at) if written && number >= at => {
                self.dead.send_replace(true);
                self.alive().await;
            }
            _ => {}
        }
        tokio::task::yield_now().await;
        Ok(answer)
    }
}

impl Data {
    /// By the clock of the disk, which counts from 2023-11-14T22:13:20Z.
    pub(crate) fn now(&mut self) -> Timestamp {
        let born = *self.born.get_or_insert_with(Instant::now);
        Timestamp::from_micros(1_700_000_000_000_000).after(born.elapsed())
    }

    pub(crate) fn advance(&mut self, id: &SagaId, epoch: i64, advance: Advance) -> Option<String> {
        let row = self
            .sagas
            .get_mut(id)
            .filter(|row| row.record.epoch == epoch)?;
        let record = &mut row.record;
        assert!(record.status.is_unfinished(), "a write to an ended saga");
        let mut what = Vec::new();
        for step in advance.steps {
            what.push(format!("{}#{}", step.step, step.occurrence));
            let there = record.steps.iter_mut();
            match { there }.find(|other| other.position == step.position) {
                Some(there) => {
                    assert_eq!(there.outcome, StepOutcome::InDoubt, "position twice");
                    let call = |step: &StepRecord| (step.step.clone(), step.occurrence);
                    assert_eq!(call(there), call(&step), "position {} twice", step.position);
                    *there = step;
                }
                None => record.steps.push(step),
            }
        }
        if let Some(position) = advance.undone {
            let step = record
                .steps
                .iter_mut()
                .find(|step| step.position == position);
            let step = step.expect("an undone step is in the journal");
            assert!(!std::mem::replace(&mut step.undone, true), "undone twice");
            what.push(format!("undone {}", step.step));
        }
        if let Some(status) = advance.status {
            assert_ne!(record.status, status);
            record.status = status;
            what.push(status.as_str().to_owned());
        }
        record.pivoted |= advance.pivots;
        record.parking = advance.parking;
        record.failure = advance.failure.or(record.failure.take());
        record.output = advance.output.or(record.output.take());
        record.error = advance.error.or(record.error.take());
        let open = |letter: &&mut DeadLetter| {
            letter.saga.as_ref() == Some(id) && letter.status == DeadLetterStatus::Open
        };
        let open = self.letters.iter_mut().find(open);
        match (
            advance.dead_letter,
            advance.settles != Settles::Nothing,
            open,
        ) {
            (Some(mut work), _, Some(letter)) => {
                if work.arguments == letter.work.arguments {
                    work.attempts += letter.work.attempts;
                }
                letter.work = work;
            }
            (Some(work), _, None) => {
                let name = record.name.clone();
                self.bury(id, name, work);
            }
            (None, true, Some(letter)) => letter.status = DeadLetterStatus::Settled,
            (None, _, _) => {}
        }
        Some(what.join(" "))
    }

    fn bury(&mut self, saga: &SagaId, saga_name: String, work: NewDeadLetter) {
        self.letters.push(DeadLetter {
            id: DeadLetterId::try_from(self.letters.len()).unwrap() + 1,
            saga: Some(saga.clone()),
            saga_name: Some(saga_name),
            work,
            status: DeadLetterStatus::Open,
            created_at: Timestamp::from_micros(0),
            updated_at: Timestamp::from_micros(0),
            note: None,
        });
    }
}

impl Journal for Store {
    fn start(&self, saga: NewSaga) -> BoxFuture<'_, Result<Started, StoreError>> {
        Box::pin(self.write(move |data| {
            let buried = data.buried.clone();
            let key = saga.key.map(|key| key.digest);
            let now = data.now();
            let same_key = data.sagas.values_mut().find(|row| {
                let status = row.record.status;
                let answers =
                    status.is_unfinished() || status.is_dead() || status == Status::Completed;
                key.is_some() && row.record.key == key && answers
            });
            if let Some(row) = same_key {
                if !row.record.status.is_unfinished() {
                    return (None, Started::Ended(row.record.clone()));
                }
                if !buried.contains(&row.owner) {
                    return (None, Started::Busy(row.record.id.clone()));
                }
                let record = row.take(self.owner, now);
                return (Some("take".to_owned()), Started::TakenOver(record));
            }
            let mut record = SagaRecord::new(saga.id.clone(), saga.name, saga.input, now);
            record.version = saga.version;
            record.key = key;
            record.parent = saga.parent;
            record.deadline = saga.timeout.map(|timeout| now.after(timeout));
            let owner = self.owner;
            let row = Row {
                record,
                owner,
                counted: 0,
            };
            data.sagas.insert(saga.id, row);
            (Some("start".to_owned()), Started::New(now))
        }))
    }

    fn advance(
        &self,
        saga: SagaId,
        epoch: i64,
        advance: Advance,
    ) -> BoxFuture<'_, Result<Written, StoreError>> {
        Box::pin(self.write(move |data| {
            let what = data.advance(&saga, epoch, advance);
            let written = if what.is_some() {
                Written::YES
            } else {
                Written::Superseded
            };
            (what, written)
        }))
    }

    fn take_over(
        &self,
        known: Vec<Known>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>> {
        Box::pin(async move {
            self.alive().await;
            let mut data = self.disk.data();
            let (now, buried) = (data.now(), data.buried.clone());
            let left = data.sagas.values_mut().filter(|row| {
                let known = known.iter().any(|known| known.name == row.record.name);
                known && row.record.status.is_unfinished() && buried.contains(&row.owner)
            });
            let left = left.take(usize::try_from(limit).unwrap());
            let taken = left.map(|row| row.take(self.owner, now));
            Ok(taken.collect())
        })
    }

    fn revive(
        &self,
        saga: SagaId,
        event: Event,
        _by: Option<Operator>,
    ) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(self.write(move |data| {
            let row = data
                .sagas
                .get_mut(&saga)
                .expect("the saga of a dead letter");
            let Some(status) = row.record.status.after(event) else {
                return (None, None);
            };
            row.record.status = status;
            row.record.epoch += 1;
            row.owner = self.owner;
            (Some("revive".to_owned()), Some(row.record.clone()))
        }))
    }

    fn load(&self, saga: SagaId) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(async move {
            self.alive().await;
            let mut data = self.disk.data();
            let now = data.now();
            Ok(data.sagas.get(&saga).map(|row| row.read(now)))
        })
    }

    fn statistics(&self) -> BoxFuture<'_, Result<Vec<SagaStatistics>, StoreError>> {
        Box::pin(async move {
            let mut all: Vec<SagaStatistics> = Vec::new();
            for row in self.disk.data().sagas.values() {
                let (name, status) = (&row.record.name, row.record.status);
                let at = all.iter().position(|statistics| statistics.name == *name);
                let at = at.unwrap_or_else(|| {
                    all.push(SagaStatistics {
                        name: name.clone(),
                        counts: Vec::new(),
                        completed: None,
                    });
                    all.len() - 1
                });
                let counts = &mut all[at].counts;
                match counts.iter_mut().find(|count| count.0 == status) {
                    Some(count) => count.1 += 1,
                    None => counts.push((status, 1)),
                }
            }
            Ok(all)
        })
    }

    operations! { refused Journal: take_parked cancel cancelled list unknown purge }
}
