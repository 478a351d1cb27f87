//! What survives a process: the journal and the dead letters, in memory.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use resilience_runtime::dlq::{DeadLetter, DeadLetterId, DeadLetterStatus, NewDeadLetter};
use resilience_runtime::saga::journal::{
    Advance, SagaId, SagaRecord, SettledLetters, StepOutcome, StepRecord,
};
use resilience_runtime::timestamp::Timestamp;
use tokio::time::Instant;

/// What survives a process.
#[derive(Default)]
pub(crate) struct Disk(Mutex<Data>);

#[derive(Default)]
pub(crate) struct Data {
    pub(crate) sagas: BTreeMap<SagaId, Row>,
    pub(crate) letters: Vec<DeadLetter>,
    pub(crate) writes: Vec<String>,
    pub(crate) owners: u64,
    pub(crate) buried: HashSet<u64>,
    /// The clock of the disk goes on while no process runs.
    born: Option<Instant>,
}

pub(crate) struct Row {
    pub(crate) record: SagaRecord,
    pub(crate) owner: u64,
    /// How much was written when interruptions were last counted.
    pub(crate) counted: usize,
}

impl Row {
    /// Gives it to `owner`, under a new epoch.
    pub(crate) fn take(&mut self, owner: u64, now: Timestamp) -> SagaRecord {
        let record = &mut self.record;
        let undone = record.steps.iter().filter(|step| step.undone).count();
        let came_out = |step: &&StepRecord| step.outcome != StepOutcome::InDoubt;
        let counted = record.steps.iter().filter(came_out).count() + undone;
        record.interruptions = match counted > std::mem::replace(&mut self.counted, counted) {
            true => 1,
            false => record.interruptions + 1,
        };
        self.owner = owner;
        record.epoch += 1;
        self.read(now)
    }

    pub(crate) fn read(&self, now: Timestamp) -> SagaRecord {
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
            advance.settles != SettledLetters::Nothing,
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
