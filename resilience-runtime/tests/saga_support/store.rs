//! A journal in memory that counts its writes, fails when told to, and dies at a chosen write.

use std::sync::{Arc, Mutex};

use resilience_runtime::BoxFuture;
use resilience_runtime::error::StoreError;
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{
    Advance, Event, Journal, NewSaga, SagaId, SagaRecord, SagaStatistics, SagaVersion, Started,
    Status, Written,
};
use tokio::sync::watch;

use crate::disk::{Data, Disk, Row};
use crate::operations::{operations, types};

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
        known: Vec<SagaVersion>,
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

    operations! { refused Journal: take_parked cancel park cancelled list orphaned purge }
}
