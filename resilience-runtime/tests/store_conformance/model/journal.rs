//! What is asked of the journal.

use std::time::Duration;

use resilience_runtime::dlq::DeadLetterStatus;
use resilience_runtime::idempotency::SagaKey;
use resilience_runtime::saga::journal::{
    Advance, CancelOutcome, Event, Journal, NewSaga, Park, ParkOutcome, Parking, SagaRecord,
    SettledLetters, Started, Status, Written,
};
use resilience_runtime::timestamp::Timestamp;

use super::super::{Workers, named, operator, parked};
use super::run::Model;
use super::saga::{Owner, Saga};
use crate::fixture::{HOUR, digest};

impl<F: Workers> Model<'_, F> {
    pub(super) async fn start(&mut self, worker: usize, key: Option<u32>, keeps: bool) {
        let (store, owner) = self.worker(worker);
        let ttl = if keeps { HOUR } else { Duration::ZERO };
        // Each case has keys of its own.
        let case: u32 = self.name[5..].parse().unwrap();
        let digest = |key| digest(case * 2 + key);
        let new = NewSaga {
            key: key.map(|key| SagaKey {
                digest: digest(key),
                ttl,
            }),
            ..named(&self.name)
        };
        let there = key.and_then(|key| {
            let mut sagas = self.sagas.iter();
            sagas.position(|saga| saga.key == Some(key) && saga.keeps_its_key(keeps))
        });
        let id = new.id.clone();
        let answer = store.start(new).await.unwrap();
        match there {
            Some(there) => self.is_found(there, &answer, owner),
            None => {
                assert!(matches!(answer, Started::New(_)), "{answer:?}");
                for saga in self.sagas.iter_mut().filter(|saga| saga.key == key) {
                    saga.key = None;
                }
                self.sagas.push(Saga::begun(id, key, owner));
            }
        }
    }

    pub(super) async fn start_given(&mut self, worker: usize, id: usize) {
        let (store, owner) = self.worker(worker);
        let id = self.given[id].clone();
        let new = NewSaga {
            id: id.clone(),
            given: true,
            ..named(&self.name)
        };
        let answer = store.start(new).await.unwrap();
        match self.sagas.iter().position(|saga| saga.id == id) {
            Some(there) => self.is_found(there, &answer, owner),
            None => {
                assert!(matches!(answer, Started::New(_)), "{answer:?}");
                self.sagas.push(Saga::begun(id, None, owner));
            }
        }
    }

    fn is_found(&mut self, there: usize, answer: &Started, owner: Owner) {
        let left = self.is_left_behind(&self.sagas[there]);
        let saga = &mut self.sagas[there];
        match answer {
            Started::TakenOver(record) => {
                assert!(left);
                saga.goes_to(owner, None);
                saga.is(record);
            }
            Started::Busy(busy) => {
                assert!(!left && saga.status.is_unfinished());
                assert_eq!(*busy, saga.id);
            }
            Started::Ended(record) => {
                assert!(!saga.status.is_unfinished());
                saga.is(record);
            }
            Started::New(_) => panic!("{} is there", saga.id),
        }
    }

    /// What only the owner of a saga writes.
    pub(super) async fn write(&mut self, saga: usize, write: Advance) {
        let saga = &mut self.sagas[saga];
        if !saga.status.is_unfinished() {
            return;
        }
        let store = &self.workers[0];
        let written = store.advance(saga.id.clone(), saga.epoch, write.clone());
        let written = written.await.unwrap();
        let Written::Yes { cancelled } = written else {
            panic!("{written:?}");
        };
        saga.progressed |= !write.steps.is_empty() || write.undone.is_some();
        saga.steps.extend(write.steps.iter().map(|_| false));
        if let Some(position) = write.undone {
            saga.steps[usize::try_from(position).unwrap()] = true;
        }
        saga.pivoted |= write.pivots;
        for letter in saga.unresolved() {
            match write.settles {
                SettledLetters::Step(position) if letter.position != Some(position) => {}
                SettledLetters::Nothing => {}
                _ => letter.status = DeadLetterStatus::Settled,
            }
        }
        saga.status = write.status.unwrap_or(saga.status);
        saga.parking = write.parking;
        if saga.status.is_dead() {
            for letter in saga.unresolved() {
                letter.status = DeadLetterStatus::Open;
            }
        }
        if let Some(work) = &write.dead_letter {
            saga.gets(work);
        }
        if saga.status == Status::Running && !saga.pivoted {
            assert_eq!(cancelled, saga.cancelled);
        }
    }

    pub(super) async fn cancel(&mut self, saga: usize) {
        let saga = &mut self.sagas[saga];
        let expected = match saga.status {
            Status::Running if saga.pivoted => CancelOutcome::Pivoted,
            Status::Running => CancelOutcome::Requested,
            status => CancelOutcome::NotRunning(status),
        };
        let answer = self.workers[1].cancel(saga.id.clone(), operator()).await;
        assert_eq!(answer.unwrap(), Some(expected));
        saga.cancelled |= expected == CancelOutcome::Requested;
    }

    pub(super) async fn park(&mut self, saga: usize, worker: usize) {
        let (store, _) = self.worker(worker);
        let is_left = self.is_left_behind(&self.sagas[saga]);
        let saga = &mut self.sagas[saga];
        let park = Park {
            epoch: saga.epoch,
            status: saga.status,
            reason: "why".to_owned(),
            dead_letter: parked(Parking::Operator).dead_letter,
        };
        let asked = store.park(saga.id.clone(), park.clone(), operator());
        let outcome = asked.await.unwrap().unwrap();
        if !is_left {
            match outcome {
                ParkOutcome::Owned(_) => assert!(saga.status.is_unfinished()),
                other => assert_eq!(other, ParkOutcome::NotUnfinished(saga.status)),
            }
            return;
        }
        assert!(matches!(outcome, ParkOutcome::Parked(_)), "{outcome:?}");
        let written = park.advance();
        saga.epoch += 1;
        saga.status = written.status.unwrap();
        saga.parking = written.parking;
        for letter in saga.unresolved() {
            letter.status = DeadLetterStatus::Open;
        }
        saga.gets(&written.dead_letter.unwrap());
    }

    pub(super) async fn revive(&mut self, saga: usize, worker: usize, event: Event) {
        let (store, owner) = self.worker(worker);
        let saga = &mut self.sagas[saga];
        let revived = store.revive(saga.id.clone(), event, None).await.unwrap();
        let after = saga.status.after(event);
        assert_eq!(revived.is_some(), after.is_some());
        if let Some(record) = revived {
            saga.goes_to(owner, after);
            saga.is(&record);
        }
    }
    pub(super) async fn take_over(&mut self, worker: usize) {
        let (store, owner) = self.worker(worker);
        let taken = store.take_over(self.known(), 1_000).await.unwrap();
        let left: Vec<_> = self
            .sagas
            .iter()
            .map(|it| self.is_left_behind(it))
            .collect();
        for (saga, is_left) in self.sagas.iter_mut().zip(left) {
            let requested = saga.requested();
            let found = taken.iter().find(|record| record.id == saga.id);
            assert_eq!(found.is_some(), is_left || requested.is_some());
            if let Some(record) = found {
                saga.goes_to(owner, requested);
                saga.is(record);
            }
        }
        self.belong(&taken);
    }

    pub(super) async fn take_parked(&mut self, worker: usize) {
        let is_parked = |saga: &Saga| saga.parking == Some(Parking::Mismatch);
        let mut sagas = self.sagas.iter();
        // Whether it may be taken then, nobody says.
        if sagas.any(|saga| is_parked(saga) && saga.retry.is_some()) {
            return;
        }
        let (store, owner) = self.worker(worker);
        let later = Timestamp::from_micros(4_000_000_000_000_000);
        let taken = store.take_parked(self.known(), later, 1_000).await.unwrap();
        for saga in &mut self.sagas {
            let found = taken.iter().find(|record| record.id == saga.id);
            assert_eq!(found.is_some(), is_parked(saga));
            if let Some(record) = found {
                saga.goes_to(owner, Some(Status::Running));
                // Whether the row of them ends here, nobody says.
                saga.interruptions = record.interruptions;
                saga.is(record);
            }
        }
        self.belong(&taken);
    }

    /// What was taken is of this case.
    fn belong(&self, taken: &[SagaRecord]) {
        for record in taken {
            assert!(self.sagas.iter().any(|saga| saga.id == record.id));
        }
    }

    pub(super) async fn end(&mut self, worker: usize, in_order: bool) {
        let next = self.fixture.worker().await;
        let ends = std::mem::replace(&mut self.workers[worker], next);
        if in_order {
            self.fixture.close(ends).await;
            let owner = (worker, self.generations[worker]);
            for saga in &mut self.sagas {
                if saga.owner == Some(owner) && saga.status.is_unfinished() {
                    saga.owner = None;
                }
            }
        } else {
            self.fixture.crash(ends).await;
        }
        self.generations[worker] += 1;
    }

    pub(super) async fn purge(&mut self) {
        let over = self.sagas.iter().filter(|saga| saga.status.is_over());
        let over = u64::try_from(over.count()).unwrap();
        let deleted = self.workers[0]
            .purge(Duration::ZERO, 100_000)
            .await
            .unwrap();
        // Of the cases before there may have been more.
        assert!(deleted >= over);
        self.sagas.retain(|saga| !saga.status.is_over());
    }
}
