//! A store, and what it is expected to do.

use resilience_runtime::saga::journal::{
    Advance, Journal, Parking, SagaFilter, SagaId, SagaVersion, SettledLetters, Status, Written,
};

use super::super::{
    Workers, dead, known_as, letter, letters_of, loaded, parked, status, step, steps,
};
use super::Operation;
use super::saga::{Letter, Owner, Saga};

pub(super) struct Model<'f, F: Workers> {
    pub(super) fixture: &'f F,
    pub(super) workers: Vec<F::Store>,
    /// How many workers there were in each place.
    pub(super) generations: [u32; 2],
    pub(super) name: String,
    pub(super) given: [SagaId; 2],
    pub(super) sagas: Vec<Saga>,
}

impl<'f, F: Workers> Model<'f, F> {
    pub(super) async fn begin(fixture: &'f F, name: String) -> Self {
        Self {
            fixture,
            workers: vec![fixture.worker().await, fixture.worker().await],
            generations: [0; 2],
            name,
            given: [SagaId::generate(), SagaId::generate()],
            sagas: Vec::new(),
        }
    }

    pub(super) fn worker(&self, worker: usize) -> (F::Store, Owner) {
        let owner = (worker, self.generations[worker]);
        (self.workers[worker].clone(), owner)
    }

    pub(super) fn known(&self) -> Vec<SagaVersion> {
        vec![known_as(&self.name, 1)]
    }

    pub(super) fn is_left_behind(&self, saga: &Saga) -> bool {
        let is_gone = |(worker, generation): Owner| self.generations[worker] != generation;
        saga.status.is_unfinished() && saga.owner.is_none_or(is_gone)
    }

    /// Asks the store, and compares the answer.
    pub(super) async fn asked(&mut self, operation: Operation) {
        let some = self.sagas.len();
        match operation {
            Operation::Start { worker, key, keeps } => self.start(worker, key, keeps).await,
            Operation::StartGiven { worker, id } => self.start_given(worker, id).await,
            Operation::TakeOver { worker } => self.take_over(worker).await,
            Operation::TakeParked { worker } => self.take_parked(worker).await,
            Operation::End { worker, in_order } => self.end(worker, in_order).await,
            Operation::Purge => self.purge().await,
            _ if some == 0 => {}
            Operation::Step { saga, pivots } => {
                let position = u32::try_from(self.sagas[saga.index(some)].steps.len()).unwrap();
                let write = Advance {
                    pivots,
                    ..steps([step(position)])
                };
                self.write(saga.index(some), write).await;
            }
            Operation::Undo { saga } => {
                let done = self.sagas[saga.index(some)].steps.iter();
                if let Some(position) = done.enumerate().find(|(_, undone)| !**undone) {
                    let undone = Some(u32::try_from(position.0).unwrap());
                    let write = Advance {
                        undone,
                        ..Advance::default()
                    };
                    self.write(saga.index(some), write).await;
                }
            }
            Operation::Happens {
                saga,
                event,
                position,
            } => {
                let Some(after) = self.sagas[saga.index(some)].status.after(event) else {
                    return;
                };
                let write = match after {
                    Status::Parked => {
                        let all = [Parking::Mismatch, Parking::Poison, Parking::Stuck];
                        parked(all[usize::try_from(position).unwrap()])
                    }
                    Status::CompensationFailed => dead(position),
                    after => status(after),
                };
                self.write(saga.index(some), write).await;
            }
            Operation::Fails { saga, position } => {
                let write = Advance {
                    dead_letter: Some(letter(position)),
                    ..Advance::default()
                };
                self.write(saga.index(some), write).await;
            }
            Operation::Settle { saga, position } => {
                let write = Advance {
                    settles: position.map_or(SettledLetters::All, SettledLetters::Step),
                    ..Advance::default()
                };
                self.write(saga.index(some), write).await;
            }
            Operation::WriteLate { saga } => {
                let saga = &self.sagas[saga.index(some)];
                let late = dead(0);
                let write = self.workers[0].advance(saga.id.clone(), saga.epoch - 1, late);
                assert_eq!(write.await.unwrap(), Written::Superseded);
            }
            Operation::Cancel { saga } => self.cancel(saga.index(some)).await,
            Operation::Revive {
                saga,
                worker,
                event,
            } => {
                self.revive(saga.index(some), worker, event).await;
            }
            Operation::Park { saga, worker } => self.park(saga.index(some), worker).await,
            Operation::Retry { letter, how } => {
                if let Some((saga, place, id)) = self.letter(letter).await {
                    self.retry(saga, place, id, how).await;
                }
            }
            Operation::Close { letter, gives_up } => {
                if let Some((saga, place, id)) = self.letter(letter).await {
                    self.close(saga, place, id, gives_up).await;
                }
            }
        }
    }

    /// Compares everything that is there.
    pub(super) async fn compared(&self) {
        let store = &self.workers[0];
        let filter = SagaFilter {
            name: Some(self.name.clone()),
            ..SagaFilter::default()
        };
        let listed = Journal::list(store, filter, None, 1_000).await.unwrap();
        let mut listed: Vec<_> = listed.into_iter().map(|saga| saga.id).collect();
        listed.sort();
        let mut expected: Vec<_> = self.sagas.iter().map(|saga| saga.id.clone()).collect();
        expected.sort();
        assert_eq!(listed, expected);
        for saga in &self.sagas {
            saga.is(&loaded(store, &saga.id).await);
            let letters = letters_of(store, &saga.id).await.into_iter();
            let letters = letters.map(|found| Letter {
                position: found.work.position,
                attempts: found.work.attempts,
                status: found.status,
            });
            assert_eq!(letters.collect::<Vec<_>>(), saga.letters);
        }
        let left = self.sagas.iter().filter(|saga| self.is_left_behind(saga));
        let orphaned = store.orphaned(Vec::new()).await.unwrap().into_iter();
        let orphaned = orphaned.filter(|orphaned| orphaned.name == self.name);
        let count: u64 = orphaned.map(|orphaned| orphaned.count).sum();
        assert_eq!(count, u64::try_from(left.count()).unwrap());
    }

    /// Closes the workers.
    pub(super) async fn ended(self) {
        for worker in self.workers {
            self.fixture.close(worker).await;
        }
    }
}
